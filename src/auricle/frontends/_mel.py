"""Mel filter banks by the definitions in use: where the triangles stand, how high they are.

Sources: Slaney 1998 (Auditory Toolbox, Technical Report 1998-010), linear below 1 kHz and logarithmic above, each triangle of unit area;
HTK 3.4 (The HTK Book, 5.6), mel = 2595 log10(1 + f/700), triangles straight in hertz, each of unit height; Kaldi (mel-computations.cc),
mel = 1127 ln(1 + f/700), triangles straight in mel, the Nyquist bin left out.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.errors import RequestError
from auricle.types import Hertz

MelScale = Literal["slaney", "slaney_unit_height", "htk", "htk_unit_area", "kaldi"]

_LINEAR = 200.0 / 3  # hertz a mel below 1 kHz, Slaney's scale
_KNEE_MEL = 15.0  # 1 kHz
_LOG_STEP = torch.log(torch.tensor(6.4, dtype=torch.float64)).item() / 27.0


def mel_of(hertz: Tensor, scale: MelScale) -> Tensor:
    """Mel of each frequency.

    Args:
        hertz: [...] frequencies, Hz.
        scale: whose mel.

    Returns:
        [...] mel.
    """
    if scale == "kaldi":
        return 1127.0 * torch.log1p(hertz / 700.0)
    if scale in {"htk", "htk_unit_area"}:
        return 2595.0 * torch.log10(1.0 + hertz / 700.0)
    above = _KNEE_MEL + torch.log(hertz.clamp(min=1e-9) / 1000.0) / _LOG_STEP
    return torch.where(hertz < 1000.0, hertz / _LINEAR, above)


def hertz_of(mel: Tensor, scale: MelScale) -> Tensor:
    """Frequency of each mel, the inverse of `mel_of`.

    Args:
        mel: [...] mel.
        scale: whose mel.

    Returns:
        [...] Hz.
    """
    if scale == "kaldi":
        return 700.0 * torch.expm1(mel / 1127.0)
    if scale in {"htk", "htk_unit_area"}:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return torch.where(mel < _KNEE_MEL, mel * _LINEAR, 1000.0 * torch.exp(_LOG_STEP * (mel - _KNEE_MEL)))


def filters(sample_rate: int, n_fft: int, *, bins: int, min_hz: Hertz, max_hz: Hertz, scale: MelScale, htk: bool = False) -> Tensor:
    """The filter bank as a matrix.

    Args:
        sample_rate: samples a second.
        n_fft: length of the transform.
        bins: filters.
        min_hz: lower edge of the first filter.
        max_hz: upper edge of the last; 0 means half the sample rate, less than 0 so much below it.
        scale: whose mel and whose triangles.
        htk: spectral bins at the edges are left out as HTK does.

    Returns:
        [1 + n_fft // 2, F] float64 weights of each spectral bin.

    Raises:
        RequestError: no filters, or edges out of order or above half the sample rate.
    """
    top = _top(sample_rate, max_hz)
    edges = _edges(sample_rate, bins=bins, min_hz=min_hz, top=top, scale=scale)
    at = torch.arange(1 + n_fft // 2, dtype=torch.float64) * (sample_rate / n_fft)
    if scale == "kaldi":
        triangles = _triangles(mel_of(at, scale), edges)
        triangles[n_fft // 2 :] = 0
    else:
        edges = hertz_of(edges, scale)
        triangles = _triangles(at, edges)
    if htk:  # HSigP.c, InitFBank: the bins from klo to khi, both rounded
        triangles[: int(min_hz * n_fft / sample_rate + 1.5)] = 0
        triangles[int(top * n_fft / sample_rate + 0.5) :] = 0
    if scale in {"slaney", "htk_unit_area"}:
        triangles = triangles * (2.0 / (edges[2:] - edges[:-2]))
    return triangles


def peaks(sample_rate: int, *, bins: int, min_hz: Hertz, max_hz: Hertz, scale: MelScale) -> tuple[Hertz, ...]:
    """The frequency at which each filter of such a bank is highest.

    Args:
        sample_rate: samples a second.
        bins: filters.
        min_hz: lower edge of the first filter.
        max_hz: upper edge of the last; 0 means half the sample rate, less than 0 so much below it.
        scale: whose mel.

    Returns:
        Rising frequencies, one a filter.
    """
    edges = _edges(sample_rate, bins=bins, min_hz=min_hz, top=_top(sample_rate, max_hz), scale=scale)
    return tuple(hertz_of(edges[1:-1], scale).tolist())


def _top(sample_rate: int, max_hz: Hertz) -> Hertz:
    return max_hz if max_hz > 0 else sample_rate / 2 + max_hz


def _edges(sample_rate: int, *, bins: int, min_hz: Hertz, top: Hertz, scale: MelScale) -> Tensor:
    """[bins + 2] mel: where each triangle begins, and where the last two end."""
    nyquist = sample_rate / 2
    if bins < 1 or not 0 <= min_hz < top <= nyquist:
        raise RequestError(
            f"a mel filter bank of {bins} bins from {min_hz} to {top} Hz cannot be made at {sample_rate} Hz; wanted at least "
            f"1 bin and 0 <= min_hz < max_hz <= {nyquist:g}"
        )
    ends = mel_of(torch.tensor([min_hz, top], dtype=torch.float64), scale)
    return torch.linspace(ends[0].item(), ends[1].item(), bins + 2, dtype=torch.float64)


def _triangles(at: Tensor, edges: Tensor) -> Tensor:
    rising = (at[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)
