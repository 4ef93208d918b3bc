"""SSD at 640x640 on ResNet-50 with a feature pyramid ("RetinaNet on ResNet-50")."""

from mindspore import Tensor, nn
from ms_core.networks import resnet50
from ms_core.networks.fpn import CoarseLevels, FeaturePyramid
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import Variant

from ms_ssd.pyramid import CHANNELS, PyramidDetector


class ResNet50Pyramid(nn.Cell):
    """The trunk and five levels on it."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.resnet = resnet50.ResNet50(padding)
        self.fpn = FeaturePyramid(resnet50.CHANNELS[1:], CHANNELS)
        self.bottom_up = CoarseLevels(CHANNELS)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """[B, 3, 640, 640] -> five maps [B, 256, S, S], S = 80, 40, 20, 10, 5."""
        levels = self.fpn(self.resnet(images))
        return levels + self.bottom_up(levels[2])


class SSDResNet50FPN(PyramidDetector):
    """See `PyramidDetector`.

    Args:
        num_classes: K, background included.
        variant: accepted for uniformity; "zoo" and "paper" are the same network here.
        padding: of the strided convolutions and the pooling in the trunk; the pyramid always pads as in the
            zoo.
    """

    def __init__(self, num_classes: int, variant: Variant = "zoo", padding: Padding = "same") -> None:
        super().__init__(
            name="ssd_resnet50_fpn",
            num_classes=num_classes,
            features=ResNet50Pyramid(padding),
            backbone_prefix="feature_extractor.resnet.",
            variant=variant,
            padding=padding,
        )
