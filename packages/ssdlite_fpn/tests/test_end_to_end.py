"""The whole job on a handful of synthetic pictures, through the command line, as a user types it."""

import json
from pathlib import Path

from ms_core.checkpoint.read import read_metadata
from ms_ssdlite_fpn.cli import main


def test_checkpoints_know_what_they_hold(run: Path):
    stored = read_metadata(run / "checkpoints" / "best.ckpt")
    assert stored["classes"] == ["circle", "square", "triangle"]
    assert (stored["model"], stored["variant"]) == ("ssdlite_mobilenetv2_fpn", "zoo")


def test_eval_prints_the_coco_lines_and_writes_them(run: Path, tmp_path: Path, capsys):
    assert main(["eval", str(run), "--out", str(tmp_path / "eval")]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" @[ IoU=") == 12
    assert "mAP: 0." in printed
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["images"] == 3


def test_export_agrees_with_the_network(run: Path, tmp_path: Path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "exported")]) == 0
    assert "largest difference from the network" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "exported" / "manifest.json").read_text())
    assert manifest["input"]["shape"] == [1, 3, 320, 320]
