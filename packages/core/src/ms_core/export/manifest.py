"""`manifest.json` beside an exported model: all that a program needs to use it without this package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.json_dataclass import from_json
from ms_core.json_object import read_json_object

FORMAT_VERSION = 2
NAME = "manifest.json"
_REMEDY = "Export the model again."

Format = Literal["mindir", "onnx", "air"]
Dtype = Literal["float32", "uint8", "int32"]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file with the exported graph."""

    format: Format
    """What is in it."""
    name: str
    """Of the file, in the manifest's folder."""
    sha256: str
    """Of its content, hexadecimal."""
    encrypted: bool = False
    """Whether a key is needed to read it (MINDIR only)."""
    opset: int | None = None
    """Operator set of an ONNX file; null for the others."""

    def __post_init__(self) -> None:
        if not self.name or Path(self.name).name != self.name or "\\" in self.name:
            raise ValueError(f"name: {self.name!r} is no name of a file in this folder")


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """An input or output of the graph."""

    name: str
    """In the order of the lists they stand in is the order of the graph; MINDIR files keep no names."""
    shape: tuple[int | None, ...]
    """null: any length (the batch)."""
    dtype: Dtype
    """Of its values."""

    def __post_init__(self) -> None:
        if any(length is not None and length < 1 for length in self.shape):
            raise ValueError(f"shape: {list(self.shape)} has a length below 1")


@dataclass(frozen=True, kw_only=True)
class ImageInput(TensorSpec):
    """The first input of the graph: pictures.

    Where `normalised_inside` is true the graph takes the pixels as they are, uint8 [B, H, W, 3]; else the program
    that runs it normalises, (pixel - mean) / std, float32 [B, 3, H, W].
    """

    layout: Literal["NCHW", "NHWC"] = "NCHW"
    """Order of the axes."""
    channels: Literal["RGB", "BGR"] = "RGB"
    """Order of the colours."""
    mean: tuple[float, float, float]
    """Subtracted from pixels 0-255, in the order of `channels`."""
    std: tuple[float, float, float]
    """Divisor after that, in the order of `channels`."""
    normalised_inside: bool = False
    """Whether the graph normalises."""
    resize: Literal["stretch", "fit"] = "stretch"
    """stretch: bilinear to (width, height), aspect ratio not kept; fit: bilinear, aspect ratio kept, as large as fits,
    the picture top left, the rest zeros after normalisation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.shape) != 4 or self.shape[self._channel_axis] != 3 or None in self.shape[1:]:
            raise ValueError(f"shape: {list(self.shape)} is not that of {self.layout} pictures")

    @property
    def _channel_axis(self) -> int:
        return 1 if self.layout == "NCHW" else 3

    @property
    def batch_size(self) -> int | None:
        """Pictures at once; None: any number."""
        return self.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), pixels."""
        height, width = (
            length for axis, length in enumerate(self.shape) if axis not in (0, self._channel_axis)
        )
        assert height is not None
        assert width is not None
        return height, width


@dataclass(frozen=True, kw_only=True)
class Postprocess:
    """How detections are selected: what is left to do after the graph, or what the graph did (form nms)."""

    min_score: float
    """Detections at or below this score are dropped, 0-1."""
    nms_threshold: float
    """Of two boxes of one class that overlap by more than this IoU the weaker is dropped, 0-1."""
    max_per_class: int | None = None
    """Most detections of one class in one picture; null: no such bound."""
    max_detections: int | None = None
    """Most detections in one picture; null: no such bound."""
    plus_one: bool = False
    """Whether sides of boxes count as x1 - x0 + 1 pixels in the IoU (the old zoo), not as x1 - x0."""
    class_agnostic: bool = False
    """Whether a box counts for its best class only and drops weaker boxes of every class."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What every manifest says."""

    task: ClassVar[str]
    """Which of the manifests this is."""
    forms: ClassVar[tuple[str, ...]]
    """What `output_form` may be."""

    package: str
    """Command that exported it, e.g. ms-ssd."""
    model: str
    """Model name, e.g. ssd300."""
    files: tuple[ModelFile, ...]
    """The same graph in one or more formats."""
    input: ImageInput
    """The first input."""
    more_inputs: tuple[TensorSpec, ...] = ()
    """Inputs after the pictures."""
    output_form: str
    """How far the graph goes, one of `forms`."""
    outputs: tuple[TensorSpec, ...]
    """In the graph's order."""
    classes: tuple[str, ...]
    """Names, without a background that the network has beside them."""

    def __post_init__(self) -> None:
        if self.output_form not in self.forms:
            raise ValueError(f"output_form: {self.output_form!r} is not one of {', '.join(self.forms)}")
        formats = [file.format for file in self.files]
        if not formats or len(set(formats)) != len(formats):
            raise ValueError(f"files: formats {formats}; one file or more is needed, each of its own format")

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats there is a file of."""
        return tuple(file.format for file in self.files)

    def file(self, name: str) -> ModelFile:
        """The file of a format.

        Raises:
            UserError: the model was not exported in it.
        """
        for file in self.files:
            if file.format == name:
                return file
        raise UserError(
            f"{NAME}: no {name} file, only {', '.join(self.formats)}. Export again with --format {name}."
        )


@dataclass(frozen=True, kw_only=True)
class DetectionManifest(Manifest):
    """A one-stage detector (SSD family).

    raw: box_deltas [B, N, 4], class_logits [B, N, K]. decoded: boxes [B, N, 4], scores [B, N, K]; column 0 is the
    background, column c + 1 is classes[c]. nms: boxes [B, D, 4], scores [B, D], labels int32 [B, D] (0-based index
    into `classes`, -1 in empty slots).
    """

    task: ClassVar[str] = "detection"
    forms: ClassVar[tuple[str, ...]] = ("raw", "decoded", "nms")

    category_ids: tuple[int, ...]
    """Category ids of the training annotations, one per class."""
    boxes: str
    """What the boxes are, in words."""
    scores: str
    """What the scores are, in words."""
    postprocess: Postprocess
    """How detections are selected."""
    anchors_sha256: str | None = None
    """Of form raw: which default boxes its box_deltas belong to, see `ms_core.export.anchors.anchors_digest`. None:
    another form, or a manifest of before this entry, and then left out of the file."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.category_ids) != len(self.classes):
            raise ValueError(f"category_ids: {len(self.category_ids)} ids for {len(self.classes)} classes")


@dataclass(frozen=True, kw_only=True)
class TwoStageManifest(DetectionManifest):
    """A two-stage detector (Faster R-CNN) with proposals and decoding inside the graph.

    decoded: (images, sizes) -> boxes, scores, valid. nms: (images, sizes, scale) -> boxes [1, D, 4] in pixels of the
    original picture, scores [1, D], labels int32 [1, D] (0-based, -1 in empty slots).
    """

    task: ClassVar[str] = "two-stage detection"
    forms: ClassVar[tuple[str, ...]] = ("decoded", "nms")


@dataclass(frozen=True, kw_only=True)
class SegmentationManifest(Manifest):
    """A segmentation network.

    logits: float32 [B, K, ceil(H / stride), ceil(W / stride)]; enlarge (bilinear, half-pixel centres), then argmax
    over K. classes: int32 [B, H, W], an index into `classes` a pixel.
    """

    task: ClassVar[str] = "segmentation"
    forms: ClassVar[tuple[str, ...]] = ("logits", "classes")

    palette: tuple[tuple[int, int, int], ...]
    """Colour of each class in pictures, RGB 0-255."""
    logits_stride: int = 4
    """Pixels of the input a logit stands for, in each direction."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.palette) != len(self.classes):
            raise ValueError(f"palette: {len(self.palette)} colours for {len(self.classes)} classes")


AnyManifest = DetectionManifest | TwoStageManifest | SegmentationManifest
_KINDS: dict[str, type[AnyManifest]] = {
    kind.task: kind for kind in (DetectionManifest, TwoStageManifest, SegmentationManifest)
}


def write_manifest(manifest: AnyManifest, folder: Path) -> Path:
    """Write `manifest.json` into `folder`, whole or not at all; an older one is replaced."""
    path = folder / NAME
    content = {"format_version": FORMAT_VERSION, "task": manifest.task, **_said(asdict(manifest))}
    content["files"] = [_said(file) for file in content["files"]]
    with atomic_write(path) as file:
        file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return path


def _said(entries: dict[str, Any]) -> dict[str, Any]:
    """Those that are not None."""
    return {key: value for key, value in entries.items() if value is not None}


def read_manifest(folder: Path, *, formats: Sequence[str] | None = None) -> AnyManifest:
    """Read `manifest.json` and check the model files beside it.

    Args:
        folder: that `export` wrote.
        formats: of the files that will be used; the others need not be there. None: all.

    Raises:
        UserError: missing, damaged or older manifest, no file of such a format, or one that was not exported with it.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{path}: no such file. Name a folder that `export` wrote.")
    content = read_json_object(path, _REMEDY)
    try:
        manifest = _manifest_of(content)
    except ValueError as error:
        raise UserError(f"{path}: {error}. {_REMEDY}") from error
    for name in manifest.formats if formats is None else formats:
        check_file(folder, manifest.file(name))
    return manifest


def _manifest_of(content: dict[str, Any]) -> AnyManifest:
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(f"format_version: {version!r}, this program reads {FORMAT_VERSION}")
    task = content.get("task")
    if not isinstance(task, str) or task not in _KINDS:
        raise ValueError(f"task: {task!r} is not one of {', '.join(_KINDS)}")
    entries = {key: value for key, value in content.items() if key not in ("format_version", "task")}
    return from_json(_KINDS[task], entries)


def check_file(folder: Path, file: ModelFile) -> Path:
    """Path of a model file that is the one the manifest was written for.

    Raises:
        UserError: missing, or of another checksum.
    """
    path = folder / file.name
    if not path.is_file():
        raise UserError(f"{path}: no such file, though the manifest names it. {_REMEDY}")
    if file_sha256(path) != file.sha256:
        raise UserError(f"{path}: does not have the checksum in {NAME}. {_REMEDY}")
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
