"""The confusion matrix as a table whose cells list the clips behind them."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.reports._run import Answer, Run

_WIDEST = 64  # classes; a wider table is a carpet, not a picture
_LISTED = 4000  # clips over all lists, so that the page stays light


@dataclass(frozen=True, slots=True)
class Cell:
    """Clips of one true and one named class.

    Args:
        truth: label.
        named: label.
        count: clips.
        share: of the clips of that truth.
        right: whether the two are the same.
        key: anchor of the list, "" where the cell is empty.
        clips: place in the run's answers of those that are listed: the surest first where wrong, the least sure first where right.
    """

    truth: str
    named: str
    count: int
    share: float
    right: bool
    key: str
    clips: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table.

    Args:
        labels: of rows and columns.
        rows: a row a true class.
        left_out: classes that are not shown.
        confused: the cells off the diagonal with the most clips, the largest first.
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int
    confused: tuple[Cell, ...]


def matrix(run: Run) -> Matrix | None:
    """The confusion matrix of a run, from its answers.

    Args:
        run: read from its folder.

    Returns:
        None where any number of classes may hold for a clip. Of more than 64 classes, the 64 with the most mistakes are shown. Where
        annotators divide, clips with one most voted label count.
    """
    if run.task.kind not in ("single", "distribution"):
        return None
    place = {label: k for k, label in enumerate(run.task.labels)}
    behind: dict[tuple[int, int], list[int]] = {}
    for number, answer in enumerate(run.answers):
        if len(answer.truth) != 1:
            continue
        behind.setdefault((place[answer.truth[0]], place.get(answer.prediction[0], 0)), []).append(number)
    totals = [sum(len(v) for (t, _), v in behind.items() if t == k) for k in range(len(place))]
    shown = _shown(behind, len(place))
    longest = max(3, min(40, _LISTED // max(len(behind), 1)))

    def cell(true: int, named: int) -> Cell:
        clips = behind.get((true, named), [])
        wrong = 1 if true != named else -1
        ordered = sorted(clips, key=lambda n: -wrong * _sure(run.answers[n], place))[:longest]
        key = f"cell-{true}-{named}" if clips else ""
        share = len(clips) / totals[true] if totals[true] else 0.0
        return Cell(run.task.labels[true], run.task.labels[named], len(clips), share, true == named, key, tuple(ordered))

    rows = tuple(tuple(cell(t, n) for n in shown) for t in shown)
    wrong = sorted((c for row in rows for c in row if c.count and not c.right), key=lambda c: -c.count)
    return Matrix(tuple(run.task.labels[k] for k in shown), rows, len(place) - len(shown), tuple(wrong[:8]))


def _sure(answer: Answer, place: dict[str, int]) -> float:
    return answer.probabilities[place.get(answer.prediction[0], 0)]


def _shown(behind: dict[tuple[int, int], list[int]], classes: int) -> list[int]:
    if classes <= _WIDEST:
        return list(range(classes))
    wrong = [0] * classes
    for (true, named), clips in behind.items():
        if true != named:
            wrong[true] += len(clips)
            wrong[named] += len(clips)
    return sorted(sorted(range(classes), key=lambda k: -wrong[k])[:_WIDEST])
