"""Bundles: what is saved comes back, what is damaged or foreign is refused in one sentence, no code is run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.learning.test_checkpoint import no_file_beyond
from tests.tones import recipe_of

from auricle import bundle as bundles
from auricle.bundle import Bundle
from auricle.errors import AuricleError, BundleError, RequestError
from auricle.types import Spec, Task

_TASK = Task(("bark", "müde", "雨"), "multi")


@pytest.fixture
def bundle() -> Bundle:
    torch.manual_seed(0)
    recipe = recipe_of()
    pipe = bundles.build(recipe, _TASK)
    pipe(torch.randn(3, 4000), torch.full((3,), 4000))  # running statistics move
    return Bundle(pipe.eval(), recipe, _TASK, 1.7, (0.1, 0.5, 0.9), {"license": "CC0", "decoders": ["x 1"]})


def _edited(folder: Path, **changes: Any) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def _reweighed(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    import hashlib

    weights = load_file(folder / "weights.safetensors")
    change(weights)
    save_file(weights, folder / "weights.safetensors")
    _edited(folder, sha256=hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest())


def test_comes_back_equal(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path / "run" / "bundle")
    for folder in (tmp_path / "run" / "bundle", tmp_path / "run"):
        again = bundles.load(folder)
        assert replace(again, pipe=bundle.pipe) == bundle
        assert not again.pipe.training
        wanted, got = bundle.pipe.state_dict(), again.pipe.state_dict()
        assert wanted.keys() == got.keys()
        assert all(torch.equal(wanted[k], got[k]) for k in wanted)
        wave, length = torch.randn(2, 5000), torch.tensor([5000, 3000])
        assert torch.equal(bundle.pipe(wave, length), again.pipe(wave, length))
    assert sorted(p.name for p in (tmp_path / "run" / "bundle").iterdir()) == ["bundle.json", "weights.safetensors"]


def test_loading_draws_nothing_and_holds_no_pickle(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path)
    # Names of modules and opcodes of any pickle protocol would be found in the bytes.
    assert not any(re.search(rb"c(torch|builtins|collections)[\w.]*\n|\x80[\x02-\x05]c", p.read_bytes()) for p in tmp_path.iterdir())
    header = (tmp_path / "weights.safetensors").read_bytes()
    assert json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])


@pytest.mark.parametrize("cut", [0, 10, 2000, -1])
def test_truncated_weights(bundle: Bundle, tmp_path: Path, cut: int) -> None:
    bundles.save(bundle, tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BundleError, match=r"weights\.safetensors is damaged"):
        bundles.load(tmp_path)


def test_one_flipped_bit_is_seen(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path)
    path = tmp_path / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="checksum"):
        bundles.load(tmp_path)


def test_weights_of_another_training_are_not_mixed_in(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path / "a")
    bundle.pipe.head.linear.bias.data += 1
    bundles.save(bundle, tmp_path / "b")
    (tmp_path / "b" / "weights.safetensors").replace(tmp_path / "a" / "weights.safetensors")
    with pytest.raises(BundleError, match=r"belongs to another bundle\.json"):
        bundles.load(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("head.linear.bias"), r"1 tensors are missing or extra, first head\.linear\.bias"),
        (lambda w: w.update({"head.more": torch.zeros(1)}), r"missing or extra, first head\.more"),
        (lambda w: w.update({"head.linear.bias": torch.zeros(4)}), r"head\.linear\.bias as \(4,\); its recipe wants \(3,\)"),
    ],
)
def test_tensors_that_do_not_fit(bundle: Bundle, tmp_path: Path, change: Any, told: str) -> None:
    bundles.save(bundle, tmp_path)
    _reweighed(tmp_path, change)
    with pytest.raises(BundleError, match=told):
        bundles.load(tmp_path)


@pytest.mark.parametrize("stage", ["frontend", "model", "head"])
@pytest.mark.parametrize("there", [True, False])
def test_local_code_is_refused_and_never_run(bundle: Bundle, tmp_path: Path, stage: str, there: bool) -> None:
    bundles.save(bundle, tmp_path)
    code = tmp_path / "evil.py"
    if there:
        code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil:\n    def __init__(self, *given): pass\n")
    _edited(tmp_path, recipe={**bundle.recipe.tree(), stage: {"name": str(code)}})
    with pytest.raises(BundleError, match=rf"needs the {stage} .*evil\.py; a bundle may only name components of auricle"):
        bundles.load(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"recipe": {}},
        {"recipe": 7},
        {"recipe": {"frontend": {"name": "log_mel"}, "model": {"name": "no_such"}, "head": {"name": "mean_pool"}}},
        {"recipe": {"frontend": "log_mel", "model": "cnn", "head": "mean_pool"}},
        {"task": {"kind": "single"}},
        {"task": None},
        {"format": 99},
    ],
)
def test_about_that_makes_no_sense(bundle: Bundle, tmp_path: Path, broken: dict[str, Any]) -> None:
    bundles.save(bundle, tmp_path)
    _edited(tmp_path, **broken)
    with pytest.raises(BundleError, match=r"bundle\.json") as told:
        bundles.load(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\xff"])
def test_about_that_is_no_about(bundle: Bundle, tmp_path: Path, text: str) -> None:
    bundles.save(bundle, tmp_path)
    (tmp_path / "bundle.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"bundle\.json"):
        bundles.load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(AuricleError, match="is not a bundle"):
        bundles.load(tmp_path)


def test_full_disk_leaves_the_old_bundle(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path)
    with no_file_beyond(1000), pytest.raises(OSError, match="large"):
        bundles.save(replace(bundle, temperature=9.0), tmp_path)
    assert bundles.load(tmp_path).temperature == 1.7
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("stage", "spec", "said"),
    [
        ("model", Spec("cnn", {"width": -2}), r"recipe\.model is cnn with width = -2.*, which can't be built: .*negative dimension"),
        ("model", Spec("cnn", {"width": 0}), r"recipe\.model is cnn with width = 0.*, which leaves blocks\.0\.\S* without a single weight"),
        (
            "model",
            Spec("narrow_whisper", {"first_channels": 0}),
            r"first_channels = 0.*, which leaves first\.0\.weight without a single weight",
        ),
        ("model", Spec("cnn", {"dropout": 3.0}), r"dropout = 3\.0, which can't be built: dropout probability"),
        ("frontend", Spec("log_mel", {"bins": -1}), r"recipe\.frontend is log_mel with .*bins = -1.*, which can't be built: "),
        ("head", Spec("mlp_pool", {"hidden": 0}), r"recipe\.head is mlp_pool with hidden = 0.* without a single weight"),
    ],
)
def test_sizes_that_no_network_has_are_one_sentence(stage: str, spec: Spec, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        bundles.build(replace(recipe_of(), **{stage: spec}), Task(("a", "b")))
