"""What a study does with MindSpore, by the same functions as the verbs."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ms_core.checkpoint import read_weights
from ms_core.run_target import checkpoint_of

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.finetune import write_start
from ms_defrcn.published_shots import VOCSPLIT, published_layout, read_vocsplit
from ms_defrcn.stage_data import classes_of, open_labelled, open_stage

Split = Literal["val", "test"]


class RealActions:
    """See `study.Actions`."""

    def check(self, configs: Sequence[DeFRCNConfig], split: Split) -> None:
        """Raise UserError where the calibration network, the data to measure on or the labelled objects are not
        there.
        """
        config = configs[0]
        if config.pcb.enabled and config.pcb.features == "imagenet":
            from ms_defrcn.region_describer import weights_of

            read_weights(weights_of(config.pcb))
        open_stage(config, split)
        _check_shots(configs)

    def surgery(self, base: Path, config: DeFRCNConfig, target: Path) -> None:
        """Write the start of a fine-tuning."""
        write_start(checkpoint_of(base), config, target)

    def train(self, config: DeFRCNConfig, out: Path, *, overwrite: bool, resume: bool) -> None:
        """Train into a run folder."""
        from ms_defrcn.train import train

        train(config, out, overwrite=overwrite, resume=resume)
        gc.collect()  # a graph is freed with the last cell that it was compiled for, and cells form circles

    def evaluate(self, run: Path, config: DeFRCNConfig, split: Split) -> Mapping[str, float]:
        """Numbers by name, 0-1; below 0 where no object can count."""
        from ms_defrcn.evaluation_run import evaluate_target

        numbers = evaluate_target(run, config, split, None).scalars()
        gc.collect()
        return numbers


def _check_shots(configs: Sequence[DeFRCNConfig]) -> None:
    """The labelled objects of fine-tunings that differ in shots and seeds only; a large data set is opened once.

    Raises:
        UserError: as `open_stage`.
    """
    largest = max(configs, key=lambda config: config.fewshot.shots)
    source = largest.fewshot.shots_from
    layout = None if source is None else published_layout(Path(source))
    if source is None or layout is None:  # drawn from one data set, where the largest number decides
        open_stage(largest, "train")
    elif layout is VOCSPLIT:
        dataset, names = open_labelled(largest, "train"), classes_of(largest).names
        for config in configs:
            read_vocsplit(Path(source), names, config.fewshot.shots, config.fewshot.shots_seed, dataset)
    else:  # every number of shots and seed has files of its own, and they hold all that is needed
        for config in configs:
            open_stage(config, "train")
