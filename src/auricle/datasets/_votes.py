"""What several annotators' judgements of a clip come to: votes, the most voted label, and which columns of a table look like annotators."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

Judgements = tuple[tuple[str, ...], ...]
"""Of one clip: the labels that each annotator gave, none where one did not judge."""

_STEM = r"annotator|annotation|rater|rating|evaluator|evaluation|judge|coder|listener|expert|label|vote"
_ANNOTATOR = re.compile(rf"({_STEM})[ _.-]?(\d+|[a-z])")


def tally(judgements: Judgements) -> dict[str, float]:
    """Votes for each label of a clip, the most voted first.

    Each annotator has one vote; who gives n labels gives each 1/n of it.

    Args:
        judgements: of one clip.

    Returns:
        Votes by label, all above 0; equally many keep the order in which they were first given.

    >>> tally((("anger",), ("neutral", "anger"), ()))
    {'anger': 1.5, 'neutral': 0.5}
    """
    votes: dict[str, float] = {}
    for labels in judgements:
        for label in labels:
            votes[label] = votes.get(label, 0.0) + 1 / len(labels)
    return dict(sorted(votes.items(), key=lambda pair: -round(pair[1], 9)))


def most_voted(labels: Sequence[str], votes: Sequence[float]) -> tuple[str, ...]:
    """The label with the most votes, or all of them where several have as many.

    Args:
        labels: of one clip.
        votes: for each of them.

    Returns:
        One label, several in a tie, none where there is no label.
    """
    most = max(votes, default=0.0)
    return tuple(label for label, count in zip(labels, votes, strict=True) if math.isclose(count, most, rel_tol=1e-9))


def annotators_among(columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that look like one annotator each: at least two of one stem, with a number or a letter behind it.

    Args:
        columns: names, in lower case.

    Returns:
        Those names in the table's order; none where no two go together.

    >>> annotators_among(("path", "rater_1", "rater_2", "label_count"))
    ('rater_1', 'rater_2')
    """
    found = {name: match[1] for name in columns if (match := _ANNOTATOR.fullmatch(name))}
    stems = list(found.values())
    return tuple(name for name, stem in found.items() if stems.count(stem) > 1)
