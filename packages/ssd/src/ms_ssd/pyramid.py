"""What the two detectors with a feature pyramid have in common: 640x640, five levels, 51150 default boxes."""

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.detection.anchors import grid_anchors
from ms_core.networks.heads import WeightSharedHead
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant

CHANNELS = 256
"""Of every level of the pyramid."""

_SIDE = 640
_STEPS = (8, 16, 32, 64, 128)
_ANCHORS_PER_CELL = 6


class PyramidDetector(SingleShotNetwork):
    """construct(images [B, 3, 640, 640]) -> (box_deltas [B, 51150, 4], class_logits [B, 51150, K]), float32.

    Args:
        name: model name.
        num_classes: K, background included.
        features: images -> five maps [B, 256, S, S], S = 80, 40, 20, 10, 5.
        backbone_prefix: beginning of the names of its classification trunk.
        variant: "zoo" and "paper" are the same network.
        padding: of the strided convolutions in the trunk.
    """

    def __init__(
        self,
        *,
        name: str,
        num_classes: int,
        features: nn.Cell,
        backbone_prefix: str,
        variant: Variant,
        padding: Padding,
    ) -> None:
        super().__init__(
            name=name,
            num_classes=num_classes,
            input_size=(_SIDE, _SIDE),
            anchors=grid_anchors(_SIDE, _STEPS),
            loss_alpha=0.25,
            loss_loc_reduce="sum",
            padding=padding,
            variant=variant,
            backbone_prefixes=(backbone_prefix,),
        )
        self.multi_box = WeightSharedHead(len(_STEPS), CHANNELS, _ANCHORS_PER_CELL, num_classes)
        self.feature_extractor = features

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        box_deltas, class_logits = self.multi_box(self.feature_extractor(images))
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
