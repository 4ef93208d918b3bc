"""The verb `infer`.

Nothing here imports MindSpore before the verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial

from ms_core.cli import Verb
from ms_core.data.record_cache import has_split
from ms_core.export.manifest import NAME, Postprocess, TwoStageManifest
from ms_core.infer.options import InferWork, add_infer_options, read_any_manifest, read_exported
from ms_core.recipes import Recipe

from ms_defrcn.config import DeFRCNConfig


def infer_verb(tool: str, purpose: str) -> Verb:
    """`infer` of the command `tool`; its configuration starts from the manifest."""
    return Verb(
        help=purpose,
        run=partial(_infer, tool),
        add_arguments=_arguments,
        config=DeFRCNConfig,
        recipe=_recipe,
        example="{command} exported photo.jpg --runtime onnxruntime --out drawn",
    )


def settings_from(inside: Postprocess) -> dict[str, object]:
    """Key of `PostprocessConfig` -> what a manifest says."""
    return {
        "min_score": inside.min_score,
        "nms_threshold": inside.nms_threshold,
        "max_detections": inside.max_detections,
    }


def _arguments(parser: ArgumentParser) -> None:
    add_infer_options(parser)
    parser.add_argument("--min-score", type=float, default=0.5, help="least score of what is drawn, 0-1")


def _recipe(arguments: Namespace) -> Recipe:
    """What the manifest says of the network and of the selection of boxes."""
    folder, manifest = read_any_manifest(arguments.exported)
    if not isinstance(manifest, TwoStageManifest):
        return {}  # refused when the verb runs
    where = str(folder / NAME)
    settings = {f"postprocess.{key}": value for key, value in settings_from(manifest.postprocess).items()}
    return {key: (value, where) for key, value in {"model.name": manifest.model, **settings}.items()}


def _infer(tool: str, arguments: Namespace) -> int:
    exported = read_exported(arguments, TwoStageManifest, tool)
    named = has_split(arguments.config.data, arguments.split)
    work = InferWork.of(arguments, named=named, given=f"data.{arguments.split}" in arguments.given)
    from ms_defrcn.infer import InferenceRun

    run = InferenceRun(exported, arguments.config, arguments)
    return work.do(run.predict, run.evaluate, run.benchmark)
