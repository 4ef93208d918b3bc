"""SSD at 640x640 on MobileNetV1 with a feature pyramid ("RetinaNet on MobileNetV1")."""

from mindspore import Tensor, nn
from ms_core.networks.fpn import CoarseLevels, FeaturePyramid
from ms_core.networks.layers import Padding
from ms_core.networks.mobilenet_v1 import MobileNetV1
from ms_core.networks.single_shot import Variant

from ms_ssd.pyramid import CHANNELS, PyramidDetector

_TAPS = (10, 22, 26)
_TAP_CHANNELS = (256, 512, 1024)


class MobileNetV1Pyramid(nn.Cell):
    """The trunk and five levels on it."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.mobilenet_v1 = MobileNetV1(_TAPS, padding)
        self.fpn = FeaturePyramid(_TAP_CHANNELS, CHANNELS)
        self.bottom_up = CoarseLevels(CHANNELS)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """[B, 3, 640, 640] -> five maps [B, 256, S, S], S = 80, 40, 20, 10, 5."""
        levels = self.fpn(self.mobilenet_v1(images))
        return levels + self.bottom_up(levels[2])


class SSDMobileNetV1FPN(PyramidDetector):
    """See `PyramidDetector`.

    Args:
        num_classes: K, background included.
        variant: accepted for uniformity; "zoo" and "paper" are the same network here.
        padding: of the strided convolutions in the trunk; the pyramid always pads as in the zoo.
    """

    def __init__(self, num_classes: int, variant: Variant = "zoo", padding: Padding = "same") -> None:
        super().__init__(
            name="ssd_mobilenet_v1_fpn",
            num_classes=num_classes,
            features=MobileNetV1Pyramid(padding),
            backbone_prefix="feature_extractor.mobilenet_v1.",
            variant=variant,
            padding=padding,
        )
