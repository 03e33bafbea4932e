"""WaveGAN: the paper's shapes, the penalty against differences and closed forms, phase shuffle by definition, and a game that is learnt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from auricle.feed import rng
from auricle.learning._wave_gan import Critic, Generator, phase_shuffled
from auricle.learning.wave_gan import Rules, WaveGan, gradient_penalty


def shapes(net: torch.nn.Module, *inputs: object) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for layer in net.layers:
        layer.register_forward_hook(lambda _layer, _given, out: found.append(tuple(out.shape[1:])))
    found.insert(0, tuple(net(*inputs).shape[1:]))
    return found


def test_shapes_are_those_of_the_papers_tables() -> None:
    """Tables 3 and 4 at d = 64 and one channel; rows there are (time, channels)."""
    with torch.device("meta"):
        target = torch.zeros(2, dtype=torch.long)
        generator, critic = Generator(10), Critic(10)
        made = shapes(generator, torch.zeros(2, 100), target)
        heard = shapes(critic, torch.zeros(2, 16384), target, [1, -2, 0, 2])
    assert made == [(16384,), (512, 64), (256, 256), (128, 1024), (64, 4096), (1, 16384)]
    assert heard == [(), (64, 4096), (128, 1024), (256, 256), (512, 64), (1024, 16)]
    assert [tuple(layer.weight.shape) for layer in generator.layers] == [
        (1024, 512, 25),
        (512, 256, 25),
        (256, 128, 25),
        (128, 64, 25),
        (64, 1, 25),
    ]
    assert generator.dense.out_features == critic.dense.in_features == 256 * 64
    assert sum(p.numel() for p in critic.parameters()) == 25 * 64 * (1 + 2 * 64 * (1 + 4 + 16 + 64)) + 64 * 31 + 256 * 64 * 11 + 1


@pytest.mark.parametrize("shift", range(-3, 4))
def test_phase_shuffle_mirrors_at_the_ends(shift: int) -> None:
    x = torch.randn(2, 3, 6, generator=rng(0))
    slow = torch.empty_like(x)
    for n in range(6):
        at = abs(n - shift)
        slow[..., n] = x[..., at if at < 6 else 10 - at]
    assert torch.equal(phase_shuffled(x, shift), slow)


def test_shifts_are_drawn_evenly_and_are_heard() -> None:
    critic, chance = Critic(2, samples=1024, width=1), rng(0, "shifts")
    drawn = torch.tensor([critic.draw(chance) for _ in range(2000)])
    assert drawn.shape == (2000, 4)
    counts = torch.stack([(drawn == shift).sum(0) for shift in range(-2, 3)])
    assert counts.sum() == 8000
    assert (counts - 400).abs().max() < 80  # 400 ± 18
    wave, target = torch.randn(2, 1024, generator=rng(1)), torch.tensor([0, 1])
    assert not torch.allclose(critic(wave, target, [2, 0, 0, 0]), critic(wave, target, [0, 0, 0, 0]))


def test_penalty_of_a_linear_critic_in_closed_form() -> None:
    weight = torch.randn(40, generator=rng(2)).requires_grad_()
    real, made = torch.randn(2, 3, 40, generator=rng(3))
    penalty = gradient_penalty(lambda wave: wave @ weight, real, made, torch.rand(3, generator=rng(4)))
    size = weight.detach().norm()
    assert penalty.item() == pytest.approx((size.item() - 1) ** 2, rel=1e-5)
    penalty.backward()
    assert torch.allclose(weight.grad, 2 * (size - 1) * weight.detach() / size, rtol=1e-4)


def test_penalty_against_differences() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(9, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1)).double()

    def critic(wave: Tensor) -> Tensor:
        return net(wave).squeeze(1)

    real, made = torch.randn(2, 4, 9, generator=rng(5), dtype=torch.double)
    share = torch.tensor([0.0, 0.3, 0.8, 1.0], dtype=torch.double)
    slow = 0.0
    for x, y, t in zip(real, made, share, strict=True):
        between, step = (1 - t) * x + t * y, 1e-5 * torch.eye(9, dtype=torch.double)
        slope = (critic(between + step) - critic(between - step)) / 2e-5
        slow += (slope.norm().item() - 1) ** 2 / 4
    assert gradient_penalty(critic, real, made, share).item() == pytest.approx(slow, rel=1e-7)


def sinusoids(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Two classes: 16 and 64 periods, of nearly one phase."""
    for i in range(20):
        chance = rng("sinusoids", epoch, i)
        target = torch.randint(2, (16,), generator=chance)
        phase = 0.6 * torch.rand(16, 1, generator=chance)
        yield 0.8 * torch.sin(torch.where(target == 0, 16.0, 64.0)[:, None] * torch.arange(1024) * (torch.pi / 512) + phase), target


def distance(generator: Generator) -> float:
    """What a critic that begins anew comes to think of a generator that stays as it is."""
    judge = WaveGan(2, samples=1024, width=4, rules=Rules(critic_steps=10**9, lr=3e-3), seed=7)
    judge.generator = generator
    found = [judge.step(wave, target) for epoch in range(2) for wave, target in sinusoids(100 + epoch)]
    return sum(found[-10:]) / 10


def test_waves_come_nearer_to_recordings_and_to_their_own_class() -> None:
    gan = WaveGan(2, samples=1024, width=4, rules=Rules(critic_steps=3, lr=3e-3))
    before = distance(gan.generator)
    gan.train(sinusoids, steps=110)
    assert distance(gan.generator) < 0.5 * before
    for label, periods in enumerate((16, 64)):
        power = torch.fft.rfft(gan.make(label, clips=16)).abs().square().sum(0)
        assert power.argmax() == pytest.approx(periods, abs=2)


def test_the_same_seed_makes_the_same_and_another_another() -> None:
    def trained(seed: int) -> WaveGan:
        gan = WaveGan(2, samples=1024, width=2, seed=seed)
        assert len(gan.train(sinusoids, steps=3)) == 15
        return gan

    first, again, other = trained(0), trained(0), trained(1)
    assert torch.equal(first.make(1, clips=3), again.make(1, clips=3))
    assert torch.allclose(first.make(1, clips=70)[:3], first.make(1, clips=3), atol=1e-5)
    assert not torch.equal(first.make(1, clips=3), other.make(1, clips=3))
    assert first.make(0, clips=3).abs().max() <= 1
    assert not torch.equal(first.make(0, clips=3), first.make(1, clips=3))


def test_the_generator_moves_at_its_turn_alone() -> None:
    gan = WaveGan(2, samples=1024, width=1, rules=Rules(critic_steps=3))
    batches = sinusoids(0)
    moved = []
    for _ in range(6):
        before = [p.clone() for p in gan.generator.parameters()]
        gan.step(*next(batches))
        moved.append(any(not torch.equal(p, q) for p, q in zip(before, gan.generator.parameters(), strict=True)))
    assert moved == [False, False, True, False, False, True]
