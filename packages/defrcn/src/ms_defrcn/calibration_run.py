"""Calibration as a command sets it up: from a configuration and a trained network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ms_core.data.record_fingerprint import file_digest
from ms_core.errors import UserError

from ms_defrcn.calibration import Calibration, Describe
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.detector_describer import DetectorDescriber
from ms_defrcn.kept_shots import with_kept_shots
from ms_defrcn.prototypes import cached_prototypes, describer_identity, prototype_folder
from ms_defrcn.region_describer import open_describer, weights_of
from ms_defrcn.support import support_boxes
from ms_defrcn.trained import TrainedModel

OFF = "scores are not calibrated (PCB off)"


def open_calibration(
    model: TrainedModel, target: Path, config: DeFRCNConfig, say: Callable[[str], None] = print
) -> tuple[Calibration | None, str]:
    """What calibrates the scores of the novel classes of a network, and one line that tells of it.

    Args:
        model: what `target` holds.
        target: run folder or checkpoint; the prototypes are kept with it.
        config: sections `pcb`, and `fewshot` and `data`, which name the labelled objects; where they say what the run
            of `target` was trained with, it is those that the run keeps.
        say: told when a graph is about to be compiled.

    Returns:
        None where `pcb.enabled` is false.

    Raises:
        UserError: no novel class, a novel class without labelled objects, no weights of the calibration network or
            wrong ones, or a picture that cannot be read.
    """
    if not config.pcb.enabled:
        return None, OFF
    if not model.novel:
        raise UserError(
            f"{model.checkpoint}: knows no novel class, so there is nothing to calibrate. Pass --pcb off, or name its "
            "novel classes: --fewshot.novel-classes [a, b] or FILE."
        )
    if config.pcb.features == "imagenet":
        weights_of(config.pcb)  # before pictures are read
    support = support_boxes(with_kept_shots(config, target), model.novel)
    describer, identity = _describer(model, config, say)
    prototypes = cached_prototypes(support, identity, prototype_folder(target), describer)
    objects = sum(map(len, support.shots))
    words = (
        f"scores of {len(support.classes)} novel classes are calibrated (PCB on, alpha {config.pcb.alpha:g}) by "
        f"{objects} labelled objects of {support.source}"
    )
    return Calibration(describer, prototypes, model.classes, config.pcb), words


def _describer(model: TrainedModel, config: DeFRCNConfig, say: Callable[[str], None]) -> tuple[Describe, str]:
    """What describes regions, and what makes two of them alike."""
    if config.pcb.features == "imagenet":
        return open_describer(config.pcb, say), describer_identity(
            weights_of(config.pcb), config.pcb.max_side
        )
    side = f"{config.input.test_short_side} {config.input.max_side} {config.input.shapes}"
    identity = f"detector {file_digest(model.checkpoint)} {side}"
    return DetectorDescriber(model.network, config, say), identity
