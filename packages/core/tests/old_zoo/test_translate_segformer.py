"""The meaning of old SegFormer keys, one test a rule, and how its files are found and told from others."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.keys_segformer import KEYS
from ms_core.old_zoo.translate import Translation, translate

CONFIGS = Path(__file__).parent / "segformer_configs"
NOWHERE = lambda path: False  # noqa: E731 (no path exists)
OF_THE_FACTS = """
run_distribute data_path load_ckpt pretrained_ckpt_path save_checkpoint save_checkpoint_epoch_interval save_best_ckpt
checkpoint_path train_log_interval epoch_size batch_size backbone class_num optimizer lr weight_decay momentum
warmup_steps dataset_ignore_label dataset_ignore_image dataset_num_parallel_workers dataset_max_rowsize base_size
crop_size img_norm_mean img_norm_std run_eval eval_start_epoch eval_interval eval_ckpt_path eval_log_interval
dataset_eval_num_parallel_workers infer_copy_original_img infer_save_gray_img infer_save_color_img
infer_save_overlap_img infer_log_interval infer_ckpt_path infer_output_path config_path export_ckpt_path export_format
"""
"""Every key of the YAML files and every flag of the guide."""


def translated(old: dict[str, Any], **options: Any) -> Translation:
    return translate({"backbone": "mit_b0", **old}, "ms-segformer", **{"exists": NOWHERE, **options})


def settings(old: dict[str, Any], **options: Any) -> dict[str, Any]:
    found = dict(translated(old, **options).settings)
    assert found.pop("model.name") == "segformer_b0"
    return found


def refusal(old: dict[str, Any], **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        translated(old, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("key", OF_THE_FACTS.split())
def test_every_key_of_files_and_guide_is_known(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ({"data_path": "/data/city/"}, {"data.root": "/data/city"}),
        ({"dataset_ignore_label": 254}, {"data.ignore": 254}),
        ({"base_size": [512, 1024]}, {"input.base_size": (512, 1024), "inference.size": (512, 1024)}),
        ({"crop_size": [512, 512]}, {"input.crop": (512, 512)}),
        ({"dataset_num_parallel_workers": 8, "dataset_eval_num_parallel_workers": 4}, {"train.workers": 8}),
        ({"epoch_size": 20}, {"train.epochs": 20, "train.iterations": 0}),
        ({"batch_size": 4, "train_log_interval": 50}, {"train.batch_size": 4, "train.log_every": 50}),
        ({"optimizer": "adamw"}, {"optimizer.name": "adam-weight-decay"}),
        ({"optimizer": "Momentum", "momentum": 0.8}, {"optimizer.name": "momentum", "optimizer.momentum": 0.8}),
        ({"lr": 1e-4, "weight_decay": 0.05}, {"schedule.lr": 1e-4, "optimizer.weight_decay": 0.05}),
        ({"warmup_steps": 1500}, {"schedule.warmup_steps": 1500}),
        ({"pretrained_ckpt_path": "a.ckpt"}, {"backbone_weights": "a.ckpt"}),
        ({"pretrained_ckpt_path": "a.ckpt", "load_ckpt": True}, {"backbone_weights": "a.ckpt"}),
        ({"pretrained_ckpt_path": "a.ckpt", "load_ckpt": False}, {"backbone_weights": None}),
        ({"load_ckpt": True}, {}),
        ({"save_checkpoint": True}, {"train.save_every": 1, "train.keep_max": 200}),
        ({"save_checkpoint": False, "save_checkpoint_epoch_interval": 2}, {"train.save_every": 0}),
        ({"run_eval": False, "eval_start_epoch": 5, "eval_interval": 2},
         {"train.evaluate": False, "train.eval_start": 5, "train.eval_interval": 2}),
        ({"run_eval": True, "eval_start_epoch": 0}, {"train.evaluate": True, "train.eval_start": 1}),
        ({"eval_start_epoch": 5, "eval_interval": 2}, {"train.eval_start": 5, "train.eval_interval": 2}),
        ({"class_num": 19}, {}),
        ({"run_distribute": True, "device_target": "Ascend", "device_id": 3}, {"device": "ascend"}),
        ({"device_target": "CPU"}, {"device": "cpu"}),
        ({"img_norm_mean": [123.675, 116.28, 103.53], "img_norm_std": [58.395, 57.12, 57.375]}, {}),
    ],
)  # fmt: skip
def test_rules(old: dict[str, Any], expected: dict[str, Any]) -> None:
    assert settings(old) == expected


def test_as_many_checkpoints_are_kept_as_are_written() -> None:
    found = settings({"save_checkpoint_epoch_interval": 3, "epoch_size": 100})
    assert (found["train.save_every"], found["train.keep_max"]) == (3, 33)


def test_evaluation_reads_with_its_own_number_of_threads() -> None:
    old = {"dataset_num_parallel_workers": 8, "dataset_eval_num_parallel_workers": 4}
    assert settings(old, verb="eval") == settings(old, verb="predict") == {"train.workers": 4}


def test_other_classes_get_names_to_be_replaced() -> None:
    found = translated({"class_num": 3})
    assert found.settings["data.classes"] == ("class 0", "class 1", "class 2")
    assert found.settings["loss.class_weights"] == "none"
    assert "--data.classes FILE" in found.notes[0]


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ({"backbone": "mit_b6"}, "backbone: 'mit_b6' is no network of the old zoo. Did you mean mit_b"),
        ({"class_num": 1}, "class_num: 1 classes leave nothing to tell apart."),
        ({"base_size": [512]}, "base_size: [512] is not [height, width] in pixels."),
        ({"crop_size": [512, 0]}, "crop_size: [512, 0] is not [height, width] in pixels."),
        ({"crop_size": [512.5, 512]}, "crop_size: [512.5, 512] is not [height, width] in pixels."),
        ({"optimizer": "lamb"}, "optimizer: 'lamb' is not one of adamw, momentum, sgd."),
        ({"save_checkpoint_epoch_interval": 0}, "save_checkpoint_epoch_interval: 0 is below 1."),
        ({"img_norm_mean": [0, 0, 0]}, "img_norm_mean: [0, 0, 0], but segformer_b0 has [123.675, 116.28, 103.53]"),
        ({"learning_rate": 1}, "learning_rate: no key of the old zoo."),
        ({"crop_sise": [1, 1]}, "crop_sise: no key of the old zoo. Did you mean crop_size"),
    ],
)  # fmt: skip
def test_refusals(old: dict[str, Any], message: str) -> None:
    assert refusal(old).startswith(message)


def test_what_another_key_switches_off_is_told() -> None:
    found = translated(
        {"load_ckpt": False, "pretrained_ckpt_path": "a", "run_eval": False, "eval_interval": 2}
    )
    assert dict(found.dead) == {
        "pretrained_ckpt_path": "load_ckpt is False",
        "eval_interval": "run_eval is False",
    }


def test_dead_keys_and_words_of_the_command_line_are_told() -> None:
    found = translated({"dataset_max_rowsize": 50, "checkpoint_path": "out", "infer_save_gray_img": False})
    assert dict(found.dead) == {"dataset_max_rowsize": "a buffer of the old data engine"}
    assert found.options == {"checkpoint_path": "out", "infer_save_gray_img": False}


@pytest.mark.parametrize(
    ("backbone", "crop", "recipe"),
    [
        ("mit_b0", [512, 1024], "segformer_b0_512x1024_zoo"),
        ("mit_b0", [1024, 1024], "segformer_b0_1024x1024_zoo"),
        ("mit_b0", [768, 768], "segformer_b0_1024x1024_zoo"),
        ("mit_b1", [512, 1024], "segformer_b1_1024x1024_zoo"),
        ("mit_b5", [1024, 1024], "segformer_b5_1024x1024_zoo"),
    ],
)
def test_backbone_and_crop_choose_the_recipe(backbone: str, crop: list[int], recipe: str) -> None:
    found = translated({"backbone": backbone, "crop_size": crop})
    assert found.recipe == recipe
    assert found.settings["input.crop"] == tuple(crop)


def test_decoders_from_b1_on_are_wide() -> None:
    assert translated({"backbone": "mit_b1"}).settings["model.decoder_width"] == 512
    assert "model.decoder_width" not in translated({"backbone": "mit_b0"}).settings


def test_scripts_in_their_own_folder_find_the_folders_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "cityscapes").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    monkeypatch.chdir(tmp_path / "scripts")
    old = {"data_path": "./data/cityscapes/", "pretrained_ckpt_path": "pretrained/a.ckpt"}
    found = settings(old, exists=Path.exists)
    assert found == {"data.root": "../data/cityscapes", "backbone_weights": "pretrained/a.ckpt"}


# -- files -----------------------------------------------------------------------------------------------------------


def recipe(path: Path, package: Any = "ms-segformer") -> dict[str, Any]:
    found = recipe_of_old_file(path, "train", package=package, recipes=None)
    assert found is not None
    return {key: value for key, (value, _) in found.items()}


def test_what_all_files_share_is_read_from_the_file_beside() -> None:
    old = read_old_file(CONFIGS / "segformer.b2.1024x1024.city.yaml")
    assert old is not None
    assert set(old.values) == set(OF_THE_FACTS.split()) - {"config_path", "export_ckpt_path", "export_format"}
    assert (old.values["backbone"], old.values["lr"]) == ("mit_b2", 6e-5)
    assert old.where["lr"] == f"{CONFIGS / 'segformer.base.yaml'}: lr"
    assert old.where["backbone"] == f"{CONFIGS / 'segformer.b2.1024x1024.city.yaml'}: backbone"


def test_an_error_of_the_shared_file_names_it(tmp_path: Path) -> None:
    shutil.copy(CONFIGS / "segformer.b0.512x1024.city.yaml", tmp_path)
    (tmp_path / "segformer.base.yaml").write_text("lr: fast\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"segformer\.base\.yaml: lr: 'fast' does not fit, expected a number"):
        recipe(tmp_path / "segformer.b0.512x1024.city.yaml")
    (tmp_path / "segformer.base.yaml").write_text("- lr\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"segformer\.base\.yaml: a configuration is a mapping"):
        recipe(tmp_path / "segformer.b0.512x1024.city.yaml")


def test_a_file_that_says_little_has_the_old_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("backbone: mit_b1\n", encoding="utf-8")
    assert recipe(path) == {
        "model.name": "segformer_b1",
        "model.decoder_width": 512,
        "data.root": "data/cityscapes",
        "input.base_size": (512, 1024),
        "inference.size": (512, 1024),
        "input.crop": (512, 1024),
    }
    assert "read as --config segformer_b1_1024x1024_zoo with" in capsys.readouterr().out


def test_only_pictures_that_are_left_out_have_to_be_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "backbone: mit_b0\ninfer_save_gray_img: True\ninfer_save_color_img: False\n", encoding="utf-8"
    )
    recipe(path)
    printed = capsys.readouterr().out
    assert "to be said on the command line: infer_save_color_img is --no-color\n" in printed


@pytest.mark.parametrize("package", ["ms-ssd", "ms-ssdlite-fpn", None])
def test_other_commands_say_whose_file_it_is(package: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for path in CONFIGS.iterdir():
        with pytest.raises(UserError, match="this is a configuration of ms-segformer"):
            recipe(path, package)


@pytest.mark.parametrize("text", ["model_name: ssd300\nlr: 0.1\n", "steps: [1]\nlr: 0.1\n"])
def test_a_file_of_another_command_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"old\.yaml: this is a configuration of ms-ssd "):
        recipe(path)


def test_a_file_of_keys_that_several_had_is_the_commands_own(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("epoch_size: 3\nbatch_size: 4\n", encoding="utf-8")
    assert recipe(path)["model.name"] == "segformer_b0"
