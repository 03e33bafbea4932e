"""Deliberately broken exporters, each caught by the check that is there for it."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from auricle.contracts import exporters as battery
from auricle.contracts._verdict import _verdict
from auricle.errors import BundleError
from auricle.exporters._runner import Runner
from auricle.exporters.onnx import Onnx


@cache
def _exported(streams: bool, folder: Path):
    """The battery's own bundle as the sound exporter writes it, once for all tests."""
    path = folder / f"{streams}.onnx"
    return Onnx().write(battery._bundle(streams=streams), path), path.read_bytes()


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    Sound.folder = tmp_path_factory.mktemp("exported")


class Sound(Onnx):
    """Writes what was written before: exporting takes seconds."""

    folder = Path()

    def write(self, bundle, path):
        report, data = _exported(bundle.pipe.streamable, self.folder)
        path.write_bytes(data)
        return report


class Changed(Sound):
    """Changes the file after it was proven."""

    def write(self, bundle, path):
        report = super().write(bundle, path)
        model = onnx.load(path)
        self.change(model, {p.key: p for p in model.metadata_props})
        onnx.save(model, path)
        return dataclasses.replace(report, size_bytes=path.stat().st_size)


class LosesLabels(Changed):
    def change(self, model, facts):
        facts["auricle.labels"].value = json.dumps(["a", "b", "c", "d"])


class AnswersOtherwise(Changed):
    def change(self, model, facts):
        for tensor in model.graph.initializer:
            if tensor.name.endswith("head.linear.bias"):
                tensor.raw_data = (onnx.numpy_helper.to_array(tensor) + np.arange(4, dtype=np.float32)).tobytes()


class RecordsAnything(Changed):
    def change(self, model, facts):
        golden = json.loads(facts["auricle.golden"].value)
        golden["inputs"][0]["probabilities"] = [0.25] * 4
        facts["auricle.golden"].value = json.dumps(golden)


class LeavesAFileBeside(Sound):
    def write(self, bundle, path):
        path.with_suffix(".json").write_text("{}")
        return super().write(bundle, path)


class ProvesNothing(Sound):
    def write(self, bundle, path):
        return dataclasses.replace(super().write(bundle, path), clips=1.0)


class TrainsTheBundle(Sound):
    def write(self, bundle, path):
        bundle.pipe.train()
        return super().write(bundle, path)


class ForgetsLengths(Runner):
    def run(self, wave, length=None):
        return super().run(wave)


class ForgetsState(Runner):
    def step(self, chunk, state):
        track, after = super().step(chunk, state)
        return track, {"wave": after["wave"]}


class ChangesState(Runner):
    def step(self, chunk, state):
        state["wave"][:] = 0
        return super().step(chunk, state)


class PadsSilently(Runner):
    def run(self, wave, length=None):
        return super().run(np.pad(wave, ((0, 0), (0, max(0, self.facts.min_samples - wave.shape[1])))), length)


class StreamsAnyway(Runner):
    def start(self, rows=1):
        return {"wave": np.zeros((rows, 0), np.float32)}


def opened_by(runner):
    return type(runner.__name__, (Sound,), {"open": lambda self, path: runner(path)})


class OpensAnything(Sound):
    def open(self, path):
        try:
            return Runner(path)
        except BundleError:
            return None


class RaisesItsOwn(Sound):
    def open(self, path):
        try:
            return Runner(path)
        except BundleError as wrong:
            raise OSError("bad file") from wrong


class NeedsAnArgument(Sound):
    def __init__(self, rate):
        self.rate = rate


class HasNoTolerance(Sound):
    tolerance = None


def failed(kind, names, folder) -> dict[str, str]:
    """What these checks find; the others of the battery take their time."""
    checks = dict(battery._checks(kind, folder))
    found = [_verdict(name, checks[name]) for name in names]
    return {v.name: v.sentence for v in found if not v.passed}


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (NeedsAnArgument, "made"),
        (NeedsAnArgument, "signature"),
        (HasNoTolerance, "made"),
        (LeavesAFileBeside, "write"),
        (ProvesNothing, "write"),
        (TrainsTheBundle, "write"),
        (LosesLabels, "facts"),
        (AnswersOtherwise, "clips"),
        (AnswersOtherwise, "golden inputs"),
        (RecordsAnything, "golden inputs"),
        (opened_by(ForgetsLengths), "padding"),
        (opened_by(PadsSilently), "short clips"),
        (opened_by(ForgetsState), "streams"),
        (opened_by(ChangesState), "streams"),
        (opened_by(StreamsAnyway), "whole clips only"),
        (OpensAnything, "damage"),
        (RaisesItsOwn, "damage"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_the_right_check_fails(kind, check, tmp_path):
    assert set(failed(kind, [check] if check in {"made", "signature"} else dict.fromkeys(["write", check]), tmp_path)) == {check}


def test_the_battery_ends_where_nothing_is_written():
    assert [v.name for v in battery.exporters(LeavesAFileBeside)] == ["made", "signature", "write"]


LIGHT = '''
"""An exporter in a file of its own."""
from auricle.exporters.onnx import Onnx as Shipped
{more}
class Light(Shipped):
    """ONNX."""

    def write(self, bundle, path):
        from tests.contracts.test_exporters import Sound

        return Sound().write(bundle, path)

    def open(self, path, *, threads=0):
        {first}
        return super().open(path, threads=threads)
'''


@pytest.mark.parametrize(
    ("more", "first", "said"),
    [
        ("", "pass", ""),
        ("import torch", "pass", "torch"),
        ("import pickle", "pickle.loads(b'\\x80\\x04\\x8c\\x02os\\x8c\\x06getcwd\\x93.')", "pickle.find_class"),
        ("import os", "os.system('true')", "os.system"),
    ],
)
def test_another_process_opens_it_without_torch_and_without_running_code(tmp_path, more, first, said):
    from auricle import catalog

    (tmp_path / "light.py").write_text(LIGHT.format(more=more, first=first))
    found = failed(catalog.load("exporters", str(tmp_path / "light.py")), ["write", "another process"], tmp_path)
    assert set(found) == ({"another process"} if said else set())
    assert said in found.get("another process", "")
