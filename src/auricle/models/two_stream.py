"""Two streams: a vision network on the clip's picture beside a recurrence over its cepstra, fused before or behind the classifier.

House design, no published reference. It needs `[frontend.picture]`, a picture or frames, and `[frontend.mfcc]`, any frames: 40 cepstra are
`frontend.mfcc.coefficients = 40`, their slopes too `frontend.mfcc.name = "deltas"`. The vision network is that of the model `vision`, the
recurrence that of `lstm`.

`fusion = "concatenate"` joins both streams' features and maps them by one more layer. `fusion = "late_mean"` keeps them apart: each becomes
one step, so that the head gives each its own logits, and `mean_pool` answers with the mean of the two. The picture is the whole clip's, so
it does not stream.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.layers.masked import valid
from auricle.models.lstm import Lstm
from auricle.models.vision import Vision


class TwoStream(nn.Module):
    """Backbone and recurrence side by side.

    Args:
        bins: bins of each front end's feature.
        backbone: vision network, by the library's name of it.
        pretrained: whether it begins with ImageNet weights of the library's hub; or a weights file (.safetensors, .pth).
        width: columns that a picture without channels is resized to.
        hidden: units of a recurrent layer in each direction.
        layers: recurrent layers.
        bidirectional: whether a second recurrence runs backwards.
        summary: what the recurrence tells of a clip: "last" its state at the end, "attention" the mean of its states by learnt weights.
        fusion: "concatenate" or "late_mean".
        dim: features of the fused hidden.
        drop_path: probability that a row skips a block of the backbone while training, for backbones that know it.
        dropout: probability of dropping a feature while training.
    """

    needs: ClassVar[tuple[str, ...]] = ("picture", "mfcc")
    channels: ClassVar[dict[str, tuple[int, ...]]] = {"picture": (0, 1, 3)}
    small: ClassVar[dict[str, object]] = {"backbone": "test_efficientnet", "width": 48, "hidden": 8, "dim": 12}
    streamable = False
    stride, lookahead = 1, -1
    obstacle = "a vision network looks at the whole picture at once"

    def __init__(
        self,
        bins: dict[str, int],
        *,
        backbone: str = "resnet18",
        pretrained: bool | str = False,
        width: int = 224,
        hidden: int = 128,
        layers: int = 2,
        bidirectional: bool = False,
        summary: Literal["last", "attention"] = "last",
        fusion: Literal["concatenate", "late_mean"] = "concatenate",
        dim: int = 256,
        drop_path: float = 0.0,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.bidirectional, self.fusion = bidirectional, fusion
        self.count = 2 if fusion == "late_mean" else 1
        self.vision = Vision(bins["picture"], backbone=backbone, pretrained=pretrained, width=width, drop_path=drop_path, dropout=dropout)
        self.recurrence = Lstm(bins["mfcc"], hidden=hidden, layers=layers, bidirectional=bidirectional, dropout=dropout)
        self.attention = nn.Linear(self.recurrence.dim, 1) if summary == "attention" else None
        sizes = [self.vision.dim, self.recurrence.dim]
        self.fused = nn.ModuleList(nn.Linear(size, dim) for size in (sizes if fusion == "late_mean" else [sum(sizes)]))
        self.dropout = nn.Dropout(dropout)

    def begin(self, frontend: Any) -> None:
        """Take the published weights of the backbone, where they are asked for; see `Vision.begin`."""
        self.vision.begin(frontend)

    def origin(self) -> dict[str, Any]:
        """What is known of the weights that its backbone begins with; see `Vision.origin`."""
        return self.vision.origin()

    def forward(self, feature: dict[str, Tensor], length: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Hidden of each row.

        Args:
            feature: "picture", [B, C, F, N] or [B, F, N], and "mfcc" [B, F, N].
            length: [B] valid frames of both.

        Returns:
            [B, D, M] hidden, M = 1, or 2 with late fusion, and [B] valid steps: all, wherever there is a frame.
        """
        seen = self.vision(feature["picture"], length["picture"])[0].squeeze(-1)
        heard = self._summary(*self.recurrence(feature["mfcc"], length["mfcc"]))
        parts = [seen, heard] if self.fusion == "late_mean" else [torch.cat([seen, heard], dim=1)]
        hidden = torch.stack([torch.relu(layer(part)) for layer, part in zip(self.fused, parts, strict=True)], dim=-1)
        return self.dropout(hidden), self.steps(length["mfcc"])

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps, the same for any number of frames above 0.
        """
        return frames.clamp(max=1) * self.count

    def _summary(self, states: Tensor, frames: Tensor) -> Tensor:
        """[B, D] of states [B, D, N], of which so many frames are valid."""
        frames = frames.clamp(min=1)
        if self.attention is not None:
            scores = self.attention(states.transpose(1, 2)).squeeze(-1)  # [B, N]
            weights = scores.masked_fill(~valid(frames, scores.shape[-1]), -torch.inf).softmax(-1)
            mean: Tensor = (states * weights[:, None]).sum(-1)
            return mean
        last = states.gather(2, (frames - 1)[:, None, None].expand(-1, states.shape[1], 1)).squeeze(-1)
        if self.bidirectional:  # the second recurrence ends at the first frame
            own = states.shape[1] // 2
            return torch.cat([last[:, :own], states[:, own:, 0]], dim=1)
        return last
