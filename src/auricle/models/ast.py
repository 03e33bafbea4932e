"""Audio spectrogram transformer: a vision transformer on patches of the filter bank, by the transformers library.

Gong et al. 2021 (AST: audio spectrogram transformer, section 2.1). `source` names a folder that `save_pretrained` wrote or a network on
the hub; its architecture becomes `config`, with which a bundle is built without either. It wants the front end `filter_bank` with
`flavour = "ast"`.

It hears a fixed number of frames (1024: 10.24 s): behind shorter clips stands what its feature extractor puts there, levels of 0 before
they are normalised, and longer ones are heard in passages. The hidden sequence is one step, the mean of its two class tokens. It needs the
whole clip, so it does not stream.
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

_KIND = "audio-spectrogram-transformer"
_KINDS = {
    _KIND: (
        "hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act hidden_dropout_prob attention_probs_dropout_prob "
        "layer_norm_eps patch_size qkv_bias frequency_stride time_stride max_length num_mel_bins"
    )
}


class Ast(Encoder):
    """Patches, two class tokens and a transformer encoder.

    Args:
        bins: bins of the feature.
        source: folder or hub name of published weights; "" begins at random.
        config: the architecture; None takes it from `source`, or the published size.
        filling: value of the frames behind a clip, normalised as the front end normalises.
        layers: transformer layers kept, from the first on; 0 keeps all.
        mix: weigh the states of all kept layers by learnt weights instead of taking the last.
        freeze: what is not trained: the patches ("features"), everything but the mix ("all"), or nothing.
        checkpointing: compute layers again on the way back: less memory, a third more time.
    """

    small: ClassVar[dict[str, object]] = {
        "config": {
            "model_type": _KIND,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "patch_size": 8,
            "frequency_stride": 5,
            "time_stride": 5,
            "max_length": 100,
        },
        "freeze": "none",
        "mix": True,
    }
    kinds = _KINDS
    stride = 1
    max_frames = 1024  # as published

    def __init__(
        self,
        bins: int,
        *,
        source: str = "",
        config: dict[str, bool | int | float | str | list[int] | None] | None = None,
        filling: float = 0.4670340,
        layers: int = 0,
        mix: bool = False,
        freeze: Literal["none", "features", "all"] = "none",
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.source = source
        self.filling = filling
        self.checkpointing = checkpointing
        self.config = transformers.configured({**self.architecture(source, config), "num_mel_bins": bins}, _KINDS)
        if bins < self.config.patch_size:
            raise RequestError(f"the front end has {bins} bins; a patch of AST needs {self.config.patch_size}")
        self.max_frames = int(self.config.max_length)
        self.network: Any = transformers.package().ASTModel(self.config)
        whole = layers in (0, len(self.network.layers))
        self.network.layers = kept(self.network.layers, layers)
        if not whole:
            self.network.layernorm = nn.Identity()
        self.states = States(dim=self.config.hidden_size, count=len(self.network.layers) + 1, mix=mix, projector=0)
        self.dim = self.states.dim
        self.hold(freeze, [self.network.embeddings.patch_embeddings])

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
        mean, deviation = float(told.get("mean", -4.2677393)), float(told.get("std", 4.5689974))
        wanted = {"sample_rate": int(told.get("sampling_rate", 16_000)), "centre": mean, "spread": 2 * deviation}
        for name, value in wanted.items():
            if abs(float(getattr(frontend, name, 0.0)) - value) > 1e-4:
                raise RequestError(
                    f"{self.source} was taught on {name} = {value:g}; the front end has {getattr(frontend, name, 'none')}",
                    hint=f"--set frontend.name=filter_bank --set frontend.flavour=ast --set frontend.centre={mean} "
                    f"--set frontend.spread={2 * deviation}",
                )
        if abs(self.filling + mean / (2 * deviation)) > 1e-4:
            raise RequestError(
                f"{self.source} was taught with {-mean / (2 * deviation):.6g} behind a clip; model.filling is {self.filling:g}",
                hint=f"--set model.filling={-mean / (2 * deviation):.7f}",
            )
        transformers.fill(self.network, transformers.weights(self.source, type(self.network), self.config), self.source)

    def steps(self, frames: Tensor) -> Tensor:
        """One step a clip.

        Args:
            frames: [B] frames.

        Returns:
            [B] ones.
        """
        return torch.ones_like(frames)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden step of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, 1] hidden, and [B] ones.

        Raises:
            ShapeError: the clip is longer than the network hears.
        """
        most = self.max_frames
        if not torch.compiler.is_exporting() and int(length.max()) > most:
            raise ShapeError(f"the clip has {int(length.max())} frames; AST hears {most}; feed.seconds cuts clips into passages")
        x = torch.where(valid(length, feature.shape[-1])[:, None], feature, feature.new_full((), self.filling))
        behind = x.new_full((1, 1, 1), self.filling).expand(x.shape[0], x.shape[1], most)
        x = torch.cat([x, behind], dim=-1)[..., :most]
        network = self.network
        x = network.embeddings(x.transpose(1, 2))
        states = followed(x, network.layers, lambda layer, y: layer(y), checkpointing=self.checkpointing)
        states[-1] = network.layernorm(states[-1])
        return self.states([state[:, :2].mean(1, keepdim=True) for state in states]), self.steps(length)
