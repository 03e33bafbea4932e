"""What a search may try, as a person writes it, and one trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auricle.errors import RequestError
from auricle.learning.experiment import Prepared
from auricle.learning.search import Choice, choice, trial

Prepare = Callable[..., Prepared]


class Asked:
    """Answers as Optuna's trials do, and remembers how it was asked."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> tuple[str, str, bool]:
        return ("int", name, log)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> tuple[str, str, bool]:
        return ("float", name, log)

    def suggest_categorical(self, name: str, choices: list[int]) -> int:
        return choices[-1]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("train.lr=1e-4..1e-2", ("float", "train.lr", True)),
        ("model.dropout=0.0..0.5", ("float", "model.dropout", False)),
        ("train.epochs=10..40", ("int", "train.epochs", False)),
        ("model.width=4..64", ("int", "model.width", True)),
        ("head.name=['mean_pool', 'attention_pool']", "attention_pool"),
        ("model.blocks=[[1, 1], [1, 2]]", [1, 2]),
    ],
)
def test_choices(text: str, asked: object) -> None:
    assert choice(text).of(Asked()) == asked


@pytest.mark.parametrize(
    "text", ["train.lr", "=1..2", "train.lr=2..1", "train.lr=a..b", "train.lr=0.1", "train.lr=[]", "train.lr=true..false"]
)
def test_what_is_no_choice(text: str) -> None:
    with pytest.raises(RequestError, match=r"key=low\.\.high or key="):
        choice(text)


def test_a_trial_is_judged_by_the_development_group_alone(tmp_path: Path, prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepare(epochs=2)
    heard: list[Path] = []
    read = type(ready.feed).wave
    monkeypatch.setattr(type(ready.feed), "wave", lambda self, item: heard.append(item.path) or read(self, item))
    told: list[tuple[int, float]] = []
    found = trial(
        str(ready.corpus.root), ready.recipe, tmp_path, bar=lambda title, total: lambda: None, report=lambda *row: told.append(row)
    )
    assert [epoch for epoch, _ in told] == [1]
    assert 0 < found["dev_loss"] != told[0][1]
    assert 0 <= found["dev_accuracy"] <= 1
    assert not set(heard) & {item.path for item in ready.division.test}


def test_choice_is_a_value() -> None:
    assert choice("a.b=[true, false]") == Choice("a.b", (True, False))
