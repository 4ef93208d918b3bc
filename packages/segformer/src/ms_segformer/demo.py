"""`demo`: the whole job on small synthetic street scenes, so that a stranger sees in minutes that everything works."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ms_core.errors import UserError
from ms_core.export.options import ExportOptions
from ms_core.segmentation.streets import make_streets

from ms_segformer.config import SegFormerConfig
from ms_segformer.evaluation_run import evaluate_target
from ms_segformer.export import export_target
from ms_segformer.predict import predict_target
from ms_segformer.train import train

TRAIN_IMAGES = 160
VAL_IMAGES = 20
SHOWN_IMAGES = 4


def run_demo(config: SegFormerConfig, out: Path, *, overwrite: bool = False) -> None:
    """Draw scenes, train, evaluate, predict and export, all below `out`; prints mIoU and where to look.

    Raises:
        UserError: `out` holds a former demo and `overwrite` is false.
    """
    started = time.monotonic()
    run, streets = out / "run", out / "streets"
    if run.exists() and not overwrite:
        raise UserError(f"{out}: holds a former demo. Give another --out, or pass --overwrite.")
    print(f"1/5 drawing {TRAIN_IMAGES} training and {VAL_IMAGES} validation street scenes")
    make_streets(streets, train=TRAIN_IMAGES, val=VAL_IMAGES, seed=config.seed)
    config = replace(config, data=replace(config.data, root=streets))
    print(f"2/5 training {config.model.name} from nothing")
    train(config, run, overwrite=overwrite)
    print("3/5 evaluating the best checkpoint")
    metrics = evaluate_target(run, config, "val", None)
    print("4/5 predicting")
    pictures = sorted((streets / "leftImg8bit" / "val").rglob("*.png"))[:SHOWN_IMAGES]
    predict_target(run, config, [str(path) for path in pictures], out / "drawn", overwrite=overwrite)
    print("5/5 exporting")
    options = ExportOptions(out / "exported", overwrite=overwrite)
    (exported,) = export_target(run, config, options)
    print(
        f"done in {timedelta(seconds=round(time.monotonic() - started))}: mIoU: {metrics.miou:.3f}, pixel accuracy "
        f"{metrics.pixel_accuracy:.3f}; exported model {exported.path}; "
        f"look at {run / 'report.html'}"
    )
