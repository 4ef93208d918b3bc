"""Where the annotated images are: the `data` section that every detection command shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_SHARDS = 256
"""All of them are open while training reads them."""


@dataclass(frozen=True)
class DetectionDataConfig:
    train: str | None = None
    """Training annotations: a COCO JSON, a VOC folder or ImageSets list, or a TXT list. Several of one kind, separated
    by commas, count as one."""
    val: str | None = None
    """Validation annotations, any of the same kinds."""
    test: str | None = None
    """Test annotations, any of the same kinds."""
    images: str | None = None
    """Folder that relative image paths start from; null looks in the annotation's folder and beside it."""
    val_images: str | None = None
    """The same for `val` and `test`, where it is another folder than `images`."""
    classes: str | tuple[str, ...] | None = None
    """File with a class name a line, or [the, names], in label order. By it a TXT list counts that has no classes.txt
    beside it."""
    format: Literal["auto", "coco", "voc", "txt"] = "auto"
    """Kind of the annotations; auto recognises it from their content."""
    invalid_boxes: Literal["error", "drop"] = "error"
    """What to do about a box of zero size or outside its image: stop, or clip or drop and count."""
    unknown_classes: Literal["error", "drop"] = "error"
    """What to do about a box of a class that is not in `classes`: stop, or drop and count it."""
    cache: str | None = None
    """Folder of the MindRecord cache, made where it is missing or stale; null reads the picture files. With a cache,
    training and evaluation need neither the pictures nor, where `train`, `val`, `test` are null, the annotations."""
    cache_shards: int = 8
    """Files into which the pictures of a split are cached, 1-256; fewer where there are fewer pictures."""
    workers: int = 0
    """Threads with which `data check` reads the pictures, >= 0; 0 takes one a core, at most 8. Nothing else uses it:
    training, evaluation and prediction read with `train.workers`."""

    def __post_init__(self) -> None:
        if not 1 <= self.cache_shards <= MOST_SHARDS:
            raise ValueError(f"cache_shards: {self.cache_shards} is not within 1-{MOST_SHARDS}.")
