"""One graph for clips and streams, whatever the lengths, rows and chunks; and files that are not what they should be."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import BundleError, RequestError, ShapeError
from auricle.exporters import _golden
from auricle.exporters.onnx import Onnx


def noise(rows: int, samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((rows, samples)) * rng.uniform(0.003, 0.3, (rows, 1))).astype(np.float32)


@torch.no_grad()
def by_torch(exported: Any, wave: np.ndarray, length: np.ndarray) -> np.ndarray:
    logits = exported.bundle.pipe(torch.from_numpy(wave), torch.from_numpy(length)) / 1.3
    return (torch.sigmoid(logits) if exported.bundle.task.kind == "multi" else torch.softmax(logits, 1)).numpy()


@pytest.mark.parametrize("which", ["exported", "unstreamable"])
def test_answers_as_torch_at_odd_lengths_batches_and_paddings(which: str, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue(which)
    runner = Onnx().open(made.onnx)
    least = runner.facts.min_samples
    for rows, samples in ((1, least), (1, least + 1), (3, 1999), (8, 4001), (2, 24001)):
        wave = noise(rows, samples, seed=samples)
        length = np.random.default_rng(samples).integers(least, samples + 1, rows)
        wave[np.arange(samples)[None] >= length[:, None]] = 0
        assert np.abs(runner.run(wave, length) - by_torch(made, wave, length)).max() < 1e-5
        assert np.abs(runner.run(wave) - by_torch(made, wave, np.full(rows, samples))).max() < 1e-5


def test_answers_differ_between_sounds(exported: Any) -> None:
    answers = Onnx().open(exported.onnx).run(np.concatenate([noise(1, 8000, seed=s) for s in range(6)]))
    assert answers.std(axis=0).max() > 0.02  # else parity would prove nothing
    assert np.allclose(answers.sum(1), 1, atol=1e-5)


@settings(max_examples=12, deadline=None)
@given(chunks=st.lists(st.integers(1, 3000), min_size=1, max_size=12), rows=st.integers(1, 3))
def test_stream_of_any_chunks_is_torch_stream_and_the_whole_clip(exported: Any, chunks: list[int], rows: int) -> None:
    runner = Onnx().open(exported.onnx, threads=1)
    facts = runner.facts
    wave = noise(rows, max(sum(chunks), facts.min_samples), seed=sum(chunks))
    state, parts, at = runner.start(rows), [], 0
    for size in [*chunks, wave.shape[1]]:
        part, state = runner.step(wave[:, at : at + size], state)
        parts.append(part)
        at += size
    track = np.concatenate(parts, axis=-1)
    with torch.no_grad():
        logits, _ = exported.bundle.pipe.step(torch.from_numpy(wave), exported.bundle.pipe.start(rows, facts.window))
    assert track.shape == tuple(logits.shape)
    assert np.abs(track - torch.softmax(logits / 1.3, 1).numpy()).max() < 1e-5
    steps = min(facts.window, track.shape[-1])
    clip = wave[:, : steps * facts.hop + facts.overlap]
    assert np.abs(track[..., steps - 1] - runner.run(clip)).max() < 1e-5


def test_two_interleaved_streams_do_not_disturb_each_other_and_the_state_is_a_value(exported: Any) -> None:
    runner = Onnx().open(exported.onnx, threads=1)
    a, b = noise(1, 6000, seed=1), noise(1, 6000, seed=2)
    alone, _ = runner.step(a, runner.start())
    first, mine = runner.step(a[:, :2500], runner.start())
    kept = {k: v.copy() for k, v in mine.items()}
    runner.step(b, runner.start())
    second, _ = runner.step(a[:, 2500:], mine)
    assert np.abs(np.concatenate([first, second], -1) - alone).max() < 1e-6
    assert all((kept[k] == mine[k]).all() for k in kept)


def test_a_foreign_program_needs_only_the_wave(exported: Any) -> None:
    session = onnxruntime.InferenceSession(str(exported.onnx), providers=["CPUExecutionProvider"])
    wave = noise(3, 5003)
    full = session.run(["probabilities"], {"wave": wave})[0]
    told = session.run(["probabilities"], {"wave": wave, "length": np.full(3, 5003)})[0]
    assert np.abs(full - by_torch(exported, wave, np.full(3, 5003))).max() < 1e-5
    assert (full == told).all()
    assert [i.name for i in session.get_inputs()] == ["wave"]
    labels = json.loads(session.get_modelmeta().custom_metadata_map["auricle.labels"])
    assert labels == ["bark", "bell", "rain", "voice"]


def test_silence_is_finite(exported: Any) -> None:
    # The exporter's optimizer once took "+ 1e-8" for nothing, and the logarithm of silence for minus infinity.
    runner = Onnx().open(exported.onnx)
    silence = np.zeros((1, 8000), np.float32)
    assert np.isfinite(runner.run(silence)).all()
    assert np.abs(runner.run(silence) - by_torch(exported, silence, np.array([8000]))).max() < 1e-5


def test_the_file_names_nothing_of_the_machine_that_made_it(exported: Any) -> None:
    data = exported.onnx.read_bytes()
    assert b".py" not in data
    assert str(Path.home()).encode() + b"/" not in data
    onnx.checker.check_model(onnx.load(exported.onnx), full_check=True)


def test_half_is_half_the_size_and_says_what_it_changed(exported: Any, tmp_path: Path) -> None:
    parity = Onnx().write(exported.bundle, tmp_path / "half.onnx", half=True)
    assert parity.size_bytes < 0.75 * exported.onnx.stat().st_size
    assert parity.largest < 1e-4
    assert 0 < parity.rounding < 5e-3


def test_a_graph_that_differs_is_not_written(exported: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auricle.exporters import _onnx_graph

    true = _onnx_graph.portable

    def wrong(pipe: torch.nn.Module) -> torch.nn.Module:
        twin = true(pipe)
        with torch.no_grad():
            twin.head.linear.bias[0] += 0.01
        return twin

    monkeypatch.setattr(_onnx_graph, "portable", wrong)
    old = tmp_path / "model.onnx"
    old.write_bytes(b"the file of before")
    with pytest.raises(BundleError, match=r"differs from the pipe by .*; wanted at most 0\.0001"):
        Onnx().write(exported.bundle, old)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert old.read_bytes() == b"the file of before"


def test_golden_waves_are_the_written_formula() -> None:
    given = {"samples": 50, "seed": 9, "noise": 0.3, "step": 123456789, "saw": 0.2}
    wanted = []
    for n in range(50):
        h = ((n + 9) * 2654435769) % 2**32
        h ^= h >> 15
        h = (h * 2246822507) % 2**32
        h ^= h >> 13
        wanted.append(0.3 * (h / 2**31 - 1) + 0.2 * ((n * 123456789 % 2**32) / 2**31 - 1))
    assert (_golden.wave(given) == np.array(wanted).astype(np.float32)).all()


def test_golden_record_is_small_and_replays(exported: Any) -> None:
    runner = Onnx().open(exported.onnx)
    assert len(json.dumps(runner.facts.golden)) < 30_000
    replayed = _golden.replay(runner)
    assert len(replayed) == 5
    assert max(far for _, far in replayed) < 1e-6


def _changed(path: Path, to: Path, key: str, value: str | None) -> Path:
    model = onnx.load(path)
    for i, each in enumerate(model.metadata_props):
        if each.key == f"auricle.{key}":
            if value is None:
                del model.metadata_props[i]
            else:
                each.value = value
            break
    onnx.save(model, to)
    return to


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("labels", None, "no auricle.labels"),
        ("labels", "[", "not JSON"),
        ("labels", "[]", "auricle.labels is"),
        ("sample_rate", '"fast"', "not a int"),
        ("sample_rate", "-1", "auricle.sample_rate is -1"),
        ("window", "0", "auricle.window is 0"),
        ("format", "99", "format 99; this auricle reads format 1"),
        ("format", None, "was not written by auricle"),
        ("thresholds", "[0.5]", "auricle.thresholds"),
    ],
)
def test_damaged_metadata_is_told_in_one_sentence(exported: Any, tmp_path: Path, key: str, value: str | None, said: str) -> None:
    damaged = _changed(exported.onnx, tmp_path / "m.onnx", key, value)
    with pytest.raises(BundleError) as told:
        Onnx().open(damaged)
    assert said in str(told.value)
    assert str(damaged) in str(told.value)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_file_is_told_in_one_sentence(exported: Any, tmp_path: Path, keep: float) -> None:
    data = exported.onnx.read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(BundleError, match=r"cut\.onnx"):
        Onnx().open(cut)


def test_a_foreign_model_and_a_missing_one(tmp_path: Path) -> None:
    x = onnx.helper.make_tensor_value_info("wave", onnx.TensorProto.FLOAT, [1, 4])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["wave"], ["y"])], "g", [x], [y])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), tmp_path / "f.onnx")
    with pytest.raises(BundleError, match="was not written by auricle"):
        Onnx().open(tmp_path / "f.onnx")
    with pytest.raises(RequestError, match="is not a file"):
        Onnx().open(tmp_path / "none.onnx")


def test_wrong_shapes_are_refused(exported: Any, unstreamable: Any) -> None:
    runner = Onnx().open(exported.onnx)
    with pytest.raises(ShapeError, match="needs at least"):
        runner.run(np.zeros((1, runner.facts.min_samples - 1), np.float32))
    with pytest.raises(ShapeError, match=r"\[B, T\]"):
        runner.run(np.zeros(8000, np.float32))
    with pytest.raises(ShapeError, match="one for each"):
        runner.run(np.zeros((2, 8000), np.float32), np.array([8000]))
    with pytest.raises(ShapeError, match="started with 1"):
        runner.step(np.zeros((2, 80), np.float32), runner.start(1))
    with pytest.raises(RequestError, match="no exact streaming form"):
        Onnx().open(unstreamable.onnx).start()


def test_facts_say_what_the_bundle_knows(exported: Any) -> None:
    facts = Onnx().open(exported.onnx).facts
    assert facts.whole_card == exported.bundle.card
    assert facts.recipe == json.loads(json.dumps(exported.bundle.recipe.tree()))
    assert facts.window == round(8000 / facts.hop)
    assert dataclasses.asdict(facts)["temperature"] == 1.3
