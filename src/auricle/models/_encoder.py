"""What the networks of the transformers library share as models: where the architecture comes from, and what of it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from torch import nn

from auricle.models import _transformers as transformers

Freeze = Literal["none", "features", "all"]


class Encoder(nn.Module):
    """A network that hears the whole clip; an entry says in `kinds` which settings make each architecture that it understands."""

    streamable = False
    lookahead = -1
    obstacle = "its attention hears the whole clip"
    kinds: ClassVar[Mapping[str, str]] = {}
    network: Any
    source: str

    @classmethod
    def architecture(cls, source: str, config: transformers.Config | None) -> transformers.Config:
        """The settings that make the network.

        Args:
            source: folder or hub name of published weights; "" takes the library's own settings of the first kind.
            config: the settings, where they are known already.

        Returns:
            Plain settings.

        Raises:
            RequestError: nothing there, or a network of another kind.
        """
        if config is not None:
            return config
        return transformers.described(source, cls.kinds) if source else {"model_type": next(iter(cls.kinds))}

    @classmethod
    def described(cls, args: dict[str, Any]) -> dict[str, Any]:
        """Settings that need neither folder nor hub.

        Args:
            args: settings.

        Returns:
            The same with `config`.
        """
        return {**args, "config": cls.architecture(args["source"], args["config"])}

    def origin(self) -> dict[str, Any]:
        """What is known of the weights that it begins with, for a model's card.

        Returns:
            Plain JSON values; none where it begins at random.
        """
        return {"weights": self.source} if self.source else {}

    def hold(self, freeze: Freeze, features: Sequence[nn.Module]) -> None:
        """Fix what is not trained.

        Args:
            freeze: "none", "features", or "all" of the network.
            features: its first parts.
        """
        self.freeze = freeze
        held: dict[str, Sequence[nn.Module]] = {"none": (), "features": features, "all": (self.network,)}
        for part in held[freeze]:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Training mode; a network that is wholly frozen stays as it is when judged.

        Args:
            mode: whether to train.

        Returns:
            Itself.
        """
        super().train(mode)
        if self.freeze == "all":
            self.network.eval()
        return self
