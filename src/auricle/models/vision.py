"""Any vision network of the timm library, from ResNet18 to ConvNeXt, over a picture or any other feature; ImageNet weights on request.

He et al. 2016 (ResNet), Tan and Le 2019 (EfficientNet), Liu et al. 2022 (ConvNeXt), and whatever else `timm.list_models()` names, each as
the library has it. That ImageNet weights help sound is Gong et al. 2021 (PSLA, section III). `pretrained = true` begins with the library's
weights from its hub, a path with those of a file; a bundle needs neither.

A picture [B, C, F, N] is taken as it comes. A feature without channels is first spread over `width` columns, each row's valid frames
alone, so that every row is a whole picture and padding never counts. Such a network looks at the whole picture at once, so it does not
stream. With `channels = 1` the stem's published kernels are summed, which is three equal channels for a third of the stem's work.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from auricle.errors import RequestError, ShapeError
from auricle.layers.resized import resized
from auricle.models import _timm


class Vision(nn.Module):
    """A backbone without its classifier.

    Args:
        bins: bins of the feature, rows of the picture.
        backbone: the library's name of it, such as "resnet18", "resnet50", "efficientnet_b0", "convnext_tiny" or "tf_efficientnet_lite0".
        pretrained: whether it begins with ImageNet weights of the library's hub; or a weights file (.safetensors, .pth).
        channels: input channels; a feature of one is repeated for 3.
        height: rows that a feature without channels is resized to; 0 keeps its bins.
        width: columns that a feature without channels is resized to.
        pool: "global" makes the picture one step; "time" pools over bins alone and keeps the columns that the network leaves.
        drop_path: probability that a row skips a block while training, for backbones that know it.
        dropout: probability of dropping a hidden feature while training.
    """

    small: ClassVar[dict[str, object]] = {"backbone": "test_efficientnet", "height": 32, "width": 48}
    streamable = False
    stride, lookahead = 1, -1
    obstacle = "a vision network looks at the whole picture at once"

    def __init__(
        self,
        bins: int,
        *,
        backbone: str = "resnet18",
        pretrained: bool | str = False,
        channels: Literal[1, 3] = 3,
        height: int = 0,
        width: int = 224,
        pool: Literal["global", "time"] = "global",
        drop_path: float = 0.0,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if height < 0 or width < 1:
            raise RequestError(f"model.height is {height} and model.width {width}; wanted at least 0 and 1")
        self.pretrained = pretrained
        self.inputs = channels
        self.channels = (0, 1) if channels == 1 else (0, 1, 3)
        self.height, self.width = height, width
        self.pool = pool
        self.backbone = _backbone(backbone, channels, drop_path)
        self.dropout = nn.Dropout(dropout)
        self.dim, self.columns = self._measured(backbone, height or bins)

    def begin(self, frontend: Any) -> None:  # noqa: ARG002 - other models ask how they are fed
        """Take the published weights, where they are asked for.

        Args:
            frontend: that the network is fed by.

        Raises:
            RequestError: no weights can be had.
            BundleError: the file holds another network's.
        """
        if self.pretrained is True:
            _timm.fill(self.backbone, _timm.published(self.backbone), "the library's hub")
        elif self.pretrained:
            path = Path(str(self.pretrained)).expanduser()
            _timm.fill(self.backbone, _timm.stored(path), str(path))

    def origin(self) -> dict[str, Any]:
        """What is known of the weights that it begins with, for a model's card.

        Returns:
            Plain JSON values; none where it begins at random.
        """
        if self.pretrained is True:
            return _timm.origin(self.backbone)
        path = Path(str(self.pretrained or "")).expanduser()
        return {"weights": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} if path.is_file() else {}

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames, or pictures [B, C, F, N].
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = 1 with `pool = "global"`, and [B] valid steps: all, wherever there is a frame.
        """
        maps = self.backbone.forward_features(self._picture(feature, length))
        if self.pool == "global":
            hidden = self.backbone.forward_head(maps, pre_logits=True)[..., None]
        elif maps.ndim != 4 or maps.shape[1] != self.backbone.num_features:
            raise ShapeError('its maps have no axis of time; wanted pool = "global"')
        else:  # each column is pooled, normalised and mapped as the network does it with a whole map
            columns = maps.permute(0, 3, 1, 2).flatten(0, 1)[..., None]  # [B*M, D, F', 1]
            hidden = self.backbone.forward_head(columns, pre_logits=True).unflatten(0, (-1, maps.shape[-1])).transpose(1, 2)
        return self.dropout(hidden), length.clamp(max=1) * hidden.shape[-1]

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps frames of a feature without channels make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps, the same for any number of frames above 0.
        """
        return frames.clamp(max=1) * self.columns

    def _picture(self, feature: Tensor, length: Tensor) -> Tensor:
        """[B, channels, F, N], every column of which belongs to its row's clip."""
        if feature.ndim == 3:
            counts = length.clamp(min=1)
            wide = resized(feature, counts, self.width)
            if self.height:
                full = counts.new_full(counts.shape, feature.shape[1])
                wide = resized(wide.transpose(1, 2), full, self.height).transpose(1, 2)
            feature = wide[:, None]
        if feature.shape[1] not in (1, self.inputs):
            raise ShapeError(f"the picture has {feature.shape[1]} channels; model.channels is {self.inputs}")
        return feature.expand(-1, self.inputs, -1, -1).contiguous(memory_format=torch.channels_last)

    def _measured(self, name: str, rows: int) -> tuple[int, int]:
        """Features and columns that come out, found without computing any; the refusal of what the network can't take."""
        hollow = {k: torch.empty_like(v, device="meta") for k, v in (*self.named_parameters(), *self.named_buffers())}
        picture = torch.empty(2, self.inputs, rows, self.width, device="meta")
        try:
            hidden, _ = functional_call(self, hollow, (picture, torch.ones(2, dtype=torch.int64, device="meta")))
            _, dim, columns = hidden.shape
        except Exception as wrong:  # each network refuses in its own way
            why = " ".join(str(wrong).split())[:160]
            raise RequestError(
                f"the backbone {name} can't take a picture of {rows} × {self.width} with pool = {self.pool!r}: {why}",
                hint="--set model.height=224, or --set frontend.name=picture",
            ) from wrong
        if not columns:
            raise RequestError(f"the backbone {name} leaves nothing of a picture of {rows} × {self.width}; wanted a larger one")
        return int(dim), int(columns)


def _backbone(name: str, channels: int, drop_path: float) -> Any:
    timm = _timm.package()
    if not timm.is_model(name.partition(".")[0]):
        from auricle.catalog import nearest

        known = [each for each in timm.list_models() if each.startswith(name[:3])] or ["resnet18", "efficientnet_b0", "convnext_tiny"]
        raise RequestError(f"model.backbone is {name!r}, which timm {timm.__version__} doesn't have{nearest(name, known)}")
    options = {"drop_path_rate": drop_path} if drop_path else {}
    try:
        return timm.create_model(name, num_classes=0, in_chans=channels, **options)
    except (TypeError, RuntimeError, ValueError) as wrong:
        raise RequestError(f"timm {timm.__version__} can't make {name} of {channels} channels, drop_path {drop_path}: {wrong}") from wrong
