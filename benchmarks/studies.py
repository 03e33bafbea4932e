"""The shipped studies on the real corpora: results/studies/NAME/CORPUS/table.md and table.csv, from which docs/studies.md is made.

    python benchmarks/studies.py picture_transfer esc10              # one seed
    python benchmarks/studies.py distillation emodb --seeds 3
    python benchmarks/studies.py picture_transfer esc10 --rows crnn,efficientnet_lite0

Needs the corpora at $AURICLE_DATA, and in the cache the weights that a study's rows begin from. Finished folds are kept in runs/study and
not trained again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from auricle.verbs import _study_table
from auricle.verbs.study import Studied, study

RESULTS = Path(__file__).parent / "results" / "studies"


def main() -> None:
    """Train what is missing, and write a folder for each corpus."""
    words = argparse.ArgumentParser()
    words.add_argument("name", help="of the study")
    words.add_argument("corpora", nargs="+")
    words.add_argument("--rows", default="", help="names with commas between; all")
    words.add_argument("--seeds", type=int, default=1)
    asked = words.parse_args()
    for corpus in asked.corpora:
        made = study(asked.name, data=(corpus,), rows=asked.rows, seeds=asked.seeds)
        assert isinstance(made, Studied)
        _study_table.write(RESULTS / asked.name / corpus, made.tables)
        print(made.text())


if __name__ == "__main__":
    main()
