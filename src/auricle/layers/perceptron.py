"""Normalise, widen, GELU, narrow, add: what stands behind the depthwise convolution of a block, for inference alone.

In 32 or 16 bits as one product with its GELU and one with its addition where torch has oneDNN's fused operators, as plain operators
elsewhere and in an exported graph. In 8 bits both products are of integers (Jacob et al. 2018, Quantization and training of neural
networks for efficient integer-arithmetic-only inference, section 2): weights symmetric with a scale for each output, activations with one
fixed scale, so that a row never depends on the others of its batch; sums and the residual stay wide.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_EPS = 1e-6


class Perceptron(nn.Module):
    """x + W₂ gelu(W₁ norm(y) + b₁) + b₂ over the last axis.

    Args:
        first: [4C, C] weight W₁, the normalisation's own scale multiplied in.
        first_bias: [4C] bias b₁, the normalisation's own offset carried through W₁.
        second: [C, 4C] weight W₂, whatever scales the result multiplied in.
        second_bias: [C] bias b₂.
    """

    def __init__(self, first: Tensor, first_bias: Tensor, *, second: Tensor, second_bias: Tensor) -> None:
        super().__init__()
        for name, value in (("first", first), ("first_bias", first_bias), ("second", second), ("second_bias", second_bias)):
            self.register_buffer(name, value.detach().contiguous())
        self.first: Tensor
        self.first_bias: Tensor
        self.second: Tensor
        self.second_bias: Tensor
        self.packed: tuple[Tensor, Tensor] | None = None  # the weights as oneDNN lays them, made at the first call

    def __getstate__(self) -> dict[str, object]:
        """Without the weights as they are laid here, which can't be copied."""
        return {**self.__dict__, "packed": None}

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The block's result.

        Args:
            x: [P, C] what goes past the block.
            y: [P, C] what the convolution gave.

        Returns:
            [P, C] the sum.
        """
        inner = nn.functional.layer_norm(y, (y.shape[-1],), eps=_EPS)
        if _fused(y):
            ops = torch.ops.mkldnn
            if self.packed is None:
                self.packed = ops._reorder_linear_weight(self.first, len(y)), ops._reorder_linear_weight(self.second, len(y))
            inner = ops._linear_pointwise(inner, self.packed[0], self.first_bias, "gelu", [], "none")
            out: Tensor = ops._linear_pointwise.binary(inner, x, self.packed[1], self.second_bias, "add")
            return out
        return x + nn.functional.linear(self.hidden(inner), self.second, self.second_bias)

    def hidden(self, normal: Tensor) -> Tensor:
        """What stands between the two products.

        Args:
            normal: [P, C] normalised values.

        Returns:
            [P, 4C] values.
        """
        return nn.functional.gelu(nn.functional.linear(normal, self.first, self.first_bias))


class IntegerPerceptron(nn.Module):
    """The same with products of 8-bit integers; the residual in the type it comes in.

    Args:
        wide: the same in 32 bits.
        reach: largest normalised value that is told from larger ones.
        span: smallest and largest value between the products that are told from smaller and larger ones.
    """

    def __init__(self, wide: Perceptron, *, reach: float, span: tuple[float, float]) -> None:
        super().__init__()
        low, high = min(0.0, span[0]), max(0.0, span[1])
        self.scale = max(reach, 1e-6) / 127
        self.inner_scale = max(high - low, 1e-6) / 255
        self.inner_zero = round(-low / self.inner_scale)
        channels = wide.second_bias.numel()
        self.register_buffer("gain", torch.full((channels,), 1 / self.scale))
        for name, weight in (("first", wide.first), ("second", wide.second)):
            scales = (weight.float().abs().amax(1) / 127).clamp(min=1e-12)
            self.register_buffer(name, (weight.float() / scales[:, None]).round().to(torch.int8))
            self.register_buffer(f"{name}_scales", scales)
        self.register_buffer("first_bias", wide.first_bias.float())
        self.register_buffer("second_bias", wide.second_bias.float())
        self.gain: Tensor
        self.first: Tensor
        self.second: Tensor
        self.first_scales: Tensor
        self.second_scales: Tensor
        self.first_bias: Tensor
        self.second_bias: Tensor
        self.packed: tuple[Tensor, Tensor] | None = None

    def __getstate__(self) -> dict[str, object]:
        """Without the weights as they are laid here, which can't be copied."""
        return {**self.__dict__, "packed": None}

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The block's result.

        Args:
            x: [P, C] what goes past the block.
            y: [P, C] what the convolution gave.

        Returns:
            [P, C] the sum.
        """
        # 128 more makes bytes without a sign of it; this conversion is the quick one.
        units = nn.functional.layer_norm(y, (y.shape[-1],), self.gain.to(y.dtype), eps=_EPS).round_().clamp_(-128, 127)
        bytes_ = units.to(torch.int8).view(torch.uint8).bitwise_xor_(128)
        if not available():
            return self._slowly(x, bytes_)
        if self.packed is None:
            prepack = torch.ops.onednn.qlinear_prepack
            self.packed = prepack(self.first, None), prepack(self.second, None)
        product = torch.ops.onednn.qlinear_pointwise
        zeros = [torch.zeros(len(each), dtype=torch.int64) for each in (self.first_scales, self.second_scales)]
        inner = product(
            bytes_, self.scale, 128, self.packed[0], self.first_scales, zeros[0], self.first_bias,
            self.inner_scale, self.inner_zero, torch.uint8, "gelu", [], "none",
        )  # fmt: skip
        out: Tensor = product.binary(
            inner, self.inner_scale, self.inner_zero, self.packed[1], self.second_scales, zeros[1], x, self.second_bias,
            1.0, 0, x.dtype, 1.0, 0, "add", 1.0, "none", [], "",
        )  # fmt: skip
        return out

    def _slowly(self, x: Tensor, bytes_: Tensor) -> Tensor:
        """The same integers in wide numbers: what the fused products compute, for processors without them."""
        inner = (bytes_.float() - 128) @ self.first.float().T * (self.first_scales * self.scale) + self.first_bias
        units = (nn.functional.gelu(inner) / self.inner_scale + self.inner_zero).round().clamp(0, 255) - self.inner_zero
        out = units @ self.second.float().T * (self.second_scales * self.inner_scale) + self.second_bias
        return (x.float() + out).to(x.dtype)


def available() -> bool:
    """Whether torch has oneDNN's fused integer products here."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qlinear_pointwise")  # type: ignore[no-untyped-call]


def _fused(y: Tensor) -> bool:
    if torch.compiler.is_compiling() or torch.is_grad_enabled() or y.device.type != "cpu":
        return False
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
