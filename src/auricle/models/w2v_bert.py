"""Speech transformer with convolutions in every layer, on pairs of filter-bank frames: w2v-BERT 2.0, by the transformers library.

Chung et al. 2021 (w2v-BERT), Barrault et al. 2023 (Seamless, section 3.2.1). `source` names a folder that `save_pretrained` wrote or a
network on the hub; its architecture becomes `config`, with which a bundle is built without either. It wants the front end `filter_bank`
with `flavour = "kaldi_80"` at 16 kHz; its feature extractor's normalisation of each bin over the clip, and two frames a step, are
inside. Attention hears the whole clip, so it does not stream.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.masked import valid
from auricle.models import _transformers as transformers
from auricle.models._encoder import Encoder
from auricle.models._states import States, followed, kept

_KINDS = {
    "wav2vec2-bert": (
        "hidden_size num_hidden_layers num_attention_heads intermediate_size feature_projection_input_dim hidden_act hidden_dropout "
        "activation_dropout attention_dropout feat_proj_dropout layer_norm_eps position_embeddings_type left_max_position_embeddings "
        "right_max_position_embeddings conv_depthwise_kernel_size conformer_conv_dropout"
    )
}


class W2vBert(Encoder):
    """A projection and conformer layers.

    Args:
        bins: bins of the feature.
        source: folder or hub name of published weights; "" begins at random.
        config: the architecture; None takes it from `source`, or the published size.
        layers: layers kept, from the first on; 0 keeps all.
        mix: weigh the states of all kept layers by learnt weights instead of taking the last.
        projector: features behind a linear layer at the end; 0 leaves it out.
        freeze: what is not trained: the projection of the frames ("features"), everything but mix and projector ("all"), or nothing.
        checkpointing: compute layers again on the way back: less memory, a third more time.
    """

    small: ClassVar[dict[str, object]] = {
        "config": {
            "model_type": "wav2vec2-bert",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "conv_depthwise_kernel_size": 7,
            "left_max_position_embeddings": 8,
            "right_max_position_embeddings": 4,
            "hidden_dropout": 0.0,
            "activation_dropout": 0.0,
            "attention_dropout": 0.0,
            "conformer_conv_dropout": 0.0,
        },
        "freeze": "none",
        "projector": 8,
        "mix": True,
    }
    kinds = _KINDS
    stride = 2
    min_frames = 4  # two frames have no deviation that means something

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
        self.config = transformers.configured({**self.architecture(source, config), "feature_projection_input_dim": 2 * bins}, _KINDS)
        if self.config.position_embeddings_type != "relative_key":
            raise RequestError(
                f"model.config.position_embeddings_type is {self.config.position_embeddings_type!r}; w2v-BERT 2.0 has 'relative_key'"
            )
        self.network: Any = transformers.package().Wav2Vec2BertModel(self.config)
        self.network.encoder.layers = kept(self.network.encoder.layers, layers)
        self.states = States(dim=self.config.hidden_size, count=len(self.network.encoder.layers) + 1, mix=mix, projector=projector)
        self.dim = self.states.dim
        self.hold(freeze, [self.network.feature_projection])

    def begin(self, frontend: Any) -> None:
        """Take the published weights.

        Args:
            frontend: that the network is fed by.

        Raises:
            RequestError: the front end is not the one that the network was taught with; no weights can be had.
        """
        if not self.source:
            return
        if (frontend.sample_rate, frontend.hop, frontend.win, frontend.normalise) != (16_000, 160, 400, "none"):
            raise RequestError(
                f"{self.source} was taught on Kaldi's filter bank at 16000 Hz; the front end is another",
                hint="--set frontend.name=filter_bank --set frontend.flavour=kaldi_80",
            )
        transformers.fill(self.network, transformers.weights(self.source, type(self.network), self.config), self.source)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // 2, and [B] valid steps.
        """
        x = _by_bin(feature, length)
        steps = x.shape[-1] // 2
        x = x[..., : 2 * steps].transpose(1, 2).reshape(x.shape[0], steps, 2 * x.shape[1])
        length = torch.div(length, 2, rounding_mode="floor")
        inside = valid(length.clamp(min=1), steps)
        x, _ = self.network.feature_projection(x)
        x = self.network.encoder.dropout(torch.where(inside[..., None], x, x.new_zeros(())))
        apart = self._apart(steps, x.device)
        layers = self.network.encoder.layers
        return self.states(
            followed(x, layers, lambda layer, y: _conformer(layer, y, apart, inside), checkpointing=self.checkpointing)
        ), length

    def _apart(self, steps: int, device: torch.device) -> Tensor:
        """[M, M] row of the table of distances for each pair of steps; far apart is all one."""
        at = torch.arange(steps, device=device)
        left, right = self.config.left_max_position_embeddings, self.config.right_max_position_embeddings
        rows: Tensor = (at[None] - at[:, None]).clamp(-left, right) + left
        return rows


def _conformer(layer: Any, x: Tensor, apart: Tensor, inside: Tensor) -> Tensor:
    """A conformer layer (Gulati et al. 2020, equation 1), [B, M, D]; its convolution looks back only, as in Seamless."""
    x = x + 0.5 * layer.ffn1(layer.ffn1_layer_norm(x))
    x = x + layer.self_attn_dropout(_attention(layer.self_attn, layer.self_attn_layer_norm(x), apart, inside))
    x = x + layer.conv_module(x, attention_mask=inside)
    out: Tensor = layer.final_layer_norm(x + 0.5 * layer.ffn2(layer.ffn2_layer_norm(x)))
    return out


def _attention(own: Any, x: Tensor, apart: Tensor, inside: Tensor) -> Tensor:
    """Attention whose keys have a learnt part by distance (Shaw et al. 2018, equation 4), [B, M, D].

    Each query meets the table of distances once and looks up its pairs, so no key is made for each pair of steps; and it is spelled out,
    since the fused operation's answer has a layout that can't be written as ONNX.
    """
    rows, steps, _ = x.shape
    query, key, value = (
        project(x).reshape(rows, steps, own.num_heads, own.head_size).transpose(1, 2)
        for project in (own.linear_q, own.linear_k, own.linear_v)
    )
    places = query @ own.distance_embedding.weight.T  # [B, H, M, distances]
    agreement = query @ key.transpose(2, 3) + places.gather(3, apart.expand(rows, own.num_heads, steps, steps))
    likely = (agreement * own.scaling).masked_fill(~inside[:, None, None], -torch.inf).softmax(-1)
    seen = nn.functional.dropout(likely, own.dropout.p, own.training) @ value
    out: Tensor = own.linear_out(seen.transpose(1, 2).flatten(2))
    return out


def _by_bin(x: Tensor, length: Tensor) -> Tensor:
    """Each bin over the clip with mean 0 and variance 1, the variance counted by one less than frames, as the feature extractor does."""
    inside = valid(length, x.shape[-1])[:, None]
    count = length[:, None, None].to(x.dtype)
    mean = torch.where(inside, x, x.new_zeros(())).sum(-1, keepdim=True) / count.clamp(min=1)
    apart = torch.where(inside, x - mean, x.new_zeros(()))
    variance = apart.square().sum(-1, keepdim=True) / (count - 1).clamp(min=1)
    return apart / (variance + 1e-7).sqrt()
