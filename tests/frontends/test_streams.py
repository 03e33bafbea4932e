"""What every front end keeps: its rows don't see each other, streams equal whole clips, both forms of the transform agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.frontends.clips import clip, rows
from torch import nn

from auricle import catalog
from auricle.errors import RequestError
from auricle.pipe import Pipe
from auricle.types import Spec

KINDS = [
    Spec("log_mel"),
    Spec("log_mel", {"bins": 7, "win_ms": 32.0}),
    Spec("log_mel", {"flavour": "whisper_80"}),
    Spec("log_mel", {"flavour": "panns_16k"}),
    Spec("log_mel", {"normalise": "clip_mean"}),
    Spec("mfcc"),
    Spec("mfcc", {"flavour": "kaldi"}),
    Spec("mfcc", {"flavour": "torchaudio_40"}),
    Spec("filter_bank"),
    Spec("filter_bank", {"padding": "kaldi"}),
    Spec("spectrogram", {"magnitude": True}),
    Spec("pcen"),
    Spec("deltas"),
    Spec("deltas", {"edges": "repeat"}),
    Spec("raw"),
    Spec("raw", {"normalise": "clip"}),
    Spec("picture", {"colours": "magma"}),
]
NAMES = [f"{k.name} {' '.join(map(str, k.args.values()))}".strip() for k in KINDS]


class Sum(nn.Module):
    """Passes frames on."""

    streamable = True
    stride = 1
    lookahead = 0

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.dim = bins
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, feature, length):
        return feature, length

    def start(self, rows):
        return {}

    def step(self, feature, state):
        return feature, {}


class Each(Sum):
    """Answers each frame with the frame."""

    def start(self, rows, window):
        return {}

    def step(self, hidden, state):
        return hidden, {}

    def forward(self, hidden, steps):
        return hidden[..., -1]


def assert_rows_alone(kind: Spec) -> None:
    made = catalog.make("frontends", kind, 16_000)
    clips = [clip("speech", 16_000, s) for s in (0.13, 0.6, 0.31)] + [clip("rain", 16_000, 1.3), clip("bark", 16_000, 0.2)]
    together, counts = made(*rows(*clips))
    pair, _ = made(*rows(clips[1], clips[2]))
    for i, wave in enumerate(clips):
        alone, count = made(*rows(wave))
        assert count[0] == counts[i]
        assert torch.equal(together[i][..., : count[0]], alone[0])
    assert torch.equal(pair[1][..., : counts[2]], together[2][..., : counts[2]])


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_clip_alone_equals_the_clip_in_any_batch_bit_for_bit(kind):
    assert_rows_alone(kind)


@pytest.mark.slow  # threads that wait for each other on a busy machine
def test_rows_are_alone_on_two_threads_too():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for kind in KINDS[:2] + KINDS[6:7] + KINDS[8:9]:
            assert_rows_alone(kind)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.name != "raw"], ids=[n for k, n in zip(KINDS, NAMES, strict=True) if k.name != "raw"]
)
def test_both_forms_agree(kind):
    made = catalog.make("frontends", kind, 16_000)
    wave, length = rows(clip("speech", 16_000, 0.7), clip("rain", 16_000, 0.4))
    with torch.no_grad():
        fast, counts = made(wave, length)
        for part in made.modules():
            if hasattr(part, "matrix_form"):
                part.matrix_form = True
        portable, _ = made(wave, length)
    for i, count in enumerate(counts):
        apart = (portable[i][..., :count] - fast[i][..., :count]).abs()
        assert apart.mean() < 1e-4
        assert apart.max() < (0.1 if kind.name in {"picture", "spectrogram"} else 2e-3)  # levels between two colours, or of bins near 0


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_stream_equals_the_clip_or_is_refused_by_name(kind):
    made = catalog.make("frontends", kind, 16_000)
    pipe = Pipe(made, Sum(made.bins), Each(made.bins))
    if not made.streamable:
        with pytest.raises(RequestError, match=made.obstacle[:20]):
            pipe.start()
        return
    wave, length = rows(clip("speech", 16_000, 0.8 if made.hop > 1 else 0.02), clip("rain", 16_000, 0.8 if made.hop > 1 else 0.02))
    with torch.no_grad():
        whole, _ = made(wave, length)
        chance = np.random.default_rng(0)
        for largest in (40, 700, 5000, 20_000):
            state, found, at = pipe.start(2), [], 0
            while at < wave.shape[1]:
                size = int(chance.integers(1, largest))
                frames, state = pipe.step(wave[:, at : at + size], state)
                found.append(frames)
                at += size
            torch.testing.assert_close(torch.cat(found, dim=2), whole, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_silence_is_finite(kind):
    made = catalog.make("frontends", kind, 16_000)
    feature, _ = made(torch.zeros(2, 8000), torch.tensor([8000, 4000]))
    assert feature.isfinite().all()
