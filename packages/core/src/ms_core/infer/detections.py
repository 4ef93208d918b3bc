"""What the outputs of an exported one-stage detector say: detections in pixels of the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.coding import decode_boxes
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.export.manifest import DetectionManifest, Postprocess
from ms_core.infer.pictures import PictureInput
from ms_core.infer.runtimes import InferenceSession
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig
from ms_core.single_shot.views import PictureDetector, PreparedImage, suppress

EMPTY = -1
"""Label of a slot that holds no detection."""


@dataclass(frozen=True, eq=False)
class RawDecoder:
    """What the graph does itself in the form `decoded`."""

    anchors: np.ndarray
    """float32 [N, 4] (cy, cx, h, w), relative."""
    prior_scaling: tuple[float, float] = (0.1, 0.2)
    """Variances of box centre and size."""

    def __call__(self, deltas: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Offsets [..., N, 4] and logits [..., N, K] -> boxes y0 x0 y1 x1 relative, clipped, and scores 0-1."""
        if deltas.shape[-2] != len(self.anchors):
            raise UserError(
                f"raw outputs: {deltas.shape[-2]} boxes, but the network has {len(self.anchors)}. Export it again."
            )
        boxes = decode_boxes(deltas, self.anchors, self.prior_scaling).clip(0, 1)
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the score 0
            return boxes.astype(np.float32), (1 / (1 + np.exp(-logits))).astype(np.float32)


@dataclass(frozen=True)
class DetectionReader:
    """Outputs of one picture, without a batch axis -> its detections."""

    form: str
    """raw, decoded or nms."""
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    """How detections are selected; of form nms only what the graph's selection leaves counts."""
    decode: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
    """Of form raw."""

    def __call__(self, outputs: Sequence[np.ndarray], width: int, height: int) -> Detections:
        """Detections in pixels of a picture of `width` x `height`, best score first."""
        if self.form == "nms":
            boxes, scores, labels = outputs
            return chosen(relative_to_pixels(boxes, width, height), scores, labels).above(
                self.postprocess.min_score
            )
        boxes, scores = outputs if self.decode is None else self.decode(*outputs)
        return suppress(
            relative_to_pixels(boxes, width, height),
            scores,
            self.postprocess,
            self.postprocess.max_detections,
        )


def chosen(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> Detections:
    """The filled slots of a graph that selects itself.

    Args:
        boxes: float32 [D, 4] x0 y0 x1 y1, pixels.
        scores: float32 [D].
        labels: int32 [D], `EMPTY` where there is nothing.
    """
    return Detections(boxes, scores, labels).select(np.asarray(labels) != EMPTY)


def exported_detector(
    session: InferenceSession,
    manifest: DetectionManifest,
    postprocess: PostprocessConfig,
    inference: InferenceConfig,
    batch_size: int,
    decode: RawDecoder | None = None,
) -> PictureDetector:
    """Pictures in, detections out, as of a trained network.

    Args:
        postprocess: how detections are selected.
        inference: tiles and mirroring; a graph that selects itself sees whole pictures only.
        batch_size: pictures a call, where the export left that open.
        decode: of form raw.

    Raises:
        UserError: tiles, mirroring or a selection that the graph of form nms cannot do.
    """
    batch_size = manifest.input.batch_size or batch_size
    if manifest.output_form != "nms":
        return _DecodedDetector(session, manifest, postprocess, batch_size, inference, decode)
    require_graph_selection(postprocess_settings(manifest.postprocess), postprocess)
    if inference.tile or inference.flip:
        raise UserError(
            "inference.tile, inference.flip: the exported graph selects boxes itself, so it sees whole pictures only. "
            "Export again with --outputs decoded."
        )
    return _SelectingDetector(session, manifest, postprocess, batch_size)


def require_graph_selection(inside: Mapping[str, Any], asked: object) -> None:
    """
    Args:
        inside: key of the configuration's `postprocess` -> what the graph does.
        asked: that section of the configuration.

    Raises:
        UserError: another selection than the graph does; a higher `min_score` only leaves some of it out.
    """
    for name, value in inside.items():
        wanted = getattr(asked, name)
        if wanted != value and not (name == "min_score" and wanted > value):
            raise UserError(
                f"postprocess.{name}: {wanted}, but the exported graph selects boxes itself, with {value}. Export "
                "again with --outputs decoded, or with this setting."
            )


def postprocess_settings(inside: Postprocess) -> dict[str, object]:
    """Key of `PostprocessConfig` -> what a manifest says."""
    return {
        "min_score": inside.min_score,
        "nms_threshold": inside.nms_threshold,
        "nms": "zoo" if inside.plus_one else "standard",
        "class_agnostic": inside.class_agnostic,
        "max_detections": inside.max_detections,
        **({} if inside.max_per_class is None else {"max_per_class": inside.max_per_class}),
    }


class _ExportedDetector(PictureDetector):
    """What the detectors of all forms have alike: the input that the manifest states."""

    def __init__(
        self,
        session: InferenceSession,
        manifest: DetectionManifest,
        postprocess: PostprocessConfig,
        batch_size: int,
        inference: InferenceConfig | None = None,
    ) -> None:
        super().__init__(self._compute, manifest.input.size, postprocess, batch_size, inference)
        self.session = session
        self.input = PictureInput(manifest.input)

    def to_input(self, image: np.ndarray) -> np.ndarray:
        return self.input.of(image)

    def mirrored_input(self, row: np.ndarray) -> np.ndarray:
        return self.input.mirrored(row)

    def _compute(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = self.session.run(images)
        return boxes, scores


class _DecodedDetector(_ExportedDetector):
    """Forms decoded and raw."""

    def __init__(
        self,
        session: InferenceSession,
        manifest: DetectionManifest,
        postprocess: PostprocessConfig,
        batch_size: int,
        inference: InferenceConfig,
        decode: RawDecoder | None,
    ) -> None:
        super().__init__(session, manifest, postprocess, batch_size, inference)
        self.decode = decode

    def _compute(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outputs = super()._compute(images)
        return outputs if self.decode is None else self.decode(*outputs)


class _SelectingDetector(_ExportedDetector):
    """Form nms."""

    def stream(self, images: Iterable[PreparedImage]) -> Iterator[Detections]:
        read, source = DetectionReader("nms", self.postprocess), iter(images)
        while batch := list(islice(source, self.batch_size)):
            rows = np.zeros((self.batch_size, *batch[0].pixels.shape), batch[0].pixels.dtype)
            for place, image in enumerate(batch):
                rows[place] = image.pixels
            outputs = self.session.run(rows)
            for place, image in enumerate(batch):
                yield read([output[place] for output in outputs], image.width, image.height)
