"""Studies as data: read strictly, one protocol for all rows, and all shipped ones whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle import catalog, recipe, studies
from auricle.errors import RequestError

TEXT = """
title = "Widths"
question = "Does width matter?"
corpora = ["x"]
set = ["train.epochs=2"]

[protocol]
ema = 0.9

[[row]]
name = "narrow"

[[row]]
name = "wide"
set = ["model.width=24"]
"""


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "widths.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", studies.shipped())
def test_shipped_studies_are_whole(name):
    study = studies.read(name)
    assert study.question.endswith("?")
    assert studies.text(name).startswith("# ")
    made = {}
    for row in study.row:
        made[row.name] = recipe.read(row.recipe or study.recipe, study.settings(row, 1))
    # Under one protocol, whatever the rows' recipes say; and no two rows are the same.
    first = made[study.row[0].name]
    for each in made.values():
        assert (each.seed, each.split, each.data) == (1, first.split, recipe.parse({}).data)
        assert (each.train.ema, each.train.swa, each.train.patience, each.train.time) == (first.train.ema, 0.0, 0, "")
    students = sum(bool(row.teacher) for row in study.row)  # alike but for their teachers, which a run knows
    assert len({each.identity for each in made.values()}) == len(made) - max(0, students - 1)
    assert not any("/" in setting for row in study.row for setting in (*study.set, *row.set)), "a study names no path"


def test_every_augmentation_of_sound_has_a_row():
    only_pictures = {"rotation", "colour_jitter"}
    rows = {row.name for row in studies.read("augmentations").row}
    assert rows == {"none", *catalog.names("augments")} - only_pictures


def test_what_a_row_is_and_what_the_protocol_is(tmp_path):
    study = studies.read(written(tmp_path))
    narrow, wide = (recipe.read(study.recipe, study.settings(row, 2, ("train.lr=0.5",))) for row in study.row)
    assert (narrow.train.ema, narrow.train.epochs, narrow.train.lr, narrow.seed) == (0.9, 2, 0.5, 2)
    assert narrow.model.args["width"] != wide.model.args["width"] == 24
    assert recipe.read("default").train.ema != narrow.train.ema, "the recipe's own choice of weights does not count"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('question = "Does', 'quesion = "Does', r"study widths\.quesion is not a setting; did you mean question"),
        ("ema = 0.9", "emma = 0.9", r"study widths\.protocol\.emma is not a setting; did you mean ema"),
        ('set = ["model', 'sets = ["model', r"study widths\.row 2\.sets is not a setting; did you mean set"),
        ("ema = 0.9", 'ema = "0.9"', r"study widths: protocol\.ema is wrong: Expected `float`"),
        ('title = "Widths"', "", "study widths: the file is wrong: .*missing required field `title`"),
        ('corpora = ["x"]', "corpora = []", "2 rows, 0 corpora"),
        ('name = "wide"', 'name = "narrow"', "row 'narrow' is not a name of its own"),
        ('name = "wide"', 'name = "wide, wider"', "without commas"),
        ('name = "narrow"', 'name = "narrow"\nteacher = "wide"', "row 'narrow' is taught by 'wide', which is no row above it"),
        ("[[row]]", "[[row", "is not a study that can be read"),
        *(
            ("model.width=24", setting, r"row 'wide' sets .*, which is the protocol's")
            for setting in ("split.rule=random", "split={}", "seed=4", "data.name=esc10", "train.ema=0.5", "train={}", "train.time=2m")
        ),
        ("train.epochs=2", "transfer.probe=linear", "set transfer.probe=linear, which is the protocol's"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, old, new, said):
    with pytest.raises(RequestError, match=said):
        studies.read(written(tmp_path, TEXT.replace(old, new, 1)))


def test_names_are_looked_up(tmp_path):
    with pytest.raises(RequestError, match="did you mean picture_transfer"):
        studies.read("picture_transfers")
    with pytest.raises(RequestError, match="is not a file"):
        studies.read(tmp_path / "none.toml")
    study = studies.read(written(tmp_path))
    with pytest.raises(RequestError, match="'wise' is not a row of widths; did you mean wide"):
        study.picked("narrow,wise")
    with pytest.raises(RequestError, match=r"--set split\.test=a, which is the protocol's"):
        study.settings(study.row[0], 0, ("split.test=a",))


def test_teachers_come_along_and_recipes_may_stand_beside(tmp_path):
    (tmp_path / "own.toml").write_text("seed = 0\n")
    text = TEXT.replace('name = "wide"', 'name = "wide"\nrecipe = "own.toml"') + '[[row]]\nname = "student"\nteacher = "narrow"\n'
    study = studies.read(written(tmp_path, text))
    assert [row.name for row in study.picked("student").row] == ["narrow", "student"]
    assert study.row[1].recipe == str(tmp_path / "own.toml")
