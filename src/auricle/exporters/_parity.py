"""Whether an exported file answers as its pipe does: odd lengths, batches, padded rows, ragged streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.exporters import _golden

if TYPE_CHECKING:
    from auricle.bundle import Bundle
    from auricle.exporters._runner import Runner


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported file is from its bundle.

    Args:
        compared: probabilities compared, clips and streams together.
        clips: largest difference over whole clips.
        streams: largest difference over streams; 0 where it doesn't stream.
        rounding: largest change of a probability that storing weights in 16 bits made; 0 where they are not.
        size_bytes: of the file.
    """

    compared: int
    clips: float
    streams: float
    rounding: float = 0.0
    size_bytes: int = 0

    @property
    def largest(self) -> float:
        """The larger of the two differences."""
        return max(self.clips, self.streams)


@torch.no_grad()
def compare(bundle: Bundle, runner: Runner, *, seed: int = 0) -> Parity:
    """The file's answers beside the pipe's.

    Args:
        bundle: what was exported.
        runner: the file, opened.
        seed: of the waves and chunks.

    Returns:
        The largest differences; infinite where an answer is not finite or of another shape.
    """
    rng = np.random.default_rng(seed)
    clips, compared = 0.0, 0
    for wave, length in _batches(runner, rng):
        wanted = probabilities(bundle, bundle.pipe(torch.from_numpy(wave), torch.from_numpy(length)))
        clips = max(clips, _far(runner.run(wave, length), wanted))
        compared += wanted.size
    streams, more = _streams(bundle, runner, rng) if runner.facts.streamable else (0.0, 0)
    return Parity(compared + more, clips, streams)


def probabilities(bundle: Bundle, logits: torch.Tensor) -> NDArray[np.float32]:
    """Calibrated probabilities of logits.

    Args:
        bundle: gives the task and the temperature.
        logits: [B, K] or [B, K, M].

    Returns:
        The same shape.
    """
    scaled = logits / bundle.temperature
    likely = torch.sigmoid(scaled) if bundle.task.kind in ("multi", "frames") else torch.softmax(scaled, dim=1)
    return likely.numpy()


def _batches(runner: Runner, rng: np.random.Generator) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    facts = runner.facts
    least = facts.min_samples
    found = [
        (wave[None], np.array([len(wave)]))
        for wave in map(_golden.wave, _golden.inputs(sample_rate=facts.sample_rate, shortest=facts.shortest, seconds=facts.seconds))
    ]
    for rows, samples in ((1, least), (1, least + 1), (3, least + 97), (1, 2 * least + 1009), (8, least + 7919), (3, least + 15013)):
        samples = min(samples, facts.max_samples or samples)
        wave = (rng.standard_normal((rows, samples)) * rng.uniform(0.001, 0.3, (rows, 1))).astype(np.float32)
        length = rng.integers(least, samples + 1, rows)
        length[0] = samples
        for row, valid in zip(wave, length, strict=True):
            row[valid:] = 0.0
        found.append((wave, length))
    return found


def _streams(bundle: Bundle, runner: Runner, rng: np.random.Generator) -> tuple[float, int]:
    facts = runner.facts
    far, compared = 0.0, 0
    for rows in (1, 3):
        samples = facts.min_samples + 37 * facts.hop + 41
        wave = (rng.standard_normal((rows, samples)) * 0.1).astype(np.float32)
        state = bundle.pipe.start(rows, facts.window)
        logits, _ = bundle.pipe.step(torch.from_numpy(wave), state)
        wanted = probabilities(bundle, logits)
        parts, at, own = [], 0, runner.start(rows)
        while at < samples:
            chunk = int(rng.choice([1, 17, facts.hop - 1, facts.hop, 3 * facts.hop + 5]))
            part, own = runner.step(wave[:, at : at + chunk], own)
            parts.append(part)
            at += chunk
        found = np.concatenate(parts, axis=-1)
        far = max(far, _far(found, wanted))
        compared += wanted.size
        # Within the first window the track is the pooled answer over all so far: the whole clip's.
        reach = min(facts.window, found.shape[-1])
        clip = wave[:, : reach * facts.hop + facts.overlap]
        far = max(far, _far(found[..., reach - 1], runner.run(clip)))
    return far, compared


def _far(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - wanted).max(initial=0.0))
