"""The public battery on a component: auricle's, or your own file.

The same battery holds for everything that ships, so a component that passes can be trusted in a recipe like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from auricle import catalog
from auricle.errors import RequestError
from auricle.types import Spec

if TYPE_CHECKING:
    from auricle.contracts._verdict import Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """What the battery found.

    Args:
        kind: the catalogue.
        name: the entry, or its file.
        verdicts: one a check.
    """

    kind: str
    name: str
    verdicts: tuple[Verdict, ...]

    @property
    def exit_code(self) -> int:
        """0 where every check passed, else 1."""
        return 0 if all(each.passed for each in self.verdicts) else 1

    def text(self) -> str:
        """One line a check, and one that sums up."""
        width = max(len(each.name) for each in self.verdicts)
        lines = [f"{'ok' if each.passed else 'FAILED':6}  {each.name:{width}}  {each.sentence}" for each in self.verdicts]
        failed = sum(not each.passed for each in self.verdicts)
        told = f"{failed} of {len(lines)} checks failed" if failed else f"all {len(lines)} checks passed"
        return "\n".join([*lines, f"{self.name}: {told}"])

    def tree(self) -> Any:
        """Plain JSON values."""
        found = [{"check": v.name, "passed": v.passed, "sentence": v.sentence} for v in self.verdicts]
        return {"kind": self.kind, "name": self.name, "passed": self.exit_code == 0, "verdicts": found}


def check(kind: str, name: str, *, set_: tuple[str, ...] = ()) -> Checked:
    """The verdicts of a catalogue's battery on one component.

    `auricle check models ./mine.py` tells the author of a component what its kind asks for and what is missing, one line a check.

    Args:
        kind: a catalogue that has a battery, such as models; `auricle show contracts` lists them.
        name: an entry of it, or a Python file whose class spells the file's name.
        set_: a setting as `key=value`, the value as TOML writes it.

    Returns:
        One verdict a check; the exit code is 1 where one failed.

    Raises:
        RequestError: there is no such battery, entry or setting, or the file can't be imported.
    """
    if kind not in catalog.names("contracts"):
        raise RequestError(f"{kind!r} has no battery{catalog.nearest(kind, catalog.names('contracts'))}")
    from auricle.recipe import override

    tree: dict[str, Any] = {}
    for each in set_:
        override(tree, each)
    catalog.source(kind, name)
    try:
        component = catalog.load(kind, name)
    except ImportError as wrong:
        if not name.endswith(".py"):
            raise
        raise RequestError(f"{name} can't be imported: {wrong}") from wrong
    values = catalog.check(kind, Spec(name, tree), where=kind).args if tree else {}
    battery = catalog.load("contracts", kind)
    return Checked(kind, name, tuple(battery(partial(component, **values) if values else component)))
