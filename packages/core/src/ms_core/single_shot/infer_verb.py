"""The verb `infer` of a one-stage detector's command.

Nothing here imports MindSpore before the verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial

from ms_core.cli import Verb
from ms_core.recipes import Recipe
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.package import DetectorPackage


def infer_verb(package: DetectorPackage, purpose: str) -> Verb:
    """`infer` for the command of `package`; its configuration starts from the manifest."""
    return Verb(
        help=purpose,
        run=partial(_infer, package),
        add_arguments=_arguments,
        config=SingleShotConfig,
        recipe=_recipe,
        example="{command} exported photo.jpg --runtime onnxruntime --out drawn",
    )


def _arguments(parser: ArgumentParser) -> None:
    from ms_core.infer.options import add_infer_options

    add_infer_options(parser)
    parser.add_argument("--min-score", type=float, default=0.5, help="least score of what is drawn, 0-1")


def _recipe(arguments: Namespace) -> Recipe:
    """What the manifest says of the network and of the selection of boxes."""
    from ms_core.export.manifest import NAME, DetectionManifest
    from ms_core.infer.detections import postprocess_settings
    from ms_core.infer.options import read_any_manifest

    folder, manifest = read_any_manifest(arguments.exported)
    if not isinstance(manifest, DetectionManifest):
        return {}  # refused when the verb runs
    where = str(folder / NAME)
    settings = {
        f"postprocess.{key}": value for key, value in postprocess_settings(manifest.postprocess).items()
    }
    return {key: (value, where) for key, value in {"model.name": manifest.model, **settings}.items()}


def _infer(package: DetectorPackage, arguments: Namespace) -> int:
    from ms_core.data.record_cache import has_split
    from ms_core.export.manifest import DetectionManifest
    from ms_core.infer.options import InferWork, read_exported

    exported = read_exported(arguments, DetectionManifest, package.tool)
    named = has_split(arguments.config.data, arguments.split)
    work = InferWork.of(arguments, named=named, given=f"data.{arguments.split}" in arguments.given)
    from ms_core.single_shot.infer import InferenceRun

    run = InferenceRun(package, exported, arguments.config, arguments)
    return work.do(run.predict, run.evaluate, run.benchmark)
