"""Show: an augmentation is heard and seen; what can't be listened to is refused before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle import catalog
from auricle.cli import main
from auricle.errors import RequestError
from auricle.verbs import _heard
from auricle.verbs.show import show


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    t = np.arange(12000) / 16000
    wave = 0.3 * np.sin(2 * np.pi * 500 * t) * (t > 0.2)
    soundfile.write(tmp_path / "clip.wav", np.stack([wave, wave], 1), 16000)
    return tmp_path / "clip.wav"


def test_both_sounds_and_a_picture_are_written(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["show", "augments", "gain", "--listen", str(clip), "--set", "min_gain_db=-6.0206", "--set", "max_gain_db=-6.0206"]
    assert main([*words, "--out", str(tmp_path / "new" / "heard"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(f).name for f in told["files"]] == ["clip_gain_before.wav", "clip_gain_after.wav", "clip_gain.png"]
    assert told["drawn"] == {"gain_db": "-6.021"}
    before, after = (soundfile.read(f)[0] for f in told["files"][:2])
    np.testing.assert_allclose(after, before / 2, atol=2 / 32768)
    assert Path(told["files"][2]).read_bytes().startswith(b"\x89PNG")


def test_another_seed_draws_another_value(clip: Path) -> None:
    one, again, other = (_heard.heard("gain", clip, settings={}, seed=seed) for seed in (0, 0, 1))
    assert one.values == again.values != other.values


def test_slower_sound_is_heard_to_its_end(clip: Path) -> None:
    made = _heard.heard("speed", clip, settings={"min_rate": 0.8, "max_rate": 0.8})
    assert made.after is not None
    assert len(made.after) == 15000
    assert float(np.abs(made.after[14000:14900]).max()) > 0.25


def test_every_augmentation_can_be_shown() -> None:
    pytest.importorskip("av")
    pytest.importorskip("python_stretch")
    samples = (0.1 * np.random.default_rng(0).normal(size=8000)).astype(np.float32)
    for name in catalog.names("augments"):
        made = _heard.on(name, samples, settings={})
        behind = catalog.load("augments", name).domain in {"feature", "picture"}
        assert (made.after is None) == behind
        assert made.png().startswith(b"\x89PNG")
        half = made.image.shape[1] // 2 - 3
        # A turned sign of noise has the same picture.
        assert name == "polarity" or not np.array_equal(made.image[:, :half], made.image[:, -half:])
    mixed = _heard.on("mixup", samples, settings={"on": "feature"})
    assert mixed.after is None


def test_what_cannot_be_listened_to_is_refused(clip: Path) -> None:
    for kind, name, asked in ((None, None, "everything there is"), ("augments", None, "augments"), ("models", "cnn", "models cnn")):
        with pytest.raises(RequestError, match=f"one augmentation at a time can be listened to, not {asked}"):
            show(kind, name, listen=clip)
    with pytest.raises(RequestError, match="did you mean p"):
        show("augments", "gain", listen=clip, set_=("pp=1.0",))
