"""The pipe: a stream is the whole clip cut up, for every way of cutting."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tones import TINY

from auricle import catalog
from auricle import recipe as recipes
from auricle.bundle import Bundle, build
from auricle.errors import RequestError
from auricle.exporters.onnx import Onnx
from auricle.heads.mean_pool import MeanPool
from auricle.pipe import Pipe, SideBySide
from auricle.types import Spec, Task

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


class _Two(torch.nn.Module):
    """A streaming model of two front ends: each filtered over time, then added."""

    streamable, stride, lookahead = True, 2, 0
    needs = ("coarse", "pcen")

    def __init__(self, bins: dict[str, int]) -> None:
        super().__init__()
        self.dim = 8
        self.filters = torch.nn.ModuleDict({k: torch.nn.Conv1d(v, 8, 4, stride=2) for k, v in bins.items()})

    def forward(self, feature: dict[str, torch.Tensor], length: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        assert feature["coarse"].shape[-1] == feature["pcen"].shape[-1]
        return self.step(feature, self.start(feature["pcen"].shape[0]))[0], length["coarse"] // 2

    def start(self, rows: int) -> dict[str, torch.Tensor]:
        return {k: f.weight.new_zeros(rows, f.in_channels, 2) for k, f in self.filters.items()}

    def step(self, feature: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        joined = {k: torch.cat([state[k], v], dim=-1) for k, v in feature.items()}
        hidden = sum(self.filters[k](v) for k, v in joined.items())
        return torch.relu(hidden), {k: v[..., -2:] for k, v in joined.items()}


def _two(coarse: dict[str, object]) -> Pipe:
    torch.manual_seed(1)
    spec = {"coarse": Spec("log_mel", {"bins": 12, **coarse}), "pcen": Spec("pcen", {"bins": 10})}
    front = SideBySide({name: catalog.make("frontends", each, 8000) for name, each in spec.items()})
    return Pipe(front, _Two(front.bins), MeanPool(8, 3)).eval()


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=12), seed=st.integers(0, 99))
@torch.no_grad()
def test_front_ends_of_other_windows_stream_in_step(cuts: list[int], seed: int) -> None:
    pipe = _two({"win_ms": 40.0})
    assert (pipe.frontend.win, pipe.hop, pipe.overlap) == (320, 160, 240)
    wave = 0.2 * torch.randn(2, 3333, generator=torch.Generator().manual_seed(seed))
    got = _stream(pipe, wave, cuts)
    total = (3333 - pipe.overlap) // pipe.hop
    assert got.shape == (2, 3, total)
    for m in {1, total // 2, total}:
        so_far = wave[:, : m * pipe.hop + pipe.overlap]
        torch.testing.assert_close(got[..., m - 1], pipe(so_far, torch.full((2,), so_far.shape[1])), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_each_front_end_is_what_it_is_alone() -> None:
    pipe = _two({"win_ms": 40.0, "normalise": "statistics"})
    waves = [(0.2 * torch.randn(1, 3000), torch.tensor([3000])) for _ in range(3)]
    alone = catalog.make("frontends", Spec("log_mel", {"bins": 12, "win_ms": 40.0}), 8000)
    alone.fit(waves)
    pipe.frontend.fit(iter(waves))
    feature, frames = pipe.frontend(*waves[0])
    wanted, counted = alone(*waves[0])
    torch.testing.assert_close(feature["coarse"], wanted)
    assert frames["coarse"].tolist() == frames["pcen"].tolist() == counted.tolist()


@pytest.mark.parametrize(
    ("coarse", "why"),
    [
        ({"padding": "reflect"}, "coarse: padding = 'reflect' centres frames"),
        ({"hop_ms": 20.0}, "hops of 160 samples \\(coarse\\), 80 samples \\(pcen\\) don't keep in step"),
    ],
)
def test_front_ends_that_do_not_stream_together_say_which(coarse: dict[str, object], why: str) -> None:
    pipe = _two(coarse)
    assert not pipe.streamable
    with pytest.raises(RequestError, match=f"the frontend SideBySide has no exact streaming form: {why}"):
        pipe.start()
    feature, frames = pipe.frontend(0.1 * torch.randn(1, 2000), torch.tensor([2000]))
    assert all(feature[name].shape[-1] == int(frames[name]) for name in feature)


def test_a_streaming_pipe_of_two_front_ends_is_one_file(tmp_path: Path) -> None:
    pipe = _two({"win_ms": 40.0})
    recipe = recipes.parse({"sample_rate": 8000, "feed": {"seconds": 1.0, "min_seconds": 0.1}})
    parity = Onnx().write(Bundle(pipe, recipe, _TASK, 1.0, (), {}), tmp_path / "two.onnx")
    assert 0 < parity.streams < 1e-5
    assert parity.clips < 1e-5
