"""What a region holds: its class, and its box for each class."""

from __future__ import annotations

from mindspore import Tensor, nn
from mindspore import dtype as mstype
from ms_core.train.randomness import Dropout


class BoxPredictor(nn.Cell):
    """construct(pooled [N, C]) -> (logits [N, K + 1], deltas [N, 4 * K]), raw float32.

    The background is the last class; deltas of class k are in columns 4k to 4k + 3.

    Args:
        channels: C.
        num_classes: K.
        dropout: probability with which training drops a feature before the classifier (DeFRCN fine-tunes with 0.8),
            in [0, 1); the boxes see all features.
    """

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.cls_score = nn.Dense(channels, num_classes + 1, weight_init="zeros", bias_init="zeros")
        self.bbox_pred = nn.Dense(channels, 4 * num_classes, weight_init="zeros", bias_init="zeros")

    def construct(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.cls_score(self.dropout(pooled))
        return logits.astype(mstype.float32), self.bbox_pred(pooled).astype(mstype.float32)
