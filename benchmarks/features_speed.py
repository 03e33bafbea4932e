"""Front ends on the host beside their peers, in one run, on one thread: 10 s of sound at 32 and 16 kHz, batch 1 and 32.

Each peer by its own recommended call, in settings that were checked to give the same decibels. The claims: at least 3 times librosa's
speed, 10 times torchlibrosa's convolution, kaldi-native-fbank's own; a streamed hop costs the same however long the stream; the front
end is at most 5 % of a training step of the default network. Times are the processor's, which other work disturbs least. A peer that
isn't installed is left out.
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
from auricle.types import Spec, Task

ROUNDS = 15
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
        bank = stft.LogmelFilterBank(sr=rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=top, top_db=None, freeze_parameters=True)
        calls["torchlibrosa"] = lambda: bank(spectrum(wave))[:, 0].transpose(1, 2).numpy()
    return rows(calls, rate, batch, decibels=1.0)


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
    return rows(calls, rate, batch, decibels=10 / np.log(10))


def rows(calls: dict[str, Callable[[], Any]], rate: int, batch: int, *, decibels: float) -> list[dict[str, object]]:
    """One row a call, with its time, ratio and difference."""
    made = {name: call() for name, call in calls.items()}
    known = next(iter(made.values()))
    times = paired(calls, ROUNDS if batch == 1 else 3)
    ours = next(iter(times.values()))
    return [
        {
            "what": name,
            "rate": rate,
            "batch": batch,
            "milliseconds": round(t, 2),
            "times_ours": round(t / ours, 2),
            "largest_difference_db": f"{decibels * np.abs(made[name] - known).max():.0e}",
        }
        for name, t in times.items()
    ]


def streamed() -> list[dict[str, object]]:
    """One hop of 10 ms at a time, early in a stream and ten minutes into it."""
    ours = catalog.make("frontends", Spec("log_mel", {"win_ms": 32.0, "max_hz": 14_000.0}), 32_000)
    overlap = ours.win - ours.hop
    found = []
    for told, before in (("a streamed hop, first second", 0), ("a streamed hop, after 60 000 hops", 60_000)):
        kept = torch.zeros(1, overlap)
        chunk = 0.1 * torch.randn(1, ours.hop)
        times = []
        for hop in range(before + 500):
            began = time.process_time()
            wave = torch.cat([kept, chunk], 1)
            ours(wave, torch.tensor([wave.shape[1]]))
            kept = wave[:, -overlap:]
            if hop >= before:
                times.append(time.process_time() - began)
        found.append({"what": told, "rate": 32_000, "batch": 1, "milliseconds": round(1000 * float(np.median(times)), 4)})
    return found


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
