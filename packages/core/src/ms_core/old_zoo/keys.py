"""Every key of the old configurations, and what becomes of it. This table is the documentation.

Both generations are here: the YAML files (official code and research code, their GPU overlays, export and
postprocess files) and the earlier `config_xxx.py` with `using_model`. Source: facts of the old code,
`ssd-interface.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ms_core.old_zoo import datasets, rules
from ms_core.old_zoo.values import Kind, Old, Settings

Becomes = Literal["setting", "option", "structure", "dead"]
Rule = Callable[[Old], Settings]


@dataclass(frozen=True)
class OldKey:
    """One key."""

    name: str
    becomes: Becomes
    """"setting": keys of our configuration; "option": a word of our command line; "structure": must be what the
    network has; "dead": nothing."""
    kind: Kind = "text"
    ours: tuple[str, ...] = ()
    """Our keys or command words."""
    note: str = ""
    """How the value is converted, or why there is nothing to convert it to; one line."""
    rule: Rule | None = None
    """Converts it, together with the keys that have the same rule; None: the value goes over as it is."""
    same_as: str = ""
    """The YAML spelling, where this is another one."""


def _same(name: str, kind: Kind, ours: str, note: str = "") -> OldKey:
    return OldKey(name, "setting", kind, (ours,), note)


def _ruled(name: str, kind: Kind, rule: Rule, ours: str, note: str = "") -> OldKey:
    return OldKey(name, "setting", kind, tuple(ours.split()), note, rule)


def _option(name: str, kind: Kind, ours: str, note: str = "") -> OldKey:
    return OldKey(name, "option", kind, (ours,), note)


def _structure(name: str, kind: Kind, note: str = "") -> OldKey:
    return OldKey(name, "structure", kind, (), note)


def _alias(name: str, same_as: str, note: str = "") -> OldKey:
    return OldKey(name, "setting", note=note, same_as=same_as)


def _dead(name: str, why: str) -> OldKey:
    return OldKey(name, "dead", note=why)


_ROOT = "relative to data_path, or to the working folder if it is there"
_UNREAD = "read nowhere in the old code"
_EXPORT_COPY = "read nowhere in the old code: export has options of its own"
_OBS = "the ModelArts entry modelarts/start.py has it as a parameter"

_DATASET = datasets.dataset_settings

GROUPS: Mapping[str, tuple[OldKey, ...]] = {
    "Network": (
        _option("model_name", "text", "--config RECIPE", "the recipe of the same name, on which the values build"),
        _alias("model", "model_name", "config_xxx.py; the research code has ssd_mobilenet_v2_fpn here"),
        _alias("using_model", "model_name", "src/config.py; the values are read from config_MODEL.py beside it"),
    ),
    "Data": (
        _ruled("dataset", "text", _DATASET, "data.train data.val data.invalid_boxes eval.subset",
               "coco, voc or other (a TXT list); boxes of no size are dropped and counted; coco metrics are on "
               "the images that the old code measured"),
        _ruled("coco_root", "text", _DATASET, "data.train data.images data.val data.val_images", _ROOT),
        _ruled("train_data_type", "text", _DATASET, "data.train data.images",
               "put into instances_set, and the folder of the pictures"),
        _ruled("val_data_type", "text", _DATASET, "data.val data.val_images", "the same for validation"),
        _ruled("instances_set", "text", _DATASET, "data.train data.val", "relative to coco_root"),
        _ruled("voc_root", "text", _DATASET, "data.train data.val",
               f"its folders train and eval; {_ROOT}"),
        _ruled("image_dir", "text", _DATASET, "data.images", f"with dataset other; {_ROOT}"),
        _ruled("anno_path", "text", _DATASET, "data.train",
               f"with dataset other, x first as documented; {_ROOT}, or to image_dir"),
        _ruled("data_path", "text", _DATASET, "data.train data.val data.images data.val_images data.cache",
               "what relative roots start from, everywhere alike"),
        _dead("voc_json", "no COCO file is written for VOC: the metrics read the XML files"),
        _ruled("mindrecord_dir", "text", datasets.cache_settings, "data.cache",
               f"built again where it does not fit the data; {_ROOT}"),
        _option("only_create_dataset", "bool", "data cache", "a verb of its own"),
        _ruled("classes", "names", datasets.class_settings, "data.classes data.unknown_classes",
               "the first must be background and is implied; boxes of other classes are dropped, with dataset other an "
               "error"),
        _ruled("num_classes", "int", datasets.class_settings, "data.classes",
               "counted from classes; another number is an error"),
        _alias("class_num", "num_classes", "config_xxx.py"),
        _ruled("classes_label_path", "text", datasets.class_file_settings, "data.classes data.unknown_classes",
               "parameter of ModelArts: a file with background in the first line"),
    ),
    "Training": (
        _same("epoch_size", "int", "train.epochs"),
        _same("batch_size", "int", "train.batch_size", "images a device; export takes only its own --batch_size"),
        _ruled("lr", "number", rules.schedule_settings, "schedule.lr schedule.lr_end"),
        _same("lr_init", "number", "schedule.lr_init"),
        _ruled("lr_end_rate", "number", rules.schedule_settings, "schedule.lr_end", "times lr"),
        _same("warmup_epochs", "number", "schedule.warmup_epochs"),
        _same("momentum", "number", "optimizer.momentum"),
        _same("weight_decay", "number", "optimizer.weight_decay"),
        _ruled("loss_scale", "number", rules.loss_scale_settings, "loss_scale.mode loss_scale.scale",
               "a fixed scale; none for 1 and on a CPU"),
        _ruled("use_global_norm", "bool", rules.clip_settings, "train.clip_norm", "True is 1, False is 0 (off)"),
        _ruled("use_float16", "bool", rules.precision_settings, "precision.mode", "True is fp16, False is off"),
        _dead("mode_sink", "batches are prepared ahead anyway; --train.sink STEPS sinks them on Ascend and GPU"),
        _same("seed", "int", "seed", "the old code had 1 fixed"),
        _same("match_threshold", "number", "input.match_threshold"),
        _same("alpha", "number", "loss.alpha"),
        _same("gamma", "number", "loss.gamma"),
    ),
    "Weights to start from": (
        _ruled("pre_trained", "text", rules.weight_settings, "weights"),
        _ruled("pre_trained_epoch_size", "int", rules.weight_settings, "train.start_epoch",
               "training goes on to epoch_size (the old code ran epoch_size more)"),
        _ruled("feature_extractor_base_param", "text", rules.weight_settings, "backbone_weights",
               "not where pre_trained is given"),
        _ruled("filter_weight", "bool", rules.filter_settings, "reset_head weights_filter",
               "reset_head for the default list, else weights_filter; layers of another shape are replaced anyway"),
        _ruled("checkpoint_filter_list", "names", rules.filter_settings, "weights_filter", "with filter_weight"),
        _ruled("freeze_layer", "text", rules.freeze_settings, "optimizer.freeze", "backbone is [backbone]"),
        _dead("pretrain_vgg_bn", "a VGG file shows by its names whether it has normalisations"),
    ),
    "Checkpoints and evaluation": (
        _ruled("save_checkpoint_epochs", "int", rules.saving_settings, "train.save_every"),
        _ruled("save_checkpoint", "bool", rules.saving_settings, "train.save_every",
               "config_xxx.py; False is 0: last.ckpt is always written"),
        _same("keep_checkpoint_max", "int", "train.keep_max", "config_xxx.py"),
        _option("output_path", "text", "--out", "the run folder"),
        _alias("save_checkpoint_path", "output_path", "config_xxx.py"),
        _ruled("run_eval", "bool", rules.evaluation_settings, "data.val train.eval_start train.eval_interval",
               "False: no data.val in training"),
        _ruled("eval_start_epoch", "int", rules.evaluation_settings, "train.eval_start", "with run_eval"),
        _ruled("eval_interval", "int", rules.evaluation_settings, "train.eval_interval", "with run_eval"),
        _dead("save_best_ckpt", "read nowhere in the old code: best.ckpt is written whenever training evaluates"),
        _dead("ckpt_directory", "best.ckpt is in the run folder, and the best by AP instead of by loss"),
        _dead("best_ckpt_name", "best.ckpt is in the run folder, and the best by AP instead of by loss"),
        _same("min_score", "number", "postprocess.min_score"),
        _same("nms_threshold", "number", "postprocess.nms_threshold"),
        _same("max_boxes", "int", "postprocess.max_per_class", "a class and an image, as before"),
        _option("checkpoint_file_path", "text", "CKPT", "what eval and export work on"),
        _option("checkpoint_path", "text", "CKPT", "research code, earlier eval.py; in the official YAML read nowhere"),
        _alias("ckpt_file", "checkpoint_file_path", "export.py"),
    ),
    "Device": (
        _ruled("device_target", "text", rules.device_settings, "device", "Ascend, GPU or CPU"),
        _alias("run_platform", "device_target", "research code and config_xxx.py"),
        _ruled("device_id", "int", rules.device_settings, "device", "device:ID; not in a data-parallel run"),
        _ruled("run_distribute", "bool", rules.device_settings, "device",
               "several processes train together: the old scripts or msrun start them"),
        _alias("distribute", "run_distribute", "research code and config_xxx.py"),
        _dead("device_num", "the number of processes that the old scripts or msrun start"),
        _dead("all_reduce_fusion_config", "MindSpore groups the gradients by itself"),
        _dead("mode", "read nowhere in the research code; of the earlier train.py it is mode_sink"),
    ),
    "Export and postprocessing": (
        _option("file_name", "text", "--out", "folder of the exported model; eval_onnx.py: the model"),
        _option("file_format", "text", "--format", "mindir, onnx or air"),
        _option("result_path", "text", "RAW_FOLDER", "postprocess.py: the folder of *_0.bin and *_1.bin"),
        _option("img_path", "text", "--data.val-images", "postprocess.py: the pictures behind the raw outputs"),
        _option("drop", "bool", "--eval.subset zoo", "postprocess.py: without images that have crowd boxes or none"),
    ),
    "What makes the network": (
        _ruled("min_scale", "number", rules.network_settings, "model.min_scale",
               "another than 0.2, for the 300-pixel networks; ssd_vgg16_gpu has 0.1"),
        _ruled("ssd_vgg_bn", "bool", rules.network_settings, "model.backbone_norm", "ssd_vgg16"),
        _structure("img_shape", "list", "height and width of the input"),
        _alias("image_shape", "img_shape", "config_xxx.py"),
        _structure("num_ssd_boxes", "int", "or -1"),
        _structure("num_default", "list"),
        _structure("feature_size", "list"),
        _structure("steps", "list"),
        _structure("aspect_ratios", "list"),
        _structure("max_scale", "number"),
        _structure("prior_scaling", "list"),
        _structure("extras_in_channels", "list"),
        _structure("extras_out_channels", "list"),
        _structure("extras_strides", "list"),
        _structure("extras_ratio", "list"),
        _structure("num_addition_layers", "int"),
        _structure("use_anchor_generator", "bool"),
    ),
    "Not needed any more": (
        _dead("enable_profiling", _UNREAD),
        _dead("global_step", _UNREAD),
        _dead("neg_pre_positive", _UNREAD),
        _dead("exp_device_id", _EXPORT_COPY),
        _dead("exp_batch_size", _EXPORT_COPY),
        _dead("exp_ckpt_file", _EXPORT_COPY),
        _dead("exp_file_name", _EXPORT_COPY),
        _dead("exp_file_format", _EXPORT_COPY),
        _dead("exp_device_target", _EXPORT_COPY),
        _dead("enable_modelarts", _OBS),
        _dead("modelarts_mode", _OBS),
        _dead("mindrecord_mode", _OBS),
        _dead("data_url", _OBS),
        _dead("train_url", _OBS),
        _dead("checkpoint_url", _OBS),
        _dead("load_path", _OBS),
        _dead("config_path", "the configuration file itself: --config"),
    ),
}  # fmt: skip
"""What a key is about -> the keys, in the order of docs/migrate.md."""

KEYS: Mapping[str, OldKey] = {key.name: key for keys in GROUPS.values() for key in keys}
"""Old key -> what becomes of it."""

SIGNS: frozenset[str] = frozenset(KEYS) - {
    "mode",
    "model",
    "loss_scale",
    "device",
    "seed",
    "weights",
    "classes",
}
"""Keys by which an old configuration is recognised: our own recipes have none of them at the top."""
