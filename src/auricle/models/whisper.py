"""The encoder of Whisper: log-mel frames of up to 30 s to hidden steps of 20 ms, by the transformers library.

Radford et al. 2023 (Robust speech recognition via large-scale weak supervision, section 2.2). `source` names a folder that
`save_pretrained` wrote, of the whole network or the encoder, or a network on the hub; its architecture becomes `config`, with which a
bundle is built without either. It wants the front end `log_mel` with `flavour = "whisper_80_silence"` (`whisper_128_silence` from large-v3
on), whose frames go on into the silence behind a clip.

The encoder was taught on 30 s, silence included, and without a mask: shorter clips are followed by the silence that its feature extractor
would make, and only steps within the clip are given on. `frames` shortens that silence. Attention hears the whole clip, so it does not
stream. `convert` reads the encoder out of a CTranslate2 file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, RequestError, ShapeError
from auricle.layers.masked import valid
from auricle.models import _transformers as transformers
from auricle.models._encoder import Encoder
from auricle.models._states import States, followed, kept

_KINDS = {
    "whisper": (
        "num_mel_bins d_model encoder_layers encoder_attention_heads encoder_ffn_dim activation_function dropout attention_dropout "
        "activation_dropout scale_embedding max_source_positions"
    )
}
# From CTranslate2's names, in this order.
_CTRANSLATE2 = (
    ("position_encodings/encodings", "embed_positions.weight"),
    ("layer_norm/gamma", "layer_norm.weight"),
    ("layer_norm/beta", "layer_norm.bias"),
    ("self_attention/layer_norm", "self_attn_layer_norm"),
    ("ffn/layer_norm", "final_layer_norm"),
    ("self_attention/linear_1", "self_attn.out_proj"),
    ("self_attention/", "self_attn."),
    ("ffn/linear_0", "fc1"),
    ("ffn/linear_1", "fc2"),
    ("layer_", "layers."),
    ("layers.norm", "layer_norm"),
    ("/", "."),
)
_FAINTEST = -1.5  # ten decades below full scale, by the feature's own scaling (x + 4) / 4
_RANGE = 2.0  # eight decades, by the same


class Whisper(Encoder):
    """Two convolutions and a transformer encoder.

    Args:
        bins: bins of the feature.
        source: folder or hub name of published weights; "" begins at random.
        config: the architecture; None takes it from `source`, or the library's own (tiny).
        frames: that the encoder hears, at most 3000 as published; longer clips are heard in passages, shorter are followed by silence;
            0 is just the clip.
        layers: transformer layers kept, from the first on; 0 keeps all.
        mix: weigh the states of all kept layers by learnt weights instead of taking the last.
        projector: features behind a linear layer at the end; 0 leaves it out.
        freeze: what is not trained: the convolutions ("features"), everything but mix and projector ("all"), or nothing.
    """

    small: ClassVar[dict[str, object]] = {
        "config": {
            "model_type": "whisper",
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 48,
            "dropout": 0.0,
            "max_source_positions": 100,
        },
        "frames": 200,
        "freeze": "none",
        "projector": 8,
        "mix": True,
    }
    kinds = _KINDS
    stride = 2
    max_frames = 3002  # as published

    def __init__(
        self,
        bins: int,
        *,
        source: str = "",
        config: dict[str, bool | int | float | str | list[int] | None] | None = None,
        frames: int = 3000,
        layers: int = 0,
        mix: bool = False,
        projector: int = 0,
        freeze: Literal["none", "features", "all"] = "features",
    ) -> None:
        super().__init__()
        self.source = source
        self.config = transformers.configured({**self.architecture(source, config), "num_mel_bins": bins}, _KINDS)
        self.most = 2 * self.config.max_source_positions
        if not 0 <= frames <= self.most:
            raise RequestError(f"model.frames is {frames}; the encoder has places for {self.most}")
        self.frames = frames
        self.max_frames = (frames or self.most) + 2  # the last two hear the padding of the last samples
        self.network: Any = transformers.package().models.whisper.modeling_whisper.WhisperEncoder(self.config)
        whole = layers in (0, len(self.network.layers))
        self.network.layers = kept(self.network.layers, layers)
        if not whole:
            self.network.layer_norm = nn.Identity()
        self.states = States(dim=self.config.d_model, count=len(self.network.layers) + 1, mix=mix, projector=projector)
        self.dim = self.states.dim
        self.hold(freeze, [self.network.conv1, self.network.conv2])

    def begin(self, frontend: Any) -> None:
        """Take the published weights.

        Args:
            frontend: that the network is fed by.

        Raises:
            RequestError: the front end is not the one that the network was taught with; no weights can be had.
        """
        if not self.source:
            return
        if (frontend.sample_rate, frontend.hop, frontend.win) != (16_000, 160, 400):
            raise RequestError(
                f"{self.source} was taught on frames of 25 ms every 10 ms at 16000 Hz; the front end has {frontend.win} samples every "
                f"{frontend.hop} at {frontend.sample_rate} Hz",
                hint=f"--set frontend.name=log_mel --set frontend.flavour=whisper_{self.config.num_mel_bins}_silence",
            )
        full = transformers.published(self.source)
        if "WhisperEncoder" in (full.architectures or ()):
            state = transformers.weights(self.source, type(self.network), self.config)
        else:
            whole = transformers.weights(self.source, transformers.package().WhisperModel, full)
            state = {k.removeprefix("encoder."): v for k, v in whole.items() if k.startswith("encoder.")}
        transformers.fill(self.network, state, self.source)

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        return torch.div(frames + 1, 2, rounding_mode="floor").clamp(max=self.most // 2)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, and [B] valid steps.

        Raises:
            ShapeError: the clip is longer than the encoder hears.
        """
        frames = feature.shape[-1]
        if not torch.compiler.is_exporting() and int(length.max()) > self.max_frames:
            most = self.frames or self.most
            raise ShapeError(f"the clip has {int(length.max())} frames; model.frames is {most}; feed.seconds cuts clips into passages")
        network = self.network
        steps = self.steps(length)
        x = silenced(feature, length, self.frames)
        x = nn.functional.gelu(network.conv2(nn.functional.gelu(network.conv1(x)))).transpose(1, 2)
        x = x + network.embed_positions.weight[: x.shape[1]]
        x = nn.functional.dropout(x, network.dropout, self.training and self.freeze != "all")
        heard = None if self.frames else valid(steps.clamp(min=1), x.shape[1])[:, None, None]
        states = followed(x, network.layers, lambda layer, y: layer(y, heard), checkpointing=False)
        states[-1] = network.layer_norm(states[-1])
        hidden = self.states(states)
        if self.frames:
            hidden = without_silence(hidden, frames, self.most // 2)
        return hidden, steps


def without_silence(hidden: Tensor, frames: int, most: int) -> Tensor:
    """The steps of the frames that were given, without those of the silence behind.

    Args:
        hidden: [B, D, M] of the clip with silence behind.
        frames: of the clip.
        most: steps that there may be; behind M the last one again.

    Returns:
        [B, D, M'] where M' = (frames + 1) // 2, or `most` where that is less.
    """
    # Gathered, since a slice of a length that only the caller knows can't be traced.
    at = torch.arange((frames + 1) // 2, device=hidden.device).clamp(max=hidden.shape[-1] - 1)
    return hidden[..., at] if torch.compiler.is_exporting() else hidden[..., at[:most]]


def silenced(x: Tensor, length: Tensor, frames: int) -> Tensor:
    """The feature, and behind each row's end what the feature extractor makes of silence: at most eight decades below.

    Args:
        x: [B, F, N] frames.
        length: [B] valid frames.
        frames: of each row then; 0 as many as before.

    Returns:
        [B, F, frames].
    """
    inside = valid(length, x.shape[-1])[:, None]
    loudest = x.masked_fill(~inside, -torch.inf).amax((1, 2), keepdim=True)
    silence = (loudest - _RANGE).clamp(min=_FAINTEST)
    x = torch.where(inside, x, silence)
    if not frames:
        return x
    return torch.cat([x, silence.expand(x.shape[0], x.shape[1], frames)], dim=-1)[..., :frames]


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors out of a CTranslate2 file, under auricle's names.

    Args:
        state: [...] by CTranslate2's names, such as `auricle.models._ctranslate2.tensors` reads them.

    Returns:
        [...] by names that begin with `model.`.

    Raises:
        BundleError: there is nothing of a Whisper encoder in it.
    """
    if "encoder/conv1/weight" not in state:
        raise BundleError("the state has no encoder/conv1/weight, which every Whisper of CTranslate2 has")
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if not name.startswith("encoder/"):
            continue
        ours = name.removeprefix("encoder/")
        for old, new in _CTRANSLATE2:
            ours = ours.replace(old, new)
        if "linear_0" not in ours:
            found[f"model.network.{ours}"] = value
            continue
        for part, piece in zip(("q_proj", "k_proj", "v_proj"), value.chunk(3), strict=True):
            if not (part == "k_proj" and ours.endswith("bias")):  # Whisper's keys have none; the file has zeros there
                found[f"model.network.{ours.replace('linear_0', part)}"] = piece.clone()
    return found
