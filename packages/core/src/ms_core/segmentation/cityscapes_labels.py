"""The labels of Cityscapes: ids in its label images, the 19 classes that are trained, names and colours.

Source: the label table of the data set (cityscapesscripts, helpers/labels.py), 35 entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VOID = 255
"""Training id of what is no class."""


@dataclass(frozen=True)
class CityscapesLabel:
    """One entry of the table."""

    name: str
    id: int
    """Value in `*_labelIds.png`; -1: never drawn there."""
    train_id: int
    """Value in `*_labelTrainIds.png`: the class, 0-18, or 255; -1: never drawn there."""
    colour: tuple[int, int, int]
    """RGB, 0-255."""


# Each name, id, training id and colour.
_TABLE = (
    ("unlabeled", 0, 255, (0, 0, 0)),
    ("ego vehicle", 1, 255, (0, 0, 0)),
    ("rectification border", 2, 255, (0, 0, 0)),
    ("out of roi", 3, 255, (0, 0, 0)),
    ("static", 4, 255, (0, 0, 0)),
    ("dynamic", 5, 255, (111, 74, 0)),
    ("ground", 6, 255, (81, 0, 81)),
    ("road", 7, 0, (128, 64, 128)),
    ("sidewalk", 8, 1, (244, 35, 232)),
    ("parking", 9, 255, (250, 170, 160)),
    ("rail track", 10, 255, (230, 150, 140)),
    ("building", 11, 2, (70, 70, 70)),
    ("wall", 12, 3, (102, 102, 156)),
    ("fence", 13, 4, (190, 153, 153)),
    ("guard rail", 14, 255, (180, 165, 180)),
    ("bridge", 15, 255, (150, 100, 100)),
    ("tunnel", 16, 255, (150, 120, 90)),
    ("pole", 17, 5, (153, 153, 153)),
    ("polegroup", 18, 255, (153, 153, 153)),
    ("traffic light", 19, 6, (250, 170, 30)),
    ("traffic sign", 20, 7, (220, 220, 0)),
    ("vegetation", 21, 8, (107, 142, 35)),
    ("terrain", 22, 9, (152, 251, 152)),
    ("sky", 23, 10, (70, 130, 180)),
    ("person", 24, 11, (220, 20, 60)),
    ("rider", 25, 12, (255, 0, 0)),
    ("car", 26, 13, (0, 0, 142)),
    ("truck", 27, 14, (0, 0, 70)),
    ("bus", 28, 15, (0, 60, 100)),
    ("caravan", 29, 255, (0, 0, 90)),
    ("trailer", 30, 255, (0, 0, 110)),
    ("train", 31, 16, (0, 80, 100)),
    ("motorcycle", 32, 17, (0, 0, 230)),
    ("bicycle", 33, 18, (119, 11, 32)),
    ("license plate", -1, -1, (0, 0, 142)),
)

LABELS = tuple(CityscapesLabel(*entry) for entry in _TABLE)
_TRAINED = tuple(sorted((label for label in LABELS if 0 <= label.train_id < VOID), key=lambda x: x.train_id))

CLASSES = tuple(label.name for label in _TRAINED)
"""The 19 classes, in the order of their training ids."""

PALETTE = np.array([label.colour for label in _TRAINED], np.uint8)
"""uint8 [19, 3] RGB."""
PALETTE.setflags(write=False)

CLASS_WEIGHTS = (
    0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786, 1.0023,
    0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529, 1.0507,
)  # fmt: skip
"""Weight of each class in the old zoo's loss, from how rare the class is."""

ID_TO_TRAIN_ID = np.full(256, VOID, np.uint8)
"""uint8 [256]: training id of each label id; 255 also for values that are no label id (34 and above)."""
TRAIN_ID_TO_ID = np.zeros(256, np.uint8)
"""uint8 [256]: label id of each training id, as the benchmark server wants predictions; 0 for what is no class."""
for _label in LABELS:
    if _label.id >= 0:
        ID_TO_TRAIN_ID[_label.id] = _label.train_id
for _label in _TRAINED:
    TRAIN_ID_TO_ID[_label.train_id] = _label.id
ID_TO_TRAIN_ID.setflags(write=False)
TRAIN_ID_TO_ID.setflags(write=False)

LABEL_IDS = 34
"""Label ids are 0 to 33."""


def label_named(name: str) -> CityscapesLabel | None:
    """The label of that name, None where there is none; `xgroup`, a crowd of x, counts as x where the table has no
    entry of its own.
    """
    return _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix("group"))


_BY_NAME = {label.name: label for label in LABELS}
