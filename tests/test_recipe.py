"""Recipes: TOML in, checked before any data is touched, JSON out, an identity that names the run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle import recipe
from auricle.errors import RequestError

SMALL = """
seed = 3
[data]
name = "folder"
[model]
name = "cnn"
width = 8
[[augment]]
name = "shift"
max_shift_ms = 50
[[augment]]
name = "gain"
[train]
epochs = 2
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_sections_become_specs_with_every_setting(small):
    read = recipe.read(small)
    assert read.seed == 3
    assert read.model.args["width"] == 8
    assert read.model.args["dropout"] == recipe.parse({}).model.args["dropout"]
    assert [a.name for a in read.augment] == ["shift", "gain"]
    assert read.augment[0].args["max_shift_ms"] == 50.0
    assert read.train.epochs == 2
    assert read.head.name == "mean_pool"


def test_the_tree_reads_back_to_an_equal_recipe(small, tmp_path):
    read = recipe.read(small)
    assert recipe.parse(json.loads(json.dumps(read.tree()))) == read
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(read.tree()), encoding="utf-8")
    assert recipe.read(path) == read


def test_every_shipped_recipe_is_legal_and_says_what_it_is():
    assert recipe.shipped()
    for name in recipe.shipped():
        assert recipe.read(name).identity
        assert recipe.text(name).startswith("# ")


@given(st.integers(0, 9), st.floats(1e-5, 1.0), st.sampled_from(["cnn", "crnn"]))
def test_identity_follows_what_can_change_the_result(seed, lr, model):
    tree = {"seed": seed, "train": {"lr": lr}, "model": {"name": model}}
    first = recipe.parse(tree)
    assert first.identity == recipe.parse(json.loads(json.dumps(first.tree()))).identity
    assert first.identity != recipe.parse({**tree, "seed": seed + 1}).identity
    assert first.identity != recipe.parse({**tree, "train": {"lr": lr, "epochs": 7}}).identity


@pytest.mark.parametrize(
    "without_effect", [{"train": {"workers": 7}}, {"train": {"device": "cpu"}}, {"expect": {"accuracy": 0.5}}, {"note": "x"}]
)
def test_identity_ignores_what_cannot(without_effect):
    assert recipe.parse(without_effect).identity == recipe.parse({}).identity


def test_explicit_defaults_do_not_change_the_identity():
    assert recipe.parse({"model": {"name": "cnn", "width": 16}}).identity == recipe.parse({"model": "cnn"}).identity


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"trian": {}}, r"recipe.trian is not a setting; did you mean train\?"),
        ({"train": {"lrr": 1.0}}, r"recipe.train.lrr is not a setting; did you mean lr\?"),
        ({"train": {"epochs": "ten"}}, "recipe.train.epochs is 'ten', which is not int"),
        ({"train": {"epochs": 1.5}}, "recipe.train.epochs is 1.5, which is not int"),
        ({"train": {"epochs": 0}}, "recipe.train.epochs is 0; wanted at least 1$"),
        ({"train": {"lr": -1}}, "recipe.train.lr is -1; wanted more than 0$"),
        ({"train": {"lr": float("nan")}}, "recipe.train.lr is nan; wanted more than 0$"),
        ({"train": {"ema": 1.0}}, "recipe.train.ema is 1.0; wanted at least 0 and less than 1$"),
        ({"train": {"lr": True}}, "recipe.train.lr is True, which is not float"),
        ({"feed": {"seconds": -3.0}}, "recipe.feed.seconds is -3.0; wanted at least 0$"),
        ({"split": {"test_fraction": 1.0}}, "recipe.split.test_fraction is 1.0; wanted more than 0 and less than 1$"),
        ({"transfer": {"freeze": 2.0}}, "recipe.transfer.freeze is 2.0; wanted at least 0 and at most 1$"),
        ({"transfer": {"probe_above": 1.5}}, "recipe.transfer.probe_above is 1.5; wanted at least 0 and at most 1$"),
        ({"augment": [{"name": "gain", "p": 5}]}, "augment gain: p is 5; wanted a probability, 0 to 1$"),
        ({"augment": [{"name": "shift", "p_end": -0.1}]}, "augment shift: p_end is -0.1; wanted a probability, 0 to 1$"),
        ({"transfer": {"groups": 0}}, "recipe.transfer.groups is 0; wanted at least 1$"),
        ({"seed": -1}, "recipe.seed is -1; wanted at least 0$"),
        ({"sample_rate": 0}, "recipe.sample_rate is 0; wanted at least 1$"),
        ({"train": {"device": "gpu"}}, "recipe.train.device is 'gpu', which is not 'auto' or 'cpu'"),
        ({"train": 3}, "recipe.train is 3, which is not a section"),
        ({"seed": "x"}, "recipe.seed is 'x', which is not int"),
        ({"model": {"width": 3}}, "recipe.model is .* which has no name"),
        ({"model": {"name": "cnn", "widht": 3}}, r"model.widht is not a setting of cnn; did you mean width\?"),
        ({"model": {"name": "cmn"}}, "is not one of the models"),
        ({"augment": {"name": "shift"}}, "which is not a list"),
    ],
)
def test_wrong_recipes_are_told_by_key(tree, said):
    with pytest.raises(RequestError, match=said):
        recipe.parse(tree)


def test_overrides_use_tomls_own_values(small):
    read = recipe.read(small, ("train.lr=0.05", "model.width = 4", 'note="a b"', "feed.short=tile", "model.blocks=[1, 1, 1, 1]"))
    assert (read.train.lr, read.model.args["width"], read.note, read.feed.short) == (0.05, 4, "a b", "tile")
    assert read.model.args["blocks"] == (1, 1, 1, 1)


def test_another_name_drops_the_settings_of_the_old_one(small):
    assert recipe.read(small, ("model.name=crnn",)).model.name == "crnn"
    tree = {"model": "cnn"}
    recipe.override(tree, "model.width=3")
    assert tree == {"model": {"name": "cnn", "width": 3}}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.lr", "section.key=value"),
        ("=3", "section.key=value"),
        ("seed.x=3", "which is not a section"),
        ("train.lr=fast", "train.lr is 'fast'"),
    ],
)
def test_wrong_overrides_are_told(small, override, said):
    with pytest.raises(RequestError, match=said):
        recipe.read(small, (override,))


@pytest.mark.parametrize(("name", "text"), [("bad.toml", "seed = = 3"), ("bad.json", "{"), ("list.json", "[1]")])
def test_files_that_are_no_recipe(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError, match=name):
        recipe.read(path)


def test_names_that_are_no_recipe():
    with pytest.raises(RequestError, match="is not a shipped recipe"):
        recipe.read("nonsense")
    with pytest.raises(RequestError, match="is not a file"):
        recipe.read("nonsense.toml")


BOTH = """
from torch import nn

class Both(nn.Module):
    streamable, stride, lookahead = True, 1, 0
    needs = ("mfcc", "fine")

    def __init__(self, bins):
        super().__init__()
"""


@pytest.fixture
def both(tmp_path):
    """A model that needs two front ends, one of them called by its own name."""
    path = tmp_path / "both.py"
    path.write_text(BOTH, encoding="utf-8")
    return str(path)


def test_several_front_ends_are_sections_of_one(both):
    tree = {"model": both, "frontend": {"fine": {"name": "log_mel", "bins": 24}}}
    read = recipe.parse(tree)
    assert list(read.frontend) == ["mfcc", "fine"]  # as the model wants them; what is left out has its own defaults
    assert (read.frontend["fine"].name, read.frontend["fine"].args["bins"]) == ("log_mel", 24)
    assert read.frontend["mfcc"].args["coefficients"] == 13
    assert recipe.parse(json.loads(json.dumps(read.tree()))) == read
    assert recipe.parse(read.tree()).identity == read.identity
    tree["frontend"] = {"mfcc": {}, **tree["frontend"]}
    assert recipe.parse(tree).identity == read.identity
    tree["frontend"]["mfcc"] = {"mels": 41}
    assert recipe.parse(tree).identity != read.identity


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("log_mel", r"recipe.frontend is one front end; the model .*both.py needs \[frontend.mfcc\] and \[frontend.fine\]"),
        ({"name": "log_mel"}, "recipe.frontend is one front end"),
        ({"bins": 3}, "recipe.frontend is one front end"),
        ({"mfc": {}}, r"recipe.frontend.mfc is not a front end that .*both.py needs; did you mean mfcc\?"),
        ({"mfcc": {"melz": 3}}, r"frontend.mfcc.melz is not a setting of mfcc; did you mean mels\?"),
        ({"mfcc": {"mels": "x"}}, "frontend.mfcc.mels is 'x', which is not int"),
        ({"mfcc": {}}, "recipe.frontend.fine is {}, which has no name"),
    ],
)
def test_wrong_front_ends_are_told_by_key(both, front, said):
    with pytest.raises(RequestError, match=said):
        recipe.parse({"model": both, "frontend": front})


def test_a_model_of_one_front_end_refuses_several():
    with pytest.raises(RequestError, match=r"recipe.frontend names mfcc and fine; the model cnn takes one front end"):
        recipe.parse({"frontend": {"mfcc": {}, "fine": {}}})


def test_another_model_takes_the_front_ends_it_needs_with_it(small, both):
    sets = (f"model.name={both}", "frontend.fine.name=log_mel", "frontend.mfcc.coefficients=20")
    read = recipe.read(small, sets)
    assert read.frontend["mfcc"].args["coefficients"] == 20
    assert read.frontend["fine"].name == "log_mel"
    tree = read.tree()
    recipe.override(tree, "model.name=cnn")
    assert recipe.parse(tree).frontend == recipe.parse({}).frontend
    tree = recipe.parse({"frontend": {"name": "log_mel", "bins": 20}}).tree()
    recipe.override(tree, "model.name=crnn")
    assert recipe.parse(tree).frontend.args["bins"] == 20  # one front end stays under another model of one
    recipe.override(tree, "frontend.fine.bins=20")
    with pytest.raises(RequestError, match=r"recipe.frontend names fine; the model crnn takes one front end"):
        recipe.parse(tree)


def test_a_flavour_among_several_front_ends_sets_the_rate(both):
    flavour, settings = next((k, v) for k, v in recipe.catalog.flavours("frontends", "mfcc").items() if "sample_rate" in v)
    tree = {"model": both, "frontend": {"fine": {"name": "log_mel"}, "mfcc": {"flavour": flavour}}}
    assert recipe.parse(tree).sample_rate == settings["sample_rate"]
    with pytest.raises(RequestError, match="the front end's flavour"):
        recipe.parse({**tree, "sample_rate": 1234})
