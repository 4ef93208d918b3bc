"""The network as it is exported with the selection of detections inside the graph."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

from ms_core.networks.best_candidates import BestCandidates
from ms_core.networks.class_suppression import EMPTY, ClassSuppression
from ms_core.networks.inference import InferenceModel
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.output_forms import MOST_CANDIDATES


class NmsForm(nn.Cell):
    """construct(images [B, 3, H, W]) -> (boxes [B, D, 4], scores [B, D], labels int32 [B, D]), best first.

    Boxes are y0 x0 y1 x1 relative to the picture; labels count from 0 without the background, and slots that are left
    over have label -1, score 0 and a box of zeros. The detections are those of
    `ms_core.detection.nms.multiclass_nms`, in its order, where
    - at most T = 1000 pairs of a box and a class score above `min_score`, or D detections are found among the best T;
    - no chain of overlapping boxes is longer than `plain_suppression.LONGEST_CHAIN`;
    - no overlap is so close to the threshold that rounding decides (the host measures in pixels of the picture).

    D is `max_detections`, at most T; T where there is no such bound, and no more than there are pairs. With `nms` zoo
    a pixel, which sides are wider and higher by, is one of the input: a graph does not know how large the picture was.
    B is known at compilation.

    Args:
        network: shares its parameters; its mode is not touched.
        postprocess: the thresholds and bounds, which the graph then holds.
        candidates: T.
    """

    def __init__(
        self, network: SingleShotNetwork, postprocess: PostprocessConfig, candidates: int = MOST_CANDIDATES
    ) -> None:
        super().__init__(auto_prefix=False)
        self.inference = InferenceModel(network)
        self.select = DetectionSelection(
            len(network.anchors.xywh), network.num_classes - 1, network.input_size, postprocess, candidates
        )

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, scores = self.inference(images)
        found_boxes: tuple[Tensor, ...] = ()
        found_scores: tuple[Tensor, ...] = ()
        found_labels: tuple[Tensor, ...] = ()
        for picture in range(images.shape[0]):
            found = self.select(boxes[picture], scores[picture, :, 1:])
            found_boxes += (found[0],)
            found_scores += (found[1],)
            found_labels += (found[2],)
        return ops.stack(found_boxes), ops.stack(found_scores), ops.stack(found_labels)


class DetectionSelection(nn.Cell):
    """construct(boxes [N, 4], scores [N, C]) -> (boxes [D, 4], scores [D], labels int32 [D]) of one picture.

    Args:
        boxes: N.
        classes: C, without the background.
        input_size: height and width of the network's input, pixels.
        postprocess: the thresholds and bounds.
        candidates: T, see `NmsForm`.
    """

    def __init__(
        self,
        boxes: int,
        classes: int,
        input_size: tuple[int, int],
        postprocess: PostprocessConfig,
        candidates: int,
    ) -> None:
        super().__init__()
        agnostic = postprocess.class_agnostic
        self.candidates = BestCandidates(candidates, postprocess.min_score, one_class=agnostic)
        self.suppress = ClassSuppression(
            min(candidates, boxes if agnostic else boxes * classes),
            postprocess.nms_threshold,
            postprocess.max_per_class,
            postprocess.max_detections,
            agnostic,
        )
        self.plus_one = postprocess.nms == "zoo"
        height, width = input_size
        self.pixel = Tensor(np.array([0, 0, 1 / height, 1 / width], np.float32))

    def construct(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        best, rows, labels, valid = self.candidates(scores)
        boxes = ops.gather(boxes, rows, 0)
        measured = boxes + self.pixel if self.plus_one else boxes
        positions, stays = self.suppress(measured, labels, valid)
        return gather_detections(boxes, best, labels, positions, stays)


def gather_detections(
    boxes: Tensor, scores: Tensor, labels: Tensor, positions: Tensor, stays: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Slots of detections.

    Args:
        boxes: float32 [T, 4].
        scores: float32 [T].
        labels: int32 [T].
        positions: int32 [D], of what the slots hold.
        stays: bool [D]; the other slots become a box of zeros, score 0 and label -1.
    """
    boxes, scores, labels = (
        ops.gather(boxes, positions, 0),
        ops.gather(scores, positions, 0),
        ops.gather(labels, positions, 0),
    )
    whole = ops.broadcast_to(stays.reshape((-1, 1)), boxes.shape)
    return (
        ops.select(whole, boxes, ops.zeros_like(boxes)),
        ops.select(stays, scores, ops.zeros_like(scores)),
        ops.select(stays, labels, ops.full_like(labels, EMPTY)),
    )
