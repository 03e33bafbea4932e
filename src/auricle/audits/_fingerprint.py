"""Words that stay the same when a recording is made louder, recoded or resampled, and the pairs of recordings that share them.

Source: J. Haitsma, T. Kalker, "A highly robust audio fingerprinting system", ISMIR 2002, section 4. Differs in frames of 64 ms instead of
370 ms and differences over 4 frames, since clips here last a second and not minutes; and in an index of each clip's smallest hashes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 8000
_WIN, _HOP, _LAG, _FFT = 512, 64, 4, 1024
_BANDS = 33
_FLOOR = 1e-6
"""Frames this far below the loudest, in power, are noise of the coder and say nothing."""
_SAMPLED = 96
"""Words of a clip in the index: the same ones in both copies, since their hash picks them."""
_COMMON = 40
"""A word in more clips than this is one of hum or noise; it is left out, which keeps the search linear."""
_VOTES = 3
_ERRORS = 0.22
"""Largest share of differing bits. Unrelated sounds differ in about half; the paper's own threshold is 0.35 over 3 s."""
_SHORTEST = 8
_OVERLAP = 0.6


def words(wave: NDArray[np.float32]) -> NDArray[np.uint32]:
    """One word a frame: the signs of how differences between neighbouring bands change over time.

    Args:
        wave: [T] full scale ±1, at 8000 Hz.

    Returns:
        [N] words; 0 where there is nothing to hear.
    """
    padded = np.pad(wave, _WIN)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WIN)[::_HOP] * np.hanning(_WIN).astype(np.float32)  # [N, win]
    power = np.square(np.abs(np.fft.rfft(frames, _FFT, axis=1)))  # [N, fft/2 + 1]
    edges = (np.geomspace(200, 3700, _BANDS + 1) * _FFT / RATE).round().astype(int)
    energy = np.add.reduceat(power, edges[:-1], axis=1)[:, :_BANDS]  # [N, bands]
    slope = energy[:, :-1] - energy[:, 1:]
    rising = slope[_LAG:] > slope[:-_LAG]  # [N - lag, 32]
    made: NDArray[np.uint32] = np.packbits(rising, axis=1).view(">u4")[:, 0].astype(np.uint32)
    total = energy.sum(axis=1)
    heard = total > max(_FLOOR * float(total.max()), 1e-12)
    made[~(heard[_LAG:] & heard[:-_LAG])] = 0
    return made


def alike(prints: Sequence[NDArray[np.uint32]]) -> list[tuple[int, int]]:
    """Pairs of recordings that are one, by votes of equal words at an equal distance, then by counting bits.

    Args:
        prints: [N] words of each recording.

    Returns:
        Pairs of numbers i < j.
    """
    ids, places, keys = _index(prints)
    pairs = _candidates(ids, places, keys)
    return sorted({(i, j) for i, j, shift in pairs if _same(prints[i], prints[j], shift)})


def _index(prints: Sequence[NDArray[np.uint32]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Recording, place and word of what is compared, sorted by word."""
    ids, places, keys = [], [], []
    for number, found in enumerate(prints):
        hashed = (found.astype(np.uint64) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)
        hashed[found == 0] = 0xFFFFFFFF
        order = np.argsort(hashed, kind="stable")[:_SAMPLED]
        order = order[found[order] != 0]
        ids.append(np.full(len(order), number))
        places.append(order)
        keys.append(found[order])
    if not ids:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint32)
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")
    return np.concatenate(ids)[order], np.concatenate(places)[order], key[order]


def _candidates(ids: NDArray[np.int64], places: NDArray[np.int64], keys: NDArray[np.uint32]) -> list[tuple[int, int, int]]:
    """Recordings i < j and their shift in frames, where enough words agree on it."""
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
    group = np.repeat(starts, np.diff(np.r_[starts, len(keys)]))
    size = np.diff(np.r_[starts, len(keys)]).repeat(np.diff(np.r_[starts, len(keys)]))
    votes: list[NDArray[np.int64]] = []
    for step in range(1, _COMMON):
        # Entry k against entry k + step, where both are of one word that is not too common.
        left = np.arange(len(keys) - step) if len(keys) > step else np.zeros(0, np.int64)
        left = left[(group[left] == group[left + step]) & (size[left] <= _COMMON)]
        if not len(left):
            break
        first, second = ids[left], ids[left + step]
        shift = places[left + step] - places[left]
        other = first != second
        votes.append(np.stack([first[other], second[other], shift[other]], axis=1))
    if not votes:
        return []
    found, count = np.unique(np.concatenate(votes), axis=0, return_counts=True)
    return [(int(i), int(j), int(s)) for i, j, s in found[count >= _VOTES]]


def _same(left: NDArray[np.uint32], right: NDArray[np.uint32], shift: int) -> bool:
    """Whether the stretch that both hold is long enough and differs in few bits."""
    first, second = (left, right[shift:]) if shift >= 0 else (left[-shift:], right)
    size = min(len(first), len(second))
    first, second = first[:size], second[:size]
    heard = (first != 0) & (second != 0)
    enough = max(_SHORTEST, _OVERLAP * min(np.count_nonzero(left), np.count_nonzero(right)))
    if np.count_nonzero(heard) < enough:
        return False
    wrong = np.unpackbits((first ^ second)[heard].view(np.uint8)).mean()
    return bool(wrong <= _ERRORS)
