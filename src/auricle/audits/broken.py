"""Files that cannot be read, and those whose sound is missing, clipped, not a number, cut or beside zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from auricle.audits._finding import Finding, Severity, counted, set_aside
from auricle.audits._heard import Heard
from auricle.types import Item

_CLIPPED = 0.001
_OFFSET = 0.02
_QUIET_DB = -70.0


def broken(items: Sequence[Item], heard: Mapping[Path, Heard]) -> list[Finding]:
    """What is wrong with single files.

    Args:
        items: the corpus's clips.
        heard: what was heard of each file.

    Returns:
        One finding for each kind of fault.
    """
    paths = list(dict.fromkeys(item.path for item in items))
    known = [heard[path] for path in paths if path in heard]
    used = [each for each in known if not each.error]
    silent = [each.path for each in used if each.peak == 0]
    finds = [
        _finding("error", [e.path for e in known if e.error], "cannot be used", "they are left out", fix=True),
        _finding("error", silent, "silent: every sample is 0", "a model learns silence as their label", fix=True),
        _finding("error", [e.path for e in used if _says(e, "not numbers")], "hold NaN or infinity", "these samples are read as 0"),
        _finding(
            "warning", [e.path for e in used if _says(e, "truncated", "damaged", "shorter")], "damaged or cut", "what is there is used"
        ),
        _finding("warning", [e.path for e in used if e.clipped > _CLIPPED], "clipped", "more than 1 in 1000 samples stand at full scale"),
        _finding("warning", [e.path for e in used if e.peak > 2], "beyond full scale", "samples exceed ±1 twofold or more"),
        _finding("note", [e.path for e in used if e.offset > _OFFSET], "not centred on zero", "their mean is beyond 2 % of full scale"),
        _finding(
            "note", [e.path for e in used if e.peak > 0 and e.rms_db < _QUIET_DB], "very quiet", f"below {_QUIET_DB:g} dB of full scale"
        ),
    ]
    return [found for found in finds if found is not None]


def _says(heard: Heard, *words: str) -> bool:
    return any(word in warning for warning in heard.warnings for word in words)


def _finding(severity: Severity, paths: list[Path], what: str, effect: str, *, fix: bool = False) -> Finding | None:
    if not paths:
        return None
    verb = "" if what.startswith(("cannot", "hold")) else "is " if len(paths) == 1 else "are "
    if len(paths) == 1:
        what, effect = what.replace("hold ", "holds ", 1), effect.replace("they are", "it is").replace("their", "its")
    return Finding(severity, f"{counted(len(paths), 'file')} {verb}{what}; {effect}", tuple(paths), set_aside(paths) if fix else "")
