"""Prediction heads and the order in which the predictions of all levels are laid out."""

from collections.abc import Sequence

from mindspore import Tensor, nn, ops

from ms_core.networks.layers import batch_norm, convolution


def flatten_level(predictions: Tensor, components: int) -> Tensor:
    """Predictions of one level as one row per anchor.

    Args:
        predictions: [B, A * components, H, W]; channel a * components + c is component c of anchor a.
        components: numbers per anchor: 4 for boxes, the number of classes for classes.

    Returns:
        [B, H * W * A, components], rows ordered by y, x, anchor: the order of the default boxes.
    """
    batch = predictions.shape[0]
    return ops.reshape(ops.transpose(predictions, (0, 2, 3, 1)), (batch, -1, components))


def _branch(channels: int, outputs: int) -> nn.SequentialCell:
    return nn.SequentialCell(
        [
            convolution(channels, channels, 3, depthwise=True),
            batch_norm(channels),
            nn.ReLU6(),
            convolution(channels, outputs, 1, bias=True),
        ]
    )


class PerLevelHead(nn.Cell):
    """3x3 depthwise, norm, ReLU6, 1x1 with bias: once for boxes and once for classes, on every level anew.

    Args:
        channels: of the feature map of each level.
        anchors_per_cell: default boxes at each position of each level.
        num_classes: K, background (class 0) included.
    """

    def __init__(self, channels: Sequence[int], anchors_per_cell: Sequence[int], num_classes: int) -> None:
        super().__init__()
        levels = list(zip(channels, anchors_per_cell, strict=True))
        self.multi_loc_layers = nn.CellList([_branch(c, 4 * anchors) for c, anchors in levels])
        self.multi_cls_layers = nn.CellList([_branch(c, num_classes * anchors) for c, anchors in levels])
        self.num_classes = num_classes

    def construct(self, features: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Maps [B, C_i, H_i, W_i], fine to coarse -> (box deltas [B, N, 4], class logits [B, N, K])."""
        boxes = [flatten_level(self.multi_loc_layers[i](x), 4) for i, x in enumerate(features)]
        classes = [
            flatten_level(self.multi_cls_layers[i](x), self.num_classes) for i, x in enumerate(features)
        ]
        return ops.concat(boxes, 1), ops.concat(classes, 1)
