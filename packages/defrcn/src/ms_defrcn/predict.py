"""`predict`: what a trained network finds in pictures a user names, as drawn pictures and one JSON file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.draw_predictions import draw_predictions, drawing_paths
from ms_core.data.find_images import find_images
from ms_core.data.prediction_files import check_prediction_files
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.train.config import check_workers
from rich.progress import track

from ms_defrcn.config import DeFRCNConfig

if TYPE_CHECKING:  # imports MindSpore and mmcv, which takes seconds
    from ms_defrcn.detector import Detector


def predict_target(
    target: Path,
    config: DeFRCNConfig,
    inputs: Sequence[str],
    out: Path,
    *,
    min_score: float = 0.5,
    support: str | None = None,
    overwrite: bool = False,
) -> None:
    """Predict with a run folder or checkpoint and print what was found.

    Args:
        target: run folder or checkpoint.
        config: where `pcb.enabled`, scores of novel classes are calibrated by the labelled objects it was trained on.
        inputs: pictures, folders (searched in depth) and glob patterns.
        out: folder of the results.
        min_score: what scores more is shown, 0-1, after calibration.
        support: labelled pictures of the novel classes to calibrate by instead, any data set the core opens; switches
            calibration on.
        overwrite: replace former predictions.

    Raises:
        UserError: no such checkpoint or picture, an unreadable picture, predictions are in `out` already, a novel class
            that the labelled pictures do not show, or a setting out of range.
    """
    check_workers(config.train)
    if not 0 <= min_score <= 1:
        raise UserError(f"--min-score {min_score}: is not within 0-1.")
    images = find_images(inputs, leave_out=out)
    check_prediction_files(out, drawing_paths(images, out), images, overwrite)
    if support is not None:
        config = supported_by(config, support)
    from ms_defrcn.calibration_run import open_calibration
    from ms_defrcn.detector import Detector
    from ms_defrcn.trained import load_trained

    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(target, config)
    calibration, pcb = open_calibration(model, target, config)
    print(pcb)
    detector = Detector(model.network, config, calibration, print)
    counts = predict_images(
        detector, images, model.classes, out, min_score=min_score, workers=config.train.workers
    )
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    pictures = "1 picture" if len(images) == 1 else f"{len(images)} pictures"
    print(f"{pictures}, score > {min_score:g}: {found}; drawn in {out}")


def supported_by(config: DeFRCNConfig, support: str) -> DeFRCNConfig:
    """The configuration with calibration on, by all labelled objects of another data set."""
    fewshot = replace(config.fewshot, shots_from=support, shots=0)
    return replace(
        config,
        fewshot=fewshot,
        data=replace(config.data, images=None, cache=None),  # pictures lie where the support set has them
        pcb=replace(config.pcb, enabled=True),
    )


def predict_images(
    detector: Detector,
    images: Sequence[Path],
    classes: Sequence[str],
    out: Path,
    *,
    min_score: float = 0.0,
    workers: int = 2,
) -> dict[str, int]:
    """Draw what scores more than `min_score` and write predictions.json, see `draw_predictions`; returns detections a
    class.
    """
    from ms_defrcn.detector import detect_all

    def found() -> Iterator[tuple[Path, Detections]]:
        for path, detections in detect_all(detector, images, workers=workers):
            yield path, detections.above(min_score)

    return draw_predictions(track(found(), "predicting", len(images)), images, classes, out)
