"""Negative scale-invariant signal-to-noise ratio of a wave, decibels, with the distance of its spectra beside it.

Le Roux et al. 2019 (SDR - half-baked or well done?, section 3.1), of waves without their mean. That ratio doesn't know the wave's level;
the spectral distance does: multi-resolution spectral convergence and mean absolute difference of log magnitudes (Yamamoto et al. 2020,
Parallel WaveGAN, equations 3 to 6), over frames of 512, 1024 and 2048 samples, half overlapping.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEAST = 1e-8  # share of the estimate's energy that counts on both sides: 80 dB is as good as perfect
_SILENT = 1e-10  # mean power of a clean wave that says nothing
_FRAMES = (512, 1024, 2048)
_QUIET = 1e-7  # least power of a bin


class SiSnr(nn.Module):
    """Mean over the rows whose clean wave holds sound, 0 where none does.

    Args:
        spectral: weight of the spectral distance beside one decibel; 0 leaves it out.
    """

    kinds = ("wave",)

    def __init__(self, *, spectral: float = 0.0) -> None:
        super().__init__()
        self.spectral = spectral

    def forward(self, wave: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """The loss.

        Args:
            wave: [B, T] estimate.
            target: [B, T] clean wave.
            length: [B] valid samples.

        Returns:
            [] mean over rows.
        """
        inside = torch.arange(wave.shape[-1], device=wave.device)[None] < length[:, None]
        count = length.clamp(min=1)[:, None]
        heard = ((target * inside).square().sum(1) / count[:, 0] > _SILENT).to(wave)
        found, clean = (inside * (x - (x * inside).sum(1, keepdim=True) / count) for x in (wave, target))
        rows = -_ratio(found, clean)
        if self.spectral:
            rows = rows + self.spectral * _apart(wave * inside, target * inside)
        return (rows * heard).sum() / heard.sum().clamp(min=1)


def _ratio(found: Tensor, clean: Tensor) -> Tensor:
    """[B] decibels."""
    energy = clean.square().sum(1, keepdim=True)
    part = clean * (found * clean).sum(1, keepdim=True) / energy.clamp(min=_SILENT)
    wanted, rest = part.square().sum(1), (found - part).square().sum(1)
    least = _LEAST * (wanted + rest).detach() + 1e-20
    return 10 * torch.log10((wanted + least) / (rest + least))


def _apart(wave: Tensor, target: Tensor) -> Tensor:
    """[B] spectral convergence and log distance, the mean over the resolutions."""
    total = torch.zeros(len(wave), device=wave.device)
    for size in _FRAMES:
        window = torch.hann_window(size, device=wave.device)
        found, clean = (
            torch.stft(x, size, size // 2, window=window, pad_mode="constant", return_complex=True).abs().square().clamp(min=_QUIET).sqrt()
            for x in (wave, target)
        )
        convergence = (clean - found).square().sum((1, 2)).sqrt() / clean.square().sum((1, 2)).sqrt()
        total = total + convergence + (clean.log() - found.log()).abs().mean((1, 2))
    return total / len(_FRAMES)
