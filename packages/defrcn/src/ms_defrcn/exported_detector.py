"""Pictures in, detections out, by an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ms_core.detection.detections import Detections
from ms_core.export.manifest import TwoStageManifest
from ms_core.infer.detections import chosen, require_graph_selection
from ms_core.infer.pictures import PictureInput
from ms_core.infer.runtimes import InferenceSession

from ms_defrcn.config import PostprocessConfig
from ms_defrcn.detector import Detector, PreparedPicture
from ms_defrcn.infer_verb import settings_from
from ms_defrcn.pictures import normalise
from ms_defrcn.postprocess import postprocess
from ms_defrcn.resize import box_scale, resize_image, size_of


def picture_input(manifest: TwoStageManifest) -> PictureInput:
    """The model's first input, resized and normalised to the same bits as for the trained network."""
    every_level = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 1, 3)
    levels = np.ascontiguousarray(normalise(every_level)[::-1, :, 0])  # blue, green, red -> red, green, blue
    return PictureInput(manifest.input, resize_image, levels)


def selected(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, width: int, height: int
) -> Detections:
    """Outputs of a graph that selects boxes itself, within the picture; boxes left without an area are dropped."""
    found = chosen(np.clip(boxes, 0, np.array([width, height] * 2, np.float32)), scores, labels)
    return found.select((found.boxes[:, 2:] > found.boxes[:, :2]).all(axis=1))


@dataclass(frozen=True)
class OutputReader:
    """Outputs of one picture, without a batch axis -> its detections.

    Raises:
        UserError: a selection that the graph of form nms does not do.
    """

    manifest: TwoStageManifest
    postprocess: PostprocessConfig

    def __post_init__(self) -> None:
        if self.manifest.output_form == "nms":
            require_graph_selection(settings_from(self.manifest.postprocess), self.postprocess)

    def __call__(self, outputs: Sequence[np.ndarray], width: int, height: int) -> Detections:
        """Detections in pixels of a picture of `width` x `height`, best score first."""
        if self.manifest.output_form == "nms":
            boxes, scores, labels = outputs
            return selected(boxes, scores, labels, width, height).above(self.postprocess.min_score)
        boxes, scores, valid = outputs
        place = PictureInput(self.manifest.input).place((height, width))
        return postprocess(
            boxes,
            scores,
            valid > 0.5,
            scale=box_scale((height, width), place),
            size=(height, width),
            config=self.postprocess,
        )


class ExportedDetector(Detector):
    """An exported model in the place of a trained network.

    Args:
        session: the model.
        manifest: what it takes and gives.
        read: its outputs.
    """

    def __init__(self, session: InferenceSession, manifest: TwoStageManifest, read: OutputReader) -> None:
        # No network: what needs one is overridden below.
        self.session = session
        self.manifest = manifest
        self.read = read
        self.input = picture_input(manifest)
        self.calibration = None

    def prepare(self, image: np.ndarray) -> PreparedPicture:
        size = size_of(image)
        place = self.input.place(size)
        sizes = np.array([place], np.float32)
        scale = box_scale(size, place)
        return PreparedPicture(self.input.of(image)[None], sizes, scale, size[1], size[0], None)

    def find(self, picture: PreparedPicture) -> Detections:
        outputs = self.session.run(*self.inputs(picture))
        return self.read([output[0] for output in outputs], picture.width, picture.height)

    def inputs(self, picture: PreparedPicture) -> list[np.ndarray]:
        """What the graph takes for a picture; where its batch is larger the picture is repeated."""
        known = {"sizes": picture.sizes, "scale": np.array([picture.scale], np.float32)}
        more = [known[spec.name] for spec in self.manifest.more_inputs]
        batch = self.manifest.input.batch_size or 1
        return [np.repeat(array, batch, axis=0) for array in (picture.pixels, *more)]
