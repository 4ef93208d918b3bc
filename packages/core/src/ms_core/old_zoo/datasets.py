"""Where the old configurations say that the pictures are: `dataset`, its roots, and the classes."""

from __future__ import annotations

from pathlib import Path

from ms_core.old_zoo.values import Old, Settings

_INSTANCES = "annotations/instances_{}.json"
_TRAIN, _VAL = "train2017", "val2017"
_TRAINING, _ONE_SPLIT = ("train", "data cache"), ("data convert", "data draw")
"""Verbs that read training data, and verbs that work on one set of pictures."""
ONLY_WITH = {
    "coco_root": "coco",
    "train_data_type": "coco",
    "val_data_type": "coco",
    "instances_set": "coco",
    "voc_root": "voc",
    "image_dir": "other",
    "anno_path": "other",
}
"""Old key -> the dataset that reads it."""


def dataset_settings(old: Old) -> Settings:
    """`data.*` of `dataset` coco, voc or other.

    Raises:
        UserError: another dataset.
    """
    kind = dataset_kind(old)
    readers = {"coco": _coco, "voc": _voc, "other": _other}
    if kind not in readers:
        raise old.error("dataset", f"{kind!r} is not one of coco, voc, other.")
    found = readers[kind](old)
    if not found:
        return {}
    why = _without_validation(old)
    if why and found.pop("data.val", None):
        found.pop("data.val_images", None)
        old.notes.append(why)
    return {**found, "data.invalid_boxes": "drop"}


def unread(old: Old) -> dict[str, str]:
    """Old key -> why nothing is taken from it: roots of other kinds of data."""
    kind = dataset_kind(old)
    return {key: f"dataset is {kind}" for key, reader in ONLY_WITH.items() if reader != kind}


def dataset_kind(old: Old) -> str:
    """coco, voc or other; coco where nothing is said."""
    return str(old.get("dataset", "coco")).lower()


def _without_validation(old: Old) -> str:
    """Why there is no data.val for this verb; empty where there is."""
    if old.verb in _TRAINING and not old.get("run_eval"):
        return "run_eval is False, so data.val is left out: training does not evaluate. Evaluate with `eval`"
    if old.verb in _ONE_SPLIT:
        return "data.val is left out, for this takes one split: name it, and set --data.train null"
    return ""


def _coco(old: Old) -> Settings:
    root = _located(old, "coco_root")
    if root is None:
        old.notes.append("coco_root is empty: name the data with --data.train and --data.val")
        return {}
    instances = old.get("instances_set", _INSTANCES)
    train, val = old.get("train_data_type", _TRAIN), old.get("val_data_type", _VAL)
    return {
        "data.train": (root / instances.replace("{}", train)).as_posix(),
        "data.images": (root / train).as_posix(),
        "data.val": (root / instances.replace("{}", val)).as_posix(),
        "data.val_images": (root / val).as_posix(),
        "eval.subset": "zoo",
    }


def _voc(old: Old) -> Settings:
    root = _located(old, "voc_root")
    if root is None:
        old.notes.append("voc_root is empty: name the data with --data.train and --data.val")
        return {}
    return {"data.train": (root / "train").as_posix(), "data.val": (root / "eval").as_posix()}


def _other(old: Old) -> Settings:
    """A TXT list; the old code could only train on one."""
    images = _located(old, "image_dir")
    inside = () if images is None else (images,)
    annotations = _located(old, "anno_path", *inside)
    if annotations is None:
        old.notes.append("anno_path is empty: name the TXT list with --data.train or --data.val")
        return {}
    found = {"data.train": annotations.as_posix()}
    if images is not None:
        found["data.images"] = images.as_posix()
    if not old.verb.startswith(("train", "data")):
        found["data.val"] = found["data.train"]
    elif old.verb in _TRAINING and old.get("run_eval"):
        old.notes.append(
            "dataset other names no validation list: pass --data.val LIST to evaluate in training"
        )
    return found


def cache_settings(old: Old) -> Settings:
    """`data.cache`."""
    folder = _located(old, "mindrecord_dir")
    return {} if folder is None else {"data.cache": folder.as_posix()}


def class_settings(old: Old) -> Settings:
    """`data.classes` without the background.

    Raises:
        UserError: the first class is not the background, or `num_classes` is another number.
    """
    names, count = old.get("classes"), old.get("num_classes")
    if not names:
        return {}
    if names[0].lower() != "background":
        raise old.error(
            "classes",
            f"the first class is {names[0]!r}, but label 0 is the background (the old code lost the first class "
            "without a word). Put 'background' first.",
        )
    if count is not None and count != len(names):
        raise old.error(
            "num_classes",
            f"{count}, but classes has {len(names)} names, background included. Correct one of the two.",
        )
    return {"data.classes": names[1:], **_unknown_classes(old)}


def class_file_settings(old: Old) -> Settings:
    """`data.classes` from a label file, which beats names in the configuration: it is the ModelArts parameter."""
    file = _located(old, "classes_label_path")
    return {} if file is None else {"data.classes": file.as_posix(), **_unknown_classes(old)}


def _unknown_classes(old: Old) -> Settings:
    """What becomes of boxes of other classes. The old code left them out of COCO and VOC; a TXT list has numbers, and
    there one that is no class is a mistake."""
    return {} if dataset_kind(old) == "other" else {"data.unknown_classes": "drop"}


def _located(old: Old, key: str, *further: Path) -> Path | None:
    """A path of the configuration, read as the old code meant it: below `data_path`, or from the working folder.

    The old scripts joined `data_path` in some places and not in others. The first place where something is counts;
    where nothing is, the first.
    """
    text = old.get(key)
    if text is None:
        return None
    base = old.get("data_path")
    places = [Path(base) / text] if base is not None else []
    places = [*places, Path(text), *(folder / text for folder in further)]
    return next((place for place in places if old.exists(place)), places[0])
