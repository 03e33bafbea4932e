"""Whisper's encoder made narrow: the same layers with fewer dimensions, solved from what the whole network does on the training clips.

House student of Radford et al. 2023 (Robust speech recognition via large-scale weak supervision, section 2.2): a network a fifth as
large, which needs no transformers library and wants the front end `log_mel` with `flavour = "whisper_80_silence"`. `source` names the
teacher, a bundle of the model `whisper`, such as the weights `whisper.tiny_en_2`. Before the first step each part is fitted, from the first
on, to what the teacher's part makes of the training clips, without their labels: `auricle.models._narrowing` says how. All together can
then follow the teacher (`transfer.passes`: `auricle.learning.following`). So made it is probed, or trained on, as by a loss that distils.
As many dimensions as the teacher has give the teacher.

The default sizes are those, of some tried, that lose least of the teacher's means and deviations over the clips of a speaker unheard,
without a look at their labels (`benchmarks/narrow_sizes.py`).

Behind a clip stands the silence that the teacher's feature extractor would make, up to `frames`. Attention hears the whole clip, so it does
not stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from auricle.errors import RequestError, ShapeError
from auricle.models._narrowing import Layer, narrow, places, states
from auricle.models.whisper import Whisper, silenced, without_silence

_ROUNDED = 5e-3  # published tables are in half precision
_HEARD = 16_000  # samples by which two front ends are compared


class NarrowWhisper(nn.Module):
    """Two convolutions, each by way of few channels, and transformer layers of small heads and few units.

    Args:
        bins: bins of the feature.
        source: name of the teacher's weights, or the folder of its bundle or run; "" begins at random.
        frames: that it hears; longer clips are heard in passages, shorter are followed by silence.
        dim: features of a state, as the teacher has them.
        heads: of each layer, as the teacher has them.
        first_channels: between the first convolution's taps and its outputs.
        channels: between the second convolution's taps and its outputs.
        query_dims: of each head's queries and keys, of one layer after the other; as many layers as numbers, the first ones of the teacher,
            without its closing normalisation.
        value_dims: of each head's values, alike.
        units: of each layer's perceptron; 0 leaves it out, so that the last layer may end with its attention.
    """

    small: ClassVar[dict[str, object]] = {
        "frames": 200,
        "dim": 32,
        "heads": 2,
        "first_channels": 12,
        "channels": 8,
        "query_dims": [4, 3],
        "value_dims": [4, 3],
        "units": [24, 0],
    }
    streamable = False
    stride, lookahead = 2, -1
    obstacle = "its attention hears the whole clip"
    max_frames = 3002  # as the teacher
    places: Tensor

    def __init__(
        self,
        bins: int,
        *,
        source: str = "",
        frames: int = 1000,
        dim: int = 384,
        heads: int = 6,
        first_channels: int = 48,
        channels: int = 72,
        query_dims: tuple[int, ...] = (16, 24),
        value_dims: tuple[int, ...] = (42, 40),
        units: tuple[int, ...] = (370, 0),
    ) -> None:
        super().__init__()
        if not 0 < frames <= self.max_frames - 2:
            raise RequestError(f"model.frames is {frames}; wanted 1 to {self.max_frames - 2}")
        if not len(query_dims) == len(value_dims) == len(units) > 0:
            told = f"{len(query_dims)}, {len(value_dims)} and {len(units)}"
            raise RequestError(f"model.query_dims, value_dims and units have {told} numbers; wanted one each for every layer")
        if min(*query_dims, *value_dims) < 1 or min(units) < 0:
            raise RequestError(
                f"model.query_dims, value_dims and units are {list(query_dims)}, {list(value_dims)} and {list(units)}; "
                "wanted 1 or more for each head, 0 or more units"
            )
        self.source, self.dim, self.heads, self.frames = source, dim, heads, frames
        self.query_dims, self.value_dims, self.units = list(query_dims), list(value_dims), list(units)
        self.few = [first_channels, channels]
        self.max_frames = frames + 2  # the last two hear the padding of the last samples
        self.first = _through_few(bins, dim, between=first_channels)
        self.second = _through_few(dim, dim, between=channels, stride=2)
        self.layers = nn.ModuleList(
            Layer(dim, heads=heads, query_dims=query, value_dims=value, units=unit)
            for query, value, unit in zip(query_dims, value_dims, units, strict=True)
        )
        self.register_buffer("places", places(-(-frames // 2), dim), persistent=False)

    def learn(self, teacher: Any, frontend: Any, features: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Make every part do what the teacher's does.

        Args:
            teacher: the pipe that `source` names, in evaluation mode.
            frontend: that this network is fed by.
            features: pairs of [B, F, N] frames of training clips and [B] valid frames.

        Raises:
            RequestError: the teacher's network or front end is another one.
        """
        self._refuse(teacher, frontend)
        clips = [(silenced(x[..., : self.frames], n.clamp(max=self.frames), self.frames), n.clamp(max=self.frames)) for x, n in features]
        feature, length = torch.cat([x for x, _ in clips]), torch.cat([n for _, n in clips])
        narrow(self, teacher.model.network, feature, self.steps(length))

    def wanted(self, teacher: Any, feature: Tensor, length: Tensor) -> Tensor:
        """What the teacher makes of clips where this network ends.

        Args:
            teacher: the pipe that `source` names, in evaluation mode.
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] states, as wide as `forward` gives them.
        """
        whole = silenced(feature, length, self.frames)
        made = states(teacher.model.network, whole, layers=len(self.layers), attended=not self.units[-1])
        return without_silence(made.transpose(1, 2), feature.shape[-1], len(self.places))

    def _refuse(self, teacher: Any, frontend: Any) -> None:
        model = teacher.model
        if not isinstance(model, Whisper):
            raise RequestError(
                f"model.source is {self.source}, a network of the kind {type(model).__name__}; wanted one of the model whisper"
            )
        config = model.config
        own = {"dim": self.dim, "heads": self.heads, "layers": len(self.layers)}
        its = {"dim": config.d_model, "heads": config.encoder_attention_heads, "layers": len(model.network.layers)}
        for key, value in own.items():
            if value != its[key] and not (key == "layers" and value < its[key]):
                said = f"model.query_dims has {value} layers" if key == "layers" else f"model.{key} is {value}"
                raise RequestError(f"{said}; the teacher {self.source} has {its[key]}")
        dims = self.dim // self.heads
        sizes = {"units": config.encoder_ffn_dim, "query_dims": dims, "value_dims": dims, "few": self.dim}
        for key, most in sizes.items():
            if max(getattr(self, key)) > most:
                said = "first_channels and channels are" if key == "few" else f"{key} is"
                raise RequestError(f"model.{said} {getattr(self, key)}; the teacher {self.source} has {most}")
        table = model.network.embed_positions.weight[: len(self.places)]
        if table.shape != self.places.shape or not torch.allclose(table, self.places, atol=_ROUNDED):
            raise RequestError(f"the teacher {self.source} marks time otherwise than Whisper, or has fewer than {len(self.places)} places")
        wave = torch.randn(1, _HEARD, generator=torch.Generator().manual_seed(0)) * 0.1
        here, there = (each(wave, torch.tensor([_HEARD]))[0] for each in (frontend, teacher.frontend))
        if (
            frontend.sample_rate != teacher.frontend.sample_rate
            or here.shape != there.shape
            or not torch.allclose(here, there, atol=_ROUNDED)
        ):
            raise RequestError(
                f"the front end makes another feature of a sound than that of the teacher {self.source}",
                hint=f"--set frontend.name=log_mel --set frontend.flavour=whisper_{config.num_mel_bins}_silence",
            )

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        return torch.div(frames + 1, 2, rounding_mode="floor").clamp(max=len(self.places))

    def stem(self, feature: Tensor) -> Tensor:
        """What the first layer hears.

        Args:
            feature: [B, F, N] frames with the silence behind.

        Returns:
            [B, M, D] states.
        """
        x = nn.functional.gelu(self.second(nn.functional.gelu(self.first(feature)))).transpose(1, 2)
        return x + self.places[: x.shape[1]]

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, and [B] valid steps.

        Raises:
            ShapeError: the clip is longer than the network hears.
        """
        if not torch.compiler.is_exporting() and int(length.max()) > self.max_frames:
            raise ShapeError(
                f"the clip has {int(length.max())} frames; model.frames is {self.frames}; feed.seconds cuts clips into passages"
            )
        x = self.stem(silenced(feature, length, self.frames))
        for layer in self.layers:
            x = layer(x)
        return without_silence(x.transpose(1, 2), feature.shape[-1], len(self.places)), self.steps(length)


def _through_few(inputs: int, outputs: int, *, between: int, stride: int = 1) -> nn.Sequential:
    """A convolution of three taps by way of few channels."""
    return nn.Sequential(nn.Conv1d(inputs, between, 3, stride=stride, padding=1, bias=False), nn.Conv1d(between, outputs, 1))
