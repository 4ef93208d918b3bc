"""Moving what counts to the front, with fixed sizes."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype


class ToFront(nn.Cell):
    """construct(values int32 [n], stays bool [n]) -> (int32 [most], bool [most]): those that stay, in their order.

    Zeros follow them, which are not valid.

    Args:
        length: n.
        most: values returned, at most n.
    """

    def __init__(self, length: int, most: int) -> None:
        super().__init__()
        self.most = most
        self.descending = Tensor(np.arange(length, 0, -1, dtype=np.float32))

    def construct(self, values: Tensor, stays: Tensor) -> tuple[Tensor, Tensor]:
        rank, index = ops.topk(self.descending * ops.cast(stays, mstype.float32), self.most)
        stays = rank > 0
        return ops.gather(values, index, 0) * ops.cast(stays, mstype.int32), stays
