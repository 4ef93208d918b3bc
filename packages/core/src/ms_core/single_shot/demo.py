"""`demo`: the whole job on a small synthetic set, so that a stranger sees in minutes that everything works."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ms_core.data.synthetic import ShapesSet, make_shapes
from ms_core.errors import UserError
from ms_core.export.options import ExportOptions
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.evaluation_run import evaluate_target
from ms_core.single_shot.export import export_target
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.predict import predict_target
from ms_core.single_shot.train import train

TRAIN_IMAGES = 160
VAL_IMAGES = 40
SHOWN_IMAGES = 4
SHOWN_SCORE = 0.5
"""Least score of a detection that is drawn, 0-1; evaluation takes them all."""


def run_demo(
    package: DetectorPackage, config: SingleShotConfig, out: Path, *, overwrite: bool = False
) -> None:
    """Make pictures, train, evaluate, predict and export, all below `out`; prints mAP and where to look.

    Raises:
        UserError: `out` holds a former demo and `overwrite` is false.
    """
    started = time.monotonic()
    _refuse_former_demo(out, overwrite)
    print(f"1/5 drawing {TRAIN_IMAGES} training and {VAL_IMAGES} validation pictures of coloured shapes")
    shapes = make_shapes(out / "shapes", train=TRAIN_IMAGES, val=VAL_IMAGES, seed=config.seed)
    config = replace(config, data=replace(config.data, train=str(shapes.train), val=str(shapes.val)))
    run = out / "run"
    print(f"2/5 training {config.model.name} from nothing")
    train(package, config, run, overwrite=overwrite)
    print("3/5 evaluating the best checkpoint")
    metrics = evaluate_target(package, run, config, "val", None)
    print("4/5 predicting")
    shown = replace(config, postprocess=replace(config.postprocess, min_score=SHOWN_SCORE))
    predict_target(package, run, shown, _some_pictures(shapes), out / "drawn", overwrite=overwrite)
    print("5/5 exporting")
    options = ExportOptions(out / "exported", overwrite=overwrite)
    (exported,) = export_target(package, run, config, options)
    print(
        f"done in {timedelta(seconds=round(time.monotonic() - started))}: mAP: {metrics.ap:.3f}, "
        f"AP50: {metrics.ap50:.3f}; exported model {exported.path}; "
        f"look at {run / 'report.html'}"
    )


def _refuse_former_demo(out: Path, overwrite: bool) -> None:
    if (out / "run").exists() and not overwrite:
        raise UserError(f"{out}: holds a former demo. Give another --out, or pass --overwrite.")


def _some_pictures(shapes: ShapesSet) -> list[str]:
    pictures = sorted(shapes.images.rglob("*val*")) or sorted(shapes.images.rglob("*.jpg"))
    return [str(path) for path in pictures[:SHOWN_IMAGES]]
