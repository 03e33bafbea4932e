"""Convolutional recurrent network: what sounds, then in which order.

Cakir et al. 2017 (Convolutional recurrent neural networks for polyphonic sound event detection, section III): convolutions that shrink the
bins, then gated recurrent units over the frames. Here the convolutions halve time where `time_pools` says, and the recurrence runs
both ways by default, so the whole clip must be there: not streamable. With `bidirectional = false` the recurrence is causal, the
convolutions still look ahead.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.masked import masked
from auricle.layers.turned import turned


class Crnn(nn.Module):
    """Convolutions, then recurrence.

    Args:
        bins: bins of the feature.
        channels: of each convolution.
        bin_pools: by how much each convolution's bins are pooled.
        time_pools: by how much its frames are.
        hidden: units of the recurrence in each direction.
        layers: recurrent layers.
        bidirectional: whether the recurrence runs both ways.
        dropout: probability of dropping a feature while training.
    """

    streamable = False

    def __init__(
        self,
        bins: int,
        *,
        channels: tuple[int, ...] = (32, 64, 96, 96),
        bin_pools: tuple[int, ...] = (2, 2, 2, 2),
        time_pools: tuple[int, ...] = (2, 2, 1, 1),
        hidden: int = 96,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not len(channels) == len(bin_pools) == len(time_pools):
            raise RequestError(
                f"model.channels, bin_pools and time_pools name {len(channels)}, {len(bin_pools)} and {len(time_pools)} layers; "
                "wanted as many of each"
            )
        self.bins = bins
        self.convolutions = nn.ModuleList()
        self.pools = list(zip(bin_pools, time_pools, strict=True))
        inputs, height = 1, bins
        for outputs, (bin_pool, _) in zip(channels, self.pools, strict=True):
            self.convolutions.append(
                nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
            )
            inputs, height = outputs, height // bin_pool
        if height < 1:
            raise RequestError(f"model.bin_pools {bin_pools} leave nothing of {bins} bins; wanted a product of at most {bins}")
        self.stride = 1
        for time_pool in time_pools:
            self.stride *= time_pool
        self.dropout = nn.Dropout(dropout)
        ways = 2 if bidirectional else 1
        sizes = [inputs * height] + [hidden * ways] * (layers - 1)
        self.onward = nn.ModuleList(nn.GRU(size, hidden, batch_first=True) for size in sizes)
        self.backward_ = nn.ModuleList(nn.GRU(size, hidden, batch_first=True) for size in sizes if bidirectional)
        self.dim = hidden * ways
        self.lookahead = -1 if bidirectional else len(channels) * self.stride

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.
        """
        x = feature[:, None]
        for convolution, (bin_pool, time_pool) in zip(self.convolutions, self.pools, strict=True):
            x = convolution(masked(x, length))
            # The mean over whole windows only; a window that is partly padding is not part of the clip.
            x = nn.functional.avg_pool2d(x, (bin_pool, time_pool))
            length = torch.div(length, time_pool, rounding_mode="floor")
        sequence = self.dropout(x.flatten(1, 2).transpose(1, 2))  # [B, M, C*F]
        for layer, onward in enumerate(self.onward):
            ahead, _ = onward(sequence)
            if self.backward_:
                behind, _ = self.backward_[layer](turned(sequence, length))
                ahead = torch.cat([ahead, turned(behind, length)], dim=-1)
            sequence = ahead
        return sequence.transpose(1, 2), length
