"""Checkpoints against truncation, flipped bits, crashes between any two renames, and disks that are full."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import BundleError
from auricle.learning import checkpoint


def _write(folder: Path, step: int) -> None:
    checkpoint.write(folder, {"weight": torch.full((50,), float(step)), "count": torch.tensor(step)}, {"step": step, "best": float("inf")})


def _step(folder: Path) -> int:
    tensors, values = checkpoint.read(folder)
    assert float(tensors["weight"][7]) == values["step"] == int(tensors["count"])
    return int(values["step"])


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The system itself refuses longer files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_newest_is_read_and_previous_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        _write(tmp_path, step)
    assert _step(tmp_path) == 3
    assert checkpoint.read(tmp_path)[1]["best"] == float("inf")
    (tmp_path / checkpoint.NEWEST).unlink()
    assert _step(tmp_path) == 2
    assert not list(tmp_path.glob("*.part"))


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_any_damage_is_seen_and_the_previous_one_used(tmp_path_factory: pytest.TempPathFactory, where: float, bit: int, cut: bool) -> None:
    folder = tmp_path_factory.mktemp("damage")
    _write(folder, 1)
    _write(folder, 2)
    newest = folder / checkpoint.NEWEST
    content = bytearray(newest.read_bytes())
    at = int(where * len(content))
    content[at] ^= 1 << bit
    newest.write_bytes(content[:at] if cut else content)
    assert _step(folder) == 1


def test_both_damaged_is_one_sentence(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    _write(tmp_path, 2)
    for name in (checkpoint.NEWEST, checkpoint.PREVIOUS):
        (tmp_path / name).write_bytes(b"not a checkpoint")
    with pytest.raises(BundleError, match=r"no checkpoint to resume from; newest.* is damaged .*; previous.* is damaged") as told:
        checkpoint.read(tmp_path)
    assert "\n" not in str(told.value)


def test_damaged_one_never_replaces_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, 1)
    _write(tmp_path, 2)
    (tmp_path / checkpoint.NEWEST).write_bytes(b"cut")

    def crash(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            _write(tmp_path, 3)
    assert _step(tmp_path) == 1
    _write(tmp_path, 4)
    (tmp_path / checkpoint.NEWEST).unlink()
    assert _step(tmp_path) == 1


@pytest.mark.parametrize("survived", [0, 1])
def test_crash_between_renames_leaves_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int) -> None:
    _write(tmp_path, 1)
    _write(tmp_path, 2)
    rename, calls = Path.replace, iter(range(9))

    def crash(path: Path, target: Path) -> Path:
        if next(calls) == survived:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            _write(tmp_path, 3)
    assert _step(tmp_path) == 2


def test_full_disk_leaves_both_older_ones(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    _write(tmp_path, 2)
    with no_file_beyond(100), pytest.raises(OSError, match="large"):
        _write(tmp_path, 3)
    assert _step(tmp_path) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [checkpoint.NEWEST, checkpoint.PREVIOUS]
    (tmp_path / checkpoint.NEWEST).unlink()
    assert _step(tmp_path) == 1


def test_nothing_there(tmp_path: Path) -> None:
    assert not checkpoint.found(tmp_path)
    with pytest.raises(BundleError, match="holds no checkpoint"):
        checkpoint.read(tmp_path)


def test_optimizer_comes_back_bit_for_bit_in_its_layout() -> None:
    torch.manual_seed(0)
    net = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    again = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    again.load_state_dict(net.state_dict())
    first, second = (torch.optim.AdamW(n.parameters(), lr=0.1) for n in (net, again))
    x = torch.randn(2, 3, 8, 8)
    for _ in range(3):
        net(x).square().mean().backward()
        first.step()
        first.zero_grad()
    again.load_state_dict(net.state_dict())
    checkpoint.restore_optimizer(second, {k: v.clone().contiguous() for k, v in checkpoint.optimizer_tensors(first).items()})
    for old, new in zip(first.state.values(), second.state.values(), strict=True):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[k], new[k]) and old[k].stride() == new[k].stride() for k in old)
    for n, optimizer in ((net, first), (again, second)):
        n(x).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
