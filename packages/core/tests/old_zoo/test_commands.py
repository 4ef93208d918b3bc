"""Old Python command lines, of both generations and both code bases, as ours."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from ms_core.config import load_config
from ms_core.errors import UserError
from ms_core.old_zoo.commands import ENTRIES, read_command, translate_command
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.words import setting_words
from ms_core.single_shot.config import SingleShotConfig


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No src/config.py lies around where the tests run."""
    monkeypatch.chdir(tmp_path)


def ours(line: str, package: OldPackage = "ms-ssd", **paths: Path | str) -> str:
    entry, *argv = (word.format(**paths) for word in line.split())
    return " ".join(translate_command(entry, argv, package))


def refusal(line: str, package: OldPackage = "ms-ssd", **paths: Path) -> str:
    with pytest.raises(UserError) as caught:
        ours(line, package, **paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (  # guide 001, training on CPU
            "train.py --run_platform=CPU --lr=0.01 --dataset=coco --epoch_size=3 --batch_size=8 --pre_trained=a.ckpt "
            "--filter_weight=True --save_checkpoint_epochs=1",
            "ms-ssd train --config ssd300 --device cpu --schedule.lr-end 1e-05 --schedule.lr 0.01 --train.epochs 3 "
            "--train.batch-size 8 --weights a.ckpt --reset-head true --train.save-every 1",
        ),
        (  # guide 001, evaluation on CPU
            "eval.py --run_platform=CPU --dataset=coco --checkpoint_path=a.ckpt",
            "ms-ssd eval a.ckpt --config ssd300 --device cpu",
        ),
        (  # guides 001 and 004, export
            "export.py --ckpt_file a.ckpt --file_name b --file_format AIR",
            "ms-ssd export a.ckpt --config ssd300 --format air --out b",
        ),
        (
            "export.py --ckpt_file a.ckpt --batch_size 4",
            "ms-ssd export a.ckpt --config ssd300 --format mindir --out ssd --batch-size 4",
        ),
        ("train.py --help", "ms-ssd train --help"),
        ("postprocess.py --help", "ms-ssd eval --help"),
        ("train.py --only_create_dataset True --lr 0.1", "ms-ssd data cache --config ssd300"),
        ("train.py --model_name ssd_vgg16 --output_path out", "ms-ssd train --config ssd_vgg16 --out out"),
        ("train.py --config_path ssd_resnet50_fpn", "ms-ssd train --config ssd_resnet50_fpn"),
        ("train.py --save_checkpoint_path ./", "ms-ssd train --config ssd300"),
        (
            "postprocess.py --result_path raw --img_path val2017 --drop",
            "ms-ssd eval raw --config ssd300 --data.val-images val2017 --eval.subset zoo",
        ),
        (
            "postprocess.py --result_path raw --drop False",
            "ms-ssd eval raw --config ssd300 --eval.subset all",
        ),
        (
            "eval_onnx.py --file_name a.onnx --device_target CPU",
            "ms-ssd infer a.onnx --config ssd300 --device cpu --runtime onnxruntime",
        ),
        (
            "infer_ssd_mobilenet_v1_fpn_onnx.py --file_name a.onnx",
            "ms-ssd infer a.onnx --config ssd_mobilenet_v1_fpn --runtime onnxruntime",
        ),
    ],
)  # fmt: skip
def test_official_command_lines(old: str, new: str) -> None:
    assert ours(old) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (  # guide 000, export
            "export.py --config_path {configs}/export_ssdlite_mobilenetv2_fpn.yaml --ckpt_file a.ckpt --file_name b "
            "--file_format MINDIR",
            "ms-ssdlite-fpn export a.ckpt --config {configs}/export_ssdlite_mobilenetv2_fpn.yaml --format mindir "
            "--out b",
        ),
        (
            "eval.py --config_path {configs}/ssdlite_mobilenetv2_fpn.yaml --checkpoint_path a.ckpt --run_platform CPU",
            "ms-ssdlite-fpn eval a.ckpt --config {configs}/ssdlite_mobilenetv2_fpn.yaml "
            "--loss-scale.scale 65536.0 --device cpu --loss-scale.mode none",
        ),
        (
            "postprocess.py --config_path {configs}/postprocess_ssdlite_mobilenetv2_fpn.yaml --drop True",
            "ms-ssdlite-fpn eval ./result_Files --config {configs}/postprocess_ssdlite_mobilenetv2_fpn.yaml "
            "--data.val-images /data/coco2017/val2017 --data.val /data/coco2017/annotations/instances_val2017.json "
            "--eval.subset zoo",
        ),
        (
            "train.py",
            "ms-ssdlite-fpn train --config ssdlite_mobilenetv2_fpn",
        ),  # it crashed without a configuration
    ],
)
def test_research_command_lines(old: str, new: str, configs: Path) -> None:
    assert ours(old, "ms-ssdlite-fpn", configs=configs) == new.format(configs=configs)


def test_flags_change_what_the_file_says_and_nothing_else(configs: Path) -> None:
    file = configs / "ssd300.yaml"
    assert ours("train.py --config_path {file} --lr 0.05 --epoch_size 500", file=file) == (
        f"ms-ssd train --config {file} --out /cache/train"
    )
    assert ours("train.py --config_path={file} --lr 0.2 --output_path out", file=file) == (
        f"ms-ssd train --config {file} --schedule.lr-end 0.0002 --schedule.lr 0.2 --out out"
    )


def test_flags_and_file_are_read_together(configs: Path) -> None:
    """The data set is named by a flag, its root by the file."""
    line = ours(
        "eval.py --config_path {file} --dataset voc --checkpoint_file_path a", file=configs / "ssd300.yaml"
    )
    words = line.split()
    assert words[words.index("--data.val") + 1] == "/data/voc_dataset/eval"
    assert words[words.index("--eval.subset") + 1] == "all"  # the file had asked for the old COCO subset
    assert words[words.index("--data.images") + 1] == "null"


def test_a_flag_can_take_back_what_the_file_says(tmp_path: Path) -> None:
    text = "model_name: ssd300\nfilter_weight: True\nfreeze_layer: backbone\npre_trained_epoch_size: 5\n"
    line = (
        "train.py --config_path {file} --filter_weight False --freeze_layer none --pre_trained_epoch_size 0"
    )
    assert ours(line, file=write(tmp_path / "old.yaml", text)).split()[4:] == [
        *("--reset-head", "false"),
        *("--optimizer.freeze", "[]"),
        *("--train.start-epoch", "0"),
    ]


def test_run_eval_brings_the_validation_data(configs: Path) -> None:
    line = ours("train.py --config_path {file} --run_eval True", file=configs / "ssd300.yaml")
    assert "--data.val /cache/data/coco_ori/annotations/instances_val2017.json" in line
    assert "--train.eval-start 40 --train.eval-interval 1" in line


def test_lists_can_be_given_as_flags() -> None:
    argv = ["--classes", "['background', 'a b', 'no']", "--num_classes", "3"]
    words = translate_command("train.py", argv, "ms-ssd")
    assert words[4:6] == ["--data.classes", '["a b", "no"]']


def test_the_earlier_generation_is_found_where_it_lay(configs: Path, tmp_path: Path) -> None:
    for file in (configs / "earlier").iterdir():
        write(tmp_path / "src" / file.name, file.read_text(encoding="utf-8"))
    line = "train.py --dataset coco --lr 0.02 --epoch_size 50"
    assert ours(line).startswith("ms-ssd train --config src/config.py --schedule.lr 0.02 --train.epochs 50")
    (tmp_path / "src" / "config.py").write_text("print('of another program')\n", encoding="utf-8")
    assert ours(line).startswith("ms-ssd train --config ssd300 ")


def test_a_recipe_of_ours_keeps_its_own_last_rate(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.yaml", "base: ssd300_finetune\n")
    assert ours("train.py --config_path {file} --lr 0.1", file=file) == (
        f"ms-ssd train --config {file} --schedule.lr 0.1"
    )


def test_a_zoo_recipe_has_the_zoos_last_rate(tmp_path: Path) -> None:
    file = write(tmp_path / "ssd300.yaml", "model:\n  name: ssd300\n")
    assert ours("train.py --config_path {file} --lr 0.2", file=file).endswith(
        "--schedule.lr-end 0.0002 --schedule.lr 0.2"
    )


def test_notes_and_dead_flags_are_told() -> None:
    found = read_command("train.py", ["--device_num", "8", "--mode_sink=sink", "--voc_json", "a"], "ms-ssd")
    assert [key for key, _ in found.dead] == ["device_num", "mode_sink", "voc_json"]
    assert found.argv == ("ms-ssd", "train", "--config", "ssd300")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tran.py", "tran.py: no entry point of the old zoo. Did you mean train.py"),
        (
            "train.py --epoch_sice 3",
            "train.py: --epoch_sice: no option of the old zoo. Did you mean epoch_size",
        ),
        ("train.py --lr", "train.py: --lr: a value is missing. Write --lr VALUE."),
        ("train.py --lr --epoch_size 3", "train.py: --lr: a value is missing. Write --lr VALUE."),
        ("train.py coco", "train.py: 'coco' is not expected here. Write --key value."),
        ("train.py --lr fast", "--lr: 'fast' does not fit, expected a number."),
        ("train.py --config_path nowhere.yaml", "nowhere.yaml: no such configuration file; looked at "),
        ("eval.py --dataset coco", "--checkpoint_file_path is missing: the checkpoint to evaluate."),
        ("postprocess.py", "--result_path is missing: the folder of the raw outputs, *_0.bin and *_1.bin."),
        ("eval_onnx.py", "--file_name is missing: the ONNX model."),
        ("train.py --steps [1,2]", "--steps: [1, 2], but ssd300 has [16, 32, 64, 100, 150, 300]"),
    ],
)
def test_faulty_command_lines(line: str, expected: str) -> None:
    assert refusal(line).startswith(expected)


def test_a_file_of_the_other_package(configs: Path) -> None:
    message = refusal("train.py --config_path {file}", file=configs / "ssdlite_mobilenetv2_fpn.yaml")
    assert "this is a configuration of ms-ssdlite-fpn" in message


def test_official_yaml_checkpoint_path_is_no_checkpoint(configs: Path) -> None:
    """It said ./checkpoint/ and was read nowhere; checkpoint_file_path counts, and the flags of both names."""
    file = configs / "ssd300.yaml"
    assert "ms-ssd eval ssd-500_458.ckpt " in ours("eval.py --config_path {file}", file=file)
    assert "ms-ssd eval b.ckpt " in ours("eval.py --config_path {file} --checkpoint_path b.ckpt", file=file)
    assert "ms-ssd eval b.ckpt " in ours(
        "eval.py --config_path {file} --checkpoint_file_path b.ckpt", file=file
    )


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_our_words_are_read_back(entry: str, configs: Path) -> None:
    """Whatever is written is understood by our own reader, with the same values."""
    flags = "--checkpoint_file_path a --file_name b --result_path c --lr 0.3 --pre_trained_epoch_size 2 --pre_trained d"
    classes = ["--classes", "[background, \"1e3\", 'null', 'a, b', \"it's\"]", "--num_classes", "5"]
    words = translate_command(entry, [*flags.split(), *classes], "ms-ssd")
    config = load_config(SingleShotConfig, overrides=_settings(words))
    assert config.data.classes == ("1e3", "null", "a, b", "it's")
    assert config.schedule.lr == 0.3
    assert config.train.start_epoch == 2


def _settings(words: Sequence[str]) -> list[str]:
    """The words that set a configuration's values."""
    options = {"--config", "--out", "--format", "--runtime"}
    start = words.index("--config")
    pairs = zip(words[start::2], words[start + 1 :: 2], strict=True)
    return [word for name, value in pairs if name not in options for word in (name, value)]


def test_words_of_every_kind_of_value() -> None:
    values = {"a.b_c": (1, 2), "d": True, "e": None, "f": Path("g/h"), "i": 0.5, "j": ()}
    expected = "--a.b-c [1, 2] --d true --e null --f g/h --i 0.5 --j []"
    assert " ".join(setting_words(values)) == expected
