"""Real Kaldi features with the options they were computed by, which stand in the files' names."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_COMMON = "frame_length frame_shift preemph raw_energy remove_dc_offset round_to_power_of_two snip_edges subtract_mean"
_MEL = "blackman_coeff energy_floor frame_length frame_shift high_freq htk_compat low_freq num_mel_bins preemph raw_energy " + (
    "remove_dc_offset round_to_power_of_two snip_edges subtract_mean use_energy"
)
_VTLN = "vtln_high vtln_low vtln_warp window_type"
OPTIONS = {
    "spec": f"blackman_coeff dither energy_floor {_COMMON} window_type".split(),
    "fbank": f"{_MEL} use_log_fbank use_power {_VTLN}".split(),
    "mfcc": f"{_MEL} num_ceps cepstral_lifter {_VTLN}".split(),
}
_WINDOWS = {"hanning": "hann_symmetric"}


def read(path: Path) -> np.ndarray:
    """[N, F] of the file's one matrix."""
    raw = path.read_bytes()
    at = raw.index(b" \0BFM ") + 6
    rows, columns = struct.unpack("<i", raw[at + 1 : at + 5])[0], struct.unpack("<i", raw[at + 6 : at + 10])[0]
    return np.frombuffer(raw[at + 10 :], "<f4", rows * columns).reshape(rows, columns)


def files(shared: Path, kind: str) -> list[tuple[Path, dict[str, str]]]:
    """Every file of a kind but those with vocal tract length warped, and its options."""
    found = []
    for path in sorted((shared / "fixtures" / "kaldi_ark").glob(f"{kind}-*.ark")):
        options = dict(zip(OPTIONS[kind], path.name.removesuffix(".ark").split("-")[1:], strict=True))
        if float(options.get("vtln_warp", "1")) == 1:
            found.append((path, options))
    return found


def settings(options: dict[str, str]) -> dict[str, Any]:
    """Settings that spectrogram, filter_bank and mfcc share."""
    return {
        "win_ms": float(options["frame_length"]),
        "hop_ms": float(options["frame_shift"]),
        "n_fft": 0 if options["round_to_power_of_two"] == "true" else -1,
        "window": _WINDOWS.get(options["window_type"], options["window_type"]),
        "blackman": float(options["blackman_coeff"]),
        "padding": "none" if options["snip_edges"] == "true" else "kaldi",
        "pre_emphasis": float(options["preemph"]),
        "remove_dc": options["remove_dc_offset"] == "true",
        "full_scale": 32768.0,
        "energy_floor": float(options["energy_floor"]),
        "energy": energy(options) if options.get("use_energy", "true") == "true" else "none",
        "normalise": "clip_mean" if options["subtract_mean"] == "true" else "none",
    }


def mel_settings(options: dict[str, str]) -> dict[str, Any]:
    """Settings that filter_bank and mfcc share."""
    return {
        "min_hz": float(options["low_freq"]),
        "max_hz": float(options["high_freq"]),
        "htk_order": options["htk_compat"] == "true",
        **settings(options),
    }


def energy(options: dict[str, str]) -> str:
    return "raw" if options["raw_energy"] == "true" else "windowed"
