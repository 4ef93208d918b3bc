"""What every single-shot detector carries beside its layers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

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
        backbone_prefixes: beginnings of the names of the parameters that a classification network of the
            same architecture has too.
    """

    variants_differ: ClassVar[bool] = False
    """Whether "zoo" and "paper" are two networks, so that the weights of one do not fit the other."""

    normalises_one_cell: ClassVar[bool] = False
    """Whether a batch normalisation sees a map of one cell: a single image then has no variance to train it with."""

    options: Mapping[str, Any] = MappingProxyType({})
    """What else it was built with, beside variant and padding; a checkpoint keeps it to rebuild the same."""

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
        backbone_prefixes: tuple[str, ...],
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
        self.backbone_prefixes = backbone_prefixes

    @property
    def head_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of the prediction layers' parameters; every detector calls its head multi_box."""
        return tuple(f"multi_box.{layers}." for layers in self.multi_box.prediction_layers)
