"""Configuration of SegFormer: one dataclass a concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ms_core.config_checks import check_within_one
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.train.config import TrainConfig
from ms_core.train.run_config import RunConfig

Size = tuple[int, int]
"""(height, width), pixels."""


@dataclass(frozen=True)
class ModelConfig:
    name: str = ""
    """Network, one of the package's models; a recipe names it."""
    decoder_width: int | None = None
    """Channels of the decoder; null: what the checkpoint has, else the published ones (256 for b0 and b1, 768 for the
    others). The old zoo had 512 from b1 on."""
    drop_path: float = 0.1
    """Probability with which the last block's residual branches are skipped in training, rising from 0, 0 to 1."""
    dropout: float = 0.1
    """Probability with which a channel is dropped before the classifier in training, 0 to 1."""

    def __post_init__(self) -> None:
        if self.decoder_width is not None and self.decoder_width < 1:
            raise ValueError(f"decoder_width: {self.decoder_width} is below 1.")
        check_within_one(drop_path=self.drop_path, dropout=self.dropout)


@dataclass(frozen=True)
class InputConfig:
    base_size: Size | None = None
    """(height, width) that pictures are fitted into before `scale` is drawn, aspect ratio kept; null: as they are."""
    crop: Size = (512, 512)
    """(height, width) of a training input, pixels."""
    scale: tuple[float, float] = (0.5, 2.0)
    """Bounds of the random factor on the size of a picture."""
    max_class_share: float = 0.75
    """A crop is drawn anew, up to ten times, while one class holds more of its valid pixels than this, 0-1."""
    flip: float = 0.5
    """Probability of a horizontal flip, 0-1."""
    photometric: bool = True
    """Random brightness, contrast, saturation and hue."""

    def __post_init__(self) -> None:
        check_within_one(max_class_share=self.max_class_share, flip=self.flip)
        if min(self.crop) < 32:
            raise ValueError(f"crop: {list(self.crop)} is below 32 pixels.")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale: {list(self.scale)} are not positive and rising.")


@dataclass(frozen=True)
class LossConfig:
    name: Literal["cross-entropy", "ohem"] = "cross-entropy"
    """"cross-entropy": mean over all valid pixels; "ohem": over the pixels the network finds hard."""
    class_weights: Literal["none", "cityscapes"] | tuple[float, ...] = "none"
    """Weight of each class, or "cityscapes" for the 19 of the old zoo."""
    factor: float = 1.0
    """Multiplies the loss, > 0 (the old zoo: 0.4)."""
    ohem_threshold: float = 0.7
    """A pixel is hard if its class gets less than this probability, 0-1."""
    ohem_min_kept: int = 100_000
    """Pixels of a batch that count at least, the hardest first, >= 1."""

    def __post_init__(self) -> None:
        check_within_one(ohem_threshold=self.ohem_threshold)
        if self.ohem_min_kept < 1:
            raise ValueError(f"ohem_min_kept: {self.ohem_min_kept} is below 1.")
        if not self.factor > 0:
            raise ValueError(f"factor: {self.factor} is not above 0.")


@dataclass(frozen=True)
class InferenceConfig:
    mode: Literal["whole", "slide"] = "whole"
    """"whole": a picture goes through the network at once; "slide": windows of `crop`, logits averaged."""
    crop: Size = (1024, 1024)
    """(height, width) of a window, pixels."""
    stride: Size = (768, 768)
    """Steps down and right from window to window, pixels, at most the crop."""
    size: Size | None = None
    """(height, width) that a picture is fitted into before, aspect ratio kept; null: as it is."""
    scales: tuple[float, ...] = (1.0,)
    """Factors on that size; probabilities are averaged over them."""
    flip: bool = False
    """Look at the mirrored picture as well."""

    def __post_init__(self) -> None:
        if min(self.crop) < 32:
            raise ValueError(f"crop: {list(self.crop)} is below 32 pixels.")
        for stride, crop in zip(self.stride, self.crop, strict=True):
            if not 1 <= stride <= crop:
                raise ValueError(
                    f"stride: {list(self.stride)} is not within 1 and the crop {list(self.crop)}."
                )
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"scales: {list(self.scales)} are not all above 0.")


@dataclass(frozen=True)
class EvalConfig:
    labels: Literal["full", "resized"] = "full"
    """"full": logits are enlarged to the size of the label; "resized": the label is shrunk to `inference.size`, as the
    old zoo did for its published numbers."""
    while_training: Literal["whole", "as-eval"] = "whole"
    """How pictures are looked at by evaluation while training: at once, or as `inference` says."""


@dataclass(frozen=True)
class OwnSections:
    """What a configuration says beyond `RunConfig`."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    data: SegmentationDataConfig = field(default_factory=SegmentationDataConfig)
    """Where pictures and masks lie."""
    input: InputConfig = field(default_factory=InputConfig)
    """From pictures to training inputs."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Training loss."""
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    """How pictures are looked at by eval and predict."""
    eval: EvalConfig = field(default_factory=EvalConfig)
    """Evaluation."""


@dataclass(frozen=True)
class SegFormerConfig(RunConfig, OwnSections):
    """Its own sections come first: dataclasses take the fields of the last base first."""

    train: TrainConfig = field(default_factory=lambda: TrainConfig(best_metric="mIoU"))
