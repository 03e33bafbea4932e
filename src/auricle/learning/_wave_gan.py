"""WaveGAN's two networks: a class and chance to a wave, and a wave and its class to a score (Donahue, McAuley and Puckette 2019).

Layers as in the paper's tables 3 and 4 (appendix D): five transposed convolutions of 25 taps and stride 4, against five convolutions of the
same form with phase shuffle in front of all but the first; d = 64 there. Two things are not in the paper: the class, which the generator
hears as a learnt vector beside the latent (Mirza and Osindero 2014, Conditional Generative Adversarial Nets) and the critic projects its
features onto (Miyato and Koyama 2018, cGANs with Projection Discriminator, equation 3); and waves shorter than the paper's 16384 samples,
for which the first map has a step for each 1024 samples in place of 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LATENT = 100
STRIDE = 4
LAYERS = 5
UNIT = STRIDE**LAYERS
"""Samples of a step of the innermost map."""

_TAPS = 25
_SLOPE = 0.2


def phase_shuffled(x: Tensor, shift: int) -> Tensor:
    """The map moved in time, what is missing at one end mirrored there (section 3.3 and figure 3).

    Args:
        x: [B, C, N] map.
        shift: frames to the right, or where negative to the left; less than N.

    Returns:
        [B, C, N] map.

    >>> phase_shuffled(torch.arange(5.0)[None, None], 2).tolist(), phase_shuffled(torch.arange(5.0)[None, None], -1).tolist()
    ([[[2.0, 1.0, 0.0, 1.0, 2.0]]], [[[1.0, 2.0, 3.0, 4.0, 3.0]]])
    """
    if not shift:
        return x
    padded = F.pad(x, (max(shift, 0), max(-shift, 0)), mode="reflect")
    return padded[..., : x.shape[-1]] if shift > 0 else padded[..., -x.shape[-1] :]


class Generator(nn.Module):
    """A latent and a class to a wave.

    Args:
        classes: K.
        samples: T of the wave, a multiple of 1024.
        width: d; the innermost map has 16 d channels.
    """

    def __init__(self, classes: int, *, samples: int = 16 * UNIT, width: int = 64) -> None:
        super().__init__()
        self.steps, self.width = samples // UNIT, width
        self.classes = nn.Embedding(classes, LATENT)
        self.dense = nn.Linear(2 * LATENT, 16 * width * self.steps)
        channels = [16 * width, 8 * width, 4 * width, 2 * width, width, 1]
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(i, o, _TAPS, stride=STRIDE, padding=11, output_padding=1) for i, o in pairwise(channels)
        )

    def forward(self, latent: Tensor, target: Tensor) -> Tensor:
        """Waves of classes.

        Args:
            latent: [B, 100] uniform in ±1.
            target: [B] class indices.

        Returns:
            [B, T] full scale ±1.
        """
        x = self.dense(torch.cat([latent, self.classes(target)], 1)).unflatten(1, (16 * self.width, self.steps))
        for layer in self.layers:
            x = layer(F.relu(x))
        return torch.tanh(x).squeeze(1)


class Critic(nn.Module):
    """A wave and its class to a score, which is higher for waves that are more like recordings.

    Args:
        classes: K.
        samples: T of the wave, a multiple of 1024.
        width: d; the innermost map has 16 d channels.
        shuffle: frames by which phases are shuffled at most; the paper's n.
    """

    def __init__(self, classes: int, *, samples: int = 16 * UNIT, width: int = 64, shuffle: int = 2) -> None:
        super().__init__()
        self.shuffle = shuffle
        channels = [1, width, 2 * width, 4 * width, 8 * width, 16 * width]
        self.layers = nn.ModuleList(nn.Conv1d(i, o, _TAPS, stride=STRIDE, padding=11) for i, o in pairwise(channels))
        features = 16 * width * samples // UNIT
        self.dense = nn.Linear(features, 1)
        self.classes = nn.Embedding(classes, features)
        nn.init.normal_(self.classes.weight, std=features**-0.5)  # as large as the dense layer's, so that neither drowns the other

    def draw(self, rng: torch.Generator) -> list[int]:
        """Shifts of one pass, one a layer but the last.

        Args:
            rng: decides.

        Returns:
            Frames, in ±shuffle.
        """
        drawn: list[int] = torch.randint(-self.shuffle, self.shuffle + 1, (LAYERS - 1,), generator=rng).tolist()
        return drawn

    def forward(self, wave: Tensor, target: Tensor, shifts: Sequence[int]) -> Tensor:
        """Scores of waves.

        Args:
            wave: [B, T] full scale ±1.
            target: [B] class indices.
            shifts: frames by which each layer's output is moved, but the last's.

        Returns:
            [B] scores.
        """
        x = wave.unsqueeze(1)
        for layer, shift in zip(self.layers, [*shifts, 0], strict=True):
            x = phase_shuffled(F.leaky_relu(layer(x), _SLOPE), shift)
        features = x.flatten(1)
        scores: Tensor = self.dense(features).squeeze(1) + (features * self.classes(target)).sum(1)
        return scores
