"""What the shipped studies cost: processor seconds of one epoch of one fold, row by row, and the hours that follow for the whole.

    python benchmarks/study_costs.py                    # every row whose corpus and weights are here
    python benchmarks/study_costs.py transfer_whisper   # studies of these names; figures of others are kept

A network learns on one thread from 96 clips of the last fold, drawn evenly, as its study says; what its steps but the first take of the
processor counts, in proportion to the fold's clips. Teachers are trained likewise; a student's second epoch counts, since in the first its
teacher is asked about each clip. `hours` is all folds, seeds and epochs of that row; reading, judging, reports and the export come on top.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import torch

from _measure import RESULTS, write
from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle import studies
from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import fold_rule, folds
from auricle.errors import AuricleError
from auricle.learning import experiment
from auricle.learning.loop import Training
from auricle.verbs._teachers import panel

CLIPS = 96
SEVERAL = {"distillation"}  # elsewhere the first corpus stands for the rest


def excerpt(corpus: str, rule: str, folder: Path) -> tuple[Path, int, int]:
    """A table of some clips that train in the last fold and some that judge; how many train in it, and how many folds there are."""
    items = open_corpus(corpus).items
    rule = fold_rule(items, rule)
    names = folds(items, rule)
    parts = {judges: [i for i in items if ((i.fold if rule == "fold" else i.group) == names[-1]) == judges] for judges in (False, True)}
    path = folder / f"{corpus}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label", "fold"))
        for judges, part in parts.items():
            for item in part[:: max(1, len(part) // CLIPS)][:CLIPS]:
                rows.writerow((item.path, item.target[0], "judges" if judges else "trains"))
    return path, len(parts[False]), len(names)


def measured(study: studies.Study, row: studies.Row, corpus: str, folder: Path) -> dict[str, object]:
    """One row's figures; its bundle is left in the folder, for students."""
    chosen = experiment.resolved(recipes.read(row.recipe or study.recipe, study.settings(row, 0, ("train.progress=false",))))
    table, clips, count = excerpt(corpus, study.protocol.rule, folder)
    recipe = dataclasses.replace(
        chosen,
        split=dataclasses.replace(chosen.split, rule="fold", test="judges"),
        transfer=dataclasses.replace(chosen.transfer, teachers=(str(folder / row.teacher.replace(" ", "_")),) if row.teacher else ()),
        train=dataclasses.replace(chosen.train, epochs=2 if row.teacher else 1, warmup=0.5),
    )
    prepared = experiment.prepare(str(table), recipe, bar=lambda *_: lambda: None)
    run: Training = experiment.training(prepared, panel=panel(prepared.recipe, prepared.corpus.task))
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as checkpoints:
        bundle = experiment.finish(run, prepared, Path(checkpoints), lambda *_: spent.append(time.process_time()))
    bundles.save(bundle, folder / row.name.replace(" ", "_") / "bundle")
    steps = run.feed.steps(prepared.division.train)
    epoch = (spent[-1] - spent[-steps]) / (steps - 1) / prepared.recipe.train.batch * clips
    return {
        "study": study.name,
        "corpus": corpus,
        "row": row.name,
        "folds": count,
        "epochs": chosen.train.epochs,
        "seeds": study.seeds,
        "seconds_an_epoch": f"{epoch:.1f}",
        "hours": f"{epoch * chosen.train.epochs * count * study.seeds / 3600:.2f}",
    }


def main(names: list[str]) -> None:
    """Measure and write."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    path = RESULTS / "study_costs.csv"
    kept = {(r["study"], r["corpus"], r["row"]): r for r in (csv.DictReader(path.open(encoding="utf-8")) if path.is_file() else ())}
    for name in names or studies.shipped():
        study = studies.read(name)
        for corpus in study.corpora if name in SEVERAL else study.corpora[:1]:
            with tempfile.TemporaryDirectory() as folder:
                for row in study.row:
                    try:
                        found = measured(study, row, corpus, Path(folder))
                    except AuricleError as wanting:
                        print(f"{name} on {corpus}, {row.name}: left out, {wanting}")
                        continue
                    kept[name, corpus, row.name] = found
                    print(json.dumps(found), flush=True)
    stamp = {"date", "machine", "load"}
    write("study_costs", [{k: v for k, v in row.items() if k not in stamp} for _, row in sorted(kept.items())])


if __name__ == "__main__":
    main(sys.argv[1:])
