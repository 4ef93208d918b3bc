"""`run_download_dataset.sh`: which data set is needed, where it has to lie, and whether it is there.

The old script fetched files from other people's servers. This one downloads nothing: it says what to fetch, and checks
the folders before a training would.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ms_core.cli import DONE, WRONG_USE, read_words
from ms_core.old_zoo.calls import Call, old_flags
from ms_core.old_zoo.installed import tool_of
from ms_core.single_shot.config import SingleShotConfig

SOURCES: dict[str, tuple[str, ...]] = {
    "coco": (
        "COCO 2017, https://cocodataset.org/#download: train2017.zip (18 GB), val2017.zip (1 GB) and "
        "annotations_trainval2017.zip (241 MB), unpacked side by side",
    ),
    "voc": (
        "Pascal VOC 2007 and 2012, http://host.robots.ox.ac.uk/pascal/VOC: a folder `train` and a folder `eval`, each "
        "with the pictures and an XML file for each of them",
    ),
    "other": ("your own pictures, and a TXT list: `photo.jpg xmin,ymin,xmax,ymax,class ...` in each line",),
}
"""Kind of data -> what to fetch."""


def check_dataset(call: Call, environment: Mapping[str, str]) -> int:
    """Print what is needed and what is there.

    Returns:
        0 if the data set is complete, 2 if something is missing.
    """
    from ms_core.old_zoo.commands import translate_command

    words = translate_command(
        "train.py", [*old_flags(call, environment), *call.flags, "--run_eval=True"], call.package
    )
    config = read_words(tool_of(call.package), words[1:]).config
    for line in SOURCES[call.values["DATASET"].lower()]:
        print(f"needed: {line}. Nothing is downloaded here.")
    missing = 0
    for name, place in places(config).items():
        there = place is not None and Path(place).exists()
        missing += not there
        print(f"{'present' if there else 'MISSING'}: data.{name}: {place or 'not set'}")
    return WRONG_USE if missing else DONE


def places(config: SingleShotConfig) -> dict[str, str | None]:
    """Everything that a training with evaluation reads, by the name of its setting."""
    data = config.data
    found = {"train": data.train, "images": data.images, "val": data.val, "val_images": data.val_images}
    return {name: place for name, place in found.items() if name in ("train", "val") or place is not None}
