"""The meaning of old keys, one test a rule, and the defects of the old zoo that touch its configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.networks import NETWORKS
from ms_core.old_zoo.translate import Translation, translate

CLASSES = ("background", "Arduino Nano", "ESP8266")
NOWHERE = lambda path: False  # noqa: E731 (no path exists)


def settings(old: dict[str, Any], **options: Any) -> dict[str, Any]:
    return translated(old, **options).settings


def translated(old: dict[str, Any], **options: Any) -> Translation:
    return translate({"model_name": "ssd300", **old}, **{"exists": NOWHERE, **options})


def refusal(old: dict[str, Any], **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        translated(old, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- names and types ------------------------------------------------------------------------------------------------


def test_plain_values_go_over() -> None:
    old = {
        "epoch_size": 3,
        "batch_size": "8",
        "lr_init": 0.002,
        "momentum": 0.8,
        "max_boxes": 50,
        "alpha": 0.25,
    }
    assert settings(old) == {
        "train.epochs": 3,
        "train.batch_size": 8,
        "schedule.lr_init": 0.002,
        "optimizer.momentum": 0.8,
        "postprocess.max_per_class": 50,
        "loss.alpha": 0.25,
    }


def test_the_earlier_spellings_mean_the_same() -> None:
    earlier = {"using_model": "ssd300", "class_num": 3, "image_shape": [300, 300], "run_platform": "CPU"}
    later = {"model_name": "ssd300", "num_classes": 3, "img_shape": [300, 300], "device_target": "CPU"}
    more = {"classes": list(CLASSES)}
    assert translate({**earlier, **more}).settings == translate({**later, **more}).settings


def test_an_unknown_key_gets_the_nearest_names() -> None:
    assert refusal({"epoch_sice": 3}).startswith("epoch_sice: no key of the old zoo. Did you mean epoch_size")


def test_two_spellings_that_contradict_are_refused() -> None:
    assert "ssd_vgg16 here, but ssd300" in refusal({"using_model": "ssd_vgg16"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epoch_size", "many"),
        ("epoch_size", 2.5),
        ("epoch_size", True),
        ("lr", [0.1]),
        ("lr", "nan"),
        ("lr", float("inf")),
        ("filter_weight", "perhaps"),
        ("classes", "background"),
        ("classes", [["background"]]),
        ("img_shape", {"height": 300}),
        ("img_shape", [[[300]]]),
        ("device_target", "TPU"),
        ("freeze_layer", "head"),
        ("dataset", "imagenet"),
        ("loss_scale", 0.5),
        ("momentum", 10**400),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(key: str, value: Any) -> None:
    assert refusal({key: value}, where={key: f"old.yaml: {key}"}).startswith(f"old.yaml: {key}: ")


def test_nothing_said_is_nothing_set() -> None:
    old = {
        "pre_trained": "",
        "feature_extractor_base_param": None,
        "freeze_layer": "None",
        "epoch_size": None,
    }
    assert settings(old) == {}


# -- networks -------------------------------------------------------------------------------------------------------


def test_another_structure_is_another_network() -> None:
    message = refusal({"steps": [16, 32, 64, 100, 150, 301]}, where={"steps": "old.yaml: steps"})
    assert message.startswith(
        "old.yaml: steps: [16, 32, 64, 100, 150, 301], but ssd300 has [16, 32, 64, 100, 150, 300]"
    )


@pytest.mark.parametrize(
    ("network", "key", "value"),
    [
        ("ssd_mobilenet_v1_fpn", "aspect_ratios", [[], [2]]),
        ("ssd_resnet50_fpn", "min_scale", 0.4),
        ("ssdlite_mobilenetv2_fpn", "extras_ratio", [1.0]),
        ("ssd_mobilenet_v1", "num_addition_layers", 9),
        ("ssd300", "num_ssd_boxes", -1),
        ("ssd300", "ssd_vgg_bn", True),
    ],
)
def test_what_the_old_code_did_not_read_may_be_anything(network: str, key: str, value: Any) -> None:
    assert settings({"model_name": network, key: value}) == {}


def test_smallest_boxes_and_normalisation_of_vgg_can_be_chosen() -> None:
    old = {"model_name": "ssd_vgg16", "min_scale": 0.1, "ssd_vgg_bn": True}
    assert settings(old) == {"model.min_scale": 0.1, "model.backbone_norm": True}
    assert settings({"model_name": "ssd_vgg16", "min_scale": 0.2}) == {}


def test_the_box_count_formula_may_stand_for_the_count() -> None:
    """Defect 18: it gave another count than ssdlite has."""
    for network in ("ssdlite_mobilenetv2_fpn", "ssd_resnet50_fpn"):
        assert settings({"model_name": network, "num_ssd_boxes": -1}) == {}


def test_filter_weight_means_the_head_of_every_network() -> None:
    """Defect 11: the research code filtered names that its network did not have."""
    for network in NETWORKS.values():
        old = {"model_name": network.name, "filter_weight": True}
        assert settings(old) == {"reset_head": True}
        assert settings({**old, "checkpoint_filter_list": sorted(network.head_filter)}) == {
            "reset_head": True
        }


def test_a_network_is_known_by_its_structure_where_it_has_no_name() -> None:
    ssdlite = {"img_shape": [320, 320], "num_default": [6, 6, 6, 6, 6]}
    assert translate(ssdlite).network.name == "ssdlite_mobilenetv2_fpn"
    with pytest.raises(UserError, match="model_name is missing"):
        translate({"img_shape": [640, 640]})  # two networks have it
    with pytest.raises(UserError, match="model_name is missing"):
        translate({"lr": 0.1}, "ms-ssd")
    assert translate({"lr": 0.1}, "ms-ssdlite-fpn").network.name == "ssdlite_mobilenetv2_fpn"


def test_a_configuration_of_the_other_package_says_so() -> None:
    with pytest.raises(UserError, match=r"^old.yaml: this is a configuration of ms-ssdlite-fpn"):
        translate({"model": "ssd_mobilenet_v2_fpn"}, "ms-ssd", where={"model": "old.yaml: model"})
    with pytest.raises(UserError, match="this is a configuration of ms-ssd "):
        translate({"model_name": "ssd300"}, "ms-ssdlite-fpn")


def test_an_unknown_network_gets_the_nearest_names() -> None:
    assert "Did you mean ssd_vgg16" in refusal({"model_name": "ssd_vgg19"})


# -- data -----------------------------------------------------------------------------------------------------------

COCO = {
    "dataset": "coco",
    "data_path": "/cache/data",
    "coco_root": "coco",
    "mindrecord_dir": "MindRecord_COCO",
}


def test_coco_roots_start_from_data_path() -> None:
    assert settings({**COCO, "run_eval": True}) == {
        "data.train": "/cache/data/coco/annotations/instances_train2017.json",
        "data.images": "/cache/data/coco/train2017",
        "data.val": "/cache/data/coco/annotations/instances_val2017.json",
        "data.val_images": "/cache/data/coco/val2017",
        "data.cache": "/cache/data/MindRecord_COCO",
        "data.invalid_boxes": "drop",
        "eval.subset": "zoo",
    }


def test_every_verb_joins_paths_alike() -> None:
    """Defects 8 and 10: train, eval and postprocess each joined data_path with other roots."""
    for root, kind, key in (("coco_root", "coco", "data.val"), ("voc_root", "voc", "data.val")):
        old = {"dataset": kind, root: "set", "data_path": "base", "run_eval": True}
        places = {verb: settings(old, verb=verb)[key] for verb in ("train", "eval", "data check", "predict")}
        assert len(set(places.values())) == 1
        assert places["train"].startswith("base/set/")


def test_relative_roots_also_count_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "voc").mkdir()
    monkeypatch.chdir(tmp_path)
    old = {"dataset": "voc", "voc_root": "voc", "data_path": "/cache/data"}
    assert settings(old, exists=Path.exists)["data.train"] == "voc/train"
    (tmp_path / "base" / "voc").mkdir(parents=True)
    assert settings({**old, "data_path": "base"}, exists=Path.exists)["data.train"] == "base/voc/train"


def test_voc() -> None:
    old = {"dataset": "voc", "voc_root": "/data/voc", "classes": list(CLASSES), "num_classes": 3}
    assert settings(old, verb="eval") == {
        "data.train": "/data/voc/train",
        "data.val": "/data/voc/eval",
        "data.invalid_boxes": "drop",
        "data.classes": ("Arduino Nano", "ESP8266"),
        "data.unknown_classes": "drop",
    }


def test_the_transfer_learning_of_the_old_guide() -> None:
    """Guide 004, section 4.4.2: a TXT list with its own classes, the other roots empty."""
    old = {
        "model_name": "ssd_mobilenet_v1_fpn",
        "dataset": "other",
        "feature_extractor_base_param": "/models/ssd-500_458.ckpt",
        "mindrecord_dir": "/data/Microcontroller/MindRecord",
        "coco_root": "",
        "train_data_type": "",
        "val_data_type": "",
        "instances_set": "",
        "classes": ("background", "Arduino Nano", "ESP8266", "Raspberry Pi 3", "Heltec ESP32 Lora"),
        "num_classes": 5,
        "voc_json": "",
        "voc_root": "",
        "image_dir": "/data/Microcontroller/",
        "anno_path": "/data/Microcontroller/train_labels.txt",
    }
    assert settings(old) == {
        "data.train": "/data/Microcontroller/train_labels.txt",
        "data.images": "/data/Microcontroller",
        "data.cache": "/data/Microcontroller/MindRecord",
        "data.invalid_boxes": "drop",
        "data.classes": ("Arduino Nano", "ESP8266", "Raspberry Pi 3", "Heltec ESP32 Lora"),
        "backbone_weights": "/models/ssd-500_458.ckpt",
    }


def test_a_list_beside_the_pictures_is_found() -> None:
    old = {"dataset": "other", "image_dir": "photos", "anno_path": "train.txt"}
    there = {Path("photos"), Path("photos/train.txt")}
    assert settings(old, exists=there.__contains__)["data.train"] == "photos/train.txt"


def test_a_training_without_run_eval_has_no_validation_data() -> None:
    found = translated(COCO)
    assert "data.val" not in found.settings
    assert "data.val_images" not in found.settings
    assert any("run_eval is False" in note for note in found.notes)
    assert "data.val" in settings(COCO, verb="eval")


def test_verbs_of_one_split_get_the_training_data() -> None:
    for verb in ("data convert", "data draw"):
        found = translated({**COCO, "run_eval": True}, verb=verb)
        assert found.settings["data.train"].endswith("instances_train2017.json")
        assert "data.val" not in found.settings
        assert any("takes one split" in note for note in found.notes)


def test_a_list_is_what_eval_measures_too() -> None:
    """The old eval.py refused dataset other."""
    old = {"dataset": "other", "image_dir": "/photos", "anno_path": "/photos/train.txt"}
    assert settings(old, verb="eval")["data.val"] == "/photos/train.txt"
    assert "data.val" not in settings(old, verb="data check")


def test_an_empty_root_sets_nothing_and_is_told() -> None:
    found = translated({"dataset": "coco", "coco_root": ""})
    assert found.settings == {}
    assert found.notes == ("coco_root is empty: name the data with --data.train and --data.val",)


def test_the_template_of_the_file_name_is_no_format_string() -> None:
    old = {**COCO, "instances_set": "{0.__class__}/{}.json", "run_eval": True}
    assert settings(old)["data.val"] == "/cache/data/coco/{0.__class__}/val2017.json"


def test_the_first_class_must_be_the_background() -> None:
    """The old code lost the first class without a word (defect 14)."""
    message = refusal({"classes": ["person", "car"]})
    assert message.startswith("classes: the first class is 'person', but label 0 is the background")


def test_the_number_of_classes_must_fit() -> None:
    assert refusal({"classes": list(CLASSES), "num_classes": 81}) == (
        "num_classes: 81, but classes has 3 names, background included. Correct one of the two."
    )
    assert settings({"classes": list(CLASSES)})["data.classes"] == CLASSES[1:]


def test_class_names_may_look_like_numbers() -> None:
    assert settings({"classes": ["background", 1, 2.5, True]})["data.classes"] == ("1", "2.5", "True")


def test_a_txt_list_with_a_number_that_is_no_class_is_a_mistake() -> None:
    """The old code left out unknown names in COCO and VOC files; a TXT list has none to leave out."""
    old = {"classes": list(CLASSES), "dataset": "other", "anno_path": "a.txt"}
    assert "data.unknown_classes" not in settings(old)
    assert "data.unknown_classes" not in settings({"classes_label_path": "labels.txt", "dataset": "other"})
    assert settings({**old, "dataset": "voc"})["data.unknown_classes"] == "drop"


def test_a_label_file_of_modelarts() -> None:
    old = {"classes_label_path": "labels.txt", "data_path": "/cache/data"}
    assert settings(old) == {"data.classes": "/cache/data/labels.txt", "data.unknown_classes": "drop"}


# -- training -------------------------------------------------------------------------------------------------------

HEAD = ["multi_cls_layers", "multi_loc_layers"]
EVALUATION = {"eval_start_epoch": 4, "eval_interval": 2}


def test_the_last_learning_rate_follows_the_first() -> None:
    assert settings({"lr": 0.2}) == {"schedule.lr": 0.2, "schedule.lr_end": 0.0002}
    assert settings({"lr": 0.05, "lr_end_rate": 0.01})["schedule.lr_end"] == 0.0005
    assert settings({"lr": 0.2, "model_name": "ssd_resnet50_fpn"})["schedule.lr_end"] == 0.0


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ({"loss_scale": 1024}, {"loss_scale.mode": "static", "loss_scale.scale": 1024.0}),
        ({"loss_scale": 1}, {"loss_scale.mode": "none"}),
        ({"loss_scale": 1024, "device_target": "CPU"}, {"loss_scale.mode": "none", "device": "cpu"}),
        ({"use_global_norm": True}, {"train.clip_norm": 1.0}),
        ({"use_global_norm": False}, {"train.clip_norm": 0.0}),
        ({"use_float16": "True"}, {"precision.mode": "fp16"}),
        ({"use_float16": False}, {"precision.mode": "off"}),
        ({"device_target": "GPU"}, {"device": "gpu"}),
        ({"device_target": "Ascend", "device_id": 3}, {"device": "ascend:3"}),
        ({"run_platform": "Ascend", "device_id": 3, "distribute": True}, {"device": "ascend"}),
        ({"device_target": "CPU", "device_id": 3}, {"device": "cpu"}),
        ({"device_id": 0}, {}),
        ({"save_checkpoint_epochs": 5}, {"train.save_every": 5}),
        ({"save_checkpoint_epochs": 5, "save_checkpoint": False}, {"train.save_every": 0}),
        ({"keep_checkpoint_max": 7}, {"train.keep_max": 7}),
        ({"run_eval": True, **EVALUATION}, {"train.eval_start": 4, "train.eval_interval": 2}),
        ({"run_eval": False, **EVALUATION}, {}),
        ({"freeze_layer": "backbone"}, {"optimizer.freeze": ("backbone",)}),
        ({"freeze_layer": "none"}, {}),
        ({"pre_trained": "a.ckpt"}, {"weights": "a.ckpt"}),
        ({"pre_trained": "a.ckpt", "pre_trained_epoch_size": 200}, {"weights": "a.ckpt", "train.start_epoch": 200}),
        ({"feature_extractor_base_param": "b.ckpt"}, {"backbone_weights": "b.ckpt"}),
        ({"filter_weight": True}, {"reset_head": True}),
        ({"filter_weight": True, "checkpoint_filter_list": HEAD}, {"reset_head": True}),
        ({"filter_weight": True, "checkpoint_filter_list": ["b"]}, {"weights_filter": ("b",)}),
        ({"filter_weight": False, "checkpoint_filter_list": ["b"]}, {}),
        ({"seed": 7}, {"seed": 7}),
    ],
)  # fmt: skip
def test_rules(old: dict[str, Any], expected: dict[str, Any]) -> None:
    assert settings(old) == expected


def test_a_detector_to_start_from_beats_a_backbone() -> None:
    found = translated({"pre_trained": "a.ckpt", "feature_extractor_base_param": "b.ckpt"})
    assert found.settings == {"weights": "a.ckpt"}
    assert found.notes == ("feature_extractor_base_param is left out: pre_trained holds the backbone too",)


def test_dead_keys_and_words_of_the_command_line_are_told() -> None:
    found = translated(
        {"enable_profiling": True, "voc_root": "/data/voc", "output_path": "out", "dataset": "coco"}
    )
    assert dict(found.dead) == {
        "enable_profiling": "read nowhere in the old code",
        "voc_root": "dataset is coco",
    }
    assert found.options["output_path"] == "out"


def test_settings_remember_where_they_came_from(ssd300: dict[str, Any]) -> None:
    sources = translate(ssd300).sources
    assert sources["schedule.lr_end"] == ("lr_end_rate", "lr")
    assert "voc_root" not in sources["data.train"]
    assert set(sources) == set(translate(ssd300).settings)


def test_nested_is_what_a_recipe_of_ours_says() -> None:
    found = translated({"epoch_size": 3, "lr": 0.2, "pre_trained": "a.ckpt"}).nested()
    assert found == {"train": {"epochs": 3}, "schedule": {"lr": 0.2, "lr_end": 0.0002}, "weights": "a.ckpt"}


def test_files_of_every_network_translate(old_file: Callable[..., Any], configs: Path) -> None:
    for path in sorted(configs.rglob("*.*")):
        old = old_file(path.relative_to(configs))
        found = translate(old.values, where=old.where)
        assert found.recipe in path.name or path.name == "config.py"
        assert found.settings["schedule.warmup_epochs"] in (2, 4)
