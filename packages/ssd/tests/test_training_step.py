"""Networks beside ssd300 train, too: from the recipe through compiled steps to a checkpoint that loads."""

from pathlib import Path

import pytest
from ms_core.checkpoint.read import read_metadata
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.trained import load_trained
from ms_ssd.cli import main, package


@pytest.mark.parametrize("model", ["ssd_mobilenet_v1"])  # the others take minutes to compile on two cores
def test_one_epoch_of_two_steps(
    model: str, demo_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = [
        "train",
        "--config",
        f"{model}_finetune",
        "--data.train",
        str(demo_run / "shapes" / "train.json"),
    ]
    quick = ["--train.epochs", "1", "--train.batch-size", "2", "--schedule.name", "constant"]
    small = ["--schedule.warmup-epochs", "0", "--model.min-scale", "0.1", "--out", str(tmp_path / "run")]
    assert main([*words, *quick, *small]) == 0
    assert "2 steps (0 skipped)" in capsys.readouterr().out
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert read_metadata(checkpoint)["min_scale"] == 0.1
    trained = load_trained(package(), checkpoint, SingleShotConfig())
    assert (trained.name, trained.network.options) == (model, {"min_scale": 0.1})
