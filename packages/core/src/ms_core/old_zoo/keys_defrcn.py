"""Every key of the old DeFRCN configurations, and what becomes of it. This table is the documentation.

Sources: the guide (002), facts/defrcn.md, and the YAML files and shell scripts of the port that the guide describes
(github.com/CSberlin/DeFRCN-mindspore, commit bbc0899), of which only the names, defaults and meanings of keys are
used. `width` and `height` are in the help texts of those files, `COCO_ROOT` in the guide.
"""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.old_zoo import rules
from ms_core.old_zoo import rules_defrcn as ours
from ms_core.old_zoo.key_table import Groups, OldKey, alias, by_name, dead, option, ruled, same, structure

_UNREAD = "read nowhere in the old code"
_CLOUD = "of the cloud entry modelarts/start.py, which has data_url and train_url as parameters"
_RAW = "of the programs for exported models"
_NEARER = "as written, or with one or two leading .. less: the old scripts ran two folders below the code"
_ONE_LEVEL = "there is one level"
_FOLLOWS = "follows from the other numbers"
_LR = "schedule.lr schedule.lr_init"
_UPDATES = "updates of 16 pictures"
_STAGE = ours.stage_settings

GROUPS: Groups = {
    "Network": (
        ruled("backbone", "text", ours.model_settings, "model.name",
              "resnet_v1_101 is defrcn_r101, resnet_v1_50 defrcn_r50"),
        same("anchor_scales", "list", "model.anchor_sizes"),
        same("anchor_ratios", "list", "model.anchor_ratios"),
        structure("anchor_strides", "list"),
        structure("num_anchors", "int", "sizes times ratios"),
        structure("resnet_block", "list"),
        structure("resnet_in_channels", "list"),
        structure("resnet_out_channels", "list"),
        dead("resnet_out_features", "always the output of res4"),
        structure("backbone_freeze_at", "int", "stem, res2 and res3 always keep their weights"),
        ruled("backbone_freeze", "bool", ours.freeze_settings, "optimizer.freeze"),
        ruled("rpn_freeze", "bool", ours.freeze_settings, "optimizer.freeze"),
        same("roi_head_freeze", "bool", "model.freeze_res5"),
        same("rpn_backward_scale", "number", "model.rpn_gradient_scale"),
        same("roi_backward_scale", "number", "model.roi_gradient_scale"),
        structure("rpn_enable_decouple", "bool"),
        structure("roi_enable_decouple", "bool"),
        ruled("rcnn_do_cls_dropout", "bool", ours.dropout_settings, "model.dropout"),
        ruled("rcnn_keep_ratio", "number", ours.dropout_settings, "model.dropout", "0.2 kept is 0.8 dropped"),
        structure("rpn_in_channels", "int"),
        structure("rpn_feat_channels", "int"),
        structure("rpn_cls_out_channels", "int"),
        structure("rcnn_in_channels", "int"),
        structure("rcnn_fc_out_channels", "int"),
        dead("rcnn_num_layers", _UNREAD),
        structure("roi_align_out_channels", "int"),
        structure("roi_align_featmap_strides", "int"),
        dead("roi_align_finest_scale", _ONE_LEVEL),
        dead("roi_layer", "RoIAlign of 7 x 7 with as many samples a bin as a region needs; the old code took 2 x 2"),
        dead("activate_num_classes", "the region proposal network tells objects from background by one number"),
        structure("use_sigmoid_cls", "bool"),
        structure("rpn_head_use_sigmoid", "bool"),
    ),
    "Stage and data": (
        ruled("dataset", "text", _STAGE, "fewshot.classes", "coco alone, as before; VOC has recipes of its own"),
        ruled("dataset_train", "names", _STAGE, "fewshot.classes fewshot.shots fewshot.shots_seed finetune.mode",
              "[coco14_trainval_novel_10shot_seed0] is fsod with 10 shots, ..._all_... gfsod, ..._base base training"),
        ruled("dataset_test", "names", _STAGE, "fewshot.classes", "[coco14_test_novel] and so on"),
        ruled("num_classes", "int", _STAGE, "fewshot.classes", "61, 21 or 81, the background included; checked"),
        ruled("is_pretrain", "bool", _STAGE, "fewshot.classes", "the opposite of is_finetune"),
        ruled("is_finetune", "bool", _STAGE, "fewshot.classes finetune.mode", "the verb finetune instead of train"),
        ruled("seed", "int", _STAGE, "seed fewshot.shots_seed", "it wins over the seed in dataset_train"),
        ruled("datasets_root", "text", ours.data_settings,
              "data.train data.images data.val data.val_images fewshot.shots_from",
              f"the folder of coco and cocosplit; {_NEARER}"),
        ruled("coco_root", "text", ours.data_settings, "data.images data.val_images",
              f"trainval2014 and val2014 in it; cocosplit is looked for beside it; {_NEARER}"),
        alias("COCO_ROOT", "coco_root", "as the guide writes it"),
        ruled("train_mindrecord_dir", "text", ours.cache_settings, "data.cache",
              "with a folder for each data set; old MindRecord files are not read"),
        ruled("test_mindrecord_dir", "text", ours.cache_settings, "data.cache", "the same in evaluation"),
        dead("val_data_type", _UNREAD),
        dead("image_dir", _UNREAD),
        dead("prefix", _UNREAD),
        same("num_parallel_workers", "int", "train.workers"),
        dead("python_multiprocessing", "threads prepare batches"),
    ),
    "Pictures": (
        ruled("img_width", "int", ours.input_settings, "input.short_sides input.test_short_side input.max_side",
              "both sides or none; without them the recipe's: one of several sizes in training, 800 and 1333 in tests"),
        ruled("img_height", "int", ours.input_settings, "input.short_sides input.test_short_side input.max_side"),
        alias("width", "img_width"),
        alias("height", "img_height"),
        ruled("keep_ratio", "bool", ours.input_settings, "input.max_side", "True, else refused"),
        same("flip_ratio", "number", "input.flip"),
        dead("expand_ratio", "no picture is put into a larger one: the paper's recipe does not"),
        dead("num_gts", "every labelled object of a picture counts"),
    ),
    "Region proposals": (
        same("neg_iou_thr", "number", "proposals.negative_below"),
        same("pos_iou_thr", "number", "proposals.positive_above"),
        dead("min_pos_iou", "the best anchors of an object always lie on it"),
        ruled("num_expected_neg", "int", ours.anchor_sample_settings, "proposals.samples proposals.positive_share",
              "the number of samples, of which those of num_expected_pos may be positive"),
        ruled("num_expected_pos", "int", ours.anchor_sample_settings, "proposals.positive_share"),
        ruled("rpn_proposal_nms_pre", "int", ours.proposal_settings, "proposals.train_before_nms",
              "the old files have 2000; the paper's 12000 is the recipe's"),
        ruled("rpn_proposal_nms_post", "int", ours.proposal_settings, "proposals.train_after_nms"),
        ruled("rpn_proposal_max_num", "int", ours.proposal_settings, "proposals.train_after_nms"),
        ruled("rpn_proposal_nms_thr", "number", ours.proposal_settings, "proposals.nms_threshold"),
        ruled("rpn_nms_pre", "int", ours.proposal_settings, "proposals.test_before_nms",
              "the old files have 1000; the paper's 6000 is the recipe's"),
        ruled("rpn_nms_post", "int", ours.proposal_settings, "proposals.test_after_nms"),
        ruled("rpn_max_num", "int", ours.proposal_settings, "proposals.test_after_nms"),
        ruled("rpn_nms_thr", "number", ours.proposal_settings, "proposals.nms_threshold", "as rpn_proposal_nms_thr"),
        dead("rpn_proposal_nms_across_levels", _ONE_LEVEL),
        dead("rpn_nms_across_levels", _ONE_LEVEL),
        dead("rpn_proposal_min_bbox_size", "empty boxes are dropped"),
        dead("rpn_min_bbox_min_size", "empty boxes are dropped"),
        structure("rpn_target_means", "list"),
        structure("rpn_target_stds", "list"),
        structure("rpn_loss_cls_weight", "number"),
        structure("rpn_loss_reg_weight", "number"),
        structure("rpn_head_weight", "number"),
    ),
    "RoI head": (
        ruled("pos_iou_thr_stage2", "number", ours.region_threshold_settings, "roi.positive_above"),
        ruled("neg_iou_thr_stage2", "number", ours.region_threshold_settings, "roi.positive_above",
              "as pos_iou_thr_stage2"),
        dead("min_pos_iou_stage2", "regions below pos_iou_thr_stage2 are background"),
        ruled("num_expected_total_stage2", "int", ours.region_sample_settings, "roi.samples roi.positive_share"),
        ruled("num_expected_pos_stage2", "int", ours.region_sample_settings, "roi.samples roi.positive_share"),
        ruled("num_expected_neg_stage2", "int", ours.region_sample_settings, "roi.samples", f"{_FOLLOWS}; checked"),
        ruled("roi_sample_num", "int", ours.region_sample_settings, "roi.samples", "as num_expected_total_stage2"),
        dead("num_bboxes_stage2", "rpn_proposal_max_num says it"),
        structure("rcnn_target_means", "list"),
        structure("rcnn_target_stds", "list"),
        structure("rcnn_loss_cls_weight", "number"),
        structure("rcnn_loss_reg_weight", "number"),
        dead("without_bg_loss", "the background has no box, so no loss of one"),
    ),
    "Detections": (
        ruled("test_score_thr", "number", ours.score_settings, "postprocess.min_score",
              "0.3 in the old file of the base stage, 0.05 in the paper and the recipe"),
        same("test_iou_thr", "number", "postprocess.nms_threshold"),
        same("test_max_per_img", "int", "postprocess.max_detections"),
        dead("test_batch_size", "pictures are measured one by one"),
    ),
    "Calibration (PCB)": (
        same("pcb_enable", "bool", "pcb.enabled", "eval --pcb on or off"),
        ruled("pcb_modelpath", "text", ours.calibration_settings, "pcb.weights", _NEARER),
        dead("pcb_modeltype", "a ResNet-101, as before"),
        same("pcb_alpha", "number", "pcb.alpha"),
        same("pcb_upper", "number", "pcb.upper"),
        same("pcb_lower", "number", "pcb.lower"),
    ),
    "Training": (
        ruled("base_lr", "number", ours.schedule_settings, _LR,
              "the old code divided it by 8 on one device; here 16 pictures an update are kept (train.accumulate)"),
        ruled("warmup_iter", "int", ours.schedule_settings, "schedule.warmup_steps schedule.lr_init", _UPDATES),
        ruled("warmup_factor", "number", ours.schedule_settings, "schedule.lr_init", "times base_lr"),
        ruled("warmup_method", "text", ours.schedule_settings, "schedule.warmup_steps", "linear, else refused"),
        ruled("warmup_gamma", "number", ours.schedule_settings, "schedule.gamma", "of the milestones"),
        ruled("milestones", "list", ours.schedule_settings, "schedule.milestone_steps", _UPDATES),
        dead("lr_type", _UNREAD),
        ruled("epoch_size", "int", ours.length_settings, "train.epochs train.iterations",
              "of a fine-tuning train.iterations: epochs x shots x classes / 16, as the old files counted"),
        ruled("train_batch_size", "int", ours.batch_settings, "train.batch_size train.accumulate",
              "pictures a device; train.accumulate makes 16 an update of them"),
        ruled("sgd_momentum", "number", ours.momentum_settings, "optimizer.momentum"),
        dead("momentum", "read nowhere in the old code: sgd_momentum counts"),
        ruled("nesterov", "bool", ours.momentum_settings, "optimizer.momentum", "False, else refused"),
        ruled("weight_decay", "number", ours.decay_settings, "optimizer.weight_decay optimizer.decay_norms"),
        ruled("weight_decay_bias", "number", ours.decay_settings, "optimizer.bias_weight_decay"),
        ruled("weight_decay_norm", "number", ours.decay_settings, "optimizer.decay_norms", "0, or weight_decay"),
        ruled("bias_lr_factor", "number", ours.bias_rate_settings, "optimizer.lr_multipliers"),
        ruled("loss_scale", "number", rules.loss_scale_settings, "loss_scale.mode loss_scale.scale",
              "a fixed one; 1, or a CPU, is none"),
        dead("run_eval", "read nowhere in the old code, which evaluated after the last step, as the recipe does"),
        dead("interval", "as run_eval: --train.eval-interval N"),
    ),
    "Weights and checkpoints": (
        ruled("backbone_pretrained_path", "text", ours.weight_settings, "backbone_weights",
              f"of the base training; {_NEARER}"),
        option("model_pretrained_path", "text", "BASE", "what finetune starts from"),
        ruled("save_checkpoint", "bool", ours.saving_settings, "train.save_every", "False is 0: last.ckpt stays"),
        ruled("save_checkpoint_epochs", "int", ours.saving_settings, "train.save_every"),
        same("keep_checkpoint_max", "int", "train.keep_max"),
        option("save_checkpoint_path", "text", "--out", "the run folder"),
    ),
    "Evaluation and export": (
        option("eval_checkpoint_path", "text", "RUN|CKPT",
               "what eval works on; of an old folder the newest checkpoint in ckpt_0"),
        option("export_ckpt_file", "text", "RUN|CKPT", "what export works on"),
        option("export_file_name", "text", "--out", "defrcn where nothing is said"),
        option("export_file_format", "text", "--format", "mindir, onnx or air; mindir where nothing is said"),
        dead("input_path", _RAW),
        dead("result_path", _RAW),
    ),
    "Device": (
        ruled("run_distribute", "bool", ours.device_settings, "device train.accumulate",
              "several processes train together: the old scripts or msrun start them"),
        ruled("device_target", "text", ours.device_settings, "device", "Ascend, GPU or CPU"),
        ruled("device_id", "int", ours.device_settings, "device", "device:ID; not in a data-parallel run"),
        ruled("device_num", "int", ours.batch_settings, "train.accumulate", "8 with run_distribute where it is 1"),
        dead("rank_id", "the old scripts or msrun number the processes"),
        dead("config_path", "the configuration file itself: --config"),
        dead("enable_profiling", _UNREAD),
        dead("enable_modelarts", _CLOUD),
        dead("data_url", _CLOUD),
        dead("train_url", _CLOUD),
        dead("checkpoint_url", _CLOUD),
        dead("data_path", _CLOUD),
        dead("output_path", _CLOUD),
        dead("load_path", _CLOUD),
    ),
}  # fmt: skip
"""What a key is about -> the keys, in the order of docs/migrate.md."""

KEYS: Mapping[str, OldKey] = by_name(GROUPS)
"""Old key -> what becomes of it."""

SIGNS: frozenset[str] = frozenset(KEYS) - {"seed", "loss_scale", "momentum"}
"""Keys by which an old configuration is recognised: our own recipes have none of them at the top."""
