"""What a weight file holds, whatever format it came in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.checkpoint.stated_classes import StatedClasses

METADATA_ENTRY = "ms_core.metadata"
"""Name of the string entry of our checkpoints that holds the metadata as JSON."""

TRAINING_PREFIX = "train."
"""Entries of our checkpoints that are training state (optimiser, scaler, averages), not network weights."""

EMA_PREFIX = TRAINING_PREFIX + "ema."
"""Averaged weights inside the training state: `train.ema.<parameter name>`."""


class UnreadableError(Exception):
    """What is wrong with a file's content, without the file's name; `read_weights` adds the name."""


def damaged(what: str) -> UnreadableError:
    """The error for content that no program writes like this."""
    return UnreadableError(f"{what}. The file is damaged or incomplete; get it again.")


@dataclass(frozen=True, eq=False)
class WeightFile:
    """Content of one weight file."""

    arrays: dict[str, np.ndarray]
    """Name -> array, native byte order; may be read-only views. bfloat16 is widened to float32."""
    metadata: dict[str, Any]
    """What `write_checkpoint` stored beside the arrays; empty for files of anybody else."""
    format: str = ""
    """One of ckpt, torch, torch-legacy, pickle, safetensors, npz."""
    path: Path = Path()
    """Where it was read from."""
    texts: dict[str, str] = field(default_factory=dict)
    """Further string entries of a `.ckpt` (MindSpore's append_dict can write them)."""
    classes: StatedClasses = field(default_factory=StatedClasses)
    """What a PyTorch file of OpenMMLab's family states of its classes."""
