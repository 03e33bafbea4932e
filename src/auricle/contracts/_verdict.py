"""What a battery says of one component, and how a check becomes a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

Check = tuple[str, Callable[[], str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of one component.

    Args:
        name: what was checked.
        passed: whether the component does it.
        sentence: what was found and, where it failed, what to add.
    """

    name: str
    passed: bool
    sentence: str


class BrokenContractError(Exception):
    """A check found the contract broken; the text is the verdict's sentence."""


def demand(holds: bool, sentence: str) -> None:
    """Ends a check with this sentence unless it holds.

    Args:
        holds: what the contract asks.
        sentence: what was found and what to add.

    Raises:
        BrokenContractError: it doesn't hold.
    """
    if not holds:
        raise BrokenContractError(sentence)


def verdicts(checks: Iterable[Check], *, needs: str = "made") -> Iterator[Verdict]:
    """Each check's verdict, in order; an exception of the component is a failed check, never the end of the battery.

    Args:
        checks: pairs of a name and a function that returns what it found, or calls `demand`.
        needs: the check without which the others make no sense.

    Yields:
        One verdict a check.
    """
    for name, check in checks:
        verdict = _verdict(name, check)
        yield verdict
        if name == needs and not verdict.passed:
            return


def _verdict(name: str, check: Callable[[], str]) -> Verdict:
    try:
        return Verdict(name, True, check())
    except BrokenContractError as broken:
        return Verdict(name, False, str(broken))
    except Exception as wrong:  # noqa: BLE001 - whatever a stranger's component raises is the finding
        place = extract_tb(wrong.__traceback__)[-1]
        first = str(wrong).strip().partition("\n")[0]
        return Verdict(name, False, f"raised {type(wrong).__name__} in {Path(place.filename).name}, line {place.lineno}: {first}")
