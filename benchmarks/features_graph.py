"""The front end inside the exported graph: 10 s at 32 kHz, n_fft 1024, 64 mels, ONNX Runtime on one thread.

Beside it the STFT operator and a transform as one convolution. The claim: at most 4 ms, against about 10 ms for a transform as one
convolution and 16 ms for the STFT operator. The runs alternate; times are the processor's, which other work disturbs least.
"""

from __future__ import annotations

import io
import time
import warnings

import numpy as np
import onnxruntime
import torch
from torch import nn

from _measure import write
from auricle.frontends.log_mel import LogMel

ROUNDS = 60


class Convolution(nn.Module):
    """The same log-mel by a plain matrix of cosines and sines, as torchlibrosa and nnAudio do it."""

    def __init__(self, like: LogMel) -> None:
        super().__init__()
        n = torch.arange(like.win, dtype=torch.float64)
        angle = 2 * torch.pi * torch.outer(torch.arange(like.framing.n_fft // 2 + 1), n) / like.framing.n_fft
        both = torch.cat([torch.cos(angle), torch.sin(angle)]) * like.spectrum.window
        self.register_buffer("both", both.float()[:, None])
        self.like = like
        self.register_buffer("mel", dense(like))

    def forward(self, wave: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[B, F, N] levels, and the length as it came."""
        real, imaginary = nn.functional.conv1d(wave[:, None], self.both, stride=self.like.hop).chunk(2, dim=1)
        power = self.mel @ (real * real + imaginary * imaginary)
        return torch.log(power + 1e-8), length


class Operator(nn.Module):
    """The same by torch.stft, which becomes ONNX's STFT."""

    def __init__(self, like: LogMel) -> None:
        super().__init__()
        self.like = like
        self.register_buffer("mel", dense(like))

    def forward(self, wave: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[B, F, N] levels, and the length as it came."""
        window = self.like.spectrum.window
        both = torch.view_as_real(torch.stft(wave, self.like.win, self.like.hop, window=window, center=False, return_complex=True))
        return torch.log(self.mel @ both.square().sum(-1) + 1e-8), length


def dense(like: LogMel) -> torch.Tensor:
    """[F, K] the filters as one matrix."""
    from auricle.frontends._mel import filters

    return filters(32_000, 1024, bins=like.bins, min_hz=50.0, max_hz=14_000.0, scale="slaney").T.float().contiguous()


def session(module: nn.Module, wave: torch.Tensor) -> onnxruntime.InferenceSession:
    """The module exported, on one thread."""
    for part in module.modules():
        if hasattr(part, "matrix_form"):
            part.matrix_form = True
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        length = torch.tensor([wave.shape[1]])
        torch.onnx.export(module.eval(), (wave, length), dynamo=True, external_data=False, opset_version=20, verbose=False).save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Measure and write."""
    torch.manual_seed(0)
    wave = 0.1 * torch.randn(1, 320_000)
    ours = LogMel(32_000, win_ms=32.0, max_hz=14_000.0, normalise="none")
    known, _ = LogMel(32_000, win_ms=32.0, max_hz=14_000.0, normalise="none")(wave, torch.tensor([320_000]))
    forms = {"auricle": ours, "dense convolution": Convolution(ours), "STFT operator": Operator(ours)}
    sessions = {name: session(form, wave) for name, form in forms.items()}
    times: dict[str, list[float]] = {name: [] for name in sessions}
    apart = {}
    for _ in range(ROUNDS):
        for name, each in sessions.items():
            given = {i.name: v for i, v in zip(each.get_inputs(), (wave.numpy(), np.array([320_000])), strict=False)}
            each.run(None, given)  # its own memory is warm again after the others'
            began = time.process_time()
            found = each.run(None, given)[0]
            times[name].append(1000 * (time.process_time() - began))
            apart[name] = float(np.abs(found - known.numpy()).max())
    write(
        "features_graph",
        [
            {
                "form": name,
                "least_ms": round(min(t), 2),
                "median_ms": round(float(np.median(t)), 2),
                "largest_difference": f"{apart[name]:.1e}",
            }
            for name, t in times.items()
        ],
    )


if __name__ == "__main__":
    main()
