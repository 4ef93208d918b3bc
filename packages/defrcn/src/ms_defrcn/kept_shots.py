"""The labelled objects of a fine-tuning, kept in its run folder, so that calibration uses these and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ms_core.config import load_config
from ms_core.data.convert import write_coco
from ms_core.data.sample import DetectionDataset
from ms_core.run_target import config_of_run, run_of

from ms_defrcn.config import RECIPES, DeFRCNConfig

NAME = "shots.json"
"""COCO JSON in the run folder, with the pictures' places relative to it."""


def keep_shots(dataset: DetectionDataset, run: Path) -> None:
    """Write the data of a fine-tuning into its run folder.

    Pictures that are in a cache only cannot be named; then nothing is written, and calibration draws again, by the same
    seed from the same data.
    """
    if not all(sample.path.is_file() for sample in dataset.samples):
        return
    words = f"labelled objects of this fine-tuning, from {dataset.source}"
    write_coco(dataset, run / NAME, run, overwrite=True, description=words)


def with_kept_shots(config: DeFRCNConfig, target: Path) -> DeFRCNConfig:
    """The configuration with the labelled objects that the run of `target` keeps, unless it names other ones.

    Args:
        config: of an evaluation or prediction.
        target: run folder or checkpoint.
    """
    run, file = run_of(target), config_of_run(target)
    if run is None or file is None or not (run / NAME).is_file():
        return config
    trained = load_config(DeFRCNConfig, recipe=file, recipes=RECIPES)
    if _labelled_by(config) != _labelled_by(trained):
        return config
    fewshot = replace(config.fewshot, shots_from=str(run / NAME), shots=0)
    return replace(config, fewshot=fewshot, data=replace(config.data, images=None, cache=None))


def _labelled_by(config: DeFRCNConfig) -> tuple[object, ...]:
    """What says which objects are labelled."""
    fewshot, data = config.fewshot, config.data
    return fewshot.shots, fewshot.shots_seed, fewshot.shots_from, data.train, data.images, data.cache
