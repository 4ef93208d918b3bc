"""Configuration of DeFRCN: one dataclass a concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ms_core.config_checks import check_at_least_one, check_within_one
from ms_core.data.config import DetectionDataConfig
from ms_core.train.run_config import RunConfig

RECIPES = files("ms_defrcn") / "configs"
"""The recipes that come with the package."""


@dataclass(frozen=True)
class ModelConfig:
    name: str = ""
    """Network, one of the package's models; a recipe names it."""
    rpn_gradient_scale: float = 0.0
    """Factor on the gradient from the region proposal network to the backbone, 0-1 (paper, section 3.2)."""
    roi_gradient_scale: float = 0.75
    """Factor on the gradient from the RoI head to the backbone, 0-1."""
    freeze_at: int = 3
    """How many of stem, res2, res3 and res4 keep their weights, 0-4; 0 for training from nothing."""
    norm: Literal["frozen", "batch"] = "frozen"
    """Normalisations of what is trained: "frozen" as in the ImageNet weights, or learnt from batches, for training from
    nothing."""
    freeze_res5: bool = False
    """The RoI head's res5 keeps its weights, as in fine-tuning."""
    dropout: float = 0.0
    """Probability with which a feature is dropped before the classifier in training, 0 to 1."""
    anchor_sizes: tuple[float, ...] = (32.0, 64.0, 128.0, 256.0, 512.0)
    """Square roots of the areas of anchors, pixels of the network's input."""
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Height over width of anchors."""

    def __post_init__(self) -> None:
        check_within_one(
            rpn_gradient_scale=self.rpn_gradient_scale,
            roi_gradient_scale=self.roi_gradient_scale,
            dropout=self.dropout,
        )
        if not 0 <= self.freeze_at <= 4:
            raise ValueError(f"freeze_at: {self.freeze_at} is not within 0-4.")
        if not self.anchor_sizes or min(self.anchor_sizes) <= 0:
            raise ValueError(f"anchor_sizes: {list(self.anchor_sizes)} are not all above 0.")
        if not self.anchor_ratios or min(self.anchor_ratios) <= 0:
            raise ValueError(f"anchor_ratios: {list(self.anchor_ratios)} are not all above 0.")


@dataclass(frozen=True)
class FewShotConfig:
    split: Literal["none", "coco", "voc1", "voc2", "voc3"] = "none"
    """Published class lists: COCO's 60/20, or one of the three of PASCAL VOC; none: those below."""
    base_classes: str | tuple[str, ...] | None = None
    """Classes of the base stage: [the, names] or a file with a name a line; null: all that are not novel."""
    novel_classes: str | tuple[str, ...] | None = None
    """Classes of which only a few objects are labelled: [the, names] or a file with a name a line; null: all that are
    not base, where these are named."""
    classes: Literal["base", "novel", "all"] = "base"
    """What the network of this stage knows: base for base training, novel (fsod) or all (gfsod) for fine-tuning."""
    shots: int = 0
    """Labelled objects of every class in fine-tuning, >= 1; 0: all there are, as in base training."""
    shots_seed: int = 0
    """Which objects are drawn; the published lists have seeds 0-9 (COCO) and 0-29 (VOC)."""
    shots_from: str | None = None
    """Published lists (the folder cocosplit or vocsplit), a file made by `data fewshot`, or any annotations of a few
    pictures; null: drawn from data.train."""

    def __post_init__(self) -> None:
        if self.shots < 0:
            raise ValueError(
                f"shots: {self.shots} is below 1. Give the number of labelled objects of every class."
            )
        if self.shots_seed < 0:
            raise ValueError(f"shots_seed: {self.shots_seed} is below 0.")


@dataclass(frozen=True)
class InputConfig:
    short_sides: tuple[int, ...] = (640, 672, 704, 736, 768, 800)
    """Lengths of the short side of a training picture, one of which is drawn, pixels."""
    test_short_side: int = 800
    """The same in evaluation and prediction."""
    max_side: int = 1333
    """Longest long side, pixels; it wins over the short side."""
    flip: float = 0.5
    """Probability of a horizontal flip in training, 0-1."""
    shapes: Literal["padded", "exact"] = "padded"
    """"padded": pictures are filled up to a few shapes, each compiled once; "exact": as they are, with one graph for
    all shapes."""

    def __post_init__(self) -> None:
        check_within_one(flip=self.flip)
        if not self.short_sides or min(self.short_sides) < 32:
            raise ValueError(f"short_sides: {list(self.short_sides)} are not all at least 32 pixels.")
        if self.test_short_side < 32:
            raise ValueError(f"test_short_side: {self.test_short_side} is below 32 pixels.")
        if self.max_side < max(*self.short_sides, self.test_short_side):
            raise ValueError(f"max_side: {self.max_side} is below the short sides.")


@dataclass(frozen=True)
class ProposalConfig:
    train_before_nms: int = 12000
    """Best-scored anchors of a picture that go into non-maximum suppression in training."""
    train_after_nms: int = 2000
    """Most proposals of a picture in training."""
    test_before_nms: int = 6000
    """As train_before_nms, in evaluation and prediction."""
    test_after_nms: int = 1000
    """As train_after_nms, in evaluation and prediction."""
    nms_threshold: float = 0.7
    """Of two proposals that overlap by more than this IoU the weaker is dropped, 0-1."""
    samples: int = 256
    """Anchors of a picture that the loss looks at."""
    positive_share: float = 0.5
    """Most of them that may lie on objects, 0-1."""
    negative_below: float = 0.3
    """An anchor is background below this IoU with every object, 0-1."""
    positive_above: float = 0.7
    """An anchor lies on an object from this IoU on, 0-1; the best anchors of an object always do."""

    def __post_init__(self) -> None:
        check_within_one(
            nms_threshold=self.nms_threshold,
            positive_share=self.positive_share,
            negative_below=self.negative_below,
            positive_above=self.positive_above,
        )
        check_at_least_one(
            train_before_nms=self.train_before_nms,
            train_after_nms=self.train_after_nms,
            test_before_nms=self.test_before_nms,
            test_after_nms=self.test_after_nms,
            samples=self.samples,
        )


@dataclass(frozen=True)
class RoiConfig:
    samples: int = 512
    """Regions of a picture that the head learns from."""
    positive_share: float = 0.25
    """Most of them that may lie on objects, 0-1."""
    positive_above: float = 0.5
    """A region lies on an object from this IoU on, 0-1."""

    def __post_init__(self) -> None:
        check_within_one(positive_share=self.positive_share, positive_above=self.positive_above)
        check_at_least_one(samples=self.samples)


@dataclass(frozen=True)
class PostprocessConfig:
    min_score: float = 0.05
    """Detections at or below this score are dropped, 0-1."""
    nms_threshold: float = 0.5
    """Of two boxes of one class that overlap by more than this IoU the weaker is dropped, 0-1."""
    max_detections: int = 100
    """Most detections in one picture."""

    def __post_init__(self) -> None:
        check_within_one(min_score=self.min_score, nms_threshold=self.nms_threshold)
        check_at_least_one(max_detections=self.max_detections)


@dataclass(frozen=True)
class PcbConfig:
    """Prototypical calibration block (paper, section 3.3)."""

    enabled: bool = False
    """Mix scores of novel classes with their likeness to the labelled objects, in evaluation and prediction."""
    features: Literal["imagenet", "detector"] = "imagenet"
    """What likeness is judged by: an ImageNet network, as in the paper; or the detector itself, which needs no
    weights."""
    weights: Path | None = None
    """ImageNet ResNet-101 in torchvision's layout (`convert` makes a checkpoint of it)."""
    alpha: float = 0.5
    """Share of the detector's own score, 0-1."""
    lower: float = 0.05
    """Scores below are left alone, 0-1."""
    upper: float = 1.0
    """Scores above are left alone, 0-1."""
    max_side: int = 1600
    """Pictures with a longer side are made so small for the comparison, which bounds memory, pixels; 0: never. Those of
    COCO and VOC are smaller."""

    def __post_init__(self) -> None:
        check_within_one(alpha=self.alpha, lower=self.lower, upper=self.upper)
        if self.max_side and self.max_side < 32:
            raise ValueError(
                f"max_side: {self.max_side} is below 32 pixels. Say 0 to keep pictures as they are."
            )


@dataclass(frozen=True)
class EvalConfig:
    engine: Literal["auto", "hotcoco", "pycocotools"] = "auto"
    """Who computes the COCO numbers; "auto" takes hotcoco where it is installed."""
    voc_ap50: bool = False
    """Also report the VOC AP at IoU 0.5, difficult boxes ignored."""
    voc_rule: Literal["area", "11-point"] = "area"
    """Of VOC2010 and later, or of VOC2007, by which numbers of its test set are published."""


@dataclass(frozen=True)
class FinetuneConfig:
    mode: Literal["fsod", "gfsod"] = "fsod"
    """fsod: the network learns the novel classes only; gfsod: base and novel classes."""
    surgery: Literal["auto", "remove", "randinit"] = "auto"
    """What becomes of the base network's predictors: "remove" drops them, "randinit" keeps the rows of base classes;
    "auto": remove for fsod, randinit for gfsod."""
    iterations: dict[str, int] = field(default_factory=dict)
    """Shots -> iterations of fine-tuning, where train.iterations is 0; the learning rate falls at 80 % of them."""


@dataclass(frozen=True)
class OwnSections:
    """What a configuration says beyond `RunConfig`."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    data: DetectionDataConfig = field(default_factory=DetectionDataConfig)
    """Where pictures and labels lie."""
    fewshot: FewShotConfig = field(default_factory=FewShotConfig)
    """Base and novel classes, and the few labelled objects."""
    input: InputConfig = field(default_factory=InputConfig)
    """From pictures to the network's input."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    """Region proposal network."""
    roi: RoiConfig = field(default_factory=RoiConfig)
    """Training of the RoI head."""
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    """From network outputs to detections."""
    pcb: PcbConfig = field(default_factory=PcbConfig)
    """Calibration of scores by the labelled objects."""
    eval: EvalConfig = field(default_factory=EvalConfig)
    """Evaluation."""
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    """Fine-tuning."""


@dataclass(frozen=True)
class DeFRCNConfig(RunConfig, OwnSections):
    """Its own sections come first: dataclasses take the fields of the last base first."""
