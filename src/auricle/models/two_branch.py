"""A convolutional branch beside a recurrent or an attentive one over the same spectrogram; what both make of the whole clip, joined.

The parallel networks of Data-Science-kosta 2020 (Speech-Emotion-Classification-with-PyTorch, notebooks parallel_cnn_attention_lstm and
parallel_cnn_transformer). Four convolutions with maxima over windows leave a few parts of the clip, which stand beside
each other; the other branch hears the bins thinned out by maxima, as a bidirectional LSTM whose steps are weighed by attention
(`context = "lstm"`), or as four layers of a transformer whose steps are averaged (`context = "transformer"`). On 128 bins with 8 classes
by the head `mean_pool`: 263,593 parameters with the LSTM, 395,176 with the transformer. There, three seconds are 563 frames and make just
the four parts; a clip of another length is cut into as many parts of its own. The published 95 % and more on RAVDESS share speakers between
training and test. The whole clip makes one step, so it does not stream.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.both_ways import BothWays
from auricle.layers.masked import masked, valid
from auricle.layers.shares import shares


class TwoBranch(nn.Module):
    """Convolutions beside a recurrence or a transformer.

    Args:
        bins: bins of the feature; 128 as published.
        context: what stands beside the convolutions.
        channels: of each convolution.
        pools: bins and frames that each convolution's map is divided by.
        parts: of the clip that the convolutions' answer keeps apart.
        hidden: units of the recurrence in each direction.
        layers: of the transformer.
        dropout: probability of dropping a value behind each convolution while training.
        context_dropout: the same in the other branch; 0.4 is published for the transformer.
    """

    streamable = False
    lookahead = -1

    def __init__(
        self,
        bins: int,
        *,
        context: Literal["lstm", "transformer"] = "lstm",
        channels: tuple[int, ...] = (16, 32, 64, 64),
        pools: tuple[int, ...] = (2, 4, 4, 4),
        parts: int = 4,
        hidden: int = 128,
        layers: int = 4,
        dropout: float = 0.3,
        context_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if len(channels) != len(pools) or not channels or parts < 1:
            raise RequestError(
                f"model.channels names {len(channels)} convolutions, model.pools {len(pools)}, model.parts is {parts}; "
                "wanted as many of both and at least one part"
            )
        self.bins = bins
        self.parts = parts
        self.stride = 1
        self.pools: list[tuple[int, int]] = []
        self.convolutions = nn.ModuleList()
        inputs, height = 1, bins
        for outputs, pool in zip(channels, pools, strict=True):
            self.convolutions.append(nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()))
            self.pools.append((min(pool, height), pool))
            inputs, height = outputs, height // self.pools[-1][0]
            self.stride *= pool
        self.dropout = nn.Dropout(dropout)
        self.thinning = (min(2, bins), min(4, self.stride))
        thin = bins // self.thinning[0]
        self.context: nn.Module = (
            _Recurrent(thin, hidden, dropout=context_dropout)
            if context == "lstm"
            else _Attentive(thin, layers=layers, dropout=context_dropout)
        )
        self.dim = inputs * parts + (2 * hidden if context == "lstm" else thin)

    def steps(self, frames: Tensor) -> Tensor:
        """One step, however long the clip.

        Args:
            frames: [B] frames.

        Returns:
            [B] ones.
        """
        return torch.ones_like(frames)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """What both branches make of each row.

        Args:
            feature: [B, F, N] frames, N at least the stride.
            length: [B] valid frames.

        Returns:
            [B, D, 1] hidden, and [B] ones.
        """
        x, left = masked(feature, length)[:, None], length
        for convolution, (bin_pool, time_pool) in zip(self.convolutions, self.pools, strict=True):
            x = self.dropout(nn.functional.max_pool2d(convolution(masked(x, left)), (bin_pool, time_pool)))
            left = torch.div(left, time_pool, rounding_mode="floor")
        parts = torch.einsum("bcn,bkn->bck", x.mean(2), _cut(left.clamp(min=1), x.shape[-1], self.parts).to(x.dtype))
        thin = nn.functional.max_pool2d(masked(feature, length)[:, None], self.thinning).squeeze(1).transpose(1, 2)  # [B, M, F // 2]
        context = self.context(thin, torch.div(length, self.thinning[1], rounding_mode="floor"))
        return torch.cat([parts.flatten(1), context], dim=1)[..., None], self.steps(length)


def _cut(length: Tensor, total: int, parts: int) -> Tensor:
    """[B, parts, N] weights that average each row's valid steps into so many runs of equal length, which overlap where they must."""
    k = torch.arange(parts, device=length.device)[None]
    first = torch.div(k * length[:, None], parts, rounding_mode="floor")[..., None]
    last = torch.div((k + 1) * length[:, None] + parts - 1, parts, rounding_mode="floor")[..., None]  # one past it, rounded up
    at = torch.arange(total, device=length.device)
    return ((at >= first) & (at < last)) / (last - first)


class _Recurrent(nn.Module):
    """A recurrence both ways, and the mean of its steps weighed by a linear score."""

    def __init__(self, inputs: int, hidden: int, *, dropout: float) -> None:
        super().__init__()
        self.recurrence = BothWays(inputs, hidden)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(2 * hidden, 1)

    def forward(self, sequence: Tensor, length: Tensor) -> Tensor:
        heard = self.dropout(self.recurrence(sequence, length))  # [B, M, 2H]
        mean: Tensor = (heard * shares(self.score(heard).squeeze(-1), length)[..., None]).sum(1)
        return mean


class _Attentive(nn.Module):
    """Layers of a transformer's encoder without positions, and the mean of the steps."""

    def __init__(self, dim: int, *, layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(dim, dropout=dropout) for _ in range(layers))

    def forward(self, sequence: Tensor, length: Tensor) -> Tensor:
        length = length.clamp(min=1)
        heard = valid(length, sequence.shape[1])
        for layer in self.layers:
            sequence = layer(sequence, heard[:, None, None])
        return (sequence * heard[..., None]).sum(1) / length[:, None]


class _Layer(nn.Module):
    """Attention of four heads and two linear layers eight times as wide, each added to what came in, then normalised."""

    def __init__(self, dim: int, *, dropout: float) -> None:
        super().__init__()
        self.heads = max(count for count in (1, 2, 4) if dim % count == 0)
        self.project = nn.Linear(dim, 3 * dim)
        self.mix = nn.Linear(dim, dim)
        self.first_norm = nn.LayerNorm(dim)
        self.onward = nn.Sequential(nn.Linear(dim, 8 * dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8 * dim, dim))
        self.second_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        rows, steps, dim = x.shape
        parts = self.project(x).reshape(rows, steps, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # [B, H, M, D/H] each
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=heard)
        x = self.first_norm(x + self.dropout(self.mix(seen.transpose(1, 2).reshape(rows, steps, dim))))
        out: Tensor = self.second_norm(x + self.dropout(self.onward(x)))
        return out
