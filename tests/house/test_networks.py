"""What is written down of each model is what measuring it gives."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from auricle import catalog
from auricle.errors import MissingExtraError
from auricle.reports.network import measure
from auricle.verbs import _networks

QUICK = ["bc_resnet", "ds_cnn", "tc_resnet"]


def test_nothing_is_written_of_models_that_are_gone():
    assert not _networks.measures().keys() - set(catalog.names("models"))


@pytest.mark.slow
def test_every_model_is_measured():
    missing = sorted(set(catalog.names("models")) - _networks.measures().keys())
    assert not missing, f"python docs/networks.py {' '.join(missing)}"


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in catalog.names("models")])
def test_it_is_current(name):
    try:
        found = asdict(measure(name))
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    written = _networks.measures()[name]
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()} == written, f"python docs/networks.py {name}"


def test_rows_say_why_and_from_where():
    row = _networks.row("cnn14")
    assert row["source"].startswith("Kong et al. 2020")
    assert row["published"] == "mean average precision 0.431 on AudioSet's evaluation clips, 527 classes"
    assert "94.4 % on Speech Commands" in _networks.row("ds_cnn")["published"]
    assert _networks.row("lstm")["streams"] == "yes"
    assert _networks.row("transformer")["streams"] == "no, needs the whole clip"
    assert _networks.row("bc_resnet")["streams"] == "no, looks 58 frames ahead"
