"""The whole network: encoder and decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mindspore import Tensor, nn
from mindspore import dtype as mstype
from ms_core.errors import UserError
from ms_core.segmentation.sample import SMALLEST_SIDE

from ms_segformer.decoder import Decoder
from ms_segformer.mix_transformer import MixTransformer


class SegFormer(nn.Cell):
    """construct(images [B, 3, H, W]) -> logits [B, K, ceil(H / 4), ceil(W / 4)], raw float32.

    Images are RGB float32, normalised with the ImageNet mean and deviation; any H and W from 32 on.

    Args:
        name: model name, a key of MODELS.
        num_classes: K.
        widths: channels of the encoder's stages.
        depths: blocks of the encoder's stages.
        decoder_width: channels of the decoder.
        drop_path: of the encoder's last block.
        dropout: before the classifier.
    """

    options: Mapping[str, Any] = MappingProxyType({})
    """What else it was built with that decides shapes; a checkpoint keeps it to rebuild the same."""

    backbone_prefixes = ("backbone.",)
    """Beginnings of the names of the encoder's parameters."""

    head_prefixes = ("decode_head.linear_pred.",)
    """Beginnings of the names of those whose shapes follow the number of classes."""

    def __init__(
        self,
        *,
        name: str,
        num_classes: int,
        widths: Sequence[int],
        depths: Sequence[int],
        decoder_width: int,
        drop_path: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.model_name = name
        self.num_classes = num_classes
        self.decoder_width = decoder_width
        self.backbone = MixTransformer(widths, depths, drop_path)
        self.decode_head = Decoder(widths, decoder_width, num_classes, dropout)

    def __call__(self, images: Tensor) -> Tensor:
        """See the class.

        Raises:
            UserError: a side below 32 pixels.
        """
        check_image_size(images.shape[-2], images.shape[-1])
        return super().__call__(images)

    def construct(self, images: Tensor) -> Tensor:
        return self.decode_head(self.backbone(images)).astype(mstype.float32)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The encoder's four maps, [B, C_i, H / 2^(i + 1), W / 2^(i + 1)] with sizes rounded up."""
        return self.backbone(images)


def check_image_size(height: int, width: int) -> None:
    """Raise UserError where a picture is too small for the network."""
    if min(height, width) < SMALLEST_SIDE:
        raise UserError(
            f"image of {height}x{width} pixels: SegFormer needs at least {SMALLEST_SIDE} a side. Enlarge it first."
        )
