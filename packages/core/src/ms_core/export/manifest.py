"""`manifest.json` beside an exported model: all that a program needs to use it without this package."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ms_core.atomic import atomic_write
from ms_core.errors import UserError

FORMAT_VERSION = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class ExportedGraph:
    """What every manifest says: which file it is, and what it takes."""

    model: str
    """Model name, e.g. ssd300."""
    model_file: str
    """Name of the exported file, in the manifest's folder."""
    sha256: str
    """Of the exported file, hexadecimal."""
    input_shape: tuple[int, int, int, int]
    """[batch, channels, height, width] of the images."""
    mean: tuple[float, float, float]
    """Subtracted from values 0-255, RGB unless `layout` says otherwise."""
    std: tuple[float, float, float]
    """Divisor after that."""
    classes: tuple[str, ...]
    """Names, without a background that the network has beside them."""


@dataclass(frozen=True)
class Manifest(ExportedGraph):
    """A detector that was exported with decoding inside the graph; score column c + 1 is classes[c]."""

    category_ids: tuple[int, ...]
    """Category ids of the training annotations, one per class."""
    min_score: float
    """Detections at or below this score are dropped, 0-1."""
    nms_threshold: float
    """Of two boxes of one class that overlap by more than this IoU the weaker is dropped."""
    max_per_class: int
    """Most detections of one class in one image."""
    max_detections: int | None = None
    """Most detections in one image; null: no such bound."""
    resize: str = "bilinear to (width, height), aspect ratio not kept"
    """How a picture becomes an input."""
    layout: str = "NCHW float32 RGB"
    """Of the input."""
    boxes: str = "y0 x0 y1 x1, relative to the image, clipped to 0-1"
    """First output, [batch, N, 4]."""
    scores: str = "sigmoid, column 0 is the background"
    """Second output, [batch, N, classes + 1]."""
    nms: str = "per class, greedy, pixel boxes, sides counted as x1 - x0"
    """What is left to do after the graph."""
    task: str = "detection"
    """Which of the manifests this is."""
    format_version: int = FORMAT_VERSION
    """Of this file."""


@dataclass(frozen=True)
class SegmentationManifest(ExportedGraph):
    """A segmentation network that was exported as it is; logit plane c is classes[c]."""

    palette: tuple[tuple[int, int, int], ...]
    """Colour of each class in pictures, RGB 0-255."""
    resize: str = "bilinear to (width, height), or windows of that size"
    """How a picture becomes an input."""
    layout: str = "NCHW float32 RGB"
    """Of the input."""
    logits: str = (
        "raw, a quarter of the input's height and width: enlarge (bilinear, half-pixel centres), then argmax"
    )
    """The output, [batch, classes, height / 4, width / 4], rounded up."""
    task: str = "segmentation"
    """Which of the manifests this is."""
    format_version: int = FORMAT_VERSION
    """Of this file."""


@dataclass(frozen=True)
class TwoStageManifest(ExportedGraph):
    """A two-stage detector (Faster R-CNN) exported with proposals and decoding inside the graph."""

    category_ids: tuple[int, ...]
    """Category ids of the training annotations, one per class."""
    min_score: float
    """Detections at or below this score are dropped, 0-1."""
    nms_threshold: float
    """Of two boxes of one class that overlap by more than this IoU the weaker is dropped."""
    max_detections: int
    """Most detections in one picture."""
    resize: str = (
        "bilinear, aspect ratio kept, as large as fits; zeros right of and below it after normalisation"
    )
    """How a picture becomes an input."""
    layout: str = "NCHW float32 BGR"
    """Of the first input; `mean` and `std` are in this order, too."""
    sizes: str = "float32 [batch, 2]: height and width of the picture inside the input"
    """Second input."""
    boxes: str = "x0 y0 x1 y1 for every class, pixels of the input, clipped to the picture"
    """First output, [batch, proposals, classes, 4]."""
    scores: str = "softmax, the last column is the background"
    """Second output, [batch, proposals, classes + 1]."""
    valid: str = "1 where there is a proposal, 0 for filler"
    """Third output, float32 [batch, proposals]."""
    nms: str = "per class, greedy, pixel boxes, sides counted as x1 - x0"
    """What is left to do after the graph."""
    task: str = "two-stage detection"
    """Which of the manifests this is."""
    format_version: int = FORMAT_VERSION
    """Of this file."""


AnyManifest = Manifest | SegmentationManifest | TwoStageManifest
_KINDS: dict[str, type[AnyManifest]] = {
    kind.task: kind for kind in (Manifest, SegmentationManifest, TwoStageManifest)
}


def write_manifest(manifest: AnyManifest, folder: Path) -> Path:
    """Write `manifest.json` into `folder`, whole or not at all; an older one is replaced."""
    path = folder / NAME
    with atomic_write(path) as file:
        file.write(json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")
    return path


def read_manifest(folder: Path) -> AnyManifest:
    """Read `manifest.json` and check the model file beside it.

    Raises:
        UserError: missing or damaged manifest, missing model file, or one that was not exported with it.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = _KINDS.get(content.get("task", Manifest.task), Manifest)
        manifest = kind(**{key: _as_tuple(value) for key, value in content.items()})
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file. Name a folder that `export` wrote.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: not a manifest of an exported model ({error}). Export the model again."
        ) from error
    _check_model_file(folder / manifest.model_file, manifest.sha256)
    return manifest


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _check_model_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise UserError(f"{path}: no such file, though the manifest names it. Export the model again.")
    if file_sha256(path) != sha256:
        raise UserError(f"{path}: does not have the checksum in {NAME}. Export the model again.")
