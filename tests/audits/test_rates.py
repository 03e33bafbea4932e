from __future__ import annotations

from pathlib import Path

from auricle.audits._heard import Heard
from auricle.audits.rates import rates
from auricle.types import Item


def heard(name: str, rate: int, bandwidth: float | None = None) -> Heard:
    return Heard(Path(name), sample_rate=rate, channels=1, frames=rate, bandwidth=rate / 2 if bandwidth is None else bandwidth)


def found(rows: list[tuple[str, Heard]]) -> list[str]:
    return [f.sentence for f in rates([Item(each.path, (label,)) for label, each in rows], {each.path: each for _, each in rows})]


def test_one_rate() -> None:
    assert found([("a", heard("1", 8000)), ("b", heard("2", 8000))]) == []


def test_mixed_rates() -> None:
    (sentence,) = found([("a", heard("1", 8000)), ("a", heard("2", 16_000)), ("b", heard("3", 16_000))])
    assert sentence.startswith("2 sample rates (2 at 16000 Hz, 1 at 8000 Hz)")


def test_a_rate_that_tells_the_class() -> None:
    sentences = found([("a", heard("1", 8000)), ("b", heard("2", 16_000)), ("b", heard("3", 44_100)), ("c", heard("4", 16_000))])
    assert "the sample rate tells the class: a alone is at 8000 Hz" in sentences[1]


def test_narrow_files() -> None:
    (sentence,) = found([("a", heard("1", 44_100, 4000.0)), ("b", heard("2", 44_100))])
    assert sentence.startswith("1 file of 2 hold nothing above about 4.0 kHz")
