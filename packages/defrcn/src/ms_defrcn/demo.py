"""`demo`: base training, fine-tuning on five objects a class, and what the paper's two ideas change."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Any

from ms_core.atomic import atomic_write
from ms_core.config import load_config
from ms_core.errors import UserError
from ms_core.run_target import checkpoint_of

from ms_defrcn.config import RECIPES, DeFRCNConfig
from ms_defrcn.demo_data import NOVEL_SHAPES, make_demo_data
from ms_defrcn.evaluation_run import Evaluation
from ms_defrcn.finetune import finetune_config
from ms_defrcn.predict import predict_target
from ms_defrcn.train import train

FEWSHOT_RECIPE = "defrcn_r18_demo_fewshot"
SEEDS = (0, 1, 2)
SHOWN_IMAGES = 8
SHOWN_SCORE = 0.7
"""Least score of a detection that is drawn, 0-1, after calibration."""
METRIC = "nAP50"


@dataclass(frozen=True)
class Row:
    """A way to fine-tune and to measure, with its result."""

    decoupled: bool
    """The RoI head's gradient reaches the backbone hardly (GDL); else both heads' gradients do in full."""
    calibrated: bool
    """Scores are mixed with the likeness to the labelled objects (PCB)."""
    scores: tuple[float, ...]
    """AP50 of the novel classes, 0-1, one a seed."""


def run_demo(config: DeFRCNConfig, out: Path, *, overwrite: bool = False) -> list[Row]:
    """Draw shapes, train, fine-tune for three draws with and without GDL, evaluate with and without PCB, predict.

    All goes below `out`; prints the table and where to look.

    Raises:
        UserError: `out` holds a former demo and `overwrite` is false.
    """
    started = time.monotonic()
    base = out / "base"
    if base.exists() and not overwrite:
        raise UserError(f"{out}: holds a former demo. Give another --out, or pass --overwrite.")
    print("1/5 drawing pictures of base and novel shapes")
    shapes = make_demo_data(out / "shapes", seed=config.seed)
    data = replace(config.data, train=str(shapes.base), val=str(shapes.val))
    fewshot = replace(config.fewshot, novel_classes=NOVEL_SHAPES)
    print(f"2/5 base training of {config.model.name} from nothing")
    train(replace(config, data=data, fewshot=fewshot), base, overwrite=overwrite)
    if config.compile_cache == "off":  # the same graphs come again for every draw
        config = replace(config, compile_cache=str(out / "graphs"))
    few = load_config(DeFRCNConfig, recipe=FEWSHOT_RECIPE, recipes=RECIPES)
    few = replace(
        few,
        data=replace(data, train=str(shapes.fewshot)),
        fewshot=replace(few.fewshot, novel_classes=NOVEL_SHAPES),
        compile_cache=config.compile_cache,
        device=config.device,
    )
    rows = _table(base, few, out, overwrite)
    print("5/5 predicting")
    _predict(few, _run_of(out, True, SEEDS[0]), shapes.val, out / "drawn", overwrite)
    _write(rows, out)
    took = timedelta(seconds=round(time.monotonic() - started))
    print(f"done in {took}; pictures in {out / 'drawn'}, numbers in {out / 'demo.json'}")
    return rows


def _table(base: Path, few: DeFRCNConfig, out: Path, overwrite: bool) -> list[Row]:
    """Fine-tune and measure in all four ways."""
    scores: dict[tuple[bool, bool], list[float]] = {}
    for decoupled in (True, False):
        for seed in SEEDS:
            print(
                f"3/5 fine-tuning on {few.fewshot.shots} objects of each of {', '.join(NOVEL_SHAPES)}: "
                f"draw {seed}, {'with' if decoupled else 'without'} GDL"
            )
            run = _run_of(out, decoupled, seed)
            tuned = _finetune(base, few, run, decoupled, seed, overwrite)
            evaluation = Evaluation(run, tuned, "val")
            for calibrated in (False, True):
                print(f"4/5 evaluating, {'with' if calibrated else 'without'} PCB")
                numbers = evaluation.measure(calibrated, None).scalars()
                scores.setdefault((decoupled, calibrated), []).append(numbers[METRIC])
    rows = [Row(*way, tuple(values)) for way, values in scores.items()]
    print("\n".join(table_lines(rows)))
    return rows


def _run_of(out: Path, decoupled: bool, seed: int) -> Path:
    return out / f"fewshot-{'gdl' if decoupled else 'plain'}-seed{seed}"


def _finetune(
    base: Path, few: DeFRCNConfig, run: Path, decoupled: bool, seed: int, overwrite: bool
) -> DeFRCNConfig:
    """Fine-tune into `run`; returns the configuration."""
    if not decoupled:
        few = replace(few, model=replace(few.model, rpn_gradient_scale=1.0, roi_gradient_scale=1.0))
    config = finetune_config(few, checkpoint_of(base), "fsod", few.fewshot.shots, seed)
    train(config, run, overwrite=overwrite)
    return config


def _predict(few: DeFRCNConfig, run: Path, val: Path, out: Path, overwrite: bool) -> None:
    pictures = sorted((val.parent / "images").glob("*val*"))[:SHOWN_IMAGES]
    predict_target(
        run,
        replace(few, pcb=replace(few.pcb, enabled=True), fewshot=replace(few.fewshot, classes="novel")),
        [str(path) for path in pictures],
        out,
        min_score=SHOWN_SCORE,
        overwrite=overwrite,
    )


def table_lines(rows: Sequence[Row]) -> list[str]:
    """AP50 of the novel classes for the four ways, in per cent, one column a draw."""
    seeds = "".join(f"{f'draw {seed}':>9}" for seed in SEEDS)
    lines = [f"AP50 of novel shapes{'':8}{seeds}{'mean':>9}"]
    for row in rows:
        name = f"{'GDL' if row.decoupled else 'no GDL'}, {'PCB' if row.calibrated else 'no PCB'}"
        values = "".join(f"{100 * score:9.1f}" for score in (*row.scores, mean(row.scores)))
        lines.append(f"{name:<28}{values}")
    return lines


def _write(rows: Sequence[Row], out: Path) -> None:
    entries: list[Mapping[str, Any]] = [
        {"gdl": row.decoupled, "pcb": row.calibrated, METRIC: list(row.scores)} for row in rows
    ]
    with atomic_write(out / "demo.json") as file:
        file.write(json.dumps(entries, indent=2) + "\n")
