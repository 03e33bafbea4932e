"""Speech transformers that hear the wave itself: wav2vec 2.0, XLSR, HuBERT and WavLM, by the transformers library.

Baevski et al. 2020 (wav2vec 2.0), Conneau et al. 2021 (XLSR), Hsu et al. 2021 (HuBERT), Chen et al. 2022 (WavLM). `source` names a folder
that `save_pretrained` wrote or a network on the hub; its architecture becomes `config`, with which a bundle is built without either. It
wants the front end `raw` at 16 kHz, with `flavour = "wav2vec2"` where its feature extractor normalises.

Each row answers as the published network answers to that clip alone. Networks with group normalisation in their first convolution (base
sizes) were taught without a mask, so their published use averages padding in; here statistics, attention and steps know each row's end,
whichever normalisation there is. Masking, and dropping whole layers, while training are left to `augment`. Attention hears the whole
clip, so it does not stream.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError, ShapeError
from auricle.layers.masked import valid
from auricle.models import _transformers as transformers
from auricle.models._encoder import Encoder
from auricle.models._states import States, followed, kept

_KEYS = (
    "hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act hidden_dropout activation_dropout attention_dropout "
    "feat_proj_dropout layer_norm_eps feat_extract_norm feat_extract_activation conv_dim conv_stride conv_kernel conv_bias "
    "num_conv_pos_embeddings num_conv_pos_embedding_groups do_stable_layer_norm"
)
_KINDS = {
    "wav2vec2": f"{_KEYS} adapter_attn_dim",
    "hubert": f"{_KEYS} feat_proj_layer_norm conv_pos_batch_norm",
    "wavlm": f"{_KEYS} num_buckets max_bucket_distance",
}


class Wav2Vec2(Encoder):
    """Convolutions on the wave, then a transformer encoder.

    Args:
        bins: input channels; 1 as published.
        source: folder or hub name of published weights; "" begins at random.
        config: the architecture; None takes it from `source`, or the base size of wav2vec 2.0.
        layers: transformer layers kept, from the first on; 0 keeps all.
        mix: weigh the states of all kept layers by learnt weights instead of taking the last.
        projector: features behind a linear layer at the end; 0 leaves it out.
        freeze: what is not trained: the convolutions ("features"), everything but mix and projector ("all"), or nothing.
        checkpointing: compute layers again on the way back: less memory, a third more time.
    """

    small: ClassVar[dict[str, object]] = {
        "config": {
            "model_type": "wav2vec2",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "conv_dim": [16, 16],
            "conv_stride": [4, 2],
            "conv_kernel": [8, 3],
            "num_conv_pos_embeddings": 6,
            "num_conv_pos_embedding_groups": 2,
            "hidden_dropout": 0.0,
            "activation_dropout": 0.0,
            "attention_dropout": 0.0,
            "feat_proj_dropout": 0.0,
        },
        "freeze": "none",
        "projector": 8,
        "mix": True,
    }
    kinds = _KINDS

    def __init__(
        self,
        bins: int,
        *,
        source: str = "",
        config: dict[str, bool | int | float | str | list[int] | None] | None = None,
        layers: int = 0,
        mix: bool = False,
        projector: int = 0,
        freeze: Literal["none", "features", "all"] = "features",
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.source = source
        self.checkpointing = checkpointing
        self.config = transformers.configured(self.architecture(source, config), _KINDS)
        self.network = self._network()
        if bins != 1:
            self.network.feature_extractor.conv_layers[0].conv = _widened(self.network.feature_extractor.conv_layers[0].conv, bins)
        encoder = self.network.encoder
        whole = layers in (0, len(encoder.layers))
        encoder.layers = kept(encoder.layers, layers)
        self.stable = bool(self.config.do_stable_layer_norm)
        if self.stable and not whole:
            encoder.layer_norm = nn.Identity()
        self.states = States(dim=self.config.hidden_size, count=len(encoder.layers) + 1, mix=mix, projector=projector)
        self.dim = self.states.dim
        self.spans = list(zip(self.config.conv_kernel, self.config.conv_stride, strict=True))
        self.stride, self.min_frames = 1, 1
        for kernel, stride in reversed(self.spans):
            self.stride *= stride
            self.min_frames = (self.min_frames - 1) * stride + kernel
        self.hold(freeze, [self.network.feature_extractor])

    @classmethod
    def architecture(cls, source: str, config: transformers.Config | None) -> transformers.Config:
        """The settings that make the network.

        Args:
            source: folder or hub name of published weights; "" takes the library's own settings.
            config: the settings, where they are known already.

        Returns:
            Plain settings.

        Raises:
            RequestError: nothing there, a network of another kind, or one with adapters.
        """
        found = super().architecture(source, config)
        if config is None and found.get("adapter_attn_dim") is not None:
            raise RequestError(f"{source} has adapters in its attention layers (adapter_attn_dim); wanted a network without")
        return found

    def begin(self, frontend: Any) -> None:
        """Take the published weights.

        Args:
            frontend: that the network is fed by.

        Raises:
            RequestError: the front end is not the one that the network was taught with; no weights can be had.
        """
        if not self.source:
            return
        told = transformers.settings_of(self.source, "preprocessor_config.json")
        wanted = "clip" if told.get("do_normalize", True) else "none"
        if getattr(frontend, "normalise", "none") != wanted:
            raise RequestError(
                f"{self.source} was taught on waves of normalise = {wanted!r}; the front end has {getattr(frontend, 'normalise', None)!r}",
                hint=f'--set frontend.name=raw --set frontend.normalise="{wanted}"',
            )
        if frontend.sample_rate != (rate := int(told.get("sampling_rate", 16_000))):
            raise RequestError(f"{self.source} was taught at {rate} Hz; recipe.sample_rate is {frontend.sample_rate}")
        transformers.fill(self.network, transformers.weights(self.source, type(self.network), self.config), self.source)

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many samples make.

        Args:
            frames: [B] samples.

        Returns:
            [B] steps.
        """
        for kernel, stride in self.spans:
            frames = (torch.div(frames - kernel, stride, rounding_mode="floor") + 1).clamp(min=0)
        return frames

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] samples.
            length: [B] valid samples.

        Returns:
            [B, D, M] hidden, and [B] valid steps.

        Raises:
            ShapeError: the clip is too short for one step.
        """
        if not torch.compiler.is_exporting() and feature.shape[-1] < self.min_frames:
            raise ShapeError(f"the clip has {feature.shape[-1]} samples; one step needs {self.min_frames}")
        x = self._convolved(feature, length).transpose(1, 2)
        length = self.steps(length)
        x = self.network.feature_projection(x)
        x = x[0] if isinstance(x, tuple) else x
        inside = valid(length.clamp(min=1), x.shape[1])
        x = torch.where(inside[..., None], x, x.new_zeros(()))
        encoder = self.network.encoder
        x = x + torch.where(inside[..., None], encoder.pos_conv_embed(x), x.new_zeros(()))
        x = encoder.dropout(x if self.stable else encoder.layer_norm(x))
        states = followed(x, encoder.layers, self._layer(x, inside), checkpointing=self.checkpointing)
        if self.stable:
            states[-1] = encoder.layer_norm(states[-1])
        return self.states(states), length

    def _network(self) -> Any:
        kinds = {"wav2vec2": "Wav2Vec2Model", "hubert": "HubertModel", "wavlm": "WavLMModel"}
        return getattr(transformers.package(), kinds[self.config.model_type])(self.config)

    def _convolved(self, x: Tensor, length: Tensor) -> Tensor:
        for i, layer in enumerate(self.network.feature_extractor.conv_layers):
            kernel, stride = self.spans[i]
            length = (torch.div(length - kernel, stride, rounding_mode="floor") + 1).clamp(min=1)
            if isinstance(getattr(layer, "layer_norm", None), nn.GroupNorm):
                x = layer.activation(_normalised(layer.conv(x), length, layer.layer_norm))
            else:
                x = layer(x)
        return x

    def _layer(self, x: Tensor, inside: Tensor) -> Any:
        heard = inside[:, None, None]  # [B, 1, 1, M]
        if self.config.model_type != "wavlm":
            return lambda layer, y: layer(y, attention_mask=heard)
        bias = self.network.encoder.layers[0].attention.compute_bias(x.shape[1], x.shape[1])[None]  # [1, H, M, M]
        return lambda layer, y: _wavlm(layer, y, bias, heard, stable=self.stable)


def _widened(conv: nn.Conv1d, bins: int) -> nn.Conv1d:
    return nn.Conv1d(bins, conv.out_channels, conv.kernel_size[0], conv.stride[0], bias=conv.bias is not None)


def _normalised(x: Tensor, length: Tensor, norm: nn.GroupNorm) -> Tensor:
    """Each channel over the row's own frames, [B, C, N]."""
    inside = valid(length, x.shape[-1])[:, None]
    count = length[:, None, None].to(x.dtype)
    mean = torch.where(inside, x, x.new_zeros(())).sum(-1, keepdim=True) / count
    apart = torch.where(inside, x - mean, x.new_zeros(()))
    variance = apart.square().sum(-1, keepdim=True) / count
    out: Tensor = apart * torch.rsqrt(variance + norm.eps) * norm.weight[:, None] + norm.bias[:, None]
    return out


def _wavlm(layer: Any, x: Tensor, bias: Tensor, heard: Tensor, *, stable: bool) -> Tensor:
    """WavLM's layer (Chen et al. 2022, equations 1 to 5) with attention that knows each row's end."""
    own = layer.attention
    y = layer.layer_norm(x) if stable else x
    rows, steps, _ = y.shape
    parts = y.reshape(rows, steps, own.num_heads, own.head_dim).transpose(1, 2)  # [B, H, M, D/H]
    gates = own.gru_rel_pos_linear(parts).reshape(rows, own.num_heads, steps, 2, 4).sum(-1).sigmoid()
    gate = gates[..., :1] * (gates[..., 1:] * own.gru_rel_pos_const - 1.0) + 2.0
    query, key, value = (
        project(y).reshape(rows, steps, own.num_heads, own.head_dim).transpose(1, 2) for project in (own.q_proj, own.k_proj, own.v_proj)
    )
    # Spelled out: the layout of the fused operation's answer is another when it is decomposed for export.
    agreement = query @ key.transpose(2, 3) * own.scaling + gate * bias
    weight = nn.functional.dropout(agreement.masked_fill(~heard, -torch.inf).softmax(-1), own.dropout, layer.training)
    seen = weight @ value
    x = x + layer.dropout(own.out_proj(seen.transpose(1, 2).flatten(2)))
    if stable:
        out: Tensor = x + layer.feed_forward(layer.final_layer_norm(x))
        return out
    x = layer.layer_norm(x)
    last: Tensor = layer.final_layer_norm(x + layer.feed_forward(x))
    return last
