"""Front ends on the host beside their peers, in one run, on one thread: 10 s of sound at 32 and 16 kHz, batch 1 and 32.

Each peer by its own recommended call, in settings that were checked to give the same decibels: beside each time stands the largest
difference to the definition written out in double precision, over every level and over those within 60 dB of the loudest (below which
a transform in single precision has little left to tell). The claims: at least 3 times librosa's speed, 10 times torchlibrosa's
convolution, kaldi-native-fbank's own, at most 1e-3 dB away; a streamed hop costs the same however long the stream; the front end is at
most 5 % of a training step of the default network. Times are the processor's, which other work disturbs least. A peer that isn't
installed is left out; torchlibrosa needs nothing that isn't, so `pip install --no-deps --target DIR torchlibrosa` and PYTHONPATH=DIR do.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from _measure import write
from auricle import bundle, catalog, recipe
from auricle.frontends._mel import MelScale, filters
from auricle.types import Spec, Task

ROUNDS = 40
CHECKED = 4  # rows of a batch that are made again in double precision
RATES = {32_000: ("panns_32k", 1024, 320, 14_000), 16_000: ("panns_16k", 512, 160, 8_000)}


def peer(name: str) -> Any:
    """The package, or None with a sentence."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out")
        return None


def paired(calls: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Least milliseconds of processor time of each, taken in turn so that other work on the machine meets them alike."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            call()  # its own memory is warm again after the others'
            began = time.process_time()
            call()
            times[name].append(1000 * (time.process_time() - began))
    return {name: min(t) for name, t in times.items()}


def double_precision(samples: np.ndarray, *, window: np.ndarray, n_fft: int, hop: int, mel: np.ndarray, kaldi: bool) -> np.ndarray:
    """[F, N] decibels of one row as the definition says them: frames, taper, transform, filters, logarithm."""
    samples = samples.astype(np.float64) * (32768 if kaldi else 1)
    samples = samples if kaldi else np.pad(samples, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, len(window))[::hop]
    if kaldi:
        frames = frames - frames.mean(1, keepdims=True)
        frames = np.concatenate([0.03 * frames[:, :1], frames[:, 1:] - 0.97 * frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft(frames * window, n_fft)) ** 2
    return 10 * np.log10(np.maximum(power @ mel, 2.0**-23 if kaldi else 1e-10)).T


def bank(rate: int, n_fft: int, bins: int, min_hz: float, max_hz: float, scale: MelScale) -> np.ndarray:
    """[K, F] mel filters, which tests hold to MATLAB's and librosa's."""
    return filters(rate, n_fft, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale).numpy()


def log_mels(rate: int, batch: int) -> list[dict[str, object]]:
    """PANNs' log-mel beside librosa's and torchlibrosa's."""
    flavour, n_fft, hop, top = RATES[rate]
    wave = 0.1 * torch.randn(batch, 10 * rate, generator=torch.Generator().manual_seed(0))
    length = torch.full((batch,), 10 * rate)
    ours = catalog.make("frontends", Spec("log_mel", {"flavour": flavour}), rate)
    calls: dict[str, Callable[[], Any]] = {"auricle log_mel": lambda: ours(wave, length)[0].numpy()}
    if librosa := peer("librosa"):
        settings = {"sr": rate, "n_fft": n_fft, "hop_length": hop, "n_mels": 64, "fmin": 50, "fmax": top, "pad_mode": "reflect"}
        samples = wave.numpy()
        calls["librosa"] = lambda: librosa.power_to_db(librosa.feature.melspectrogram(y=samples, **settings), top_db=None)
    if (stft := peer("torchlibrosa.stft")) is not None:
        spectrum = stft.Spectrogram(n_fft=n_fft, hop_length=hop, freeze_parameters=True)
        levels = stft.LogmelFilterBank(sr=rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=top, top_db=None, freeze_parameters=True)
        calls["torchlibrosa"] = lambda: levels(spectrum(wave))[:, 0].transpose(1, 2).numpy()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    mel = bank(rate, n_fft, 64, 50, top, "slaney")
    exact = [double_precision(x, window=window, n_fft=n_fft, hop=hop, mel=mel, kaldi=False) for x in wave[:CHECKED].numpy()]
    return rows(calls, rate, batch, decibels=1.0, exact=np.stack(exact))


def filter_banks(rate: int, batch: int) -> list[dict[str, object]]:
    """Kaldi's 80 bins beside kaldi-native-fbank's."""
    wave = 0.1 * torch.randn(batch, 10 * rate, generator=torch.Generator().manual_seed(0))
    length = torch.full((batch,), 10 * rate)
    ours = catalog.make("frontends", Spec("filter_bank", {"flavour": "kaldi_80"}), rate)
    calls: dict[str, Callable[[], Any]] = {"auricle filter_bank": lambda: ours(wave, length)[0].numpy()}
    if (knf := peer("kaldi_native_fbank")) is not None:
        options = knf.FbankOptions()
        options.frame_opts.dither, options.frame_opts.samp_freq, options.mel_opts.num_bins = 0, rate, 80
        samples = [row.tolist() for row in wave * 32768]

        def theirs() -> np.ndarray:
            made = []
            for row in samples:
                fbank = knf.OnlineFbank(options)
                fbank.accept_waveform(rate, row)
                fbank.input_finished()
                made.append(np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]).T)
            return np.stack(made)

        calls["kaldi-native-fbank"] = theirs
    win, n_fft = 25 * rate // 1000, ours.framing.n_fft
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / (win - 1))) ** 0.85
    mel = bank(rate, n_fft, 80, 20, 0, "kaldi")
    exact = [double_precision(x, window=window, n_fft=n_fft, hop=ours.hop, mel=mel, kaldi=True) for x in wave[:CHECKED].numpy()]
    return rows(calls, rate, batch, decibels=10 / np.log(10), exact=np.stack(exact))


def rows(calls: dict[str, Callable[[], Any]], rate: int, batch: int, *, decibels: float, exact: np.ndarray) -> list[dict[str, object]]:
    """One row a call, with its time, ratio and differences."""
    apart = {name: np.abs(decibels * call()[:CHECKED] - exact) for name, call in calls.items()}
    heard = exact > exact.max((1, 2), keepdims=True) - 60
    times = paired(calls, ROUNDS if batch == 1 else 8)
    ours = next(iter(times.values()))
    return [
        {
            "what": name,
            "rate": rate,
            "batch": batch,
            "milliseconds": round(t, 2),
            "times_ours": round(t / ours, 2),
            "from_double_db": f"{apart[name].max():.0e}",
            "from_double_db_within_60_db": f"{apart[name][heard].max():.0e}",
        }
        for name, t in times.items()
    ]


def streamed() -> list[dict[str, object]]:
    """One hop of 10 ms at a time, after a second of a stream and after ten minutes of it; beside it the transform alone."""
    ours = catalog.make("frontends", Spec("log_mel", {"win_ms": 32.0, "max_hz": 14_000.0}), 32_000)
    overlap = ours.win - ours.hop
    found = []
    for told, before in (("a streamed hop of 10 ms, after 1 s", 100), ("a streamed hop of 10 ms, after 10 min", 60_000)):
        kept = torch.zeros(1, overlap)
        chunk = 0.1 * torch.randn(1, ours.hop)
        times = []
        for hop in range(before + 2000):
            began = time.process_time()
            wave = torch.cat([kept, chunk], 1)
            ours(wave, torch.tensor([wave.shape[1]]))
            kept = wave[:, -overlap:]
            if hop >= before:
                times.append(time.process_time() - began)
        found.append({"what": told, "rate": 32_000, "batch": 1, "milliseconds": round(1000 * float(np.median(times)), 4)})
    frame = np.zeros(ours.win, np.float32)
    times = []
    for _ in range(2000):
        began = time.process_time()
        np.fft.rfft(frame)
        times.append(time.process_time() - began)
    alone = round(1000 * float(np.median(times)), 4)
    return [*found, {"what": "numpy's rfft of a frame", "rate": 32_000, "batch": 1, "milliseconds": alone}]


def training() -> list[dict[str, object]]:
    """Share of a step of the default network, 32 rows of 5 s at 16 kHz."""
    made = recipe.parse({"sample_rate": 16_000, "frontend": {"name": "log_mel"}, "model": {"name": "cnn"}})
    pipe = bundle.build(made, Task(("a", "b", "c", "d"))).train()
    adam = torch.optim.AdamW(pipe.parameters(), lr=1e-4)
    wave, length, target = 0.1 * torch.randn(32, 80_000), torch.full((32,), 80_000), torch.randint(4, (32,))

    def step() -> None:
        adam.zero_grad()
        torch.nn.functional.cross_entropy(pipe(wave, length), target).backward()
        adam.step()

    times = paired({"front end of a training step": lambda: pipe.frontend(wave, length), "training step": step}, 4)
    share = times["front end of a training step"] / times["training step"]
    return [{"what": n, "rate": 16_000, "batch": 32, "milliseconds": round(t, 1), "share": round(share, 4)} for n, t in times.items()]


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    with torch.no_grad():
        found = [row for rate in RATES for batch in (1, 32) for make in (log_mels, filter_banks) for row in make(rate, batch)]
        found += streamed()
    found += training()
    columns = dict.fromkeys(key for row in found for key in row)
    write("features_speed", [{c: row.get(c, "") for c in columns} for row in found])


if __name__ == "__main__":
    main()
