"""The published few-shot class lists: COCO's 60 base and 20 novel classes, and three ways to split PASCAL VOC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PublishedSplit = Literal["coco", "voc1", "voc2", "voc3"]

COCO_CATEGORIES = {
    1: "person",
    2: "bicycle",
    3: "car",
    4: "motorcycle",
    5: "airplane",
    6: "bus",
    7: "train",
    8: "truck",
    9: "boat",
    10: "traffic light",
    11: "fire hydrant",
    13: "stop sign",
    14: "parking meter",
    15: "bench",
    16: "bird",
    17: "cat",
    18: "dog",
    19: "horse",
    20: "sheep",
    21: "cow",
    22: "elephant",
    23: "bear",
    24: "zebra",
    25: "giraffe",
    27: "backpack",
    28: "umbrella",
    31: "handbag",
    32: "tie",
    33: "suitcase",
    34: "frisbee",
    35: "skis",
    36: "snowboard",
    37: "sports ball",
    38: "kite",
    39: "baseball bat",
    40: "baseball glove",
    41: "skateboard",
    42: "surfboard",
    43: "tennis racket",
    44: "bottle",
    46: "wine glass",
    47: "cup",
    48: "fork",
    49: "knife",
    50: "spoon",
    51: "bowl",
    52: "banana",
    53: "apple",
    54: "sandwich",
    55: "orange",
    56: "broccoli",
    57: "carrot",
    58: "hot dog",
    59: "pizza",
    60: "donut",
    61: "cake",
    62: "chair",
    63: "couch",
    64: "potted plant",
    65: "bed",
    67: "dining table",
    70: "toilet",
    72: "tv",
    73: "laptop",
    74: "mouse",
    75: "remote",
    76: "keyboard",
    77: "cell phone",
    78: "microwave",
    79: "oven",
    80: "toaster",
    81: "sink",
    82: "refrigerator",
    84: "book",
    85: "clock",
    86: "vase",
    87: "scissors",
    88: "teddy bear",
    89: "hair drier",
    90: "toothbrush",
}
"""Name of each category id, ascending."""
COCO_NOVEL_IDS = (1, 2, 3, 4, 5, 6, 7, 9, 16, 17, 18, 19, 20, 21, 44, 62, 63, 64, 67, 72)
"""The categories that PASCAL VOC has too."""

VOC_CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
VOC_NOVEL = {
    "voc1": ("bird", "bus", "cow", "motorbike", "sofa"),
    "voc2": ("aeroplane", "bottle", "cow", "horse", "sofa"),
    "voc3": ("boat", "cat", "motorbike", "sheep", "sofa"),
}
"""Novel classes of the three splits of VOC (facts of the paper: section 4.1)."""


@dataclass(frozen=True)
class ClassLists:
    """Base and novel classes of one published split."""

    base: tuple[str, ...]
    novel: tuple[str, ...]
    all: tuple[str, ...]
    """Label order of a network for both: COCO by category id, base and novel mixed; VOC base, then novel."""
    data_set: tuple[str, ...]
    """All classes in the order of the data set itself, by which its annotations are opened."""


def published_lists(split: PublishedSplit) -> ClassLists:
    """The class lists of a published split."""
    if split == "coco":
        names = tuple(COCO_CATEGORIES.values())
        novel = tuple(COCO_CATEGORIES[id_] for id_ in COCO_NOVEL_IDS)
        return ClassLists(_without(names, novel), novel, names, names)
    base = _without(VOC_CLASSES, VOC_NOVEL[split])
    return ClassLists(base, VOC_NOVEL[split], base + VOC_NOVEL[split], VOC_CLASSES)


def _without(names: tuple[str, ...], left_out: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in left_out)
