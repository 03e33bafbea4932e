from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.datasets._files import all_files, home, is_sound, sound_files


@pytest.mark.parametrize("kind", ["WAV", "RF64", "FLAC", "OGG", "AIFF", "AU", "CAF", "MP3", "W64"])
def test_sound_is_known_by_its_first_bytes(kind: str, tmp_path: Path) -> None:
    with (tmp_path / "clip").open("wb") as file:
        soundfile.write(file, np.zeros(8000), 8000, format=kind)
    assert is_sound(tmp_path / "clip")


@pytest.mark.parametrize("body", [b"", b"\x00" * 64, b"<html>", b"%PDF-1.7", b"\x89PNG\r\n"])
def test_other_things_are_not(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(body)
    assert not is_sound(tmp_path / "clip")


def test_real_sounds_without_their_suffix(shared: Path, tmp_path: Path) -> None:
    for each in ("esc10/001 - Dog bark/1-100032-A.ogg", "fsdd/recordings/0_george_0.flac"):
        (tmp_path / "clip").write_bytes((shared / "data" / each).read_bytes())
        assert is_sound(tmp_path / "clip")


def test_the_order_is_that_of_the_paths(tmp_path: Path) -> None:
    for name in ("b/1.wav", "a/2.wav", "a.wav", "a/b/1.wav", ".git/x.wav", "a/.x.wav", "a-b/1.wav", "a/readme.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [p.as_posix() for p in sound_files(tmp_path)] == ["a-b/1.wav", "a.wav", "a/2.wav", "a/b/1.wav", "b/1.wav"]
    assert Path("a/readme.txt") in all_files(tmp_path)
    assert home(tmp_path, "readme.txt") is None
    assert home(tmp_path / "a", "1.wav") == tmp_path / "a" / "b"
    assert home(tmp_path / "nowhere", "*") is None
