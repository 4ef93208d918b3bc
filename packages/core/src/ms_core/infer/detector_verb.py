"""The verb `infer` of a detector's command.

Nothing here imports MindSpore before the verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from ms_core.cli import Verb
from ms_core.data.record_cache import has_split
from ms_core.export.manifest import NAME, DetectionManifest, Postprocess
from ms_core.infer.options import Exported, InferWork, add_infer_options, read_any_manifest, read_exported
from ms_core.recipes import Recipe
from ms_core.verb_options import score

Detecting = TypeVar("Detecting", bound=DetectionManifest)


class DetectorRun(Protocol):
    """One call of `infer`; each part returns the exit code."""

    def predict(self) -> int: ...
    def evaluate(self) -> int: ...
    def benchmark(self) -> int: ...


def detector_infer_verb(
    tool: str,
    purpose: str,
    *,
    config: type,
    kind: type[Detecting],
    settings: Callable[[Postprocess], Mapping[str, object]],
    open_run: Callable[[Exported[Detecting], Namespace], DetectorRun],
) -> Verb:
    """`infer`, whose configuration starts from the manifest.

    Args:
        tool: the command, such as `ms-ssd`.
        purpose: one line for `--help`.
        config: of the package.
        kind: manifests that it reads.
        settings: key of section `postprocess` -> what a manifest says.
        open_run: does the work; may import MindSpore.
    """

    def recipe(arguments: Namespace) -> Recipe:
        folder, manifest = read_any_manifest(arguments.exported)
        if not isinstance(manifest, kind):
            return {}  # refused when the verb runs
        where = str(folder / NAME)
        said = {f"postprocess.{key}": value for key, value in settings(manifest.postprocess).items()}
        return {key: (value, where) for key, value in {"model.name": manifest.model, **said}.items()}

    def run(arguments: Namespace) -> int:
        exported = read_exported(arguments, kind, tool)
        named = has_split(arguments.config.data, arguments.split)
        work = InferWork.of(arguments, named=named, given=f"data.{arguments.split}" in arguments.given)
        opened = open_run(exported, arguments)
        return work.do(opened.predict, opened.evaluate, opened.benchmark)

    return Verb(
        help=purpose,
        run=run,
        add_arguments=_arguments,
        config=config,
        recipe=recipe,
        example="{command} exported photo.jpg --runtime onnxruntime --out drawn",
    )


def _arguments(parser: ArgumentParser) -> None:
    add_infer_options(parser)
    parser.add_argument("--min-score", type=score, default=0.5, help="least score of what is drawn, 0-1")
