"""Transformer encoder over the frames of any front end.

Vaswani et al. 2017 (Attention is all you need, section 3), normalised before each part (Xiong et al. 2020, figure 1b). A step is the
linear image of `stride` neighbouring frames. Every step attends to the whole clip, so it does not stream; padding is no key of the
attention. Sinusoidal positions go on for clips of any length, learned ones end at `max_steps`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError, ShapeError
from auricle.layers.masked import valid


class Transformer(nn.Module):
    """Encoder of self-attention layers.

    Args:
        bins: bins of the feature.
        dim: features of a step.
        heads: of the attention; they divide `dim`.
        layers: one upon the other.
        feedforward: units between the two linear layers of each.
        stride: frames that one step is made of.
        positions: how a step knows where it is.
        max_steps: how many learned positions there are.
        dropout: probability of dropping a feature while training.
    """

    streamable = False
    lookahead = -1

    def __init__(
        self,
        bins: int,
        *,
        dim: int = 128,
        heads: int = 4,
        layers: int = 4,
        feedforward: int = 512,
        stride: int = 4,
        positions: Literal["sinusoidal", "learned"] = "sinusoidal",
        max_steps: int = 1024,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if dim % heads or dim % 2:
            raise RequestError(f"model.dim is {dim}, with {heads} heads; wanted an even number that the heads divide")
        self.bins = bins
        self.dim = dim
        self.stride = stride
        self.embed = nn.Linear(bins * stride, dim)
        self.learned = nn.Parameter(0.02 * torch.randn(max_steps, dim)) if positions == "learned" else None
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads=heads, feedforward=feedforward, dropout=dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.

        Raises:
            ShapeError: there are more steps than learned positions.
        """
        steps = feature.shape[-1] // self.stride
        length = torch.div(length, self.stride, rounding_mode="floor")
        frames = feature[..., : steps * self.stride].transpose(1, 2)
        x = self.embed(frames.reshape(frames.shape[0], steps, self.bins * self.stride))
        x = self.dropout(x + self._positions(x))
        heard = valid(length.clamp(min=1), steps)[:, None, None]  # [B, 1, 1, M]
        for layer in self.layers:
            x = layer(x, heard)
        return self.norm(x).transpose(1, 2), length

    def _positions(self, x: Tensor) -> Tensor:
        steps = x.shape[1]
        if self.learned is None:
            return sinusoids(torch.arange(steps, device=x.device), dim=self.dim).to(x.dtype)
        if not torch.compiler.is_exporting() and steps > len(self.learned):
            raise ShapeError(f"the clip has {steps} steps; model.max_steps is {len(self.learned)}")
        return self.learned[:steps]


def sinusoids(steps: Tensor, *, dim: int) -> Tensor:
    """Sines and cosines of each step's place, at wavelengths from 2π to 20,000π (section 3.5).

    Args:
        steps: [M] places.
        dim: D, even.

    Returns:
        [M, D] sines, then cosines.
    """
    rate = 10_000.0 ** -(torch.arange(0, dim, 2, device=steps.device) / dim)
    angle = steps[:, None] * rate[None]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class _Layer(nn.Module):
    """Attention and two linear layers, each normalised before and added after."""

    def __init__(self, dim: int, *, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, 3 * dim)
        self.mix = nn.Linear(dim, dim)
        self.second_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.onward = nn.Sequential(nn.Linear(dim, feedforward), nn.GELU(), nn.Dropout(dropout), nn.Linear(feedforward, dim))

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        rows, steps, dim = x.shape
        parts = self.project(self.first_norm(x)).reshape(rows, steps, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # [B, H, M, D/H] each
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=heard)
        x = x + self.dropout(self.mix(seen.transpose(1, 2).reshape(rows, steps, dim)))
        out: Tensor = x + self.dropout(self.onward(self.second_norm(x)))
        return out
