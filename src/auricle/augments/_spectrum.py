"""Waves through a frequency response, by one transform there and back on whatever device they are."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from auricle.types import Hertz, Seconds

TAIL: Seconds = 0.1
"""Silence behind the wave, in which a filter rings out instead of at the wave's beginning."""


def fast(size: int) -> int:
    """The next length whose transform is fast: a product of 2, 3 and 5.

    >>> [fast(n) for n in (1, 7, 17, 1001)]
    [1, 8, 18, 1024]
    """
    best = 1 << max(0, (size - 1).bit_length())
    five = 1
    while five < best:
        three = five
        while three < best:
            two = three << max(0, math.ceil(math.log2(size / three)))
            best = min(best, two) if two >= size else best
            three *= 3
        five *= 5
    return best


def padded(total: int, sample_rate: int) -> int:
    """Length of the transform for so many samples with their tail."""
    return fast(total + round(TAIL * sample_rate))


def shaped(wave: Tensor, response: Tensor) -> Tensor:
    """The wave with each frequency multiplied by its response.

    Args:
        wave: [B, T] samples.
        response: [B, R] complex or real, at frequencies k · sample_rate / (2 (R - 1)).

    Returns:
        [B, T] samples.
    """
    size = 2 * (response.shape[-1] - 1)
    done: Tensor = torch.fft.irfft(torch.fft.rfft(wave, n=size) * response, n=size)[..., : wave.shape[-1]]
    return done


def warped(size: int, *, like: Tensor) -> Tensor:
    """What the bilinear transform makes of each frequency of a real transform: tan(w / 2), kept off 0 and infinity.

    Args:
        size: length of the transform.
        like: its device is taken.

    Returns:
        [R] R = size / 2 + 1.
    """
    half = torch.linspace(0, math.pi / 2, size // 2 + 1, device=like.device)
    return torch.tan(half.clamp(1e-6, math.pi / 2 - 1e-5))


def edge(hertz: Tensor, sample_rate: int) -> Tensor:
    """The same for an edge frequency, kept below half the sample rate."""
    return torch.tan(math.pi * hertz.clamp(max=0.475 * sample_rate) / sample_rate)


def butterworth(at: Tensor, order: int) -> Tensor:
    """Response of a Butterworth low-pass with its edge at 1 to s = j·at; the other kinds map their frequency to it.

    Args:
        at: [...] frequency, of either sign.
        order: poles.

    Returns:
        [...] complex response, of magnitude sqrt(1/2) at ±1.

    Source: Butterworth 1930; poles on the unit circle at angles π (2k + order - 1) / (2 order).
    """
    made = torch.ones_like(at, dtype=torch.complex64)
    for k in range(order // 2):
        damping = 2 * math.sin(math.pi * (2 * k + 1) / (2 * order))
        made = made / torch.complex(1 - at.square(), damping * at)
    return made / torch.complex(torch.ones_like(at), at) if order % 2 else made


def ceiling(hertz: Hertz, sample_rate: int) -> Hertz:
    """A highest frequency of which 0 or less counts from half the sample rate, kept a little below it."""
    return min(hertz if hertz > 0 else sample_rate / 2 + hertz, 0.475 * sample_rate)
