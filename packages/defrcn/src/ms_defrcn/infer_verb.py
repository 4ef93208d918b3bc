"""The verb `infer`.

Nothing here imports MindSpore before the verb runs.
"""

from __future__ import annotations

from argparse import Namespace

from ms_core.cli import Verb
from ms_core.export.manifest import Postprocess, TwoStageManifest
from ms_core.infer.detector_verb import DetectorRun, detector_infer_verb
from ms_core.infer.options import Exported

from ms_defrcn.config import DeFRCNConfig


def infer_verb(tool: str, purpose: str) -> Verb:
    """`infer` of the command `tool`."""
    return detector_infer_verb(
        tool, purpose, config=DeFRCNConfig, kind=TwoStageManifest, settings=settings_from, open_run=_open_run
    )


def settings_from(inside: Postprocess) -> dict[str, object]:
    """Key of `PostprocessConfig` -> what a manifest says."""
    return {
        "min_score": inside.min_score,
        "nms_threshold": inside.nms_threshold,
        "max_detections": inside.max_detections,
    }


def _open_run(exported: Exported[TwoStageManifest], arguments: Namespace) -> DetectorRun:
    from ms_defrcn.infer import InferenceRun

    return InferenceRun(exported, arguments.config, arguments)
