"""Effects where they stand: in the recipe's order, on what they are for, as likely as the schedule says, silent behind the end."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from auricle.augments._chain import Chain
from auricle.augments._stage import by_now, changed, divided
from auricle.augments.add_noise import AddNoise
from auricle.augments.gain import Gain
from auricle.augments.shift import Shift
from auricle.errors import RequestError
from auricle.types import Batch, Spec

RATE = 8000


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _batch(rows: int = 6, total: int = 4000) -> Batch:
    length = torch.linspace(total, total // 4, rows).long()
    wave = torch.randn(rows, total, generator=_rng(1)) * (torch.arange(total) < length[:, None])
    return Batch(wave, length, torch.arange(rows) % 3)


def _specs(*names: str | Spec) -> tuple[Spec, ...]:
    return tuple(Spec(each) if isinstance(each, str) else each for each in names)


def test_the_feed_gets_all_waves_up_to_the_last_that_is_made_on_the_processor() -> None:
    recipe = _specs("gain", "mask_time", "denoise", "reverb", Spec("mixup", {"on": "feature"}), "denoise", "shift", "mixup", "mask_bins")
    before, behind = divided(recipe)
    assert [s.name for s in before] == ["gain", "denoise", "reverb", "denoise"]
    assert [s.name for s in behind] == ["mask_time", "mixup", "shift", "mixup", "mask_bins"]
    plain = _specs("gain", "mixup", "mask_bins")
    assert divided(plain) == ((), plain)
    with pytest.raises(RequestError, match="denoise changes each clip as it is read, and stands after mixup"):
        divided(_specs("mixup", "denoise"))


def test_probability_moves_evenly_over_training() -> None:
    effect = Gain(RATE, p=0.2, p_end=0.8)
    for progress, wanted in ((0.0, 0.2), (0.5, 0.5), (1.0, 0.8), (1.5, 0.8)):
        now = by_now(effect, progress)
        assert now.p == pytest.approx(wanted)
        share = now.draw(_rng(), torch.Size((4000, 5)))["gain_db"].ne(0).float().mean()
        assert float(share) == pytest.approx(wanted, abs=0.03)
    assert effect.p == 0.2
    same = Gain(RATE)
    assert by_now(same, 0.7) is same


def test_behind_a_row_s_end_stays_silence_and_the_ratio_is_the_sound_s_own() -> None:
    rows = _batch()
    effect = AddNoise(RATE, p=1.0, min_snr_db=7.0, max_snr_db=7.0)
    got, length = changed(effect, rows.wave, rows.length, rng=_rng())
    assert torch.equal(length, rows.length)
    for row in range(6):
        end = int(length[row])
        assert not got[row, end:].any()
        clean, noise = rows.wave[row, :end].double(), (got - rows.wave)[row, :end].double()
        assert float(10 * torch.log10(clean.square().mean() / noise.square().mean())) == pytest.approx(7.0, abs=0.01)


def test_a_delayed_row_is_longer_up_to_the_tensor() -> None:
    rows = _batch()
    late = Shift(RATE, max_shift_ms=50.0)
    late.draw = lambda rng, shape: {"samples": torch.full((shape[0],), 400)}  # type: ignore[method-assign]
    got, length = changed(late, rows.wave, rows.length, rng=_rng())
    assert length.tolist() == [min(4000, n + 400) for n in rows.length.tolist()]
    assert torch.equal(got[5, 400:1400], rows.wave[5, :1000])
    assert not got[5, 1400:].any()


def test_features_pictures_and_mixtures_in_the_recipe_s_order() -> None:
    chain = Chain(_specs("gain", Spec("mixup", {"on": "feature", "p": 1.0}), Spec("mask_bins", {"p": 1.0})), RATE, classes=3)
    rows = _batch()
    heard = chain.waves(rows, rng=_rng(), progress=0.0)
    assert heard.target.tolist() == rows.target.tolist()
    assert not torch.equal(heard.wave, rows.wave)
    feature = 1 + torch.rand(6, 10, 20, generator=_rng(2))
    frames = torch.tensor([20, 15, 12, 9, 6, 5])
    made, after = chain.features(feature, Batch(heard.wave, frames, heard.target), rng=_rng(3), progress=0.0)
    assert made.shape == feature.shape
    assert (made == 0).all(2).any()  # masked behind the mixture, whose values are all above 1
    assert after.target.shape == (6, 3)
    torch.testing.assert_close(after.target.sum(1), torch.ones(6))
    assert int((after.length > frames).sum()) >= 1  # as long as the longer of the two


def test_of_several_features_each_is_changed_for_itself_and_pictures_only_as_pictures() -> None:
    both = {"mfcc": torch.rand(4, 10, 20, generator=_rng(1)) + 1, "picture": torch.rand(4, 3, 16, 16, generator=_rng(2)) + 1}
    rows = Batch(torch.zeros(4, 10), torch.full((4,), 20), torch.zeros(4, dtype=torch.long))
    turned, _ = Chain(_specs(Spec("rotation", {"p": 1.0})), RATE, classes=2).features(both, rows, rng=_rng(), progress=0.0)
    assert torch.equal(turned["mfcc"], both["mfcc"])
    assert not torch.equal(turned["picture"], both["picture"])
    masked, _ = Chain(_specs("mask_time"), RATE, classes=2).features(both, rows, rng=_rng(), progress=0.0)
    assert all((masked[name] == 0).any() for name in both)
    for name, feature, sentence in (
        ("rotation", both["mfcc"], "rotation changes pictures, and the front end makes a feature of 3 axes"),
        ("cutmix", both, "cutmix mixes one feature, and the model needs mfcc, picture"),
    ):
        spec = Spec(name, {"on": "feature"} if name == "cutmix" else {})
        with pytest.raises(RequestError, match=sentence):
            Chain((spec,), RATE, classes=2).features(feature, rows, rng=_rng(), progress=0.0)


def test_a_schedule_reaches_every_effect_of_a_chain() -> None:
    rows = _batch()
    chain = Chain(_specs(Spec("gain", {"p": 0.0, "p_end": 1.0})), RATE, classes=3)
    assert torch.equal(chain.waves(rows, rng=_rng(), progress=0.0).wave, rows.wave)
    changed_rows: Any = (chain.waves(rows, rng=_rng(), progress=1.0).wave != rows.wave).any(1)
    assert changed_rows.all()
