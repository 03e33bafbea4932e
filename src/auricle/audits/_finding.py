"""One thing that an audit found: how bad, one sentence, which files, what to paste."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]
_MOST = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Args:
        severity: "error" makes a score wrong or a file unusable, "warning" may, "note" is good to know.
        sentence: what was found, and what it does.
        paths: the files it is about.
        fix: a command or setting to paste, or "".
    """

    severity: Severity
    sentence: str
    paths: tuple[Path, ...] = ()
    fix: str = ""


def set_aside(paths: Sequence[Path]) -> str:
    """A command that moves files out of the corpus without deleting anything.

    Args:
        paths: the files.

    Returns:
        One line of shell for up to 8 files, "" for more.

    >>> set_aside([Path("a b.wav")])
    "mkdir -p set_aside && mv -- 'a b.wav' set_aside/"
    """
    if not 0 < len(paths) <= _MOST:
        return ""
    return f"mkdir -p set_aside && mv -- {' '.join(shlex.quote(str(path)) for path in paths)} set_aside/"


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    Args:
        count: how many.
        noun: singular, with a regular plural.

    Returns:
        Such as "1 file" or "2 files".

    >>> counted(2, "file")
    '2 files'
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"
