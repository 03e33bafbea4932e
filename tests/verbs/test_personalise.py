"""`personalise`: new classes and a user's own sound from few clips, the old classes kept, all else of the file untouched."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import auricle
from auricle import runtime
from auricle.datasets import sketches
from auricle.errors import DataError, RequestError
from auricle.exporters._onnx_last import LastLayer
from auricle.verbs.personalise import personalise
from auricle.verbs.verify import verify

MODEL = "everyday10"
NAMED = {"clap": "clock_tick", "rain": "rain"}  # made-up sounds, and what the model calls nearly all of them


def sound(label: str, number: int) -> np.ndarray:
    """A made-up sound, each number by another maker."""
    return sketches.sketch(label, sketches.maker(number), rng=np.random.default_rng([number, len(label)]))


def clips(folder: Path, counts: dict[str, int], *, names: dict[str, str] | None = None) -> Path:
    """A folder for each label; `names` gives a sound another label."""
    for label, count in counts.items():
        below = folder / (names or {}).get(label, label)
        below.mkdir(parents=True)
        for i in range(count):
            soundfile.write(below / f"{i}.wav", sound(label, i), 16_000)
    return folder


def share(model: Path | str, label: str, *, named: str) -> float:
    """How many of 15 sounds of makers who were never heard get this name."""
    opened = auricle.load(model, threads=1)
    return float(np.mean([opened.predict(sound(label, 100 + i)).decisions[0].label == named for i in range(15)]))


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips(tmp_path_factory.mktemp("keep") / "keep", dict.fromkeys(NAMED, 10), names=NAMED)


@pytest.mark.parametrize("how", ["head", "prototypes"])
@pytest.mark.parametrize("count", [1, 5])
def test_a_new_class_is_named_and_the_old_ones_are_kept(keep: Path, tmp_path: Path, count: int, how: str) -> None:
    done = personalise(MODEL, clips(tmp_path / "mine", {"whistle": count}), out=tmp_path / "new.onnx", how=how, keep=keep)
    assert auricle.load(done.path).labels == (*auricle.load(MODEL).labels, "whistle")
    assert share(done.path, "whistle", named="whistle") >= (0.7 if count == 5 else 0.3)
    assert all(share(done.path, label, named=named) >= share(MODEL, label, named=named) - 0.1 for label, named in NAMED.items())
    judged = done.about["old_classes"]
    assert judged["clips"] == 20
    assert judged["before"] - judged["after"] <= 0.02
    assert "old classes:" in done.text()
    assert verify(str(done.path)).replayed


def test_a_known_label_is_adapted_to_a_user(keep: Path, tmp_path: Path) -> None:
    mine = clips(tmp_path / "mine", {"buzzer": 8}, names={"buzzer": "helicopter"})
    done = personalise(MODEL, mine, out=tmp_path / "new.onnx", keep=keep)
    assert share(MODEL, "buzzer", named="helicopter") <= 0.6
    assert share(done.path, "buzzer", named="helicopter") >= 0.9
    assert auricle.load(done.path).labels == auricle.load(MODEL).labels
    assert done.about["old_rows_moved"] > 0
    assert not done.about["learnt"]["helicopter"]["new"]


def test_nothing_but_the_last_layer_and_the_facts_change(tmp_path: Path) -> None:
    import onnx

    personalise(MODEL, clips(tmp_path / "mine", {"whistle": 3}), out=tmp_path / "new.onnx")
    old, new = (onnx.load(each) for each in (runtime.locate(MODEL), tmp_path / "new.onnx"))
    numbers = [{each.name: each.SerializeToString() for each in model.graph.initializer} for model in (old, new)]
    assert set(numbers[1]) - set(numbers[0]) == {"last.weight", "last.turned", "last.bias"}
    assert len(set(numbers[0]) - set(numbers[1])) == 3
    assert all(content == numbers[0].get(name, content) for name, content in numbers[1].items())
    nodes = [{each.output[0]: each.SerializeToString() for each in model.graph.node} for model in (old, new)]
    changed = {each.op_type for each in new.graph.node if nodes[0][each.output[0]] != nodes[1][each.output[0]]}
    assert changed == {"Gemm", "MatMul", "Add"}
    assert {each.op_type for each in old.graph.node if each.output[0] not in nodes[1]} <= {"Cast"}  # what widened the old layer's numbers
    layers = [LastLayer(each, threads=1).layer for each in (runtime.locate(MODEL), tmp_path / "new.onnx")]
    assert np.array_equal(layers[0].weight, layers[1].weight[:10])  # rows of labels without clips, bit for bit
    assert np.array_equal(layers[0].bias, layers[1].bias[:10])


def test_streams_of_any_chunks_are_the_whole_clip(tmp_path: Path) -> None:
    done = personalise(MODEL, clips(tmp_path / "mine", {"whistle": 5}), out=tmp_path / "new.onnx")
    opened = auricle.load(done.path, threads=1)
    facts, wave = opened.facts, np.concatenate([sound("whistle", 50), sound("rain", 51), sound("whistle", 52)])[None]
    state, parts, at = opened.runner.start(), [], 0
    for size in (1, 7000, 333, 20_000, wave.shape[1]):
        part, state = opened.runner.step(wave[:, at : at + size], state)
        parts.append(part)
        at += size
    track = np.concatenate(parts, axis=-1)
    assert track.shape[1] == 11
    for steps in (1, 9, min(facts.window, track.shape[-1])):
        assert np.abs(track[..., steps - 1] - opened.runner.run(wave[:, : steps * facts.hop + facts.overlap])).max() < 1e-5
    heard = opened.stream()
    long = np.tile(next(wave for wave in (sound("whistle", i) for i in range(5))), 8)
    assert "whistle" in {each.label for each in [*heard.step(long), *heard.finish()]}


def test_the_card_tells_the_truth(tmp_path: Path) -> None:
    done = personalise(MODEL, clips(tmp_path / "mine", {"whistle": 4, "rain": 1}), out=tmp_path / "new.onnx")
    facts, old = auricle.load(done.path).facts, auricle.load(MODEL).facts
    assert facts.scores == {} == facts.protocol  # what was measured was measured of another layer
    assert facts.card["before"]["scores"] == old.scores
    told = facts.card["personalised"]
    assert told["from"]["sha256"] == hashlib.sha256(runtime.locate(MODEL).read_bytes()).hexdigest()
    assert {label: (said["clips"], said["new"]) for label, said in told["learnt"].items()} == {"whistle": (4, True), "rain": (1, False)}
    assert told["learnt"]["rain"]["named_rightly_left_out"] is None
    assert told["old_classes"] is None
    assert "what was forgotten is not measured" in done.text()
    assert facts.parameters == old.parameters + 128 + 1
    assert json.loads(json.dumps(done.tree()))["labels"] == 11
    again = personalise(str(done.path), clips(tmp_path / "more", {"clap": 3}), out=tmp_path / "again.onnx")
    assert auricle.load(again.path).labels == (*old.labels, "whistle", "clap")
    assert auricle.load(again.path).card["before"]["personalised"] == told
    assert verify(str(again.path)).replayed


@pytest.mark.parametrize("how", ["head", "prototypes"])
def test_the_guard_refuses_what_would_be_forgotten(keep: Path, tmp_path: Path, how: str) -> None:
    # The new class sounds just like an old one: to learn it is to forget that.
    mine = clips(tmp_path / "mine", {"rain": 8}, names={"rain": "shower"})
    with pytest.raises(DataError, match=r"% of the 20 clips in .*keep were named rightly and .* of the 8 clips of shower"):
        personalise(MODEL, mine, out=tmp_path / "new.onnx", how=how, keep=keep)
    assert not list(tmp_path.glob("*new.onnx*"))
    if how == "prototypes":
        done = personalise(MODEL, mine, out=tmp_path / "new.onnx", how=how, keep=keep, most_forgotten=1.0)
        assert done.about["old_classes"]["before"] - done.about["old_classes"]["after"] > 0.02


def test_unreadable_clips_are_skipped_and_labels_without_clips_told(tmp_path: Path) -> None:
    mine = clips(tmp_path / "mine", {"whistle": 2})
    (mine / "whistle" / "broken.wav").write_bytes(b"RIFF\x00\x00")
    done = personalise(MODEL, mine, out=tmp_path / "new.onnx")
    assert [each.path.name for each in done.skipped] == ["broken.wav"]
    (mine / "bell").mkdir()
    with pytest.raises(DataError, match=r"bell holds no clip that can be read"):
        personalise(MODEL, mine, out=tmp_path / "new.onnx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no clip that can be read; wanted at least one for each label"):
        personalise(MODEL, tmp_path / "empty", out=tmp_path / "new.onnx")
    with pytest.raises(RequestError, match=r"nowhere is not a folder"):
        personalise(MODEL, tmp_path / "nowhere", out=tmp_path / "new.onnx")


def test_what_does_not_go_together_is_told(tmp_path: Path) -> None:
    mine = clips(tmp_path / "mine", {"whistle": 1})
    done = personalise(MODEL, mine, out=tmp_path / "new.onnx")
    with pytest.raises(RequestError, match=r"--out .* is the model itself"):
        personalise(str(done.path), mine, out=tmp_path / "new.onnx")
    with pytest.raises(RequestError, match=r"--most-forgotten is 2; wanted a share"):
        personalise(MODEL, mine, out=tmp_path / "new.onnx", most_forgotten=2)
    with pytest.raises(RequestError, match=r"clips of whistle, which everyday10\.onnx doesn't know; it knows dog, rain, .*"):
        personalise(MODEL, mine, out=tmp_path / "new.onnx", keep=mine)


def test_torch_is_not_needed(tmp_path: Path) -> None:
    mine = clips(tmp_path / "mine", {"whistle": 2})
    code = "import sys; from auricle.cli import main; code = main(sys.argv[1:]); assert 'torch' not in sys.modules; sys.exit(code)"
    words = ["personalise", MODEL, str(mine), "--out", str(tmp_path / "new.onnx"), "--keep", str(clips(tmp_path / "keep", {"rain": 2}))]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "whistle (new): 2 of 2 clips named rightly" in done.stdout


def test_a_real_sound_is_learnt(shared: Path, tmp_path: Path) -> None:
    found = sorted((shared / "data" / "esc50_fold4").rglob("*-30.*"))[:5]  # knocks on a wooden door, which none of its ten sounds is
    (tmp_path / "mine" / "knock").mkdir(parents=True)
    for path in found:
        (tmp_path / "mine" / "knock" / path.name).write_bytes(path.read_bytes())
    done = personalise(MODEL, tmp_path / "mine", out=tmp_path / "new.onnx")
    assert done.about["learnt"]["knock"]["named_rightly"] >= 4
    assert verify(str(done.path)).replayed


def test_a_users_own_sound_is_learnt_for_a_known_label(shared: Path, tmp_path: Path) -> None:
    """Vacuum cleaners are nobody's chainsaws; told so by three recordings, it hears it in others, and in real chainsaws as before."""
    clean = sorted((shared / "data" / "esc50_fold4").rglob("*-36.*"))
    saws = sorted((shared / "data" / "esc50_fold4").rglob("*-41.*"))
    (tmp_path / "mine" / "chainsaw").mkdir(parents=True)
    for path in clean[1:4]:
        (tmp_path / "mine" / "chainsaw" / path.name).write_bytes(path.read_bytes())
    done = personalise(MODEL, tmp_path / "mine", out=tmp_path / "new.onnx")

    def named(model: Path | str, paths: list[Path]) -> int:
        opened = auricle.load(model, threads=1)
        return sum(opened.predict(path).decisions[0].label == "chainsaw" for path in paths)

    assert named(MODEL, clean[4:6]) == 0
    assert named(done.path, clean[4:6]) == 2
    assert named(done.path, saws) >= named(MODEL, saws)
    assert done.about["learnt"]["chainsaw"]["named_rightly"] >= 2
