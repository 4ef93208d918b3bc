"""What a study does with MindSpore, by the same functions as the verbs."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ms_core.run_target import checkpoint_of

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.finetune import write_start


class RealActions:
    """See `study.Actions`."""

    def check(self, config: DeFRCNConfig) -> None:
        """Raise UserError where the labelled objects are not there."""
        from ms_defrcn.stage_data import open_stage

        open_stage(config, "train")

    def surgery(self, base: Path, config: DeFRCNConfig, target: Path) -> None:
        """Write the start of a fine-tuning."""
        write_start(checkpoint_of(base), config, target)

    def train(self, config: DeFRCNConfig, out: Path, *, overwrite: bool, resume: bool) -> None:
        """Train into a run folder."""
        from ms_defrcn.train import train

        train(config, out, overwrite=overwrite, resume=resume)
        gc.collect()  # a graph is freed with the last cell that it was compiled for, and cells form circles

    def evaluate(self, run: Path, config: DeFRCNConfig, split: Literal["val", "test"]) -> Mapping[str, float]:
        """Numbers by name, 0-1; below 0 where no object can count."""
        from ms_defrcn.evaluation_run import evaluate_target

        numbers = evaluate_target(run, config, split, None).scalars()
        gc.collect()
        return numbers
