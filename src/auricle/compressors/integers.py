"""Nearly the same answers, several times quicker: products of 8-bit integers, everything between them in bfloat16.

Jacob et al. 2018 (Quantization and training of neural networks for efficient integer-arithmetic-only inference), after training: weights
with one symmetric scale for each output, activations with fixed ranges that some clips of the kind to come show. For models with a method
`lean`. How far the answers move and how much quicker they come, `benchmarks/conv_next_fast.py` measures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from auricle.compressors._twin import lean
from auricle.errors import RequestError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from auricle.bundle import Bundle
    from auricle.layers.perceptron import Perceptron
    from auricle.pipe import Pipe


class Integers:
    """Products of 8-bit integers.

    Args:
        share: of the values that the clips show, how many lie inside of a range; the few others are cut to it.
    """

    exact = False

    def __init__(self, *, share: float = 0.9999) -> None:
        if not 0.5 < share <= 1:
            raise RequestError(f"share is {share}; wanted more than 0.5 and at most 1")
        self.share = share

    def compress(self, bundle: Bundle, clips: Iterable[tuple[Tensor, Tensor]]) -> Bundle:
        """The bundle with integer products.

        Args:
            bundle: what is made quicker; it stays as it is.
            clips: batches `(wave [B, T], length [B])` that show how large values get; a few dozen clips will do.

        Returns:
            The bundle with another pipe.

        Raises:
            RequestError: the model has no such form, or there are no clips.
        """
        import torch

        from auricle.layers.perceptron import IntegerPerceptron

        pipe = lean(bundle)
        seen = _seen(pipe, clips, self.share)
        if not seen:
            raise RequestError("integers needs clips that show how large values get; there are none")
        for parent, name, wide in _perceptrons(pipe):
            reach, low, high = (float(each) for each in seen[id(wide)])
            setattr(parent, name, IntegerPerceptron(wide, reach=reach, span=(low, high)))
        for layer in pipe.model.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.LayerNorm):
                layer.to(torch.bfloat16)
        return dataclasses.replace(bundle, pipe=pipe)


def _perceptrons(pipe: Pipe) -> list[tuple[nn.Module, str, Perceptron]]:
    from auricle.layers.perceptron import Perceptron

    return [(m, name, child) for m in pipe.model.modules() for name, child in m.named_children() if isinstance(child, Perceptron)]


def _seen(pipe: Pipe, clips: Iterable[tuple[Tensor, Tensor]], share: float) -> dict[int, Tensor]:
    """Of each perceptron, by identity: [3] largest normalised value, smallest and largest value between the products."""
    import torch

    found: dict[int, Tensor] = {}

    def note(wide: Perceptron, given: tuple[Tensor, Tensor]) -> None:
        normal = torch.nn.functional.layer_norm(given[1], given[1].shape[-1:], eps=1e-6)
        inner = wide.hidden(normal)
        each = torch.stack([_quantile(normal.abs(), share), _quantile(inner, 1 - share), _quantile(inner, share)])
        known = found.get(id(wide), each)
        found[id(wide)] = torch.stack(
            [torch.maximum(known[0], each[0]), torch.minimum(known[1], each[1]), torch.maximum(known[2], each[2])]
        )

    hooks = [wide.register_forward_pre_hook(note) for _, _, wide in _perceptrons(pipe)]
    with torch.inference_mode():
        for wave, length in clips:
            pipe.hidden(wave, length)
    for hook in hooks:
        hook.remove()
    return found


def _quantile(values: Tensor, share: float) -> Tensor:
    """The quantile of at most a million values, taken at equal distances."""
    flat = values.flatten()
    return flat[:: max(1, flat.numel() // 1_000_000)].quantile(share)
