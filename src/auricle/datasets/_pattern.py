"""What the path of a file says about it: words for splits, and regular expressions whose named groups are label, group, split or fold."""

from __future__ import annotations

import re
from pathlib import Path

from auricle.errors import DataError, RequestError

SPLITS = {"train": "train", "training": "train", "tr": "train"}
SPLITS |= dict.fromkeys(("dev", "val", "valid", "validation", "development"), "dev")
SPLITS |= dict.fromkeys(("test", "testing", "eval", "evaluation"), "test")
WORDS = {"label", "group", "split", "fold", "-"}


def named_pattern(pattern: str) -> re.Pattern[str] | None:
    """The compiled pattern, or None for "".

    Args:
        pattern: regular expression with at least one named group out of label, group, split, fold.

    Returns:
        the pattern, ready to search.

    Raises:
        RequestError: not a regular expression, or it names none of them.
    """
    if not pattern:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as wrong:
        raise RequestError(f"data.pattern {pattern!r} is not a regular expression: {wrong}") from wrong
    if not compiled.groupindex or set(compiled.groupindex) - WORDS:
        named = ", ".join(compiled.groupindex) or "nothing"
        raise RequestError(f"data.pattern {pattern!r} names {named}; wanted (?P<group>…), or label, split or fold")
    return compiled


def matched(pattern: re.Pattern[str] | None, path: Path) -> dict[str, str]:
    """What the pattern finds in a path, by name; nothing where there is no pattern.

    Args:
        pattern: of `named_pattern`.
        path: relative to the corpus.

    Returns:
        text by group name.

    Raises:
        DataError: the pattern does not match the path.
    """
    if pattern is None:
        return {}
    match = pattern.search(path.as_posix())
    if match is None:
        raise DataError(f"{path} does not match data.pattern {pattern.pattern!r}")
    return {k: v for k, v in match.groupdict().items() if v is not None}
