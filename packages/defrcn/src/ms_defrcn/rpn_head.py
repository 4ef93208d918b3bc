"""The head of the region proposal network (Ren et al. 2015): an object or not, and its box, at every anchor."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype


class RpnHead(nn.Cell):
    """construct(features [B, C, h, w]) -> (objectness [B, A], deltas [B, A, 4]), raw float32.

    A = h * w * per_cell, ordered by y, then x, then anchor.

    Args:
        channels: C.
        per_cell: anchors at every place of the map.
    """

    def __init__(self, channels: int, per_cell: int) -> None:
        super().__init__()
        self.conv = _convolution(channels, channels, 3)
        self.objectness_logits = _convolution(channels, per_cell, 1)
        self.anchor_deltas = _convolution(channels, 4 * per_cell, 1)

    def construct(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = ops.relu(self.conv(features))
        objectness = self.objectness_logits(hidden).transpose((0, 2, 3, 1))  # [B, h, w, per_cell]
        deltas = self.anchor_deltas(hidden).transpose((0, 2, 3, 1))  # [B, h, w, per_cell * 4]
        batch = features.shape[0]
        return (
            objectness.reshape((batch, -1)).astype(mstype.float32),
            deltas.reshape((batch, -1, 4)).astype(mstype.float32),
        )


def _convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        pad_mode="pad",
        padding=kernel // 2,
        has_bias=True,
        weight_init="zeros",
        bias_init="zeros",
    )
