"""A transformer encoder's parts with fewer dimensions, each solved so that it does on given clips what the whole part does.

Products of two matrices are cut to few dimensions by the singular values they have on the clips' own states, not on white noise (Wang et
al. 2024, SVD-LLM, section 3.1: truncation behind whitening by a Cholesky factor). Units of a perceptron are chosen greedily by what of the
wanted output they explain (Luo et al. 2017, ThiNet, section 3.2), there by single channels, here by orthogonal least squares. Whatever
leads back into the states is then fitted anew by ridge regression on the narrow network's own states, so that a part makes up for what the
parts before it lost. Nothing here follows a gradient, and no label is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auricle.layers.masked import valid

_TOGETHER = 16  # clips
_STEPS = 40_000  # of all clips, drawn evenly, that regressions and covariances are made from
_RIDGE = 1e-6  # of the mean power of the inputs


class Layer(nn.Module):
    """A layer of a transformer encoder, normalised before each part.

    Args:
        dim: features of a state.
        heads: of attention.
        query_dims: of each head's queries and keys.
        value_dims: of each head's values.
        units: of the perceptron; 0 leaves it out.
    """

    def __init__(self, dim: int, *, heads: int, query_dims: int, value_dims: int, units: int) -> None:
        super().__init__()
        self.heads, self.units = heads, units
        self.attention_norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, heads * query_dims)
        self.key = nn.Linear(dim, heads * query_dims, bias=False)
        self.value = nn.Linear(dim, heads * value_dims, bias=False)  # a constant value is a constant output: `out` has it
        self.out = nn.Linear(heads * value_dims, dim)
        if units:
            self.perceptron_norm = nn.LayerNorm(dim)
            self.up, self.down = nn.Linear(dim, units), nn.Linear(units, dim)

    def mixed(self, x: Tensor) -> Tensor:
        """What the heads gather.

        Args:
            x: [B, M, D] states.

        Returns:
            [B, M, heads · value_dims].
        """
        y = self.attention_norm(x)
        query, key, value = (each(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (self.query, self.key, self.value))
        # While it learns: torch's quick kernel wants values as wide as queries. Once it has learnt, fewer products count.
        wide = max(query.shape[-1], value.shape[-1]) if torch.is_grad_enabled() else 0
        query, key, filled = (nn.functional.pad(each, (0, max(0, wide - each.shape[-1]))) for each in (query, key, value))
        heard = nn.functional.scaled_dot_product_attention(query, key, filled, scale=1.0)[..., : value.shape[-1]]
        return heard.transpose(1, 2).flatten(2)

    def active(self, x: Tensor) -> Tensor:
        """The perceptron's units.

        Args:
            x: [B, M, D] states.

        Returns:
            [B, M, units].
        """
        return nn.functional.gelu(self.up(self.perceptron_norm(x)))

    def thought(self, x: Tensor) -> Tensor:
        """What the perceptron makes of the states behind the attention.

        Args:
            x: [B, M, D] states.

        Returns:
            [B, M, D] the next ones.
        """
        after: Tensor = x + self.down(self.active(x))
        return after

    def forward(self, x: Tensor) -> Tensor:
        """The next states.

        Args:
            x: [B, M, D] states.

        Returns:
            [B, M, D].
        """
        between: Tensor = x + self.out(self.mixed(x))
        return self.thought(between) if self.units else between


def places(steps: int, dim: int) -> Tensor:
    """Whisper's marks of time: sines, then cosines, of periods from 2π to 20,000π steps.

    Args:
        steps: how many.
        dim: features, an even number.

    Returns:
        [M, D].
    """
    speeds = torch.exp(-math.log(10_000) / (dim // 2 - 1) * torch.arange(dim // 2, dtype=torch.float64))
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], 1).float()


@torch.no_grad()
def narrow(student: Any, teacher: Any, feature: Tensor, steps: Tensor) -> None:
    """Fit a `NarrowWhisper` to the encoder that it is a narrow form of.

    Args:
        student: changed in place.
        teacher: the transformers library's encoder, in evaluation mode.
        feature: [B, F, N] frames of training clips, with the silence behind.
        steps: [B] valid steps.
    """
    inside = valid(steps, -(-feature.shape[-1] // 2))
    _convolution(student.first, teacher.conv1, feature, inside.repeat_interleave(2, 1)[:, : feature.shape[-1]])
    heard = _through(lambda x: nn.functional.gelu(teacher.conv1(x)), feature)
    _convolution(student.second, teacher.conv2, heard, inside)
    its = _through(lambda x: nn.functional.gelu(teacher.conv2(x)).transpose(1, 2), heard)
    its += teacher.embed_positions.weight[: its.shape[1]]
    own = _through(student.stem, feature)
    for layer, whole in zip(student.layers, teacher.layers, strict=False):
        layer.attention_norm.load_state_dict(whole.self_attn_layer_norm.state_dict())
        between = _through(partial(_attended, whole), its)
        its = _through(partial(_thought, whole), between)
        _heads(layer, whole.self_attn, _some(layer.attention_norm(own), torch.ones_like(inside)))
        mixed = _through(layer.mixed, own)
        _fill(layer.out, *regression(_some(mixed, inside), _some(between - own, inside)))
        own = own + _through(layer.out, mixed)
        if not layer.units:
            continue
        layer.perceptron_norm.load_state_dict(whole.final_layer_norm.state_dict())
        _units(layer, whole, _some(own, inside), _some(its, inside))
        own = _through(layer.thought, own)


def states(teacher: Any, feature: Tensor, *, layers: int, attended: bool) -> Tensor:
    """What a teacher makes of clips.

    Args:
        teacher: the transformers library's encoder.
        feature: [B, F, N] frames, with the silence behind.
        layers: how many of its first.
        attended: whether the last ends with its attention.

    Returns:
        [B, M, D].
    """
    x = nn.functional.gelu(teacher.conv2(nn.functional.gelu(teacher.conv1(feature)))).transpose(1, 2)
    x = x + teacher.embed_positions.weight[: x.shape[1]]
    for i, whole in enumerate(teacher.layers[:layers], start=1):
        x = _attended(whole, x)
        x = x if attended and i == layers else _thought(whole, x)
    return x


def _attended(whole: Any, x: Tensor) -> Tensor:
    """The states behind the attention of the teacher's layer."""
    between: Tensor = x + whole.self_attn(whole.self_attn_layer_norm(x))[0]
    return between


def _thought(whole: Any, x: Tensor) -> Tensor:
    """And behind its perceptron."""
    after: Tensor = x + whole.fc2(nn.functional.gelu(whole.fc1(whole.final_layer_norm(x))))
    return after


def _convolution(few: Any, whole: Any, heard: Tensor, inside: Tensor) -> None:
    """A convolution by way of those few channels that hold most of what it makes of the clips."""
    down, up = few
    taps = heard.shape[1] * down.kernel_size[0]
    kernel = whole.weight.reshape(len(whole.weight), taps).double()
    seen = torch.zeros(taps, taps, dtype=torch.float64)
    for part, mask in zip(torch.split(heard, _TOGETHER), torch.split(inside, _TOGETHER), strict=True):
        rows = nn.functional.pad(part, (1, 1)).unfold(2, down.kernel_size[0], down.stride[0]).permute(0, 2, 1, 3).flatten(2)[mask]
        seen += (rows.T @ rows).double()
    _, basis = torch.linalg.eigh(kernel @ seen @ kernel.T)
    basis = basis[:, -down.out_channels :]
    down.weight.copy_((basis.T @ kernel).reshape(down.weight.shape))
    up.weight.copy_(basis[..., None])
    up.bias.copy_(whole.bias)


def _heads(layer: Layer, whole: Any, states: Tensor) -> None:
    """Queries with keys, and values with outputs, of as few dimensions as the layer has.

    A head's score is x Wq Wk' y and its answer x Wv Wo: only the products matter, on the states that there are. Queries carry a constant
    feature for their offset; that of the keys moves all scores of a query alike, so that it has no effect.
    """
    states = states.double()
    one = torch.cat([states, torch.ones_like(states[:, :1])], 1)
    white, white_one = (_whitening(x) for x in (states, one))
    dims = whole.head_dim
    for head in range(layer.heads):
        of = slice(head * dims, (head + 1) * dims)
        query = torch.cat([whole.q_proj.weight[of].T, whole.q_proj.bias[of][None]]).double() * dims**-0.5
        left, right = truncated(query, whole.k_proj.weight[of].double(), white_one, white, len(layer.query.weight) // layer.heads)
        own = slice(head * left.shape[1], (head + 1) * left.shape[1])
        layer.query.weight[own] = left[:-1].T.float()
        layer.query.bias[own] = left[-1].float()
        layer.key.weight[own] = right.T.float()
        values, _ = truncated(
            whole.v_proj.weight[of].T.double(),
            whole.out_proj.weight[:, of].T.double(),
            white,
            torch.eye(len(whole.out_proj.weight), dtype=torch.float64),
            len(layer.value.weight) // layer.heads,
        )
        own = slice(head * values.shape[1], (head + 1) * values.shape[1])
        layer.value.weight[own] = values.T.float()


def _units(layer: Layer, whole: Any, states: Tensor, wanted: Tensor) -> None:
    """The units that explain most of what is still wanted, and the outputs fitted to them."""
    active = nn.functional.gelu(whole.fc1(layer.perceptron_norm(states)))
    picked = explaining(active, wanted - states, len(layer.up.weight))
    layer.up.weight.copy_(whole.fc1.weight[picked])
    layer.up.bias.copy_(whole.fc1.bias[picked])
    _fill(layer.down, *regression(active[:, picked], wanted - states))


def truncated(left: Tensor, right: Tensor, white_left: Tensor, white_right: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Two factors of few dimensions whose product is nearest to that of the given ones, for states of known covariance.

    Args:
        left: [P, K].
        right: [K, Q].
        white_left: [P, P] lower Cholesky factor of the covariance of what is multiplied from the left.
        white_right: [Q, Q] the same from the right.
        rank: R, at most K.

    Returns:
        [P, R] and [Q, R]; the product is the first by the second, transposed.
    """
    u, s, v = torch.linalg.svd(white_left.T @ left @ right @ white_right, full_matrices=False)
    root = s[:rank].sqrt()
    solved = torch.linalg.solve_triangular
    return solved(white_left.T, u[:, :rank] * root, upper=True), solved(white_right.T, v[:rank].T * root, upper=True)


def explaining(inputs: Tensor, wanted: Tensor, count: int) -> Tensor:
    """The inputs that together explain most of what is wanted, found one after the other by orthogonal least squares.

    Args:
        inputs: [R, P].
        wanted: [R, Q].
        count: how many; all where there are no more.

    Returns:
        [count] their places, in ascending order.
    """
    if count >= inputs.shape[1]:
        return torch.arange(inputs.shape[1])
    x, y = ((each - each.mean(0)).double() for each in (inputs, wanted))
    gram, cross = x.T @ x, x.T @ y
    least = 1e-6 * gram.diagonal().mean()
    found: list[int] = []
    for _ in range(count):
        gain = cross.square().sum(1) / gram.diagonal().clamp(min=least)
        gain[found] = -1.0
        best = int(gain.argmax())
        found.append(best)
        column, row, power = gram[:, best].clone(), cross[best].clone(), gram[best, best].clamp(min=least)
        cross -= torch.outer(column, row) / power
        gram -= torch.outer(column, column) / power
    return torch.tensor(sorted(found))


def regression(inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The linear layer that makes most of the inputs.

    Args:
        inputs: [R, P].
        wanted: [R, Q].

    Returns:
        [Q, P] weight and [Q] bias.
    """
    centre, aim = inputs.double().mean(0), wanted.double().mean(0)
    x, y = inputs.double() - centre, wanted.double() - aim
    gram = x.T @ x
    gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
    weight = torch.linalg.solve(gram, x.T @ y).T
    return weight, aim - weight @ centre


def _fill(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)


def _whitening(rows: Tensor) -> Tensor:
    """[P, P] lower Cholesky factor of the second moments of [R, P] rows."""
    moments = rows.T @ rows / len(rows)
    moments.diagonal().add_(_RIDGE * moments.diagonal().mean())
    factor: Tensor = torch.linalg.cholesky(moments)
    return factor


def _some(x: Tensor, inside: Tensor) -> Tensor:
    """[R, D] valid steps of [B, M, D], evenly drawn."""
    rows: Tensor = x[inside]
    return rows[:: -(-len(rows) // _STEPS)]


def _through(made: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of clips, a few clips at a time."""
    return torch.cat([made(part) for part in torch.split(x, _TOGETHER)])
