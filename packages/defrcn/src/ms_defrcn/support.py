"""The labelled objects with which calibration compares what was found: the ones that were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.data.sample import EncodedReader, Sample
from ms_core.errors import UserError

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.stage_data import classes_of, open_shots


@dataclass(frozen=True, eq=False)
class Support:
    """The labelled objects of every novel class."""

    classes: tuple[str, ...]
    """The novel classes."""
    shots: tuple[tuple[Sample, ...], ...]
    """Of each class, its objects, at least one: samples with one box each, in pixels of the picture as it is."""
    encoded: EncodedReader
    """Gives the encoded picture of a sample."""
    source: Path
    """What the objects come from, for messages."""


def support_boxes(config: DeFRCNConfig, novel: Sequence[str] | None = None) -> Support:
    """The same objects that fine-tuning with this configuration sees; with fewshot.shots 0 all in fewshot.shots_from.

    Args:
        config: `fewshot` says where they come from.
        novel: the novel classes of a trained network, instead of the configuration's.

    Raises:
        UserError: no class is novel; a novel class without labelled objects, or with fewer than `fewshot.shots`; else
            as `open_shots`.
    """
    novel = classes_of(config).novel if novel is None else tuple(novel)
    if not novel:
        raise UserError(
            "fewshot: no class is novel, so there is nothing to calibrate. Name them: --fewshot.novel-classes [a, b] "
            "or FILE, or pass --pcb.enabled false."
        )
    shots = open_shots(config, novel)
    return Support(novel, shots.shots, shots.encoded, shots.source)
