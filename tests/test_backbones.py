"""Backbones by name: made once from a copy of the published file, told where they are not, and never taken for a model that answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.test_ctranslate2 import theirs
from tests.models.test_ctranslate2 import written as as_ctranslate2
from tests.models.test_sound_net8 import published
from tests.models.test_sound_net8 import written as as_arrays

from auricle import backbones, catalog, cli, pretrained, recipe
from auricle import bundle as bundles
from auricle.errors import BundleError, DataError, RequestError
from auricle.models.whisper import Whisper

NAME = "sound_net8.flickr_conv5"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", backbones.names())
def test_entries_are_whole(name):
    found = backbones.about(name)
    own = recipe.parse(found.recipe)
    assert name.partition(".")[0] == own.model.name in catalog.names("models")
    assert len(found.sha256) == 64
    assert found.file in found.found_in
    assert not found.here
    assert name not in pretrained.names()


def test_arrays_become_a_bundle_that_training_begins_from(tmp_path):
    arrays = published()
    path = as_arrays(tmp_path, arrays)
    with pytest.raises(DataError, match=r"is not the sound8\.npy of sound_net8\.flickr_conv5: its checksum is sha256:"):
        backbones.bring(backbones.about(NAME), path)
    folder = backbones.bring(replace(backbones.about(NAME), sha256=""), path)
    path.unlink()
    assert folder == backbones.bring(backbones.about(NAME), path) == pretrained.locate(NAME)
    bundle = bundles.load(folder)
    kernel = next(p for name, p in bundle.pipe.model.named_parameters() if name.startswith("conv5") and p.ndim > 1)
    assert np.array_equal(kernel.detach().numpy().squeeze(), arrays["conv5"]["weights"].transpose(3, 2, 0, 1).squeeze())
    assert bundle.card["weights_may_ship"]


def test_an_encoders_first_layers_are_taken_and_the_others_left_out(tmp_path):
    from tests.models.test_ctranslate2 import SMALL
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    torch.manual_seed(0)
    whole = WhisperEncoder(WhisperConfig(**SMALL, decoder_layers=1))
    path = tmp_path / "model.bin"
    path.write_bytes(as_ctranslate2(theirs(whole)))
    about = backbones.about("whisper.tiny_en_2")
    config = {"model_type": "whisper", **SMALL}
    own = {**about.recipe, "model": {**about.recipe["model"], "layers": 1, "frames": 20, "config": config}}
    bundle = bundles.load(backbones.bring(replace(about, sha256="", recipe=own), path))
    assert isinstance(bundle.pipe.model, Whisper)
    kept = bundle.pipe.model.network.state_dict()
    assert len(bundle.pipe.model.network.layers) == 1
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in kept.items())
    with pytest.raises(BundleError, match="is of another network"):
        backbones.bring(replace(about, sha256="", name="whisper.other"), path)


def test_a_vision_network_comes_from_its_weights_file(tmp_path):
    about = backbones.about("vision.efficientnet_lite0")
    own = {**about.recipe, "model": {"name": "vision", "backbone": "test_efficientnet"}}
    network = catalog.make("models", recipe.parse(own).model, 224).backbone
    torch.save({**network.state_dict(), "classifier.weight": torch.zeros(9, 3)}, tmp_path / "x.pth")
    bundle = bundles.load(backbones.bring(replace(about, sha256="", recipe=own), tmp_path / "x.pth"))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in bundle.pipe.model.backbone.state_dict().items())


def test_what_is_not_there_is_told_with_how_to_have_it(tmp_path, capsys):
    with pytest.raises(RequestError, match=r"sound_net8\.flickr_conv5 are not on this machine") as raised:
        pretrained.locate(NAME)
    assert f"auricle download {NAME} --from FILE takes a copy of sound8.npy" in raised.value.hint
    with pytest.raises(RequestError, match="did you mean sound_net8"):
        pretrained.locate("sound_net8.flickr_conv6")
    assert cli.main(["download", NAME, "--from", str(tmp_path / "none.npy")]) == 2
    assert "none.npy is not a file" in capsys.readouterr().err
    assert cli.main(["download", NAME]) == 2
    assert cli.main(["show", "weights", NAME]) == 0
    assert "names no classes" not in capsys.readouterr().err
    assert cli.main(["export", NAME]) == 2
    assert "there is nothing to export" in capsys.readouterr().err
    assert not Path(backbones.about(NAME).folder).exists()
