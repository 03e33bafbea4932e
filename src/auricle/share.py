"""One batch over several processes: which rows are this one's, and what all rows together are.

Whatever depends on more than one row (a norm's statistics, a mixture's partners, a mean loss) is taken from the whole batch, and whatever
is drawn for each row is drawn for the whole batch by every process alike: several processes then do what one would.

A sum over processes is the one operation that connects them. Its derivative is again that sum, of the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from auricle.processes import portion

_DROPPED = (nn.functional.dropout, nn.functional.dropout1d, nn.functional.dropout2d, nn.functional.dropout3d)


class Share:
    """This process's rows of a batch; without arguments, all of them.

    Args:
        rank: of this process.
        ranks: processes.
        rows: of the whole batch.
        parts: batches of so many rows that stand one behind the other, each shared out for itself.
    """

    def __init__(self, rank: int = 0, ranks: int = 1, *, rows: int = 0, parts: int = 1) -> None:
        self.rank, self.ranks, self.part, self.rows = rank, ranks, rows, rows * parts
        self.own = torch.tensor([part * rows + row for part in range(parts) for row in portion(rows, rank, ranks)], dtype=torch.long)

    def twice(self) -> Share:
        """The share of two batches, one behind the other."""
        return Share(self.rank, self.ranks, rows=self.part, parts=2)

    def shape(self, own: torch.Size) -> torch.Size:
        """The shape of the whole batch.

        Args:
            own: of this process's rows.

        Returns:
            The same with all rows.
        """
        return own if self.ranks == 1 else torch.Size((self.rows, *own[1:]))

    def mine(self, whole: Tensor) -> Tensor:
        """This process's rows.

        Args:
            whole: [R, ...] of the whole batch.

        Returns:
            [B, ...] rows.
        """
        return whole if self.ranks == 1 else whole[self.own.to(whole.device)]

    def whole(self, own: Tensor) -> Tensor:
        """The rows of all processes; gradients find their way back to the process that a row is of.

        Args:
            own: [B, ...] rows of this process.

        Returns:
            [R, ...] of the whole batch, the same in every process.
        """
        if self.ranks == 1:
            return own
        # Zeros elsewhere, then summed: shares need not be of one size. Not in bfloat16, which not every backend adds up.
        wide = own.float() if own.dtype in (torch.bfloat16, torch.float16) else own
        spread = wide.new_zeros(self.shape(own.shape)).index_copy(0, self.own.to(own.device), wide)
        return total(spread).to(own.dtype)

    def agreed(self, said: bool, device: torch.device) -> bool:
        """Whether any process says so; all come to the same answer.

        Args:
            said: by this one.
            device: that the processes talk through.

        Returns:
            The answer.
        """
        return said if self.ranks == 1 else bool(total(torch.tensor(float(said), device=device)))

    def together(self) -> AbstractContextManager[object]:
        """Inside, norms take their statistics and dropout its draws from the whole batch."""
        return nullcontext() if self.ranks == 1 else _Together(self)


def total(own: Tensor) -> Tensor:
    """The sum over all processes.

    Args:
        own: [...] of this process.

    Returns:
        [...] the same in every process.
    """
    summed: Tensor = _Total.apply(own)  # type: ignore[no-untyped-call]
    return summed


class _Total(torch.autograd.Function):
    """Each process's loss is made of every process's addend, so that an addend's gradient is the sum of theirs."""

    @staticmethod
    def forward(_context: Any, own: Tensor) -> Tensor:
        summed = own.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        return total(gradients[0])


class _Together(TorchFunctionMode):
    """Norms and draws of the whole batch, wherever a network asks torch for them.

    torch's own synchronised norm is for accelerators only and takes the place of some norms; this reaches those of every library, and
    leaves the network as it is.
    """

    def __init__(self, share: Share) -> None:
        super().__init__()
        self.share = share

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is nn.functional.batch_norm:
            return _batch_norm(*args, **kwargs)
        if function in _DROPPED:
            return _dropped(function, self.share, *args, **kwargs)
        if function is Tensor.bernoulli_:
            return _drawn(self.share, *args, **kwargs)
        return function(*args, **kwargs)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` with the statistics of all processes' rows (Ioffe and Szegedy 2015, algorithm 1)."""
    if not training:
        return nn.functional.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    over = [0, *range(2, x.ndim)]
    each = [1, -1, *[1] * (x.ndim - 2)]
    with torch.autocast(x.device.type, enabled=False):
        wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        # In double precision: torch's own sums of maps laid out channels last, value by value in single, are off by 1e-5.
        count = total(torch.tensor(x.numel() // x.shape[1], dtype=torch.float64, device=x.device))
        mean = total(wide.sum(over, dtype=torch.float64)) / count
        centred = wide - mean.view(each).to(wide)
        variance = total(centred.square().sum(over, dtype=torch.float64)) / count
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean), momentum)
                running_var.lerp_((variance * count / (count - 1)).to(running_var), momentum)
        scale = (variance + eps).rsqrt().to(wide) * (1 if weight is None else weight)
        made = centred * scale.view(each)
        # Laid out in memory as torch's own answers are: what is drawn for them later depends on it.
        order = torch.channels_last if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        return (made if bias is None else made + bias.view(each)).to(x.dtype).contiguous(memory_format=order)


def _dropped(
    function: Callable[..., Tensor], share: Share, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout whose draws are those of the whole batch, in the order in which one process would make them."""
    ones = _laid_out(share, x)
    if not training or not p or ones is None:
        return function(x, p, training, inplace)
    return x * _mine(share, x, function(ones.fill_(1), p, True, False))


def _drawn(share: Share, x: Tensor, p: float | Tensor = 0.5, *, generator: torch.Generator | None = None) -> Tensor:
    """Draws for the rows of a tensor, out of those for the whole batch."""
    whole = _laid_out(share, x)
    if whole is None or isinstance(p, Tensor):
        return x.bernoulli_(p, generator=generator)
    return x.copy_(_mine(share, x, whole.bernoulli_(p, generator=generator)))


def _laid_out(share: Share, x: Tensor) -> Tensor | None:
    """An empty tensor such as one process would have in place of `x`, in the same order in memory; None where axis 0 is not rows.

    Each row may have made several, as heads of attention do.
    """
    several, rest = divmod(x.shape[0], len(share.own)) if x.ndim else (0, 0)
    if rest or not several:
        return None
    size = (share.rows * several, *x.shape[1:])
    strides: tuple[int, ...] = x.stride()
    order = sorted(range(x.ndim), key=lambda axis: -strides[axis])
    return x.new_empty([size[axis] for axis in order]).permute([order.index(axis) for axis in range(x.ndim)])


def _mine(share: Share, x: Tensor, whole: Tensor) -> Tensor:
    several = x.shape[0] // len(share.own)
    return share.mine(whole.view(share.rows, several, *whole.shape[1:])).flatten(0, 1)
