"""Dropout whose masks come from (seed, step, layer, element) alone, so that a resumed run repeats them.

`nn.Dropout` keeps a generator state that cannot be read back. Here an element's random number is a hash:
y = a*i + b mod P, then y^5 mod P, with P = 2^31 - 1 (5 has no factor in common with P - 1, so y -> y^5
permutes the field) and a, b made from (seed, step, layer) by the same permutation. Products stay below 2^62.
"""

from __future__ import annotations

from mindspore import Parameter, Tensor, nn, ops
from mindspore import dtype as mstype

_PRIME = 2**31 - 1


def _permuted(value: Tensor) -> Tensor:
    """y -> y^5 mod P of int64 values in [0, P)."""
    square = value * value % _PRIME
    return square * square % _PRIME * value % _PRIME


class StepRandom(nn.Cell):
    """Base of cells that draw random numbers in training; `TrainStep` connects them to its step counter."""

    def __init__(self) -> None:
        super().__init__()
        self.step: Parameter | None = None
        self.key = 0

    def connect(self, step: Parameter, key: int) -> None:
        """Draw from now on as a function of `step` (int32 counter) and `key` (integer; seed and layer)."""
        self.key = key % _PRIME
        self.step = step

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Numbers in [0, 1) of `shape`, float32, the same whenever the step is."""
        if self.step is None:
            raise RuntimeError("a random cell is used in training without a TrainStep; build one first")
        count = 1
        for size in shape:
            count = count * size
        step = ops.cast(self.step, mstype.int64) % _PRIME
        a = _permuted((_permuted((step + self.key) % _PRIME) + 0x2545F491) % _PRIME)
        b = _permuted((a + self.key + 0x1B873593) % _PRIME)
        element = ops.cast(ops.arange(count), mstype.int64)
        drawn = _permuted((element * (a + 1) + b) % _PRIME)
        return ops.stop_gradient(ops.cast(drawn, mstype.float32) / float(_PRIME + 1)).reshape(shape)


class Dropout(StepRandom):
    """Zeroes elements with probability `p` in training and scales the rest by 1 / (1 - p); any shape."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        _check(p)
        self.p = p

    def construct(self, x: Tensor) -> Tensor:
        """x of any shape -> the same shape and type."""
        if not self.training or self.p == 0:
            return x
        mask = ops.cast(self.uniform(x.shape) >= self.p, x.dtype)
        return x * mask / (1.0 - self.p)


class _GroupDropout(StepRandom):
    """Zeroes all of a group of elements with probability `p` in training and scales the rest by 1 / (1 - p).

    Args:
        p: in [0, 1).
        axes: how many leading axes of the input number the groups.
    """

    def __init__(self, p: float, axes: int) -> None:
        super().__init__()
        _check(p)
        self.p = p
        self.axes = axes

    def construct(self, x: Tensor) -> Tensor:
        """x with more than `axes` axes -> the same shape and type."""
        if not self.training or self.p == 0:
            return x
        groups = x.shape[: self.axes] + (1,) * (x.ndim - self.axes)
        mask = ops.cast(self.uniform(groups) >= self.p, x.dtype)
        return x * (mask / (1.0 - self.p))


class ChannelDropout(_GroupDropout):
    """Zeroes whole channels of each sample of [B, C, ...]."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p, axes=2)


class DropPath(_GroupDropout):
    """Zeroes whole samples of a residual branch [B, ...] (arXiv 1603.09382)."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p, axes=1)


def _check(p: float) -> None:
    if not 0 <= p < 1:
        raise ValueError(f"a dropout probability is in [0, 1), not {p}")


def connect_random_cells(network: nn.Cell, step: Parameter, *, seed: int, rank: int = 0) -> None:
    """Connect every random cell of `network` to the counter `step`; layers and ranks draw other numbers."""
    cells = [cell for _, cell in network.cells_and_names() if isinstance(cell, StepRandom)]
    for index, cell in enumerate(cells):
        cell.connect(step, (seed * 1_000_003 + rank) * 1_009 + index + 1)
