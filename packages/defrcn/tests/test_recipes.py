"""Every recipe loads, says where it comes from, and has the values of the published configuration.

`golden/recipes.json` is reduced from the original's effective configurations: the first one in full, of the others
what differs from it; and the learning rate at some iterations.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.config import load_config, to_yaml
from ms_core.optim import check as check_optimizer
from ms_core.schedules import check as check_schedule
from ms_core.schedules import learning_rates
from ms_core.train.config import check as check_train
from ms_defrcn.class_lists import published_lists
from ms_defrcn.classes import stage_classes
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.finetune import finetune_config

RECIPES = files("ms_defrcn") / "configs"
NAMES = sorted(f.name.removesuffix(".yaml") for f in RECIPES.iterdir() if f.name.endswith(".yaml"))
GOLDEN = json.loads((Path(__file__).parent / "golden" / "recipes.json").read_text(encoding="utf-8"))
FIRST = GOLDEN["configs"]["coco/defrcn_det_r101_base.yaml"]
PUBLISHED = sorted(GOLDEN["configs"])


def loaded(name: str) -> DeFRCNConfig:
    return load_config(DeFRCNConfig, recipe=name, recipes=RECIPES)


def ours(file: str) -> list[DeFRCNConfig]:
    """Our configurations for one of the original's; those of VOC's fine-tuning stand for three splits."""
    data, name = file.removesuffix(".yaml").split("/")
    words = name.split("_")  # defrcn det r101 base1, or defrcn fsod r101 novelx 5shot seedx
    if words[1] == "det":
        split = words[-1].replace("base", data)
        return [loaded(f"defrcn_r101_{split}_base")]
    shots = int(words[4].removesuffix("shot"))
    splits = ["coco"] if data == "coco" else ["voc1", "voc2", "voc3"]
    mode: Any = words[1]
    return [
        finetune_config(loaded(f"defrcn_r101_{s}_{mode}"), Path("start.ckpt"), mode, shots, 0) for s in splits
    ]


def effective(config: DeFRCNConfig) -> dict[str, Any]:
    """A configuration in the words of the golden file."""
    model, proposals, roi, schedule = config.model, config.proposals, config.roi, config.schedule
    return {
        "classes": len(stage_classes(config.fewshot).names),
        "base_lr": schedule.lr,
        "steps": list(schedule.milestone_steps),
        "max_iter": config.train.iterations,
        "gamma": schedule.gamma,
        "warmup": [
            "linear",
            schedule.lr_init / schedule.lr if schedule.warmup_steps else 0.001,
            schedule.warmup_steps,
        ],
        "batch": config.train.batch_size * config.train.accumulate,
        "wd": config.optimizer.weight_decay,
        "wd_bias": config.optimizer.bias_weight_decay,
        "wd_norm": config.optimizer.weight_decay if config.optimizer.decay_norms else 0.0,
        "momentum": config.optimizer.momentum,
        "freeze_at": 3,  # of the network, not of the configuration
        "freeze_feat": model.freeze_res5,
        "cls_dropout": model.dropout > 0,
        "dropout": model.dropout or 0.8,
        "rpn_scale": model.rpn_gradient_scale,
        "rcnn_scale": model.roi_gradient_scale,
        "rpn_topk_train": [proposals.train_before_nms, proposals.train_after_nms],
        "rpn_topk_test": [proposals.test_before_nms, proposals.test_after_nms],
        "rpn_nms": proposals.nms_threshold,
        "rpn_batch": [proposals.samples, proposals.positive_share],
        "rpn_iou": [proposals.negative_below, proposals.positive_above],
        "roi_batch": [roi.samples, roi.positive_share],
        "roi_iou": [roi.positive_above],
        "score_thr": config.postprocess.min_score,
        "nms": config.postprocess.nms_threshold,
        "dets": config.postprocess.max_detections,
        "anchors": [[list(model.anchor_sizes)], [list(model.anchor_ratios)], 0.0],
        "pcb": [config.pcb.enabled, "resnet", config.pcb.alpha, config.pcb.upper, config.pcb.lower],
        "min_train": list(config.input.short_sides),
        "max_train": config.input.max_side,
        "min_test": config.input.test_short_side,
        "max_test": config.input.max_side,
        "flip": "horizontal" if config.input.flip == 0.5 else config.input.flip,
        "eval_period": config.train.eval_interval,
    }


@pytest.mark.parametrize("file", PUBLISHED)
def test_it_is_the_published_configuration(file: str) -> None:
    wanted = {**FIRST, **GOLDEN["configs"][file]}
    for config in ours(file):
        found = effective(config)
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert found[key] == (pytest.approx(value) if key == "warmup" else value), key


@pytest.mark.parametrize("file", sorted(GOLDEN["lr"]))
def test_it_has_the_published_learning_rates(file: str) -> None:
    """Every update has its published rate, whatever number of batches it takes."""
    for config in ours(file):
        accumulate, iterations = config.train.accumulate, config.train.iterations
        batches = learning_rates(
            config.schedule, epochs=1, steps_per_epoch=7, iterations=iterations, accumulate=accumulate
        )
        updates = batches[accumulate - 1 :: accumulate]
        for iteration, rate in GOLDEN["lr"][file].items():
            np.testing.assert_allclose(updates[int(iteration)], rate, rtol=2e-6, err_msg=iteration)
        assert len(updates) == iterations == max(map(int, GOLDEN["lr"][file])) + 1


@pytest.mark.parametrize("name", NAMES)
def test_its_values_are_allowed_and_it_is_read_back_equal(name: str, tmp_path: Path) -> None:
    config = loaded(name)
    check_train(config.train)
    check_optimizer(config.optimizer)
    if config.finetune.iterations:
        config = finetune_config(config, None, config.finetune.mode, 3, 0)
    check_schedule(config.schedule)
    (tmp_path / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    assert load_config(DeFRCNConfig, recipe=tmp_path / "config.yaml") == config


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_with_the_command_and_what_to_expect(name: str) -> None:
    head = (RECIPES / f"{name}.yaml").read_text(encoding="utf-8").split("\nmodel:")[0]
    stage = config.finetune.mode if (config := loaded(name)).finetune.iterations else "train"
    command = {"train": f"--config {name}"}.get(stage, "finetune runs/")
    assert ("ms-defrcn demo" if "_demo" in name else command) in head, "the command is for another recipe"
    for word in ("Command:", "Hardware:", "Expected:"):
        assert word in head, f"{name} does not say its {word}"


@pytest.mark.parametrize("split", ["coco", "voc1", "voc2", "voc3"])
@pytest.mark.parametrize("stage", ["base", "fsod", "gfsod"])
def test_it_is_for_the_split_and_stage_of_its_name(split: Any, stage: str) -> None:
    config = loaded(f"defrcn_r101_{split}_{stage}")
    assert config.fewshot.split == split
    assert config.fewshot.classes == {"base": "base", "fsod": "novel", "gfsod": "all"}[stage]
    assert config.eval.voc_ap50 == (split != "coco")
    names = {"base": "base", "fsod": "novel", "gfsod": "all"}[stage]
    assert stage_classes(config.fewshot).names == getattr(published_lists(split), names)
