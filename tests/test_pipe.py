"""The pipe: a stream is the whole clip cut up, for every way of cutting."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tones import TINY

from auricle import recipe as recipes
from auricle.bundle import build
from auricle.errors import RequestError
from auricle.pipe import Pipe
from auricle.types import Task

_TASK = Task(("a", "b", "c"))


def _pipe(head: str = "mean_pool", model: str = "cnn") -> Pipe:
    torch.manual_seed(1)
    tree = {**TINY, "head": head, **({"model": model} if model != "cnn" else {})}
    pipe = build(recipes.parse(tree), _TASK)
    for _ in range(5):
        pipe(0.1 * torch.randn(4, 4000), torch.full((4,), 4000))
    return pipe.eval()


def _stream(pipe: Pipe, wave: torch.Tensor, cuts: list[int], window: int = 0) -> torch.Tensor:
    state, parts, at = pipe.start(wave.shape[0], window), [], 0
    for cut in [*cuts, wave.shape[1]]:
        logits, state = pipe.step(wave[:, at : min(at + cut, wave.shape[1])], state)
        parts.append(logits)
        at = min(at + cut, wave.shape[1])
    return torch.cat(parts, dim=-1)


@pytest.mark.parametrize("head", ["mean_pool", "max_mean_pool"])
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=12), seed=st.integers(0, 99))
@torch.no_grad()
def test_stream_equals_whole(head: str, cuts: list[int], seed: int) -> None:
    pipe = _pipe(head)
    wave = 0.2 * torch.randn(2, 3333, generator=torch.Generator().manual_seed(seed))
    got = _stream(pipe, wave, cuts)
    total = (3333 - pipe.overlap) // pipe.hop
    assert got.shape == (2, 3, total)
    for m in {1, total // 2, total}:  # after each step, the answer is that of the clip so far
        so_far = wave[:, : m * pipe.hop + pipe.overlap]
        whole = pipe(so_far, torch.full((2,), so_far.shape[1]))
        torch.testing.assert_close(got[..., m - 1], whole, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_one_sample_at_a_time() -> None:
    pipe = _pipe()
    wave = 0.2 * torch.randn(1, 1500)
    torch.testing.assert_close(_stream(pipe, wave, [1] * 1499), _stream(pipe, wave, []), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_window_follows_the_last_steps() -> None:
    pipe = _pipe()
    wave = 0.2 * torch.randn(1, 6000)
    got = _stream(pipe, wave, [700] * 8, window=4)
    hidden, _ = pipe.hidden(wave, torch.tensor([6000]))
    for m in range(got.shape[-1]):
        wanted = pipe.head.linear(hidden[..., max(0, m - 3) : m + 1].mean(-1))
        torch.testing.assert_close(got[..., m], wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_two_streams_do_not_disturb_each_other_and_states_stay() -> None:
    pipe = _pipe()
    waves = [0.2 * torch.randn(1, 4000) for _ in range(2)]
    states, parts = [pipe.start(), pipe.start()], [[], []]
    for at in range(0, 4000, 250):
        for i in (0, 1):
            before = {k: v.clone() for k, v in states[i].items()}
            logits, after = pipe.step(waves[i][:, at : at + 250], states[i])
            assert all(torch.equal(states[i][k], v) for k, v in before.items())
            states[i] = after
            parts[i].append(logits)
    for wave, part in zip(waves, parts, strict=True):
        torch.testing.assert_close(torch.cat(part, -1), _stream(pipe, wave, []), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_memory_does_not_grow() -> None:
    pipe = _pipe()
    for window in (0, 5):
        state = pipe.start(1, window)
        sizes = []
        for _ in range(60):
            _, state = pipe.step(0.1 * torch.randn(1, pipe.hop * 2), state)
            sizes.append(sum(v.numel() for v in state.values()))
        assert len(set(sizes[5:])) == 1
        assert sizes[-1] < 5000


@torch.no_grad()
def test_too_little_sound_says_nothing_yet() -> None:
    pipe = _pipe()
    logits, state = pipe.step(torch.zeros(2, pipe.min_samples - 1), pipe.start(2))
    assert logits.shape == (2, 3, 0)
    logits, _ = pipe.step(torch.zeros(2, 1), state)
    assert logits.shape == (2, 3, 1)


@torch.no_grad()
def test_padding_never_counts() -> None:
    pipe = _pipe()
    short, long = 0.2 * torch.randn(2000), 0.2 * torch.randn(5000)
    for junk in (0.0, 0.7):
        batch = torch.stack([torch.cat([short, torch.full((3000,), junk)]), long])
        got = pipe(batch, torch.tensor([2000, 5000]))
        torch.testing.assert_close(got[:1], pipe(short[None], torch.tensor([2000])), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(got[1:], pipe(long[None], torch.tensor([5000])), atol=1e-5, rtol=1e-5)


def test_what_does_not_stream_says_so() -> None:
    for pipe, name in ((_pipe(model="crnn"), "model Crnn"), (_pipe(head="attention_pool"), "head AttentionPool")):
        assert not pipe.streamable
        with pytest.raises(RequestError, match=f"the {name} has no exact streaming form"):
            pipe.start()
