"""Weights on disk: read any known format into NumPy, write MindSpore `.ckpt`, load with a coverage report.

Importing this package costs nothing: MindSpore is imported only while a network is being filled.
"""

from ms_core.checkpoint.coverage import LoadReport, require_complete, require_covered
from ms_core.checkpoint.load import load_into
from ms_core.checkpoint.model_card import ModelCard, read_model_card
from ms_core.checkpoint.read import read_weights
from ms_core.checkpoint.sources import NATIVE, WeightSource
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.checkpoint.write import write_checkpoint

__all__ = [
    "NATIVE",
    "LoadReport",
    "ModelCard",
    "WeightFile",
    "WeightSource",
    "load_into",
    "read_model_card",
    "read_weights",
    "require_complete",
    "require_covered",
    "write_checkpoint",
]
