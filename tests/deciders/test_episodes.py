"""Probability tracks with known episodes, and what each decider must make of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.deciders.argmax import Argmax
from auricle.deciders.debounce import Debounce
from auricle.deciders.hysteresis import Hysteresis
from auricle.deciders.threshold import Threshold
from auricle.errors import RequestError, ShapeError
from auricle.types import Decision

STEP = 0.1


def decide(decider: object, track: list[float] | np.ndarray, labels: tuple[str, ...] = ("bell",)) -> list[Decision]:
    state, found = decider.start(labels), []
    rows = np.asarray(track, np.float32).reshape(len(track), len(labels))
    for n, row in enumerate(rows):
        done, state = decider.step(row, n * STEP, (n + 1) * STEP, state)
        found += done
    return found + decider.finish(state)


def spans(found: list[Decision]) -> list[tuple[float, float]]:
    return [(round(d.start, 3), round(d.stop, 3)) for d in found]


def test_threshold_finds_the_episodes_and_their_peaks() -> None:
    found = decide(Threshold(threshold=0.5), [0.1, 0.6, 0.9, 0.4, 0.1, 0.7])
    assert spans(found) == [(0.1, 0.3), (0.5, 0.6)]
    assert [round(d.score, 3) for d in found] == [0.9, 0.7]


def test_thresholds_of_their_own() -> None:
    track = np.array([[0.45, 0.45]] * 3)
    assert [d.label for d in decide(Threshold(each=(0.4, 0.5)), track, ("a", "b"))] == ["a"]


def test_argmax_splits_time_between_labels() -> None:
    track = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    found = decide(Argmax(), track, ("a", "b"))
    assert [(d.label, *s) for d, s in zip(found, spans(found), strict=True)] == [("a", 0, 0.2), ("b", 0.2, 0.3), ("a", 0.3, 0.4)]
    assert decide(Argmax(threshold=0.95), track, ("a", "b")) == []
    assert decide(Argmax(), np.zeros((5, 2)), ("a", "b")) == []  # silence is nobody's


def test_hysteresis_does_not_flicker_where_one_threshold_does() -> None:
    noisy = [0.2, 0.65, 0.55, 0.62, 0.5, 0.61, 0.45, 0.3, 0.55]
    assert len(decide(Threshold(threshold=0.6), noisy)) == 3
    assert spans(decide(Hysteresis(on=0.6, off=0.4), noisy)) == [(0.1, 0.7)]


@given(st.lists(st.floats(0, 1, width=32), max_size=60))
def test_hysteresis_with_equal_thresholds_is_a_threshold(track: list[float]) -> None:
    one, other = decide(Hysteresis(on=0.5, off=0.5), track), decide(Threshold(threshold=0.5), track)
    assert one == other


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=80), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_debounce_against_the_slow_obvious_version(track: list[float], least: int, gap: int, rest: int) -> None:
    found = decide(Debounce(on=0.4, off=0.4, min_seconds=least * STEP, max_gap_seconds=gap * STEP, refractory_seconds=rest * STEP), track)
    on = [p >= 0.4 for p in track]
    wanted: list[tuple[int, int]] = []
    n, quiet = 0, 0
    while n < len(on):
        if not on[n] or n < quiet:
            n += 1
            continue
        begin, end = n, n + 1
        while True:
            later = [m for m in range(end, min(end + gap + 1, len(on))) if on[m]]
            if not later:
                break
            end = later[0] + 1
        if end - begin >= least:
            wanted.append((begin, end))
            quiet = end + rest
        n = end
    assert spans(found) == [(round(a * STEP, 3), round(b * STEP, 3)) for a, b in wanted]


def test_running_is_told_only_when_long_enough() -> None:
    decider = Debounce(on=0.5, off=0.5, min_seconds=0.3)
    state, seen = decider.start(("bell",)), []
    for n in range(5):
        _, state = decider.step(np.array([0.9], np.float32), n * STEP, (n + 1) * STEP, state)
        seen.append(len(decider.running(state)))
    assert seen == [0, 0, 1, 1, 1]


def test_state_is_a_value() -> None:
    decider = Hysteresis()
    state = decider.start(("bell",))
    decider.step(np.array([0.9], np.float32), 0, 1, state)
    assert decider.running(state) == []


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(RequestError, match="off <= on"):
        Hysteresis(on=0.3, off=0.5)
    with pytest.raises(RequestError, match=r"threshold is 1\.5"):
        Threshold(threshold=1.5)
    with pytest.raises(RequestError, match="min_seconds"):
        Debounce(min_seconds=-1)
    with pytest.raises(RequestError, match="2 thresholds for 1 labels"):
        Threshold(each=(0.1, 0.2)).start(("bell",))
    with pytest.raises(ShapeError, match="1 labels"):
        Argmax().step(np.zeros(3, np.float32), 0, 1, Argmax().start(("bell",)))
