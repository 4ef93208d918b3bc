"""The network with its loss, as the training step wants it."""

from __future__ import annotations

from mindspore import Tensor, nn

from ms_core.detection.losses import SingleShotLoss


class TrainingNetwork(nn.Cell):
    """construct(images, box targets, labels, matched) -> (total, class part, box part), fp32 scalars."""

    def __init__(self, network: nn.Cell, loss: SingleShotLoss) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss

    def construct(
        self, images: Tensor, loc_targets: Tensor, labels: Tensor, matched: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        box_deltas, class_logits = self.network(images)
        return self.loss(box_deltas, class_logits, loc_targets, labels, matched)
