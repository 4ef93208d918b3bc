"""The network with its loss, as the training step wants it."""

from __future__ import annotations

from mindspore import Tensor, nn

from ms_segformer.losses import SegmentationLoss
from ms_segformer.segformer import SegFormer


class TrainingNetwork(nn.Cell):
    """construct(images float32 [B, 3, H, W], labels int32 [B, H, W]) -> loss, a float32 scalar."""

    def __init__(self, network: SegFormer, loss: SegmentationLoss) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss

    def construct(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.loss(self.network(images), labels)
