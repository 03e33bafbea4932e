"""What the shipped studies cost: processor seconds of one epoch of one fold, row by row, and the hours that follow for the whole.

    python benchmarks/study_costs.py                    # every row whose corpus and weights are here
    python benchmarks/study_costs.py transfer_whisper   # studies of these names; figures of others are kept

A network learns on one thread from 96 clips of the last fold, drawn evenly, for two epochs, as its study says; the second counts, in
proportion to the fold's clips. Teachers are trained likewise, and heard in the first where a student's recipe asks once a clip.
`hours` is all folds, seeds and epochs of that row; reading, judging, reports and the export come on top, seconds a fold for most.
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
from auricle.learning.progress import Progress
from auricle.verbs._teachers import panel

CLIPS = 96
CORPORA = {
    "transfer_sound_net8": 1,
    "transfer_mobile_net": 1,
    "transfer_whisper": 1,
    "emotion_networks": 1,
}  # the first stands for the rest


def measured(study: studies.Study, row: studies.Row, corpus: str, folder: Path) -> dict[str, object]:
    """One row's figures; its bundle is left in the folder, for students."""
    chosen = experiment.resolved(recipes.read(row.recipe or study.recipe, study.settings(row, 0, ("train.progress=false",))))
    items = open_corpus(corpus, chosen.data).items
    rule = fold_rule(items, chosen.split.rule)
    names = folds(items, rule)
    teachers = (str(folder / row.teacher.replace(" ", "_")),) if row.teacher else ()
    recipe = dataclasses.replace(
        chosen,
        split=dataclasses.replace(chosen.split, rule=rule, test=names[-1]),
        transfer=dataclasses.replace(chosen.transfer, teachers=teachers),
        train=dataclasses.replace(chosen.train, epochs=2, warmup=1.0),
    )
    prepared = experiment.prepare(corpus, recipe, bar=lambda *_: lambda: None)
    whole = prepared.division.train
    few = dataclasses.replace(prepared.division, train=whole[:: max(1, len(whole) // CLIPS)])
    prepared = dataclasses.replace(prepared, division=few)
    run: Training = experiment.training(prepared, panel=panel(prepared.recipe, prepared.corpus.task))
    ends: list[float] = []

    def report(at: Progress, _loss: float) -> None:
        if len(at.rows) > len(ends):
            ends.append(time.process_time())

    with tempfile.TemporaryDirectory() as checkpoints:
        bundle = experiment.finish(run, prepared, Path(checkpoints), report)
    bundles.save(bundle, folder / row.name.replace(" ", "_") / "bundle")
    steps = run.feed.steps(few.train)
    epoch = (ends[1] - ends[0]) / steps * max(1, len(whole) // prepared.recipe.train.batch)
    hours = epoch * chosen.train.epochs * len(names) * study.seeds / 3600
    return {
        "study": study.name,
        "corpus": corpus,
        "row": row.name,
        "folds": len(names),
        "epochs": chosen.train.epochs,
        "seeds": study.seeds,
        "seconds_an_epoch": f"{epoch:.1f}",
        "hours": f"{hours:.2f}",
    }


def main(names: list[str]) -> None:
    """Measure and write."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    path = RESULTS / "study_costs.csv"
    kept = {(r["study"], r["corpus"], r["row"]): r for r in (csv.DictReader(path.open(encoding="utf-8")) if path.is_file() else ())}
    for name in names or studies.shipped():
        study = studies.read(name)
        for corpus in study.corpora[: CORPORA.get(name, len(study.corpora))]:
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
