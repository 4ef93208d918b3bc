"""The ModelArts entry of DeFRCN: parameters, paths below the data, one training."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from ms_core.errors import UserError
from ms_core.old_zoo import modelarts
from ms_core.old_zoo.modelarts import Job
from ms_core.old_zoo.modelarts_defrcn import main, read_parameters, training_words
from ms_core.old_zoo.processes import Process

ENTRY = Path(__file__).resolve().parents[3] / "defrcn" / "modelarts"
ADDRESSES = ["--data_url=data", "--train_url=out"]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the data, with a backbone in it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    (folder / "cocosplit").mkdir(parents=True)
    (folder / "R-101.pkl").touch()
    for name in ("RANK_ID", "RANK_SIZE", "DEVICE_ID", "DEVICE_TARGET"):
        monkeypatch.delenv(name, raising=False)
    return folder


def words(*flags: str, **environment: str) -> list[str]:
    return training_words(Job("ms-defrcn", read_parameters([*ADDRESSES, *flags]), environment))


def test_paths_are_looked_for_below_the_data() -> None:
    found = words(
        "--backbone_pretrained_path", "R-101.pkl", "--num_gpus=1", "--config_path=defrcn_r101_coco_base"
    )
    assert found[:3] == ["train", "--config", "defrcn_r101_coco_base"]
    assert found[found.index("--backbone-weights") + 1] == "data/R-101.pkl"
    assert found[found.index("--data.images") + 1] == "data/coco/trainval2014"
    assert found[found.index("--device") + 1] == "ascend:0"
    assert found[-2:] == ["--out", "out"]


def test_several_devices_share_an_update() -> None:
    found = words(RANK_SIZE="4", DEVICE_ID="2")
    assert found[found.index("--device") + 1] == "ascend"
    assert found[found.index("--train.accumulate") + 1] == "2"


def test_a_fine_tuning() -> None:
    found = words("--dataset_train=[coco14_trainval_novel_5shot_seed0]", "--seed=2", "--is_finetune=True",
                  "--model_pretrained_path=base.ckpt", DEVICE_TARGET="GPU", DEVICE_ID="1")  # fmt: skip
    assert found[:2] == ["finetune", "base.ckpt"]
    assert found[found.index("--shots-seed") + 1] == "2"
    assert found[found.index("--device") + 1] == "gpu:1"
    assert found.count("--out") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--train_url=out"], "--data_url is missing; the service sets it."),
        ([*ADDRESSES, "seed"], "'seed' is not expected here."),
        ([*ADDRESSES, "--seed"], "--seed: a value is missing."),
        ([*ADDRESSES, "--checkpoint_url=obs://a"], "--checkpoint_url: put the weights into the folder of data_url"),
    ],
)  # fmt: skip
def test_faulty_parameters(flags: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_parameters(flags)


def test_a_job_runs_our_command_and_logs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Process] = []

    def foreground(processes: Sequence[Process]) -> int:
        ran.extend(processes)
        return 3

    monkeypatch.setattr(modelarts, "run_in_foreground", foreground)
    assert main([*ADDRESSES, "--backbone_pretrained_path=R-101.pkl"]) == 3
    (process,) = ran
    assert process.command[:4] == (sys.executable, "-m", "ms_defrcn", "train")
    assert (process.log, process.environment.get("PATH")) == (Path("out/log.txt"), os.environ.get("PATH"))


def test_a_mistake_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ADDRESSES, "--base_lrr=1"]) == 2
    error = capsys.readouterr().err
    assert "--base_lrr: no option of the old zoo. Did you mean base_lr" in error
    assert error.count("\n") == 1


def test_the_parameters_of_the_job_are_understood() -> None:
    if not ENTRY.is_dir():
        pytest.skip(f"no package around the tests: {ENTRY}")
    described = yaml.safe_load((ENTRY / "config.yaml").read_text(encoding="utf-8"))["parameters"]
    given = {item["name"]: item["default"] for item in described}
    assert set(given) - {"data_url", "train_url"} == {
        "config_path", "backbone_pretrained_path", "model_pretrained_path", "pcb_modelpath", "seed",
    }  # fmt: skip
    assert words(*(f"--{name}={value}" for name, value in given.items() if value != ""))[0] == "train"
    assert "sys.exit(main())" in (ENTRY / "start.py").read_text(encoding="utf-8")
