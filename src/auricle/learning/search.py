"""The space that a search of settings looks through, and one trial of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle.errors import RequestError
from auricle.learning import experiment
from auricle.learning.devices import alone
from auricle.learning.experiment import Bar
from auricle.learning.score import score
from auricle.recipe import Recipe

_FAR = 10.0  # ends so many times apart, both above 0, are searched by their logarithm


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting and what it may be.

    Args:
        key: such as train.lr.
        values: to choose among; empty where there is a range.
        low: least of the range.
        high: most of the range.
    """

    key: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def of(self, trial: Any) -> Any:
        """A value for one trial.

        Args:
            trial: Optuna's.

        Returns:
            One of the values, or a number of the range: whole where both ends are.
        """
        if self.values:
            return self.values[trial.suggest_categorical(self.key, list(range(len(self.values))))]
        wide = self.low > 0 and self.high >= _FAR * self.low
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.key, self.low, self.high, log=wide)
        return trial.suggest_float(self.key, self.low, self.high, log=wide)


def choice(text: str) -> Choice:
    """A setting to be searched, as a person writes it.

    Args:
        text: `key=low..high`, or `key=[one, two, …]` in TOML's own values.

    Returns:
        The choice.

    Raises:
        RequestError: it is neither.

    >>> choice("train.lr=1e-4..1e-2")
    Choice(key='train.lr', values=(), low=0.0001, high=0.01)
    >>> choice("model.width=[8, 16]").values
    (8, 16)
    """
    key, equals, said = text.partition("=")
    wrong = RequestError(f"--try {text!r} is not of the form key=low..high or key=[one, two]")
    if not equals or not key.strip():
        raise wrong
    low, dots, high = said.partition("..")
    try:
        if not dots:
            values = tomllib.loads(f"value = {said}")["value"]
            if not isinstance(values, list) or not values:
                raise wrong
            return Choice(key.strip(), tuple(values))
        ends = [tomllib.loads(f"value = {each.strip()}")["value"] for each in (low, high)]
    except tomllib.TOMLDecodeError:
        raise wrong from None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in ends) or not ends[0] < ends[1]:
        raise wrong
    return Choice(key.strip(), (), *ends)


def trial(data: str, recipe: Recipe, folder: Path, *, bar: Bar, report: Callable[[int, float], None]) -> dict[str, float]:
    """Train with one choice of settings and judge by the development group; the test clips are not looked at.

    Args:
        data: corpus name, folder or table.
        recipe: of this trial.
        folder: for its checkpoints.
        bar: makes a progress bar of so many ticks.
        report: called after each epoch but the last with its number and the development loss; may raise to give the trial up.

    Returns:
        `dev_loss`, `dev_accuracy` and `seconds` of training.

    Raises:
        RequestError: the recipe leaves no development group.
    """
    alone(recipe.train, "a search")
    prepared = experiment.prepare(data, experiment.resolved(recipe), bar=bar)
    if not prepared.division.dev:
        raise RequestError(
            "a search is judged by a development group, and split.dev_fraction leaves none", hint="--set split.dev_fraction=0.2"
        )
    training = experiment.training(prepared)
    told = 0

    def watch(at: Any, _loss: float) -> None:
        nonlocal told
        if len(at.rows) > told:
            told = len(at.rows)
            report(told, at.rows[-1]["dev_loss"])

    pipe = training.run(folder, watch)
    judged = score(pipe, prepared.feed, prepared.division.dev)
    return {"dev_loss": judged.loss(), "dev_accuracy": judged.accuracy(), "seconds": training.at.spent}
