"""`ms-ssd benchmark` on runs of seconds."""

import json
from pathlib import Path

import ms_ssd
import numpy as np
import pytest
from ms_core.checkpoint import write_checkpoint
from ms_ssd.cli import main


def test_every_part_is_measured_on_the_data_given(demo_run: Path, tmp_path: Path, capsys):
    data = ["--data.train", str(demo_run / "shapes" / "train.json")]
    words = ["benchmark", "--config", "ssd300_demo", *data, "--train.batch-size", "2", "--steps", "1"]
    assert main([*words, "--out", str(tmp_path / "b.json")]) == 0
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "b.json").read_text())
    assert (result["model"], result["anchors"], result["classes"]) == ("ssd300", 1917, 3)
    assert result["environment"]["packages"]["mindspore"].startswith("2.10")
    assert set(result["parts"]) == {"pipeline", "forward", "postprocess", "train"}
    for part in ("forward", "postprocess", "train"):
        values = result["parts"][part]
        assert 0 < values["fastest"] <= values["median"] <= values["slowest"]
        assert values["calls"] == 1
    assert result["parts"]["train"]["first"] > result["parts"]["train"]["median"]  # it compiles
    assert result["parts"]["pipeline"]["images_per_second"] > 0
    for title in ("input pipeline", "forward, batch 1", "post-processing", "training step"):
        assert title in printed


def test_without_data_it_draws_pictures_and_leaves_none_behind(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    words = ["benchmark", "--config", "ssd300", "--train.batch-size", "2", "--steps", "1"]
    assert main([*words, "--skip", "forward", "postprocess", "train"]) == 0
    printed = capsys.readouterr().out
    assert "80 classes, batch 2, synthetic shapes" in printed
    assert "training step" not in printed
    assert not list(tmp_path.iterdir())


def test_weights_decide_the_padding_as_in_training(demo_run: Path, tmp_path: Path, capsys):
    network = ms_ssd.MODELS["ssd300"](3, "zoo", "torch")
    arrays = {p.name: np.zeros(p.shape, np.float32) for p in network.get_parameters()}
    write_checkpoint(tmp_path / "torch.ckpt", arrays, {"padding": "torch"})
    words = ["benchmark", "--config", "ssd300_demo", "--weights", str(tmp_path / "torch.ckpt")]
    data = ["--data.train", str(demo_run / "shapes" / "train.json"), "--train.batch-size", "2"]
    assert main([*words, *data, "--steps", "1", "--skip", "forward", "postprocess", "train"]) == 0
    assert "input pipeline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--config is missing"),
        (["--config", "ssd300", "--steps", "0"], "--steps 0: at least 1 is needed"),
        (["--config", "ssd300", "--skip", "sleep"], "invalid choice"),
    ],
)
def test_wrong_use_is_said_in_one_line(words: list[str], complaint: str, capsys):
    assert main(["benchmark", *words]) == 2
    errors = capsys.readouterr().err
    assert complaint in errors
    assert errors.count("\n") == 1
