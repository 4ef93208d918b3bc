"""Normalisation inside the graph: a program then hands over the pixels as it read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype


class NormalisedInside(nn.Cell):
    """construct(pixels uint8 [B, H, W, 3], *more) -> what `network` gives for the normalised pictures [B, 3, H, W].

    Args:
        network: construct(images float32 [B, 3, H, W], *more). Its parameters keep their names.
        mean: three numbers 0-255, in the order of the channels.
        std: three numbers, in the same order.
    """

    def __init__(self, network: nn.Cell, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.mean = Tensor(np.array(mean, np.float32).reshape(1, 3, 1, 1))
        self.std = Tensor(np.array(std, np.float32).reshape(1, 3, 1, 1))

    def construct(self, pixels: Tensor, *more: Tensor) -> Any:
        images = ops.transpose(ops.cast(pixels, mstype.float32), (0, 3, 1, 2))
        return self.network((images - self.mean) / self.std, *more)
