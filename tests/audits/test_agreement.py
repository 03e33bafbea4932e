"""Krippendorff's alpha against his worked example, a package's outputs, counting pair by pair, and its limits."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from auricle.audits._agreed import alpha, measured
from auricle.audits.agreement import agreement

Judged = list[tuple[tuple[str, ...], ...]]

EXAMPLE = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Four observers and twelve units (Krippendorff 2011, section D); a dot where one did not judge."""


def said(*observers: str) -> Judged:
    """Of each unit what each observer said, a letter each."""
    return [tuple(() if each == "." else (each,) for each in unit) for unit in zip(*observers, strict=True)]


def drawn(seed: int, clips: int, observers: int, labels: int, agree: float) -> Judged:
    """Observers who see the truth with the probability `agree`, guess otherwise, and leave out a quarter of the clips."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=(clips, 1))
    given = np.where(rng.random((clips, observers)) < agree, truth, rng.integers(labels, size=(clips, observers)))
    there = rng.random((clips, observers)) < 0.75
    return [tuple((str(g),) if t else () for g, t in zip(row, seen, strict=True)) for row, seen in zip(given, there, strict=True)]


def pair_by_pair(judged: Judged) -> float:
    """Every pair of judgements by itself, a label drawn of each: those of one unit, weighted by 1 / (m - 1), and those of all."""

    def differ(first: tuple[str, ...], second: tuple[str, ...]) -> float:
        return sum(a != b for a in first for b in second) / (len(first) * len(second))

    units = [[each for each in unit if each] for unit in judged]
    units = [unit for unit in units if len(unit) > 1]
    whole = [each for unit in units for each in unit]
    observed = sum(differ(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)) / len(whole)
    expected = sum(differ(a, b) for a, b in permutations(whole, 2)) / (len(whole) * (len(whole) - 1))
    return 1 - observed / expected


def test_the_worked_example() -> None:
    assert alpha(said(*EXAMPLE)) == pytest.approx(0.743, abs=5e-4)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ((0, 50, 3, 4, 0.0), -0.03143794423182067),
        ((1, 200, 5, 3, 0.5), 0.2816252642706133),
        ((2, 30, 2, 6, 0.8), 0.47457627118644075),
        ((3, 400, 9, 2, 0.95), 0.9078368284578568),
    ],
)
def test_as_the_package_krippendorff_0_9_0(case: tuple[int, int, int, int, float], expected: float) -> None:
    assert alpha(drawn(*case)) == pytest.approx(expected, abs=1e-12)


def test_several_labels_of_one_annotator() -> None:
    judged = drawn(4, 40, 4, 5, 0.6)
    judged = [tuple((*each, "9") if each and n % 3 == 0 else each for each in unit) for n, unit in enumerate(judged)]
    assert alpha(judged) == pytest.approx(pair_by_pair(judged), abs=1e-12)
    assert alpha(said(*EXAMPLE)) == pytest.approx(pair_by_pair(said(*EXAMPLE)), abs=1e-12)


def test_limits() -> None:
    assert alpha(said("aabbc.", "aabbca", "aa.bca")) == pytest.approx(1.0, abs=1e-12)
    assert alpha(drawn(5, 4000, 4, 3, 0.0)) == pytest.approx(0.0, abs=0.02)
    assert alpha(said("ab" * 20, "ba" * 20)) < -0.9
    assert math.isnan(alpha([]))
    assert math.isnan(alpha(said("ab..", "..ab"))), "no clip was judged twice"
    assert math.isnan(alpha(said("aaa", "aaa"))), "nothing could have disagreed"


def test_figures_by_hand() -> None:
    found = measured([(("ang",), ("ang",), ()), (("ang",), ("neu", "fru"), ("fru",)), (("sad",), ("neu",), ()), ((), (), ())])
    assert (found.annotators, found.clips) == (3, 3)
    assert found.each == pytest.approx(7 / 3)
    assert found.decided == pytest.approx(2 / 3), "1.5 votes for fru, 1 for ang, 0.5 for neu decide; sad and neu are a tie"
    assert found.text().startswith("3 annotators, 2.3 a clip, 67 % with one most voted label, alpha ")


def test_findings() -> None:
    assert agreement([]) == []
    (sure,) = agreement(said("aaab", "aaa."))
    assert sure.severity == "note"
    assert "undefined" in sure.sentence
    assert agreement(said("abcabc", "abcabc")) == []
    doubtful, ties = agreement(drawn(1, 200, 4, 3, 0.5))
    assert (doubtful.severity, doubtful.fix) == ("warning", "--set data.kind=distribution")
    assert "below 0.667" in doubtful.sentence
    assert ties.sentence.endswith("have no one most voted label, and are left out")
    (soft,) = agreement(drawn(1, 200, 4, 3, 0.5), soft=True)
    assert (soft.severity, soft.fix) == ("note", "")
    tentative = agreement(said(*EXAMPLE))[0]
    assert tentative.severity == "note"
    assert "tentative" in tentative.sentence
