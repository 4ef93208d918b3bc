"""Numbers of the places of a map whose size may be unknown when a graph is compiled."""

from __future__ import annotations

from mindspore import Tensor, ops
from mindspore import dtype as mstype


def places(line: Tensor) -> Tensor:
    """0, 1, 2, ... as float32, one for each element of `line` [n].

    `ops.arange` is no choice: a graph that calls it with a known and with an unknown number does not compile, or not
    every time (MindSpore 2.10).
    """
    return ops.cumsum(ops.ones_like(ops.stop_gradient(line), dtype=mstype.float32), 0) - 1
