"""Configuration of a training run of a one-stage detector: one dataclass a concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ms_core.config_checks import check_at_least_one, check_within_one
from ms_core.data.config import DetectionDataConfig
from ms_core.train.run_config import RunConfig


@dataclass(frozen=True)
class ModelConfig:
    name: str = ""
    """Network, one of the package's models; a recipe names it."""
    variant: Literal["zoo", "paper"] = "zoo"
    """"zoo": the old MindSpore network and its checkpoints; "paper": the published network where the two differ."""
    padding: Literal["auto", "same", "torch"] = "auto"
    """Padding of strided backbone convolutions; "auto" takes what the weights were trained with, else "same"."""
    backbone_norm: bool = False
    """Batch normalisation in a backbone that usually has none (ssd_vgg16; `ssd_vgg_bn` of the old zoo)."""
    min_scale: float | None = None
    """Side of the smallest scale of default boxes relative to the image (300-pixel networks); null: the usual one."""


@dataclass(frozen=True)
class InputConfig:
    iou_crop: bool = True
    """Random crop around boxes (SSD paper, section 2.2)."""
    flip: float = 0.5
    """Probability of a horizontal flip, 0-1."""
    colour_jitter: float = 0.4
    """Strength of random brightness, contrast and saturation, 0 (off) to 1."""
    crowd_boxes: bool = False
    """Train on boxes marked iscrowd (the old zoo did)."""
    empty_images: bool = False
    """Train on images without boxes (the old zoo left them out)."""
    match_threshold: float = 0.5
    """An anchor is positive above this IoU, 0-1."""

    def __post_init__(self) -> None:
        check_within_one(
            flip=self.flip, colour_jitter=self.colour_jitter, match_threshold=self.match_threshold
        )


@dataclass(frozen=True)
class LossConfig:
    alpha: float | None = None
    """Focal loss: weight of the class an anchor has, the others weigh 1 - alpha; null: the network's own. Low values
    punish confused classes more."""
    gamma: float = 2.0
    """Focal loss: how strongly easy anchors are discounted, >= 0."""

    def __post_init__(self) -> None:
        check_within_one(alpha=0.0 if self.alpha is None else self.alpha)
        if self.gamma < 0:
            raise ValueError(f"gamma: {self.gamma} is below 0.")


@dataclass(frozen=True)
class PostprocessConfig:
    min_score: float = 0.1
    """Detections at or below this score are dropped, 0-1."""
    nms_threshold: float = 0.6
    """Of two boxes of one class that overlap by more than this IoU the weaker is dropped, 0-1."""
    nms: Literal["standard", "zoo"] = "standard"
    """How boxes are measured: "standard" as COCO does, "zoo" one pixel wider and higher, as the old zoo did."""
    class_agnostic: bool = False
    """A box counts for its best class only, and drops weaker boxes of every class that overlap it."""
    max_per_class: int = 100
    """Most detections of one class in one image."""
    max_detections: int | None = None
    """Most detections in one image; null: no such bound."""

    def __post_init__(self) -> None:
        check_within_one(min_score=self.min_score, nms_threshold=self.nms_threshold)
        most = 1 if self.max_detections is None else self.max_detections
        check_at_least_one(max_per_class=self.max_per_class, max_detections=most)


@dataclass(frozen=True)
class InferenceConfig:
    flip: bool = False
    """Look at the mirrored picture as well: twice the time, often a little more AP."""
    tile: int = 0
    """Look at square tiles of this side as well as at the whole picture, pixels; finds small objects in large
    pictures. 0: the whole picture only."""
    tile_overlap: float = 0.25
    """Part of its side that a tile shares with the next one at least, 0 to 0.9; at best the size of the objects."""

    def __post_init__(self) -> None:
        if self.tile != 0 and self.tile < 32:
            raise ValueError(f"tile: {self.tile} is neither 0 (off) nor at least 32 pixels.")
        if not 0 <= self.tile_overlap <= 0.9:
            raise ValueError(f"tile_overlap: {self.tile_overlap} is not within 0-0.9.")


@dataclass(frozen=True)
class EvalConfig:
    engine: Literal["auto", "hotcoco", "pycocotools"] = "auto"
    """Who computes the COCO numbers; "auto" takes hotcoco where it is installed."""
    batch_size: int = 8
    """Images a forward pass in evaluation and prediction."""
    subset: Literal["all", "zoo"] = "all"
    """"zoo" leaves out images with crowd boxes or without any, as the numbers published for the old zoo did."""
    voc_ap50: bool = False
    """Also report the VOC AP at IoU 0.5 (area under the curve, difficult boxes ignored)."""

    def __post_init__(self) -> None:
        check_at_least_one(batch_size=self.batch_size)


@dataclass(frozen=True)
class OwnSections:
    """What a configuration says beyond `RunConfig`."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    data: DetectionDataConfig = field(default_factory=DetectionDataConfig)
    """Where pictures and labels lie."""
    input: InputConfig = field(default_factory=InputConfig)
    """From pictures to training targets."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Training loss."""
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    """From network outputs to detections."""
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    """How pictures are looked at by eval and predict (not by evaluation while training)."""
    eval: EvalConfig = field(default_factory=EvalConfig)
    """Evaluation."""


@dataclass(frozen=True)
class SingleShotConfig(RunConfig, OwnSections):
    """Its own sections come first: dataclasses take the fields of the last base first."""
