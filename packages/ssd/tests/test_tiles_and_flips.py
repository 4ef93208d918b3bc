"""Tiles and mirrored looks through the command line, with a real network."""

import json
from pathlib import Path

from ms_ssd.cli import main


def predictions(run: Path, picture: Path, out: Path, *options: str) -> list[dict]:
    words = ["predict", str(run), str(picture), "--out", str(out), "--min-score", "0.05", *options]
    assert main(words) == 0
    (entry,) = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    return entry["detections"]


def test_predict_looks_at_tiles_and_mirrored_pictures(demo_run: Path, tmp_path: Path):
    """A barely trained network finds little, but more looks give it other candidates, and all boxes fit the picture."""
    picture = next((demo_run / "shapes").rglob("*.jpg"))
    run = demo_run / "run"
    plain = predictions(run, picture, tmp_path / "plain")
    for name, options in {"tiles": ["--inference.tile", "200"], "flip": ["--inference.flip", "true"]}.items():
        found = predictions(run, picture, tmp_path / name, *options)
        assert found != plain
        for detection in found:
            x0, y0, x1, y1 = detection["box"]
            assert -0.01 <= x0 <= x1 <= 320.01
            assert -0.01 <= y0 <= y1 <= 320.01


def test_eval_takes_them_too(run: Path, tmp_path: Path):
    options = ["--inference.flip", "true", "--postprocess.class-agnostic", "true"]
    assert main(["eval", str(run), "--out", str(tmp_path / "plain")]) == 0
    assert main(["eval", str(run), "--out", str(tmp_path / "looks"), *options]) == 0
    plain, looks = (
        json.loads((tmp_path / name / "predictions.json").read_text()) for name in ("plain", "looks")
    )
    assert plain != looks
    boxes = [(entry["image_id"], *entry["bbox"]) for entry in looks]
    assert len(boxes) == len(set(boxes))  # each box once, whatever its class
