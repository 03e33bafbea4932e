"""Golden inputs: small waves that a formula of whole numbers gives exactly on any machine, and the answers they must get.

Sample n, all in integers modulo 2³²: h = (n + seed)·2654435769; h ^= h >> 15; h = h·2246822507; h ^= h >> 13 is noise;
s = n·step is a saw tooth; the sample is noise·(h/2³¹ - 1) + saw·(s/2³¹ - 1), computed in float64 and rounded to float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auricle.exporters._runner import Runner

_RULE = (
    "in integers modulo 2^32: h=(n+seed)*2654435769; h^=h>>15; h*=2246822507; h^=h>>13; s=n*step; "
    "sample n = noise*(h/2^31-1) + saw*(s/2^31-1) in float64, rounded to float32"
)
_CHUNKS = (1, 977, 160, 4096, 3, 12289)
_BUDGET = 2400  # numbers kept, about 11 bytes each


def wave(given: dict[str, Any]) -> NDArray[np.float32]:
    """The samples of one golden input.

    Args:
        given: `samples`, `seed`, `noise`, `step`, `saw`.

    Returns:
        [T] full scale ±1.
    """
    mask = np.uint64(0xFFFFFFFF)
    n = np.arange(int(given["samples"]), dtype=np.uint64)
    h = ((n + np.uint64(given["seed"])) * np.uint64(2654435769)) & mask
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822507)) & mask
    h ^= h >> np.uint64(13)
    s = (n * np.uint64(given["step"])) & mask
    mixed = float(given["noise"]) * (h / 2.0**31 - 1) + float(given["saw"]) * (s / 2.0**31 - 1)
    return mixed.astype(np.float32)


def inputs(*, sample_rate: int, shortest: int, seconds: float) -> list[dict[str, Any]]:
    """What the golden waves are made from: noise, tones and near silence, of the shortest length, an odd one and the usual one.

    Args:
        sample_rate: samples a second.
        shortest: samples of the shortest wave that is ever scored.
        seconds: length of a training crop.

    Returns:
        What `wave` takes, four times.
    """
    usual = max(shortest, round(min(seconds, 3.0) * sample_rate))
    odd = (shortest + usual) // 2 | 1

    def one(samples: int, seed: int, *, noise: float, hertz: float, saw: float) -> dict[str, Any]:
        return {"samples": samples, "seed": seed, "noise": noise, "step": round(hertz / sample_rate * 2**32) % 2**32, "saw": saw}

    return [
        one(shortest, 1, noise=0.25, hertz=440.0, saw=0.25),
        one(odd, 2, noise=0.01, hertz=1234.5, saw=0.4),
        one(usual, 3, noise=0.3, hertz=0.0, saw=0.0),
        one(usual, 4, noise=0.0001, hertz=180.0, saw=0.02),
    ]


def record(runner: Runner) -> dict[str, Any]:
    """Golden inputs with the answers of this machine.

    Args:
        runner: the model, already known to agree with its origin.

    Returns:
        Plain values for the metadata.
    """
    facts = runner.facts
    classes = len(facts.labels)
    given = inputs(sample_rate=facts.sample_rate, shortest=facts.shortest, seconds=facts.seconds)
    given = given[: max(1, _BUDGET // (2 * classes))]
    answers = [runner.run(wave(g)[None])[0] for g in given]
    golden: dict[str, Any] = {"rule": _RULE, "inputs": [{**g, "probabilities": _plain(a)} for g, a in zip(given, answers, strict=True)]}
    if facts.streamable:
        which = min(1, len(given) - 1)
        track = _track(runner, wave(given[which]), _CHUNKS)
        steps = track.shape[-1]
        kept = np.unique(np.linspace(0, steps - 1, max(1, min(steps, _BUDGET // (2 * classes))), dtype=int))
        golden["stream"] = {
            "input": which,
            "chunks": list(_CHUNKS),
            "steps": steps,
            "at": kept.tolist(),
            "track": [_plain(track[:, m]) for m in kept],
        }
    return golden


def replay(runner: Runner) -> list[tuple[str, float]]:
    """How far this machine's answers are from the recorded ones.

    Args:
        runner: the model.

    Returns:
        Pairs of what was replayed and the largest difference of a probability, infinite where shapes differ.

    Raises:
        KeyError: the record lacks something.
        ValueError: the record holds something else than numbers.
    """
    golden = runner.facts.golden
    found = []
    for i, given in enumerate(golden["inputs"]):
        name = f"input {i}: {given['samples']} samples"
        found.append((name, _difference(runner.run(wave(given)[None])[0], given["probabilities"])))
    if runner.facts.streamable:
        stream = golden["stream"]
        track = _track(runner, wave(golden["inputs"][stream["input"]]), tuple(stream["chunks"]))
        name = f"stream of input {stream['input']}: {stream['steps']} steps"
        far = np.inf
        if track.shape[-1] == stream["steps"]:
            far = _difference(track[:, stream["at"]].T, stream["track"])
        found.append((name, far))
    return found


def _track(runner: Runner, samples: NDArray[np.float32], chunks: tuple[int, ...]) -> NDArray[np.float32]:
    state, parts, at, turn = runner.start(), [], 0, 0
    while at < len(samples):
        part, state = runner.step(samples[None, at : at + chunks[turn % len(chunks)]], state)
        at += chunks[turn % len(chunks)]
        turn += 1
        parts.append(part[0])
    return np.concatenate(parts, axis=-1)


def _difference(found: NDArray[np.float32], wanted: object) -> float:
    recorded = np.asarray(wanted, dtype=np.float64)
    if recorded.shape != found.shape:
        return float("inf")
    largest = float(np.abs(found - recorded).max())
    return largest if np.isfinite(largest) else float("inf")


def _plain(values: NDArray[np.float32]) -> list[float]:
    return [round(float(v), 7) for v in values]
