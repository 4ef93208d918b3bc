"""Old DeFRCN command lines as ours: those of the guide, of the old scripts, and what may go wrong with them."""

from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.commands import entries_of, read_command, translate_command
from ms_core.old_zoo.entries_defrcn import newest_checkpoint

CONFIGS = Path(__file__).parent / "defrcn_configs"
BASE = CONFIGS / "defrcn_det_r101_base.yaml"
TEN = CONFIGS / "defrcn_fsod_r101_novel_10shot.yaml"
RUN = "checkpoints/coco/defrcn_det_r101/defrcn_det_r101_base"
NOVEL = "../checkpoints/coco/defrcn_det_r101/defrcn_fsod_r101_novel/fsrw-like/10shot_seed0/repeat0"
ONE_SHOT = "[coco14_trainval_novel_1shot_seed0]"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that relative paths could mean lies around, here or above."""
    (tmp_path / "code" / "scripts").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "code" / "scripts")


def ours(line: str) -> str:
    entry, *argv = (word.format(base=BASE, ten=TEN) for word in line.split())
    return " ".join(translate_command(entry, argv, "ms-defrcn"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pkl2ckpt.py", "convert ../MSRA/R-101.pkl backbone.ckpt"),
        ("src/pkl2ckpt.py R-101.pkl", "convert R-101.pkl backbone.ckpt"),
        ("pth2ckpt.py", "convert ../torchvision/resnet101-5d3b4d8f.pth res101_ms.ckpt"),
        ("pth2ckpt.py a.pth b.ckpt", "convert a.pth b.ckpt"),
        ("train.py", f"train --config defrcn_r101_coco_base --out {RUN}"),
        ("train.py --config_path={base}", f"train --config {{base}} --out ../{RUN}"),
        (
            "train.py --config_path={base} --device_id=2 --device_target=GPU --rank_id=0 --run_distribute=False "
            "--device_num=1 --backbone_pretrained_path=b.ckpt --save_checkpoint_path=out",
            "train --config {base} --train.accumulate 8 --device gpu:2 --backbone-weights b.ckpt --out out",
        ),
        (
            "train.py --config_path={ten} --seed=3 --model_pretrained_path=m.ckpt --pcb_modelpath=r.ckpt "
            "--save_checkpoint_path=out",
            "finetune m.ckpt --config {ten} --seed 3 --pcb.weights r.ckpt --mode fsod --shots 10 --shots-seed 3 "
            "--out out",
        ),
        (
            f"train.py --dataset_train {ONE_SHOT} --is_finetune True --model_pretrained_path m.ckpt",
            "finetune m.ckpt --config defrcn_r101_coco_fsod --mode fsod --shots 1 --shots-seed 0 --out "
            "checkpoints/coco/defrcn_det_r101/defrcn_fsod_r101_novel/fsrw-like/1shot_seed0/repeat0",
        ),
        ("train.py --help", "train --help"),
        ("eval.py --eval_checkpoint_path=a.ckpt", "eval a.ckpt --config defrcn_r101_coco_base"),
        ("eval.py --config_path={base}", f"eval ../{RUN} --config {{base}} --pcb off"),
        (
            "eval.py --seed=0 --run_distribute=False --config_path={ten} --device_target=GPU --device_id=7 "
            "--eval_checkpoint_path=a.ckpt",
            "eval a.ckpt --config {ten} --device gpu:7 --pcb on",
        ),
        ("eval.py --config_path={ten} --pcb_enable False", f"eval {NOVEL} --config {{ten}} --pcb off"),
        (
            "export.py --export_ckpt_file a.ckpt --export_file_name out --export_file_format AIR",
            "export a.ckpt --config defrcn_r101_coco_base --format air --out out",
        ),
        (
            "src/model_surgery.py --dataset coco --method remove --device-target GPU --src-path a.ckpt --save-dir out",
            "surgery a.ckpt out/model_reset_remove.ckpt --method remove --config defrcn_r101_coco_fsod",
        ),
        (
            "model_surgery.py --method=randinit --src-path=a.ckpt --save-dir=out --tar-name=mine",
            "surgery a.ckpt out/mine_surgery.ckpt --method randinit --config defrcn_r101_coco_gfsod",
        ),
    ],
)  # fmt: skip
def test_command_lines(old: str, new: str) -> None:
    assert ours(old) == "ms-defrcn " + new.format(base=BASE, ten=TEN)


def test_of_an_old_folder_the_newest_checkpoint_is_taken() -> None:
    folder = Path(RUN, "ckpt_0")
    folder.mkdir(parents=True)
    for name in ("defrcn-9_6154.ckpt", "defrcn-18_6154.ckpt", "other.ckpt"):
        (folder / name).touch()
    assert ours("eval.py").split()[2] == f"{RUN}/ckpt_0/defrcn-18_6154.ckpt"
    assert (
        ours(f"train.py --config_path={TEN} --model_pretrained_path={RUN}")
        .split()[2]
        .endswith("18_6154.ckpt")
    )
    assert newest_checkpoint(Path("checkpoints")) == Path("checkpoints")


def test_a_run_of_ours_knows_its_configuration() -> None:
    Path(RUN).mkdir(parents=True)
    Path(RUN, "config.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert ours("eval.py --is_finetune True --eval_checkpoint_path " + RUN) == f"ms-defrcn eval {RUN}"
    words = ours(f"train.py --dataset_train {ONE_SHOT} --save_checkpoint_path out")
    assert words == f"ms-defrcn finetune {RUN} --mode fsod --shots 1 --shots-seed 0 --out out"
    assert "--config" in ours(f"eval.py --config_path={BASE} --eval_checkpoint_path {RUN}")


def test_dead_flags_are_told() -> None:
    found = read_command("train.py", ["--config_path", str(BASE), "--rank_id=0"], "ms-defrcn")
    assert found.dead == (("rank_id", "the old scripts or msrun number the processes"),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("infer.py", "infer.py: no entry point of the old zoo."),
        ("train.py --lr", "train.py: --lr: no option of the old zoo."),
        ("train.py --base_lr", "train.py: --base_lr: a value is missing."),
        ("train.py --config_path nowhere.yaml", "nowhere.yaml: no such configuration file"),
        ("train.py --is_finetune True", "--dataset_train is missing: a fine-tuning on how many shots"),
        ("eval.py --is_finetune True", "--eval_checkpoint_path is missing: the checkpoint to evaluate."),
        ("eval.py --is_finetune True --eval_checkpoint_path a.ckpt", "a.ckpt: of how many shots is it?"),
        ("export.py", "--export_ckpt_file is missing: the checkpoint to export."),
        ("export.py --export_ckpt_file a --export_file_format OM", "--export_file_format: 'om' is not one of mindir"),
        ("model_surgery.py --method remove --save-dir a", "model_surgery.py: --src-path is missing."),
        ("model_surgery.py --method drop --src-path a --save-dir b", "model_surgery.py: --method: 'drop' is not one"),
        ("model_surgery.py --dataset voc --method remove --src-path a --save-dir b", "model_surgery.py: --dataset: "),
        ("model_surgery.py --remove-param-name a", "model_surgery.py: --remove-param-name: no option of this program."),
        ("pkl2ckpt.py a b c", "pkl2ckpt.py: a b c is not expected here."),
        ("pkl2ckpt.py --in a", "pkl2ckpt.py: --in a is not expected here."),
    ],
)  # fmt: skip
def test_faulty_command_lines(line: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        ours(line)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_programs_of_the_guide_are_there() -> None:
    assert sorted(entries_of("ms-defrcn")) == sorted(
        ["train.py", "eval.py", "export.py", "model_surgery.py", "pkl2ckpt.py", "pth2ckpt.py"]
    )
