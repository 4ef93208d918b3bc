"""What a person looks at after a run: figures, the folder of an evaluation, one page about everything.

matplotlib is an extra and is imported when a figure is made.
"""

from ms_core.report.evaluation import (
    class_ap_figure,
    confusion_figure,
    precision_recall_figure,
    threshold_figure,
)
from ms_core.report.page import write_report
from ms_core.report.training import training_figure

__all__ = [
    "class_ap_figure",
    "confusion_figure",
    "precision_recall_figure",
    "threshold_figure",
    "training_figure",
    "write_report",
]
