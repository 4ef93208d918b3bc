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


class PerLevelHead(nn.Cell):
    """A branch for boxes and one for classes on every level anew: 3x3 depthwise, norm, ReLU6, 1x1 with bias.

    Args:
        channels: of the feature map of each level.
        anchors_per_cell: default boxes at each position of each level.
        num_classes: K, background (class 0) included.
    """

    prediction_layers = ("multi_loc_layers", "multi_cls_layers")
    """What a new task learns anew."""

    def __init__(self, channels: Sequence[int], anchors_per_cell: Sequence[int], num_classes: int) -> None:
        super().__init__()
        levels = list(zip(channels, anchors_per_cell, strict=True))
        self.multi_loc_layers = nn.CellList([self.branch(c, 4 * anchors) for c, anchors in levels])
        self.multi_cls_layers = nn.CellList([self.branch(c, num_classes * anchors) for c, anchors in levels])
        self.num_classes = num_classes

    @staticmethod
    def branch(channels: int, outputs: int) -> nn.Cell:
        """What maps [B, channels, H, W] to [B, outputs, H, W]; a head of another kind replaces it."""
        return nn.SequentialCell(
            [
                convolution(channels, channels, 3, depthwise=True),
                batch_norm(channels),
                nn.ReLU6(),
                convolution(channels, outputs, 1, bias=True),
            ]
        )

    def construct(self, features: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Maps [B, C_i, H_i, W_i], fine to coarse -> (box deltas [B, N, 4], class logits [B, N, K])."""
        boxes = [flatten_level(self.multi_loc_layers[i](x), 4) for i, x in enumerate(features)]
        classes = [
            flatten_level(self.multi_cls_layers[i](x), self.num_classes) for i, x in enumerate(features)
        ]
        return ops.concat(boxes, 1), ops.concat(classes, 1)


TOWER_DEPTH = 4
"""Convolutions before the last one in each branch of a weight-shared head."""


def _tower_convolution(inputs: int, outputs: int, separable: bool) -> nn.Cell:
    """3x3 with bias; separable: 3x3 depthwise, then 1x1 with bias."""
    if not separable:
        return convolution(inputs, outputs, 3, bias=True)
    return nn.SequentialCell(
        [convolution(inputs, inputs, 3, depthwise=True), convolution(inputs, outputs, 1, bias=True)]
    )


class _TowerStep(nn.Cell):
    """One depth of a tower on one level: the convolution belongs to level 0, the normalisation to each."""

    def __init__(self, channels: int, convolved: nn.Cell) -> None:
        super().__init__()
        self.features = nn.SequentialCell([convolved, batch_norm(channels), nn.ReLU6()])

    def convolve(self, x: Tensor) -> Tensor:
        return self.features[0](x)

    def construct(self, x: Tensor) -> Tensor:
        """[B, F, H, W], already convolved."""
        return self.features[2](self.features[1](x))


def _tower(levels: int, channels: int, separable: bool) -> nn.CellList:
    """`tower[level][depth]`; only level 0 owns convolutions, which every level uses."""
    return nn.CellList(
        [
            nn.CellList(
                [
                    _TowerStep(
                        channels,
                        _tower_convolution(channels, channels, separable) if level == 0 else nn.Identity(),
                    )
                    for _ in range(TOWER_DEPTH)
                ]
            )
            for level in range(levels)
        ]
    )


class WeightSharedHead(nn.Cell):
    """One tower of four convolutions for boxes and one for classes, the same on all levels (RetinaNet's head).

    The normalisations are not shared: every level and depth has its own, as in TensorFlow's weight-shared
    predictor, whose statistics differ from level to level.

    Args:
        levels: feature maps.
        channels: F, of every feature map.
        anchors_per_cell: default boxes at each position.
        num_classes: K, background (class 0) included.
        separable: depthwise-separable convolutions (SSDLite, MobileNetV2 paper, section 6.2).
    """

    prediction_layers = ("loc_layers", "cls_layers")
    """What a new task learns anew; the towers before them serve every task."""

    def __init__(
        self, levels: int, channels: int, anchors_per_cell: int, num_classes: int, *, separable: bool = False
    ) -> None:
        super().__init__()
        self.addition_layer_loc = _tower(levels, channels, separable)
        self.addition_layer_cls = _tower(levels, channels, separable)
        boxes, classes = 4 * anchors_per_cell, num_classes * anchors_per_cell
        self.loc_layers = nn.CellList([_tower_convolution(channels, boxes, separable)])
        self.cls_layers = nn.CellList([_tower_convolution(channels, classes, separable)])
        self.num_classes = num_classes

    def construct(self, features: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Maps [B, F, H_i, W_i], fine to coarse -> (box deltas [B, N, 4], class logits [B, N, K])."""
        boxes: tuple[Tensor, ...] = ()
        classes: tuple[Tensor, ...] = ()
        for level, feature in enumerate(features):
            box_feature = self._climb(self.addition_layer_loc, level, feature)
            class_feature = self._climb(self.addition_layer_cls, level, feature)
            boxes += (flatten_level(self.loc_layers[0](box_feature), 4),)
            classes += (flatten_level(self.cls_layers[0](class_feature), self.num_classes),)
        return ops.concat(boxes, 1), ops.concat(classes, 1)

    def _climb(self, tower: nn.CellList, level: int, x: Tensor) -> Tensor:
        for depth in range(TOWER_DEPTH):
            x = tower[level][depth](tower[0][depth].convolve(x))
        return x
