"""WaveGAN's training: a critic that learns how far generated waves are from recordings, and a generator that brings them nearer.

The distance is Wasserstein's, held to slopes of 1 by a penalty on the critic's gradient (Gulrajani et al. 2017, Improved Training of
Wasserstein GANs, equation 3 and algorithm 1); figures as Donahue et al. 2019 have them (appendix D): five steps of the critic to one of the
generator, penalty 10, Adam at 1e-4 with momenta 0.5 and 0.9. They trained 200,000 steps of the generator at d = 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from auricle.feed import rng
from auricle.learning._wave_gan import LATENT, UNIT, Critic, Generator

Batches = Callable[[int], Iterator[tuple[Tensor, Tensor]]]

LONGEST = 16 * UNIT
"""Samples of the longest wave; 1.024 s at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the two play.

    Args:
        critic_steps: of the critic to one of the generator.
        penalty: weight of the critic's gradient.
        lr: of both.
        shuffle: frames by which the critic's maps are shuffled at most.
    """

    critic_steps: int = 5
    penalty: float = 10.0
    lr: float = 1e-4
    shuffle: int = 2


class WaveGan:
    """Generator and critic, and their optimizers; every draw depends on the seed and the number of the step alone.

    Args:
        classes: K.
        samples: T of a wave; whole multiples of 1024.
        width: d of both networks.
        rules: of the game.
        seed: decides initial weights and every draw.
        device: where both are.
    """

    def __init__(
        self, classes: int, *, samples: int, width: int = 64, rules: Rules | None = None, seed: int = 0, device: str = "cpu"
    ) -> None:
        torch.manual_seed(rng(seed, "wave_gan").initial_seed())
        self.rules, self.seed, self.device = rules or Rules(), seed, torch.device(device)
        self.generator = Generator(classes, samples=samples, width=width).to(self.device)
        self.critic = Critic(classes, samples=samples, width=width, shuffle=self.rules.shuffle).to(self.device)
        self._optimizers = [torch.optim.Adam(net.parameters(), lr=self.rules.lr, betas=(0.5, 0.9)) for net in (self.generator, self.critic)]
        self.at = 0  # steps of the critic

    def step(self, wave: Tensor, target: Tensor) -> float:
        """One step of the critic and, where its turn has come, one of the generator.

        Args:
            wave: [B, T] recordings, full scale ±1.
            target: [B] class indices.

        Returns:
            The critic's estimate of the Wasserstein distance.
        """
        chance = rng(self.seed, self.at, "wave_gan")
        wave, target = wave.to(self.device), target.to(self.device)
        for_generator, for_critic = self._optimizers
        with torch.no_grad():
            made = self.generator(self._latent(len(target), chance), target)
        shifts = self.critic.draw(chance)
        distance = (self.critic(wave, target, shifts) - self.critic(made, target, shifts)).mean()
        share = torch.rand(len(target), generator=chance).to(self.device)
        shifts = self.critic.draw(chance)
        slope = gradient_penalty(lambda between: self.critic(between, target, shifts), wave, made, share)
        for_critic.zero_grad()
        torch.autograd.backward(self.rules.penalty * slope - distance)
        for_critic.step()
        self.at += 1
        if self.at % self.rules.critic_steps == 0:
            score = self.critic(self.generator(self._latent(len(target), chance), target), target, self.critic.draw(chance)).mean()
            for_generator.zero_grad()
            torch.autograd.backward(-score)
            for_generator.step()
        return float(distance.detach())

    def train(self, batches: Batches, *, steps: int, report: Callable[[float], object] | None = None) -> list[float]:
        """Both, for a while.

        Args:
            batches: recordings [B, T] and their classes [B] of an epoch, by its number; asked for as often as needed.
            steps: of the generator.
            report: called after each step of the critic with its estimate.

        Returns:
            The estimates of the distance, the mean over each hundredth of the steps.
        """
        found: list[float] = []
        epoch, total = 0, steps * self.rules.critic_steps
        while len(found) < total:
            for wave, target in batches(epoch):
                found.append(self.step(wave, target))
                if report:
                    report(found[-1])
                if len(found) == total:
                    break
            epoch += 1
        each = max(1, total // 100)
        return [sum(found[i : i + each]) / len(found[i : i + each]) for i in range(0, total, each)]

    @torch.no_grad()
    def make(self, label: int, *, clips: int) -> Tensor:
        """New waves of one class.

        Args:
            label: the class's index.
            clips: how many.

        Returns:
            [clips, T] full scale ±1, on the CPU; the same each time.
        """
        latent = self._latent(clips, rng(self.seed, label, "clips"))
        rows = [self.generator(part, torch.full((len(part),), label, device=self.device)) for part in torch.split(latent, 64)]
        return torch.cat(rows).cpu()

    def _latent(self, rows: int, chance: torch.Generator) -> Tensor:
        return (2 * torch.rand(rows, LATENT, generator=chance) - 1).to(self.device)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, share: Tensor) -> Tensor:
    """How far the critic's slope is from 1 between recordings and generated waves.

    Args:
        critic: waves [B, T] to scores [B], each row by itself.
        real: [B, T] recordings.
        made: [B, T] generated waves.
        share: [B] of the generated wave in the point where the slope is taken, 0 to 1.

    Returns:
        [] mean of (|gradient| - 1)², which can be derived again.

    >>> gradient_penalty(lambda wave: 3 * wave[:, 0] + 4 * wave[:, 1], torch.zeros(2, 5), torch.ones(2, 5), torch.rand(2))
    tensor(16.)
    """
    between = torch.lerp(real, made, share[:, None]).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty: Tensor = (slope.norm(dim=1) - 1).square().mean()
    return penalty
