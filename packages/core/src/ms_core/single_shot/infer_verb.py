"""The verb `infer` of a one-stage detector's command.

Nothing here imports MindSpore before the verb runs.
"""

from __future__ import annotations

from argparse import Namespace

from ms_core.cli import Verb
from ms_core.export.manifest import DetectionManifest, Postprocess
from ms_core.infer.detector_verb import DetectorRun, detector_infer_verb
from ms_core.infer.options import Exported
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.package import DetectorPackage


def infer_verb(package: DetectorPackage, purpose: str) -> Verb:
    """`infer` for the command of `package`."""

    def open_run(exported: Exported[DetectionManifest], arguments: Namespace) -> DetectorRun:
        from ms_core.single_shot.infer import InferenceRun

        return InferenceRun(package, exported, arguments.config, arguments)

    return detector_infer_verb(
        package.tool,
        purpose,
        config=SingleShotConfig,
        kind=DetectionManifest,
        settings=_settings,
        open_run=open_run,
    )


def _settings(inside: Postprocess) -> dict[str, object]:
    from ms_core.infer.detections import postprocess_settings

    return postprocess_settings(inside)
