"""Every key of the old SegFormer configurations, and what becomes of it. This table is the documentation.

Sources: facts of the old code (`segformer.md`, "Old configuration keys") and its guide. `device_target` and
`device_id` are in none of its files; the scripts name the device with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.old_zoo import rules
from ms_core.old_zoo import rules_segformer as ours
from ms_core.old_zoo.key_table import Groups, OldKey, by_name, dead, option, ruled, same, structure

_PROGRESS = "a progress bar counts every picture"
_FROM_ABOVE = "or that folder in .., for scripts that are run in their own folder"
_PICTURES = "infer.py; False is"

GROUPS: Groups = {
    "Network": (
        ruled("backbone", "text", ours.model_settings, "model.name model.decoder_width",
              "mit_b0 is segformer_b0 and so on; from b1 on the old decoders were 512 wide"),
        ruled("class_num", "int", ours.class_settings, "data.classes loss.class_weights",
              "19 are Cityscapes'; another number makes names, class 0, class 1, ..., and no class weighs more"),
        structure("img_norm_mean", "list", "of R, G and B; every network of the package has these"),
        structure("img_norm_std", "list"),
    ),
    "Data": (
        ruled("data_path", "text", ours.data_settings, "data.root",
              f"./data/cityscapes/ where nothing is said, {_FROM_ABOVE}"),
        same("dataset_ignore_label", "int", "data.ignore"),
        dead("dataset_ignore_image",
             "what is padded is 0 after normalising, as in the paper's recipe; the old code padded with 255"),
        ruled("base_size", "list", ours.size_settings, "input.base_size inference.size",
              "training, evaluation and prediction fit pictures into it"),
        ruled("crop_size", "list", ours.size_settings, "input.crop"),
        ruled("dataset_num_parallel_workers", "int", ours.worker_settings, "train.workers", "of training"),
        ruled("dataset_eval_num_parallel_workers", "int", ours.worker_settings, "train.workers", "of eval and predict"),
        dead("dataset_max_rowsize", "a buffer of the old data engine"),
    ),
    "Training": (
        ruled("epoch_size", "int", ours.length_settings, "train.epochs train.iterations"),
        same("batch_size", "int", "train.batch_size", "pictures a device"),
        ruled("optimizer", "text", ours.optimizer_settings, "optimizer.name",
              "adamw is adam-weight-decay, what the old code used; momentum and sgd are momentum"),
        same("lr", "number", "schedule.lr", "constant after the warmup"),
        same("weight_decay", "number", "optimizer.weight_decay", "on every weight"),
        same("momentum", "number", "optimizer.momentum", "of the optimiser momentum"),
        same("warmup_steps", "int", "schedule.warmup_steps"),
        same("train_log_interval", "int", "train.log_every"),
    ),
    "Weights to start from": (
        ruled("load_ckpt", "bool", ours.weight_settings, "backbone_weights", "False: initial values"),
        ruled("pretrained_ckpt_path", "text", ours.weight_settings, "backbone_weights",
              "the encoder; for a whole network say --weights FILE --backbone-weights null"),
    ),
    "Checkpoints": (
        ruled("save_checkpoint", "bool", ours.saving_settings, "train.save_every train.keep_max",
              "False is 0: last.ckpt is always written"),
        ruled("save_checkpoint_epoch_interval", "int", ours.saving_settings, "train.save_every train.keep_max",
              "all are kept, as before"),
        dead("save_best_ckpt", "best.ckpt is written whenever training evaluates"),
        option("checkpoint_path", "text", "--out", "the run folder; ./checkpoint/ where nothing is said"),
    ),
    "Evaluation": (
        same("run_eval", "bool", "train.evaluate"),
        ruled("eval_start_epoch", "int", ours.evaluation_settings, "train.eval_start", "0 is 1, the first"),
        ruled("eval_interval", "int", ours.evaluation_settings, "train.eval_interval"),
        option("eval_ckpt_path", "text", "CKPT", "what eval works on"),
        dead("eval_log_interval", _PROGRESS),
    ),
    "Prediction": (
        option("infer_ckpt_path", "text", "CKPT", "what predict works on"),
        option("infer_output_path", "text", "--out", "./infer_result/ where nothing is said"),
        option("infer_copy_original_img", "bool", "--no-copy", f"{_PICTURES} --no-copy"),
        option("infer_save_gray_img", "bool", "--no-gray", f"{_PICTURES} --no-gray"),
        option("infer_save_color_img", "bool", "--no-color", f"{_PICTURES} --no-color"),
        option("infer_save_overlap_img", "bool", "--no-overlay", f"{_PICTURES} --no-overlay"),
        dead("infer_log_interval", _PROGRESS),
    ),
    "Export": (
        option("export_ckpt_path", "text", "CKPT", "what export works on"),
        option("export_format", "text", "--format", "mindir, air or onnx; mindir where nothing is said"),
    ),
    "Device": (
        ruled("run_distribute", "bool", rules.device_settings, "device",
              "several processes train together: the old scripts or msrun start them"),
        ruled("device_target", "text", rules.device_settings, "device", "Ascend, GPU or CPU; a flag of the scripts"),
        ruled("device_id", "int", rules.device_settings, "device", "device:ID; not in a data-parallel run"),
        dead("device_num", "the number of processes that the old scripts or msrun start"),
        dead("config_path", "the configuration file itself: --config"),
    ),
}  # fmt: skip
"""What a key is about -> the keys, in the order of docs/migrate.md."""

KEYS: Mapping[str, OldKey] = by_name(GROUPS)
"""Old key -> what becomes of it."""

SIGNS: frozenset[str] = frozenset(KEYS) - {"optimizer"}
"""Keys by which an old configuration is recognised: our own recipes have none of them at the top."""
