"""The meaning of old DeFRCN keys, one test a rule."""

from pathlib import Path
from typing import Any

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.keys_defrcn import KEYS
from ms_core.old_zoo.translate import Translation, translate

CONFIGS = Path(__file__).parent / "defrcn_configs"
FILES = sorted(CONFIGS.glob("*.yaml"))
NOWHERE = lambda path: False  # noqa: E731 (no path exists)
TEN = {"dataset_train": ["coco14_trainval_novel_10shot_seed0"]}
OF_THE_GUIDE = """
COCO_ROOT seed eval_checkpoint_path config_path export_ckpt_file device_target export_file_format
"""


def translated(old: dict[str, Any], **options: Any) -> Translation:
    return translate({"backbone": "resnet_v1_101", **old}, "ms-defrcn", **{"exists": NOWHERE, **options})


def settings(old: dict[str, Any], **options: Any) -> dict[str, Any]:
    found = dict(translated(old, **options).settings)
    assert found.pop("model.name") == "defrcn_r101"
    return found


@pytest.mark.parametrize("key", OF_THE_GUIDE.split())
def test_every_key_of_the_guide_is_known(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ({"anchor_scales": [16, 32], "anchor_ratios": [1.0]},
         {"model.anchor_sizes": (16, 32), "model.anchor_ratios": (1,)}),
        ({"rpn_backward_scale": 0.0, "roi_backward_scale": 0.01},
         {"model.rpn_gradient_scale": 0.0, "model.roi_gradient_scale": 0.01}),
        ({"roi_head_freeze": True}, {"model.freeze_res5": True}),
        ({"backbone_freeze": True, "rpn_freeze": True}, {"optimizer.freeze": ("backbone.", "proposal_generator.")}),
        ({"backbone_freeze": False, "rpn_freeze": False}, {}),
        ({"rcnn_do_cls_dropout": True, "rcnn_keep_ratio": 0.2}, {"model.dropout": 0.8}),
        ({"rcnn_do_cls_dropout": False, "rcnn_keep_ratio": 0.2}, {"model.dropout": 0.0}),
        ({"seed": 3}, {"seed": 3}),
        ({"num_classes": 61, "dataset": "coco"}, {}),
        ({"datasets_root": "d"},
         {"data.train": "d/cocosplit/datasplit/trainvalno5k.json", "data.images": "d/coco/trainval2014",
          "data.val": "d/cocosplit/datasplit/5k.json", "data.val_images": "d/coco/val2014",
          "fewshot.shots_from": "d/cocosplit"}),
        ({"COCO_ROOT": "/d/coco"},
         {"data.train": "/d/cocosplit/datasplit/trainvalno5k.json", "data.images": "/d/coco/trainval2014",
          "data.val": "/d/cocosplit/datasplit/5k.json", "data.val_images": "/d/coco/val2014",
          "fewshot.shots_from": "/d/cocosplit"}),
        ({"train_mindrecord_dir": "cache", "test_mindrecord_dir": "other"}, {"data.cache": "cache"}),
        ({"num_parallel_workers": 8}, {"train.workers": 8}),
        ({"img_width": 1280, "img_height": 768},
         {"input.short_sides": (768,), "input.test_short_side": 768, "input.max_side": 1280}),
        ({"width": 640, "height": 480},
         {"input.short_sides": (480,), "input.test_short_side": 480, "input.max_side": 640}),
        ({"keep_ratio": True, "flip_ratio": 0.5}, {"input.flip": 0.5}),
        ({"neg_iou_thr": 0.3, "pos_iou_thr": 0.7},
         {"proposals.negative_below": 0.3, "proposals.positive_above": 0.7}),
        ({"num_expected_neg": 256, "num_expected_pos": 64},
         {"proposals.samples": 256, "proposals.positive_share": 0.25}),
        ({"rpn_proposal_nms_pre": 2000, "rpn_proposal_nms_post": 1500, "rpn_proposal_max_num": 1000},
         {"proposals.train_before_nms": 2000, "proposals.train_after_nms": 1000}),
        ({"rpn_nms_pre": 1000, "rpn_max_num": 900, "rpn_nms_thr": 0.6},
         {"proposals.test_before_nms": 1000, "proposals.test_after_nms": 900, "proposals.nms_threshold": 0.6}),
        ({"num_expected_total_stage2": 512, "num_expected_pos_stage2": 128, "num_expected_neg_stage2": 384,
          "roi_sample_num": 512}, {"roi.samples": 512, "roi.positive_share": 0.25}),
        ({"roi_sample_num": 64, "num_expected_pos_stage2": 16}, {"roi.samples": 64, "roi.positive_share": 0.25}),
        ({"pos_iou_thr_stage2": 0.6, "neg_iou_thr_stage2": 0.6}, {"roi.positive_above": 0.6}),
        ({"test_score_thr": 0.05, "test_iou_thr": 0.5, "test_max_per_img": 50},
         {"postprocess.min_score": 0.05, "postprocess.nms_threshold": 0.5, "postprocess.max_detections": 50}),
        ({"pcb_enable": True, "pcb_modelpath": "r.ckpt", "pcb_alpha": 0.4, "pcb_upper": 0.9, "pcb_lower": 0.1},
         {"pcb.enabled": True, "pcb.weights": "r.ckpt", "pcb.alpha": 0.4, "pcb.upper": 0.9, "pcb.lower": 0.1}),
        ({"base_lr": 0.02, "warmup_iter": 1000, "warmup_factor": 0.001, "warmup_gamma": 0.1,
          "warmup_method": "linear", "milestones": [85000, 100000]},
         {"schedule.lr": 0.02, "schedule.lr_init": 2e-5, "schedule.warmup_steps": 1000, "schedule.gamma": 0.1,
          "schedule.milestone_steps": (85000, 100000)}),
        ({"base_lr": 0.01, "warmup_iter": 0},
         {"schedule.lr": 0.01, "schedule.lr_init": 0.01, "schedule.warmup_steps": 0}),
        ({"epoch_size": 18}, {"train.epochs": 18, "train.iterations": 0}),
        ({"train_batch_size": 2, "run_distribute": False}, {"train.batch_size": 2, "train.accumulate": 8}),
        ({"train_batch_size": 2, "run_distribute": True, "device_num": 1},
         {"train.batch_size": 2, "train.accumulate": 1}),
        ({"run_distribute": True, "device_num": 4}, {"train.accumulate": 2}),
        ({"sgd_momentum": 0.8, "momentum": 0.9, "nesterov": False}, {"optimizer.momentum": 0.8}),
        ({"weight_decay": 5e-5, "weight_decay_bias": 1e-4, "weight_decay_norm": 0.0},
         {"optimizer.weight_decay": 5e-5, "optimizer.bias_weight_decay": 1e-4, "optimizer.decay_norms": False}),
        ({"bias_lr_factor": 2.0}, {"optimizer.lr_multipliers": {"bias": 2.0}}),
        ({"loss_scale": 256}, {"loss_scale.mode": "static", "loss_scale.scale": 256.0}),
        ({"backbone_pretrained_path": "a.ckpt"}, {"backbone_weights": "a.ckpt"}),
        ({"save_checkpoint": True, "save_checkpoint_epochs": 2, "keep_checkpoint_max": 5},
         {"train.save_every": 2, "train.keep_max": 5}),
        ({"save_checkpoint": False, "save_checkpoint_epochs": 2}, {"train.save_every": 0}),
        ({"device_target": "GPU", "device_id": 7}, {"device": "gpu:7"}),
    ],
)  # fmt: skip
def test_rules(old: dict[str, Any], expected: dict[str, Any]) -> None:
    assert settings(old) == expected


@pytest.mark.parametrize(
    ("name", "seed", "expected"),
    [
        ("novel_10shot_seed0", None, ("novel", "fsod", 10, 0)),
        ("all_30shot_seed4", None, ("all", "gfsod", 30, 4)),
        ("novel_1shot_seed0", 7, ("novel", "fsod", 1, 7)),
    ],
)
def test_a_data_set_of_the_old_code_says_classes_shots_and_seed(
    name: str, seed: int | None, expected: tuple[str, str, int, int]
) -> None:
    old = {"dataset_train": [f"coco14_trainval_{name}"], **({} if seed is None else {"seed": seed})}
    found = translated(old, verb="finetune")
    keys = ("fewshot.classes", "finetune.mode", "fewshot.shots", "fewshot.shots_seed")
    assert tuple(found.settings[key] for key in keys) == expected
    assert found.recipe == f"defrcn_r101_coco_{expected[1]}"


@pytest.mark.parametrize(
    ("old", "updates"),
    [
        ({**TEN, "epoch_size": 200}, 2500),
        ({"dataset_train": ["coco14_trainval_all_1shot_seed0"], "epoch_size": 640}, 3200),
        ({"dataset_train": ["coco14_trainval_all_30shot_seed0"], "epoch_size": 80}, 12000),
    ],
)
def test_epochs_of_a_fine_tuning_are_the_updates_that_the_old_files_count(
    old: dict[str, Any], updates: int
) -> None:
    assert settings(old, verb="finetune")["train.iterations"] == updates


def test_a_backbone_of_fifty_layers() -> None:
    old = {"backbone": "resnet_v1_50", "resnet_block": [3, 4, 6, 3]}
    assert translated(old).settings == {"model.name": "defrcn_r50"}


@pytest.mark.parametrize(
    ("present", "root"),
    [("../../datasets", "../../datasets"), ("../datasets", "../datasets"), ("datasets", "datasets"),
     ("nothing", "../../datasets")],
)  # fmt: skip
def test_paths_are_found_two_folders_nearer(present: str, root: str) -> None:
    """The old scripts ran the programs in scripts/train."""
    old = {
        "datasets_root": "../../datasets",
        "train_mindrecord_dir": "../../datasets/coco2014/MindRecord_COCO_TRAIN",
        "dataset_train": ["coco14_trainval_base"],
    }
    found = settings(old, exists=lambda path: path == Path(present))
    assert found["data.images"] == f"{root}/coco/trainval2014"
    assert found["data.cache"] == f"{root}/coco2014/MindRecord_COCO_TRAIN/coco14_trainval_base"


def test_evaluation_has_a_cache_of_its_own_and_no_accumulation() -> None:
    old = {"train_mindrecord_dir": "a", "test_mindrecord_dir": "b", "dataset_test": ["coco14_test_base"]}
    found = settings({**old, "train_batch_size": 2, "run_distribute": False}, verb="eval")
    assert found == {"fewshot.classes": "base", "data.cache": "b/coco14_test_base", "train.batch_size": 2}


@pytest.mark.parametrize(
    ("old", "note"),
    [
        ({"img_width": 1280, "img_height": 768}, "img_width 1280 and img_height 768: one size for training"),
        ({"test_score_thr": 0.3}, "test_score_thr 0.3: AP is lower than at the paper's 0.05"),
        ({"train_batch_size": 3}, "15 pictures an update on 1 device(s), but learning rate and steps are meant for 16"),
    ],
)  # fmt: skip
def test_what_makes_worse_numbers_is_told(old: dict[str, Any], note: str) -> None:
    (found,) = translated(old).notes
    assert found.startswith(note)


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ({"backbone": "resnet_v1_152"}, "backbone: 'resnet_v1_152' is no network of the old zoo."),
        ({"resnet_block": [3, 4, 6, 3]}, "resnet_block: [3, 4, 6, 3], but defrcn_r101 has [3, 4, 23, 3]"),
        ({"roi_enable_decouple": False}, "roi_enable_decouple: False, but defrcn_r101 has True"),
        ({"dataset": "voc"}, "dataset: the old code knew coco alone. For VOC see the recipes defrcn_r101_voc1_base"),
        ({"dataset_train": ["coco14_trainval_novel"]}, "dataset_train: a fine-tuning needs shots"),
        ({"dataset_train": ["voc_2007"]}, "dataset_train: voc_2007: not one of coco14_trainval_base"),
        ({"dataset_train": ["coco14_test_base"]}, "dataset_train: coco14_test_base: not one of"),
        ({**TEN, "dataset_test": ["coco14_test_all"]}, "dataset_test: not the classes of dataset_train (all and"),
        ({**TEN, "is_finetune": False}, "is_finetune: no fine-tuning, but the data is that of novel classes."),
        ({"dataset_train": ["coco14_trainval_base"], "is_finetune": True}, "is_finetune: a fine-tuning, but the data"),
        ({**TEN, "is_pretrain": True, "is_finetune": True}, "is_pretrain: True, and is_finetune too."),
        ({"num_classes": 60}, "num_classes: 60, but the base classes and the background are 61."),
        ({"img_width": 1280}, "img_width: img_height is missing. Give both, or none."),
        ({"img_height": 768}, "img_height: img_width is missing. Give both, or none."),
        ({"keep_ratio": False}, "keep_ratio: False: pictures are never distorted."),
        ({"rcnn_do_cls_dropout": True, "rcnn_keep_ratio": 0.0}, "rcnn_keep_ratio: 0 is not above 0"),
        ({"num_expected_neg": 64}, "num_expected_pos: 128 is not within 1-64."),
        ({"roi_sample_num": 256, "num_expected_total_stage2": 512}, "roi_sample_num: 256, but 512 follows"),
        ({"num_expected_neg_stage2": 300}, "num_expected_neg_stage2: 300, but 384 follows"),
        ({"pos_iou_thr_stage2": 0.5, "neg_iou_thr_stage2": 0.4}, "neg_iou_thr_stage2: 0.4, but pos_iou_thr_stage2 is"),
        ({"rpn_nms_thr": 0.5, "rpn_proposal_nms_thr": 0.7}, "rpn_nms_thr: another value than rpn_proposal_nms_thr"),
        ({"warmup_method": "constant"}, "warmup_method: 'constant' is not linear"),
        ({"milestones": [0.5]}, "milestones: [0.5] are not numbers of steps."),
        ({"nesterov": True}, "nesterov: True: there is no such optimiser here."),
        ({"weight_decay": 1e-4, "weight_decay_norm": 0.1}, "weight_decay_norm: 0.1 is neither 0 nor weight_decay"),
        ({"train_batch_size": 0}, "train_batch_size: 0 is below 1."),
        ({"img_widht": 3}, "img_widht: no key of the old zoo. Did you mean img_width"),
        ({"anything": 3}, "anything: no key of the old zoo."),
    ],
)  # fmt: skip
def test_refusals(old: dict[str, Any], message: str) -> None:
    verb = "finetune" if "dataset_train" in old and old["dataset_train"] == TEN["dataset_train"] else "train"
    with pytest.raises(UserError) as caught:
        translated(old, verb=verb)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_says_where_the_known_ones_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"Known keys: python -m ms_core\.old_zoo keys ms-defrcn"):
        translated({"anything": 3})
    assert main(["keys", "ms-defrcn"]) == 0
    printed = capsys.readouterr().out
    assert [key for key in KEYS if f"    {key}: " not in printed] == []
    assert main(["keys", "ms-defrnc"]) == 2
    assert "Did you mean ms-defrcn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "verb", "message"),
    [
        (TEN, "train", "dataset_train: a fine-tuning. Use `ms-defrcn finetune BASE --mode fsod --shots 10 --shots-"),
        ({"is_finetune": True}, "train", "is_finetune: a fine-tuning."),
        ({"dataset_train": ["coco14_trainval_base"]}, "finetune", "dataset_train: a base training. Use `ms-defrcn tr"),
    ],
)  # fmt: skip
def test_a_configuration_of_the_other_stage_is_refused(old: dict[str, Any], verb: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        translated(old, verb=verb)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_recognised_with_a_mapping_in_them(path: Path) -> None:
    old = read_old_file(path)
    assert old is not None
    assert isinstance(old.values["roi_layer"], dict)
    assert set(old.values) <= set(KEYS)


def test_the_three_stages_have_a_file() -> None:
    assert len(FILES) == 3


@pytest.mark.parametrize("package", ["ms-ssd", "ms-segformer", None])
def test_other_commands_say_whose_file_it_is(package: Any) -> None:
    for path in FILES:
        with pytest.raises(UserError, match="this is a configuration of ms-defrcn"):
            recipe_of_old_file(path, "eval", package=package, recipes=None)


def test_what_is_taken_and_what_not_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    path = CONFIGS / "defrcn_det_r101_base.yaml"
    recipe_of_old_file(path, "train", package="ms-defrcn", recipes=None)
    printed = capsys.readouterr().out
    assert "read as --config defrcn_r101_coco_base with" in printed
    assert "  schedule.milestone_steps: [85000, 100000]  (from milestones)" in printed
    assert "not taken: run_eval: read nowhere in the old code" in printed
    assert "save_checkpoint_path is --out" in printed
