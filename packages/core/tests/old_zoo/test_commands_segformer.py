"""Old SegFormer command lines as ours: every one that its guide prints, and what may go wrong with them."""

from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.commands import entries_of, read_command, translate_command

CONFIGS = Path(__file__).parent / "segformer_configs"
B0 = CONFIGS / "segformer.b0.512x1024.city.yaml"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that relative paths could mean lies around, here or above."""
    (tmp_path / "scripts").mkdir()
    monkeypatch.chdir(tmp_path / "scripts")


def ours(line: str) -> str:
    entry, *argv = (word.format(b0=B0) for word in line.split())
    return " ".join(translate_command(entry, argv, "ms-segformer"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "tools/convert_dataset.py data/cityscapes --nproc 8",
            "data convert cityscapes --data.root data/cityscapes --nproc 8",
        ),
        ("convert_dataset.py --nproc=2 city", "data convert cityscapes --data.root city --nproc 2"),
        ("convert_dataset.py city", "data convert cityscapes --data.root city"),
        (
            "tools/convert_model.py --pt_model_path=./pretrained/mit_b0.pth "
            "--ms_model_path=./pretrained/ms_pretrained_b0.ckpt",
            "convert ./pretrained/mit_b0.pth ./pretrained/ms_pretrained_b0.ckpt",
        ),
        ("train.py --config_path={b0}", "train --config {b0} --out checkpoint"),
        (
            "train.py --config_path={b0} --pretrained_ckpt_path=p.ckpt --data_path=city --run_eval=False",
            "train --config {b0} --backbone-weights p.ckpt --data.root city --train.evaluate false --out checkpoint",
        ),
        (
            "train.py --config_path={b0} --load_ckpt=False",
            "train --config {b0} --backbone-weights null --out checkpoint",
        ),
        (
            "train.py --config_path {b0} --epoch_size 3 --checkpoint_path runs/a",
            "train --config {b0} --train.keep-max 3 --train.epochs 3 --out runs/a",
        ),
        ("train.py", "train --config segformer_b0_512x1024_zoo --out checkpoint"),
        (
            "train.py --backbone mit_b3 --lr 0.0001",
            "train --config segformer_b3_1024x1024_zoo --schedule.lr 0.0001 --out checkpoint",
        ),
        (
            "train.py --config_path segformer_b1_1024x1024 --epoch_size 3",
            "train --config segformer_b1_1024x1024 --train.epochs 3 --train.iterations 0 --out checkpoint",
        ),
        (
            "train.py --config_path {b0} --backbone mit_b2",
            "train --config {b0} --model.name segformer_b2 --model.decoder-width 512 --out checkpoint",
        ),
        (
            "eval.py --config_path={b0} --eval_ckpt_path=a.ckpt --data_path=city",
            "eval a.ckpt --config {b0} --data.root city",
        ),
        (
            "export.py --config_path {b0} --export_ckpt_path a.ckpt --export_format AIR",
            "export a.ckpt --config {b0} --format air --out segformer.b0.512x1024.city",
        ),
        (
            "export.py --config_path segformer_b0_512x1024 --export_ckpt_path a.ckpt",
            "export a.ckpt --config segformer_b0_512x1024 --format mindir --out segformer_b0_512x1024",
        ),
        (
            "infer.py --config_path={b0} --infer_ckpt_path=a.ckpt --data_path=photos --infer_output_path=seen",
            "predict a.ckpt photos --config {b0} --out seen",
        ),
        (
            "infer.py --config_path={b0} --infer_ckpt_path=a.ckpt --infer_copy_original_img False "
            "--infer_save_gray_img=False --infer_save_color_img=False --infer_save_overlap_img=False",
            "predict a.ckpt data/cityscapes --config {b0} --out infer_result --no-copy --no-gray --no-color "
            "--no-overlay",
        ),
        ("infer.py --help", "predict --help"),
        ("tools/convert_dataset.py -h", "data convert --help"),
    ],
)
def test_command_lines(old: str, new: str) -> None:
    assert ours(old) == "ms-segformer " + new.format(b0=B0)


def test_of_a_cityscapes_folder_one_split_is_predicted() -> None:
    line = ["--config_path", "segformer_b0_512x1024", "--infer_ckpt_path", "a.ckpt", "--data_path", "city"]
    for split in ("val", "test"):
        Path("city/leftImg8bit", split, "munich").mkdir(parents=True)
        found = read_command("infer.py", line, "ms-segformer")
        assert found.argv[3] == f"city/leftImg8bit/{split}"
        assert found.notes == (
            f"of city the pictures of leftImg8bit/{split} are taken; name another folder instead",
        )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian.py", "trian.py: no entry point of the old zoo. Did you mean train.py"),
        ("postprocess.py", "postprocess.py: no entry point of the old zoo."),
        ("train.py --lr", "train.py: --lr: a value is missing."),
        ("train.py --crop_sise 3", "train.py: --crop_sise: no option of the old zoo. Did you mean crop_size"),
        ("train.py --coco_root a", "train.py: --coco_root: no option of the old zoo."),
        ("train.py --config_path nowhere.yaml", "nowhere.yaml: no such configuration file"),
        ("train.py --config_path ssd300", "ssd300: no such configuration file"),
        ("train.py --backbone mit_b9", "--backbone: 'mit_b9' is no network of the old zoo."),
        ("eval.py --config_path={b0}", "--eval_ckpt_path is missing: the checkpoint to evaluate."),
        ("infer.py --config_path={b0}", "--infer_ckpt_path is missing: the checkpoint to predict with."),
        ("export.py --config_path={b0}", "--export_ckpt_path is missing: the checkpoint to export."),
        ("export.py --export_ckpt_path a --export_format OM", "--export_format: 'om' is not one of mindir, air"),
        ("convert_dataset.py", "convert_dataset.py: the Cityscapes folder is missing."),
        ("convert_dataset.py a b", "convert_dataset.py: 'b' is not expected here."),
        ("convert_dataset.py a --nproc", "convert_dataset.py: --nproc: a value is missing."),
        ("convert_dataset.py a --nproce 3", "convert_dataset.py: --nproce: no option of this program. Did you"),
        ("convert_model.py a.pth", "convert_model.py: 'a.pth' is not expected here."),
        ("convert_model.py --pt_model_path a.pth", "convert_model.py: --ms_model_path is missing."),
    ],
)  # fmt: skip
def test_faulty_command_lines(line: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        ours(line)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_programs_of_the_guide_are_there() -> None:
    assert sorted(entries_of("ms-segformer")) == sorted(
        ["train.py", "eval.py", "infer.py", "export.py", "convert_dataset.py", "convert_model.py"]
    )
