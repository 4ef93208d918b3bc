"""The verb `benchmark`, quick parts only."""

import json
from pathlib import Path

import pytest
from ms_segformer.cli import main


def test_it_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture):
    words = ["--config", "segformer_b0_demo", "--input.crop", "[64,64]", "--train.batch-size", "1"]
    out = tmp_path / "benchmark.json"
    assert main(["benchmark", *words, "--steps", "1", "--skip", "train", "--out", str(out)]) == 0
    assert "segformer_b0, 64x64, 19 classes" in capsys.readouterr().out
    result = json.loads(out.read_text())
    assert set(result["parts"]) == {"pipeline", "metrics", "forward"}
    assert result["parts"]["forward"]["median"] > 0


def test_it_needs_a_network(capsys: pytest.CaptureFixture):
    assert main(["benchmark"]) == 2
    assert "--config is missing: a recipe (segformer_b0_1024x1024" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["workers", "batch-size"])
def test_settings_of_training_are_checked(setting: str, capsys: pytest.CaptureFixture):
    assert main(["benchmark", "--config", "segformer_b0_demo", f"--train.{setting}", "0"]) == 2
    assert f"train.{setting.replace('-', '_')}: 0 is below 1." in capsys.readouterr().err
