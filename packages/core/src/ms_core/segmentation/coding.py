"""What the values of a mask mean: from pixels as a file holds them to class labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ms_core.errors import UserError
from ms_core.segmentation import cityscapes_labels
from ms_core.segmentation.classes import MaskClasses

IGNORE = 255
"""Label of pixels that count nowhere, whatever the masks write for them."""
UNKNOWN = 254
"""What the tables hold for values that mean nothing; never a label that leaves this module."""

_SHOWN = 5
"""Values that a message names."""


@dataclass(frozen=True, eq=False)
class MaskCoding:
    """How masks write labels: as a value each (`table`), or as the colour of each class (`colours`)."""

    table: np.ndarray
    """uint8 [256]: label of each value, `IGNORE` or `UNKNOWN`."""
    colours: tuple[tuple[tuple[int, int, int], int], ...] = ()
    """RGB and label of each colour; empty: masks have no colours."""
    remedy: str = "Correct the mask, name all classes in --data.classes, or pass --data.ignore VALUE."
    """What a message tells the user to do about a value that is no class."""

    def labels(self, mask: np.ndarray, path: Path) -> np.ndarray:
        """Labels of one mask.

        Args:
            mask: uint8 [H, W], values, or uint8 [H, W, 3] RGB, colours.
            path: names the mask in messages.

        Returns:
            uint8 [H, W]: class labels from 0, and `IGNORE`.

        Raises:
            UserError: a value or colour that means nothing; named with its number of pixels.
        """
        labels = self.look_up(mask)
        if (labels == UNKNOWN).any():
            raise UserError(f"{path}: {self.fault(self.foreign(mask, labels))}. {self.remedy}")
        return labels

    def look_up(self, mask: np.ndarray) -> np.ndarray:
        """As `labels`, but `UNKNOWN` where a value means nothing."""
        return cv2.LUT(mask, self.table) if mask.ndim == 2 else self._colour_table[_packed(mask)]

    def foreign(self, mask: np.ndarray, labels: np.ndarray) -> dict[str, int]:
        """Values or colours of the mask that mean nothing, the most frequent first, with their pixels.

        Args:
            labels: what `look_up` gave.
        """
        values, counts = np.unique(mask[labels == UNKNOWN], axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {" ".join(map(str, np.atleast_1d(values[i]).tolist())): int(counts[i]) for i in order}

    def fault(self, foreign: Mapping[str, int]) -> str:
        """What `foreign` found, in words."""
        shown = [f"{value} ({count} pixels)" for value, count in list(foreign.items())[:_SHOWN]]
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        what = "colour" if " " in next(iter(foreign)) else "value"
        end = "is no class" if len(foreign) == 1 else "are no classes"
        return f"{what}{'' if len(foreign) == 1 else 's'} {', '.join(shown)}{more} {end}; {self._known()}"

    def numbered(self, labels: Sequence[int]) -> MaskCoding:
        """The same coding for classes with other numbers: class i becomes `labels[i]`."""
        renumber = np.arange(256, dtype=np.uint8)
        renumber[: len(labels)] = labels
        colours = tuple((rgb, int(renumber[label])) for rgb, label in self.colours)
        return replace(self, table=renumber[self.table], colours=colours)

    @cached_property
    def _colour_table(self) -> np.ndarray:
        """uint8 [2^24]: label of each packed RGB. Looking up takes a fifth of the time that searching would."""
        table = np.full(1 << 24, UNKNOWN, np.uint8)
        if not self.colours:  # a picture that is grey all over holds values
            grey = np.arange(256) * 0x010101
            table[grey] = self.table
        for (red, green, blue), label in self.colours:
            table[red << 16 | green << 8 | blue] = label
        return table

    def _known(self) -> str:
        if self.colours:
            return f"{len(self.colours)} colours are known"
        known = np.flatnonzero((self.table != UNKNOWN) & (self.table != IGNORE))
        ignored = np.flatnonzero(self.table == IGNORE)
        void = f', {_ranges(ignored)} for "ignore"' if len(ignored) else ""
        return f"classes are {_ranges(known)}{void}"


def index_coding(count: int, *, ignore: int = IGNORE, reduce_zero_label: bool = False) -> MaskCoding:
    """Masks whose values are the labels themselves.

    Args:
        count: classes, 1 to 254.
        ignore: value of pixels that count nowhere, 0-255; it may be one that would else be a class.
        reduce_zero_label: value 0 counts nowhere and value 1 is class 0.
    """
    table = np.full(256, UNKNOWN, np.uint8)
    first = int(reduce_zero_label)
    table[first : first + count] = np.arange(count)[: 256 - first]
    if reduce_zero_label:
        table[0] = IGNORE
    table[ignore] = IGNORE
    return MaskCoding(table)


def colour_coding(
    classes: MaskClasses, *, ignore: int = IGNORE, reduce_zero_label: bool = False
) -> MaskCoding:
    """Masks of values, as `index_coding`, or in the colours of the classes, where the user gave some.

    In a coloured mask the colours that `classes` says, and the grey of value `ignore` where it is no class's colour,
    count nowhere.
    """
    coding = index_coding(len(classes.names), ignore=ignore, reduce_zero_label=reduce_zero_label)
    if not classes.coloured:
        return coding
    owners = {(ignore, ignore, ignore): IGNORE, **dict.fromkeys(classes.ignored, IGNORE)}
    for label, (red, green, blue) in enumerate(classes.palette.tolist()):
        owners[red, green, blue] = label
    remedy = (
        "Correct the mask, or add its colour to the file of classes; `ignore r g b` there counts nowhere."
    )
    return replace(coding, colours=tuple(owners.items()), remedy=remedy)


def cityscapes_coding(ids: bool, *, ignore: int = IGNORE) -> MaskCoding:
    """Cityscapes' label images: training ids, or with `ids` the 34 label ids, which are mapped to training ids."""
    if not ids:
        remedy = (
            "Values up to 33 are label ids: pass --data.labels labelIds, or write the files anew with "
            "`data convert cityscapes --overwrite`."
        )
        return replace(index_coding(len(cityscapes_labels.CLASSES), ignore=ignore), remedy=remedy)
    table = np.full(256, UNKNOWN, np.uint8)
    table[: cityscapes_labels.LABEL_IDS] = cityscapes_labels.ID_TO_TRAIN_ID[: cityscapes_labels.LABEL_IDS]
    table[ignore] = IGNORE
    return MaskCoding(
        table, remedy="Write the files anew with `data convert cityscapes --to labelIds --overwrite`."
    )


def _packed(mask: np.ndarray) -> np.ndarray:
    """uint32 [H, W] as 0x00RRGGBB of uint8 [H, W, 3]."""
    channels = np.ascontiguousarray(mask.transpose(2, 0, 1)).astype(np.uint32)
    return channels[0] << 16 | channels[1] << 8 | channels[2]


def _ranges(values: np.ndarray) -> str:
    """`0-18` or `0-10, 12` of rising numbers."""
    if len(values) == 0:
        return "none"
    runs = np.split(values, np.flatnonzero(np.diff(values) != 1) + 1)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
