"""What every single-shot detector carries beside its layers."""

from typing import Literal

from mindspore import nn

from ms_core.detection.anchors import Anchors
from ms_core.networks.layers import Padding

Variant = Literal["zoo", "paper"]


class SingleShotNetwork(nn.Cell):
    """Base of the detectors: construct(images) -> (box_deltas, class_logits).

    Images are [B, 3, H, W] RGB float32, normalised with the ImageNet mean and deviation. Outputs are
    [B, N, 4] and [B, N, K], raw float32: no sigmoid, not decoded.

    Args:
        name: model name, a key of the package's MODELS.
        num_classes: K, background (class 0) included.
        input_size: (height, width) in pixels.
        anchors: the N default boxes, in the order of the outputs.
        prior_scaling: scale of the centre and size deltas (SSD paper, section 2.2).
        loss_alpha: weight of the positive target in the focal loss, 0-1.
        loss_loc_reduce: sum or mean over the four coordinates of a box.
        padding: of the strided convolutions in the backbone.
        variant: which reading of the architecture the weights follow.
    """

    def __init__(
        self,
        *,
        name: str,
        num_classes: int,
        input_size: tuple[int, int],
        anchors: Anchors,
        prior_scaling: tuple[float, float] = (0.1, 0.2),
        loss_alpha: float,
        loss_loc_reduce: Literal["sum", "mean"],
        padding: Padding,
        variant: Variant,
    ) -> None:
        super().__init__()
        self.model_name = name
        self.num_classes = num_classes
        self.input_size = input_size
        self.anchors = anchors
        self.prior_scaling = prior_scaling
        self.loss_alpha = loss_alpha
        self.loss_loc_reduce = loss_loc_reduce
        self.padding = padding
        self.variant = variant
