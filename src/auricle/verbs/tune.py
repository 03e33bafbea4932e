"""Search a recipe's settings, each try judged by a development group and never by the test."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.errors import MissingExtraError, RequestError

if TYPE_CHECKING:
    from auricle.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Tuned:
    """A search, and the best it found.

    Args:
        folder: with trials.csv and best.json.
        data: what was trained on.
        trials: tried to the end or given up.
        settings: of the best try.
        dev_loss: of the best try.
        dev_accuracy: of the best try.
    """

    folder: Path
    data: str
    trials: int
    settings: dict[str, Any]
    dev_loss: float
    dev_accuracy: float

    def text(self) -> str:
        """The best settings, and what to do with them."""
        found = [f"  {key} = {json.dumps(value)}" for key, value in self.settings.items()]
        return "\n".join(
            [
                f"best of {self.trials} tries: development loss {self.dev_loss:.4f}, accuracy {self.dev_accuracy:.3f}",
                *found,
                f"tries    {self.folder / 'trials.csv'}",
                f"next     auricle train {self.data} --recipe {self.folder / 'best.json'}",
            ]
        )

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        best = {"settings": self.settings, "dev_loss": self.dev_loss, "dev_accuracy": self.dev_accuracy}
        return {"folder": str(self.folder), "trials": self.trials, "best": best}


def tune(
    data: str,
    *,
    try_: tuple[str, ...],
    recipe: str = "",
    set_: tuple[str, ...] = (),
    trials: int = 20,
    time: str = "",
    out: Path | None = None,
) -> Tuned:
    """Search settings by Optuna's tree of Parzen estimators; tries that are worse than most at the same epoch are given up.

    The same command again goes on where it stood.

    Args:
        data: a folder, a table, or a corpus by name.
        try_: a setting and what it may be, such as train.lr=1e-4..1e-2 or model.width=[8,16,32]; may be repeated.
        recipe: what the settings are changed in; left out, as `auricle train` chooses.
        set_: a setting to override in all tries; may be repeated.
        trials: how many tries, those of an interrupted search included.
        time: budget such as 2h, after which no try is begun.
        out: folder of the search; left out, runs/<corpus>/tune-<identity>.

    Returns:
        The best settings.

    Raises:
        MissingExtraError: Optuna is not installed.
        RequestError: nothing to try, or settings that no recipe has.
        KeyboardInterrupt: its text says how to go on.
    """
    from auricle.learning.experiment import seconds_of
    from auricle.learning.search import choice
    from auricle.verbs.train import recipe_for

    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise MissingExtraError("auricle tune", "tune") from error
    choices = [choice(each) for each in try_]
    base = recipe_for(data, recipe, ("transfer.probe_above=0", *set_))  # settings of training are what is searched
    name = f"{base.identity[:8]}-{_digest(try_)}"
    folder = out or Path("runs") / Path(data).name / f"tune-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    store = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "trials.journal")))
    study = optuna.create_study(study_name=name, storage=store, load_if_exists=True, direction="minimize", pruner=_pruner(optuna, base))
    # A sampler's own chance begins anew with each process: the tries so far keep it from drawing the same ones again.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    left = trials - sum(each.state.is_finished() for each in study.trials)
    try:
        if left > 0:
            study.optimize(_objective(optuna, data, base, choices, folder), n_trials=left, timeout=seconds_of(time) or None)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command again goes on where it stood") from None
    return _told(optuna, study, choices, base, data=data, folder=folder)


def _pruner(optuna: Any, recipe: Recipe) -> Any:
    """Nothing is given up in the first five tries, nor in the first third of a try."""
    return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=recipe.train.epochs // 3)


def _digest(texts: tuple[str, ...]) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(sorted(texts)).encode()).hexdigest()[:6]


def _objective(optuna: Any, data: str, base: Recipe, choices: list[Any], folder: Path) -> Any:
    from auricle.learning.search import trial
    from auricle.verbs._bars import bar_of, bars

    def objective(attempt: Any) -> float:
        chosen = {each.key: each.of(attempt) for each in choices}

        def report(epoch: int, loss: float) -> None:
            attempt.report(loss, epoch)
            if attempt.should_prune():
                raise optuna.TrialPruned

        place = folder / "checkpoints"
        shutil.rmtree(place, ignore_errors=True)
        attempt.set_user_attr("settings", chosen)
        with bars(shown=base.train.progress) as display:
            found = trial(data, _changed(base, chosen), place, bar=bar_of(display), report=report)
        shutil.rmtree(place, ignore_errors=True)
        for key, value in found.items():
            attempt.set_user_attr(key, value)
        return found["dev_loss"]

    return objective


def _changed(base: Recipe, chosen: dict[str, Any]) -> Recipe:
    """The recipe with other settings, checked as `--set` is."""
    from auricle import recipe as recipes

    tree = base.tree()
    for key, value in chosen.items():
        recipes.override(tree, f"{key}={json.dumps(value)}")
    return recipes.parse(tree)


def _told(optuna: Any, study: Any, choices: list[Any], base: Recipe, *, data: str, folder: Path) -> Tuned:
    done = [each for each in study.trials if each.state == optuna.trial.TrialState.COMPLETE]
    if not done:
        raise RequestError(f"no try of {folder} came to an end; wanted at least one")
    keys = [each.key for each in choices]
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["try", "state", "dev_loss", "dev_accuracy", "seconds", *keys])
        for each in study.trials:
            about = each.user_attrs
            settings = [json.dumps(about.get("settings", {}).get(key)) for key in keys]
            rows.writerow(
                [each.number, each.state.name.lower(), *(about.get(k, "") for k in ("dev_loss", "dev_accuracy", "seconds")), *settings]
            )
    best = min(done, key=lambda each: each.value)
    chosen = best.user_attrs["settings"]
    (folder / "best.json").write_text(json.dumps(_changed(base, chosen).tree(), indent=1, ensure_ascii=False), encoding="utf-8")
    finished = sum(each.state.is_finished() for each in study.trials)
    return Tuned(folder, data, finished, chosen, best.user_attrs["dev_loss"], best.user_attrs["dev_accuracy"])
