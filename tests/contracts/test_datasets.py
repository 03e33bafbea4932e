"""Deliberately broken datasets, each caught by the check that is there for it."""

from __future__ import annotations

import dataclasses

from auricle.contracts.datasets import datasets
from auricle.datasets.fsdd import Fsdd


class UnknownLabel(Fsdd):
    def items(self, root):
        return (dataclasses.replace(item, target=("eleven",)) for item in super().items(root))


class LosesTheLast(Fsdd):
    def items(self, root):
        return iter(list(super().items(root))[:-1])


class WritesAnIndex(Fsdd):
    def items(self, root):
        (root / "index.txt").write_text("seen", encoding="utf-8")
        return super().items(root)


class EndsAfterItsFile(Fsdd):
    def items(self, root):
        return (dataclasses.replace(item, stop=99.0) for item in super().items(root))


class FindsItselfEverywhere(Fsdd):
    def found(self, root):
        return True


class ChangesItsMind(Fsdd):
    def __init__(self) -> None:
        self.turn = 0

    def items(self, root):
        self.turn += 1
        return iter(list(super().items(root))[:: -1 if self.turn % 2 else 1])


def failed(kind) -> set[str]:
    return {v.name for v in datasets(kind) if not v.passed}


def test_each_fault_is_caught_by_its_check():
    assert "items" in failed(UnknownLabel)
    assert "items" in failed(LosesTheLast)
    assert "nothing written" in failed(WritesAnIndex)
    assert "items" in failed(EndsAfterItsFile)
    assert "found" in failed(FindsItselfEverywhere)
    assert "stable order" in failed(ChangesItsMind)
