"""How old DeFRCN values become ours where it is more than another name: one function a concern."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ms_core.old_zoo import rules
from ms_core.old_zoo.stages_defrcn import CLASSES, check_verb, stage_of
from ms_core.old_zoo.values import Old, Settings

IMAGES_AN_UPDATE = 16
"""Eight devices with two pictures each, for which the old learning rates and step numbers are meant."""
SCRIPT_DEVICES = 8
"""Devices of the old scripts for several, which the files do not know."""
DEFAULTS: Mapping[str, Any] = {"backbone": "resnet_v1_101"}
"""What counts below every old file."""
_RATES = {"base": 0.02, "fsod": 0.01, "gfsod": 0.01}
_WARMUPS = {"base": 1000, "fsod": 0, "gfsod": 0}
_WARMUP_FACTOR = 0.001
_STEPS_UP = 2
"""The old scripts ran the programs two folders below the code (scripts/train), ours where the user is."""
_TRAINING = ("train", "finetune", "study")


def recipe_of(old: Old) -> str:
    """Our recipe of the stage; the old code had COCO alone."""
    return f"defrcn_r101_coco_{stage_of(old).mode}"


def unread(old: Old) -> dict[str, str]:
    """Old key -> why nothing is taken from it, of keys that another key switches off."""
    found: dict[str, str] = {}
    if old.get("save_checkpoint") is False:
        found["save_checkpoint_epochs"] = "save_checkpoint is False"
    if stage_of(old).mode != "base":
        found["backbone_pretrained_path"] = "a fine-tuning starts from the base network"
    if old.get("rcnn_do_cls_dropout") is False:
        found["rcnn_keep_ratio"] = "rcnn_do_cls_dropout is False"
    if old.verb.startswith("eval"):
        found["train_mindrecord_dir"] = "evaluation reads test_mindrecord_dir"
    else:
        found["test_mindrecord_dir"] = "training keeps both parts in train_mindrecord_dir"
    return found


def located(old: Old, key: str) -> Path | None:
    """A path of the configuration, from the working folder or with one or two of its leading `..` taken away.

    The first place where something is counts; where nothing is, the path as it is written.
    """
    text = old.get(key)
    if text is None:
        return None
    path = Path(text)
    up = next((i for i, part in enumerate(path.parts) if part != ".."), len(path.parts))
    nearer = [Path(*path.parts[count:]) for count in range(1, min(up, _STEPS_UP) + 1)]
    return next((place for place in (path, *nearer) if old.exists(place)), path)


def model_settings(old: Old) -> Settings:
    """The network."""
    return {"model.name": old.network.name}


def stage_settings(old: Old) -> Settings:
    """Classes, labelled objects and the seed.

    Raises:
        UserError: another data set than COCO, another number of classes, or a stage that another verb is for.
    """
    if str(old.get("dataset", "coco")).lower() != "coco":
        raise old.error(
            "dataset",
            "the old code knew coco alone. For VOC see the recipes defrcn_r101_voc1_base and so on.",
        )
    stage = stage_of(old)
    check_verb(old, stage)
    found: Settings = {} if old.get("seed") is None else {"seed": old.get("seed")}
    count = old.get("num_classes")
    if count is not None and count != CLASSES[stage.classes] + 1:
        raise old.error(
            "num_classes",
            f"{count}, but the {stage.classes} classes and the background are {CLASSES[stage.classes] + 1}. "
            "Correct one of the two.",
        )
    if any(old.get(key) for key in ("dataset_train", "dataset_test", "is_finetune")):
        found["fewshot.classes"] = stage.classes
        if stage.mode != "base":
            found["finetune.mode"] = stage.mode
    if stage.shots:
        found |= {"fewshot.shots": stage.shots, "fewshot.shots_seed": stage.seed}
    return found


def data_settings(old: Old) -> Settings:
    """`data.*` and the published lists, in the layout of the old guide: coco and cocosplit side by side."""
    root, coco = located(old, "datasets_root"), located(old, "coco_root")
    if coco is None:
        if root is None:
            return {}
        coco = root / "coco"
    splits = (root or coco.parent) / "cocosplit"
    return {
        "data.train": (splits / "datasplit" / "trainvalno5k.json").as_posix(),
        "data.images": (coco / "trainval2014").as_posix(),
        "data.val": (splits / "datasplit" / "5k.json").as_posix(),
        "data.val_images": (coco / "val2014").as_posix(),
        "fewshot.shots_from": splits.as_posix(),
    }


def cache_settings(old: Old) -> Settings:
    """`data.cache`: a folder for each data set, as before, below the datasets folder that is there."""
    part = "test" if old.verb.startswith("eval") else "train"
    text = old.get(f"{part}_mindrecord_dir")
    if text is None:
        return {}
    folder, root = Path(text), located(old, "datasets_root")
    written = old.get("datasets_root")
    if root is not None and folder.is_relative_to(written):
        folder = root / folder.relative_to(written)
    names = old.get(f"dataset_{part}") or ("",)
    return {"data.cache": (folder / names[0]).as_posix()}


def input_settings(old: Old) -> Settings:
    """Size of pictures: the old ones were fitted into width x height and filled up.

    Raises:
        UserError: one of the two alone, or pictures that do not keep their ratio.
    """
    if old.get("keep_ratio") is False:
        raise old.error("keep_ratio", "False: pictures are never distorted. Remove the key.")
    width, height = old.get("img_width"), old.get("img_height")
    if (width is None) != (height is None):
        missing, given = ("img_height", "img_width") if height is None else ("img_width", "img_height")
        raise old.error(given, f"{missing} is missing. Give both, or none.")
    if width is None:
        return {}
    short, long = sorted((width, height))
    old.notes.append(
        f"img_width {width} and img_height {height}: one size for training, the recipe draws one of several; remove "
        "both for the recipe's"
    )
    return {"input.short_sides": (short,), "input.test_short_side": short, "input.max_side": long}


def freeze_settings(old: Old) -> Settings:
    """Parts that keep their values beyond what always does."""
    parts = {"backbone_freeze": "backbone.", "rpn_freeze": "proposal_generator."}
    frozen = tuple(part for key, part in parts.items() if old.get(key))
    return {"optimizer.freeze": frozen} if frozen else {}


def dropout_settings(old: Old) -> Settings:
    """The probability to drop, which the old files say as that to keep."""
    keep = old.get("rcnn_keep_ratio", 0.2)
    if not 0 < keep <= 1:
        raise old.error("rcnn_keep_ratio", f"{keep:g} is not above 0 and at most 1.")
    dropped = round(1 - keep, rules.SIGNIFICANT)
    return {"model.dropout": dropped if old.get("rcnn_do_cls_dropout") else 0.0}


def proposal_settings(old: Old) -> Settings:
    """How many proposals there are before and after non-maximum suppression."""
    found: Settings = {}
    for ours, before, after in (
        ("train", "rpn_proposal_nms_pre", "rpn_proposal_"),
        ("test", "rpn_nms_pre", "rpn_"),
    ):
        if old.get(before) is not None:
            found[f"proposals.{ours}_before_nms"] = old.get(before)
        counts = [old.get(f"{after}{name}") for name in ("nms_post", "max_num")]
        counts = [count for count in counts if count is not None]
        if counts:
            found[f"proposals.{ours}_after_nms"] = min(counts)
    thresholds = {old.get(key) for key in ("rpn_proposal_nms_thr", "rpn_nms_thr")} - {None}
    if len(thresholds) > 1:
        raise old.error("rpn_nms_thr", "another value than rpn_proposal_nms_thr; here one counts for both.")
    if thresholds:
        found["proposals.nms_threshold"] = thresholds.pop()
    return found


def anchor_sample_settings(old: Old) -> Settings:
    """Anchors that the loss looks at: as many as `num_expected_neg`, of which some may be positive."""
    total, positive = old.get("num_expected_neg", 256), old.get("num_expected_pos", 128)
    _check_part(old, "num_expected_pos", positive, total)
    return {"proposals.samples": total, "proposals.positive_share": positive / total}


def region_sample_settings(old: Old) -> Settings:
    """Regions that the head learns from.

    Raises:
        UserError: numbers that do not add up, or two thresholds with a gap between them.
    """
    total = old.get("num_expected_total_stage2", old.get("roi_sample_num", 512))
    positive = old.get("num_expected_pos_stage2", 128)
    _check_part(old, "num_expected_pos_stage2", positive, total)
    for key, expected in (("roi_sample_num", total), ("num_expected_neg_stage2", total - positive)):
        if old.get(key, expected) != expected:
            raise old.error(
                key, f"{old.get(key)}, but {expected} follows from the other numbers. Correct one of them."
            )
    return {"roi.samples": total, "roi.positive_share": positive / total}


def region_threshold_settings(old: Old) -> Settings:
    """IoU from which a region lies on an object; below it is background."""
    above, below = old.get("pos_iou_thr_stage2"), old.get("neg_iou_thr_stage2")
    if above is not None and below not in (None, above):
        raise old.error(
            "neg_iou_thr_stage2", f"{below:g}, but pos_iou_thr_stage2 is {above:g}; here one counts."
        )
    return {"roi.positive_above": above if above is not None else below}


def _check_part(old: Old, key: str, part: int, total: int) -> None:
    if not 0 < part <= total:
        raise old.error(key, f"{part} is not within 1-{total}.")


def schedule_settings(old: Old) -> Settings:
    """Rate, warmup and milestones; all count updates of `IMAGES_AN_UPDATE` pictures.

    Raises:
        UserError: a warmup that is not linear, or milestones that are no steps.
    """
    method = str(old.get("warmup_method", "linear"))
    if method != "linear":
        raise old.error("warmup_method", f"{method!r} is not linear, the only one there is.")
    mode = stage_of(old).mode
    rate, steps = old.get("base_lr", _RATES[mode]), old.get("warmup_iter", _WARMUPS[mode])
    first = rate * old.get("warmup_factor", _WARMUP_FACTOR) if steps else rate
    found: Settings = {"schedule.lr_init": float(f"{first:.{rules.SIGNIFICANT}g}")}
    for key, ours in (("base_lr", "lr"), ("warmup_iter", "warmup_steps"), ("warmup_gamma", "gamma")):
        if old.get(key) is not None:
            found[f"schedule.{ours}"] = old.get(key)
    milestones = old.get("milestones")
    if milestones is not None:
        if not all(isinstance(step, int) for step in milestones):
            raise old.error("milestones", f"{list(milestones)} are not numbers of steps.")
        found["schedule.milestone_steps"] = milestones
    return found


def length_settings(old: Old) -> Settings:
    """Epochs of a base training; of a fine-tuning updates, counted as the old files did: by labelled objects."""
    epochs, stage = old.get("epoch_size"), stage_of(old)
    if not stage.shots:
        return {"train.epochs": epochs, "train.iterations": 0}
    objects = stage.shots * CLASSES[stage.classes]
    return {"train.iterations": max(1, round(epochs * objects / IMAGES_AN_UPDATE))}


def batch_settings(old: Old) -> Settings:
    """Pictures a step, and steps of an update, so that an update has the 16 pictures of eight old devices."""
    batch, together = old.get("train_batch_size"), bool(old.get("run_distribute"))
    found: Settings = {} if batch is None else {"train.batch_size": batch}
    if old.verb not in _TRAINING or (batch is None and not together):
        return found
    number = old.get("device_num", 1)
    devices = (number if number > 1 else SCRIPT_DEVICES) if together else 1
    step = (2 if batch is None else batch) * devices
    if step < 1:
        raise old.error("train_batch_size", f"{batch} is below 1.")
    found["train.accumulate"] = max(1, round(IMAGES_AN_UPDATE / step))
    images = step * found["train.accumulate"]
    if images != IMAGES_AN_UPDATE:
        old.notes.append(
            f"{images} pictures an update on {devices} device(s), but learning rate and steps are meant for "
            f"{IMAGES_AN_UPDATE}: --scale-lr adapts them"
        )
    return found


def device_settings(old: Old) -> Settings:
    """`device`, and what depends on how many there are."""
    return {**rules.device_settings(old), **batch_settings(old)}


def momentum_settings(old: Old) -> Settings:
    """The momentum of the optimiser, without Nesterov's step."""
    if old.get("nesterov"):
        raise old.error("nesterov", "True: there is no such optimiser here. Remove the key.")
    momentum = old.get("sgd_momentum")
    return {} if momentum is None else {"optimizer.momentum": momentum}


def decay_settings(old: Old) -> Settings:
    """Weight decay of weights, biases and normalisations.

    Raises:
        UserError: normalisations that decay, but not as weights do.
    """
    decay, norm = old.get("weight_decay", 5e-5), old.get("weight_decay_norm", 0.0)
    if norm not in (0, decay):
        raise old.error("weight_decay_norm", f"{norm:g} is neither 0 nor weight_decay, {decay:g}.")
    found: Settings = {"optimizer.weight_decay": decay, "optimizer.decay_norms": bool(norm)}
    if old.get("weight_decay_bias") is not None:
        found["optimizer.bias_weight_decay"] = old.get("weight_decay_bias")
    return found


def bias_rate_settings(old: Old) -> Settings:
    """Another learning rate for biases."""
    factor = old.get("bias_lr_factor")
    return {} if factor == 1 else {"optimizer.lr_multipliers": {"bias": factor}}


def score_settings(old: Old) -> Settings:
    """The least score of a detection; the old file of the base stage cut more off than the paper."""
    score = old.get("test_score_thr")
    if score > 0.05:
        old.notes.append(
            f"test_score_thr {score:g}: AP is lower than at the paper's 0.05, --postprocess.min-score 0.05"
        )
    return {"postprocess.min_score": score}


def weight_settings(old: Old) -> Settings:
    """What the backbone starts from."""
    path = located(old, "backbone_pretrained_path")
    return {} if path is None or stage_of(old).mode != "base" else {"backbone_weights": path.as_posix()}


def calibration_settings(old: Old) -> Settings:
    """The network of the calibration block."""
    path = located(old, "pcb_modelpath")
    return {} if path is None else {"pcb.weights": path.as_posix()}


def saving_settings(old: Old) -> Settings:
    """How often a checkpoint is kept."""
    if old.get("save_checkpoint") is False:
        return {"train.save_every": 0}
    every = old.get("save_checkpoint_epochs")
    return {} if every is None else {"train.save_every": every}
