"""Every key of the old SSD configurations, and what becomes of it. This table is the documentation.

Both generations are here: the YAML files (official code and research code, their GPU overlays, export and
postprocess files) and the earlier `config_xxx.py` with `using_model`. Source: facts of the old code,
`ssd-interface.md`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.old_zoo import datasets, rules
from ms_core.old_zoo.key_table import Groups, OldKey, alias, by_name, dead, option, ruled, same, structure

_ROOT = "relative to data_path, or to the working folder if it is there"
_UNREAD = "read nowhere in the old code"
_EXPORT_COPY = "read nowhere in the old code: export has options of its own"
_OBS = "the ModelArts entry modelarts/start.py has it as a parameter"

_DATASET = datasets.dataset_settings

GROUPS: Groups = {
    "Network": (
        option("model_name", "text", "--config RECIPE", "the recipe of the same name, on which the values build"),
        alias("model", "model_name", "config_xxx.py; the research code has ssd_mobilenet_v2_fpn here"),
        alias("using_model", "model_name", "src/config.py; the values are read from config_MODEL.py beside it"),
    ),
    "Data": (
        ruled("dataset", "text", _DATASET, "data.train data.val data.invalid_boxes eval.subset",
              "coco, voc or other (a TXT list); boxes of no size are dropped and counted; coco metrics are on "
              "the images that the old code measured"),
        ruled("coco_root", "text", _DATASET, "data.train data.images data.val data.val_images", _ROOT),
        ruled("train_data_type", "text", _DATASET, "data.train data.images",
              "put into instances_set, and the folder of the pictures"),
        ruled("val_data_type", "text", _DATASET, "data.val data.val_images", "the same for validation"),
        ruled("instances_set", "text", _DATASET, "data.train data.val", "relative to coco_root"),
        ruled("voc_root", "text", _DATASET, "data.train data.val",
              f"its folders train and eval; {_ROOT}"),
        ruled("image_dir", "text", _DATASET, "data.images", f"with dataset other; {_ROOT}"),
        ruled("anno_path", "text", _DATASET, "data.train",
              f"with dataset other, x first as documented; {_ROOT}, or to image_dir"),
        ruled("data_path", "text", _DATASET, "data.train data.val data.images data.val_images data.cache",
              "what relative roots start from, everywhere alike"),
        dead("voc_json", "no COCO file is written for VOC: the metrics read the XML files"),
        ruled("mindrecord_dir", "text", datasets.cache_settings, "data.cache",
              f"built again where it does not fit the data; {_ROOT}"),
        option("only_create_dataset", "bool", "data cache", "a verb of its own"),
        ruled("classes", "names", datasets.class_settings, "data.classes data.unknown_classes",
              "the first must be background and is implied; boxes of other classes are dropped, with dataset other an "
              "error"),
        ruled("num_classes", "int", datasets.class_settings, "data.classes",
              "counted from classes; another number is an error"),
        alias("class_num", "num_classes", "config_xxx.py"),
        ruled("classes_label_path", "text", datasets.class_file_settings, "data.classes data.unknown_classes",
              "parameter of ModelArts: a file with background in the first line"),
    ),
    "Training": (
        same("epoch_size", "int", "train.epochs"),
        same("batch_size", "int", "train.batch_size", "images a device; export takes only its own --batch_size"),
        ruled("lr", "number", rules.schedule_settings, "schedule.lr schedule.lr_end"),
        same("lr_init", "number", "schedule.lr_init"),
        ruled("lr_end_rate", "number", rules.schedule_settings, "schedule.lr_end", "times lr"),
        same("warmup_epochs", "number", "schedule.warmup_epochs"),
        same("momentum", "number", "optimizer.momentum"),
        same("weight_decay", "number", "optimizer.weight_decay"),
        ruled("loss_scale", "number", rules.loss_scale_settings, "loss_scale.mode loss_scale.scale",
              "a fixed scale; none for 1 and on a CPU"),
        ruled("use_global_norm", "bool", rules.clip_settings, "train.clip_norm", "True is 1, False is 0 (off)"),
        ruled("use_float16", "bool", rules.precision_settings, "precision.mode", "True is fp16, False is off"),
        dead("mode_sink", "batches are prepared ahead anyway; --train.sink STEPS sinks them on Ascend and GPU"),
        same("seed", "int", "seed", "the old code had 1 fixed"),
        same("match_threshold", "number", "input.match_threshold"),
        same("alpha", "number", "loss.alpha"),
        same("gamma", "number", "loss.gamma"),
    ),
    "Weights to start from": (
        ruled("pre_trained", "text", rules.weight_settings, "weights"),
        ruled("pre_trained_epoch_size", "int", rules.weight_settings, "train.start_epoch",
              "training goes on to epoch_size (the old code ran epoch_size more)"),
        ruled("feature_extractor_base_param", "text", rules.weight_settings, "backbone_weights",
              "not where pre_trained is given"),
        ruled("filter_weight", "bool", rules.filter_settings, "reset_head weights_filter",
              "reset_head for the default list, else weights_filter; layers of another shape are replaced anyway"),
        ruled("checkpoint_filter_list", "names", rules.filter_settings, "weights_filter", "with filter_weight"),
        ruled("freeze_layer", "text", rules.freeze_settings, "optimizer.freeze", "backbone is [backbone]"),
        dead("pretrain_vgg_bn", "a VGG file shows by its names whether it has normalisations"),
    ),
    "Checkpoints and evaluation": (
        ruled("save_checkpoint_epochs", "int", rules.saving_settings, "train.save_every"),
        ruled("save_checkpoint", "bool", rules.saving_settings, "train.save_every",
              "config_xxx.py; False is 0: last.ckpt is always written"),
        same("keep_checkpoint_max", "int", "train.keep_max", "config_xxx.py"),
        option("output_path", "text", "--out", "the run folder"),
        alias("save_checkpoint_path", "output_path", "config_xxx.py"),
        ruled("run_eval", "bool", rules.evaluation_settings, "data.val train.eval_start train.eval_interval",
              "False: no data.val in training"),
        ruled("eval_start_epoch", "int", rules.evaluation_settings, "train.eval_start", "with run_eval"),
        ruled("eval_interval", "int", rules.evaluation_settings, "train.eval_interval", "with run_eval"),
        dead("save_best_ckpt", "read nowhere in the old code: best.ckpt is written whenever training evaluates"),
        dead("ckpt_directory", "best.ckpt is in the run folder, and the best by AP instead of by loss"),
        dead("best_ckpt_name", "best.ckpt is in the run folder, and the best by AP instead of by loss"),
        same("min_score", "number", "postprocess.min_score"),
        same("nms_threshold", "number", "postprocess.nms_threshold"),
        same("max_boxes", "int", "postprocess.max_per_class", "a class and an image, as before"),
        option("checkpoint_file_path", "text", "CKPT", "what eval and export work on"),
        option("checkpoint_path", "text", "CKPT", "research code, earlier eval.py; in the official YAML read nowhere"),
        alias("ckpt_file", "checkpoint_file_path", "export.py"),
    ),
    "Device": (
        ruled("device_target", "text", rules.device_settings, "device", "Ascend, GPU or CPU"),
        alias("run_platform", "device_target", "research code and config_xxx.py"),
        ruled("device_id", "int", rules.device_settings, "device", "device:ID; not in a data-parallel run"),
        ruled("run_distribute", "bool", rules.device_settings, "device",
              "several processes train together: the old scripts or msrun start them"),
        alias("distribute", "run_distribute", "research code and config_xxx.py"),
        dead("device_num", "the number of processes that the old scripts or msrun start"),
        dead("all_reduce_fusion_config", "MindSpore groups the gradients by itself"),
        dead("mode", "read nowhere in the research code; of the earlier train.py it is mode_sink"),
    ),
    "Export and postprocessing": (
        option("file_name", "text", "--out", "folder of the exported model; eval_onnx.py: the model"),
        option("file_format", "text", "--format", "mindir, onnx or air"),
        option("result_path", "text", "RAW_FOLDER", "postprocess.py: the folder of *_0.bin and *_1.bin"),
        option("img_path", "text", "--data.val-images", "postprocess.py: the pictures behind the raw outputs"),
        option("drop", "bool", "--eval.subset zoo", "postprocess.py: without images that have crowd boxes or none"),
    ),
    "What makes the network": (
        ruled("min_scale", "number", rules.network_settings, "model.min_scale",
              "another than 0.2, for the 300-pixel networks; ssd_vgg16_gpu has 0.1"),
        ruled("ssd_vgg_bn", "bool", rules.network_settings, "model.backbone_norm", "ssd_vgg16"),
        structure("img_shape", "list", "height and width of the input"),
        alias("image_shape", "img_shape", "config_xxx.py"),
        structure("num_ssd_boxes", "int", "or -1"),
        structure("num_default", "list"),
        structure("feature_size", "list"),
        structure("steps", "list"),
        structure("aspect_ratios", "list"),
        structure("max_scale", "number"),
        structure("prior_scaling", "list"),
        structure("extras_in_channels", "list"),
        structure("extras_out_channels", "list"),
        structure("extras_strides", "list"),
        structure("extras_ratio", "list"),
        structure("num_addition_layers", "int"),
        structure("use_anchor_generator", "bool"),
    ),
    "Not needed any more": (
        dead("enable_profiling", _UNREAD),
        dead("global_step", _UNREAD),
        dead("neg_pre_positive", _UNREAD),
        dead("exp_device_id", _EXPORT_COPY),
        dead("exp_batch_size", _EXPORT_COPY),
        dead("exp_ckpt_file", _EXPORT_COPY),
        dead("exp_file_name", _EXPORT_COPY),
        dead("exp_file_format", _EXPORT_COPY),
        dead("exp_device_target", _EXPORT_COPY),
        dead("enable_modelarts", _OBS),
        dead("modelarts_mode", _OBS),
        dead("mindrecord_mode", _OBS),
        dead("data_url", _OBS),
        dead("train_url", _OBS),
        dead("checkpoint_url", _OBS),
        dead("load_path", _OBS),
        dead("config_path", "the configuration file itself: --config"),
    ),
}  # fmt: skip
"""What a key is about -> the keys, in the order of docs/migrate.md."""

KEYS: Mapping[str, OldKey] = by_name(GROUPS)
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
