"""`export` of every package: the asked formats of one graph, each proven to compute what the network computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mindspore import nn

from ms_core.ascend310.deployment import remove_other_deployment_files, write_deployment_files
from ms_core.cli import refuse_overwrite
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption
from ms_core.export.manifest import (
    NAME,
    AnyManifest,
    Dtype,
    Format,
    ModelFile,
    TensorSpec,
    file_sha256,
    read_manifest,
    write_manifest,
)
from ms_core.export.mindir import export_air, export_mindir
from ms_core.export.options import ExportOptions
from ms_core.export.reload import Arrays, run_in_new_process
from ms_core.export.staging import staged_folder
from ms_core.export.verify import Agreement, check_agreement, network_outputs


@dataclass(frozen=True, eq=False)
class Graph:
    """What is exported, and what it is tried on."""

    network: nn.Cell
    """construct(*inputs) -> one tensor or a tuple of them."""
    inputs: tuple[TensorSpec, ...]
    """The pictures first. A first length of None: any number of pictures."""
    outputs: tuple[str, ...]
    """Names of the outputs, in order."""
    sample: Arrays
    """One array an input, of its type and shape; any number of pictures where the batch is None."""
    agreement: Agreement = check_agreement
    """How a file's outputs are compared with the network's."""
    while_written: Callable[[], AbstractContextManager[None]] = nullcontext
    """Context in which the network is written; what it changes is seen by the files only. What they are compared with
    is computed outside."""

    @property
    def any_batch(self) -> bool:
        """Whether the graph takes any number of pictures."""
        return self.inputs[0].shape[0] is None


@dataclass(frozen=True)
class ExportedFile:
    """What was written, and how well it agrees."""

    path: Path
    difference: float | None
    """Largest absolute difference of any output between the reloaded file and the network; None: nothing here can
    read the file."""
    read_by: str
    """Who read it again, in words."""
    opset: int | None = None
    """Of an ONNX file."""

    def __str__(self) -> str:
        if self.difference is None:
            return f"{self.path}: written, not compared: {self.read_by}"
        return f"{self.path}: {self.read_by}, largest difference from the network {self.difference:.1e}"


Describe = Callable[[tuple[ModelFile, ...], tuple[TensorSpec, ...]], AnyManifest]
"""(files, outputs) -> the manifest."""


def export_files(graph: Graph, name: str, options: ExportOptions, describe: Describe) -> list[ExportedFile]:
    """Write NAME.mindir, NAME.onnx, ..., manifest.json and the files for Ascend made from it, all or none; then print
    what was proven.

    Args:
        graph: what is exported.
        name: of the files, without suffix.
        options: formats, folder, encryption.
        describe: makes the manifest, e.g. a `DetectionManifest` whose other entries are filled in.

    Returns:
        One entry a format, in the order in which they were asked for.

    Raises:
        RuntimeError: a reloaded file differs from the network by more than 1e-4.
        UserError: a model is in the folder already, or the network cannot be exported like this.
    """
    targets = [options.out / f"{name}.{form}" for form in options.formats]
    refuse_overwrite([options.out / NAME, *targets], options.overwrite)
    former = _former_files(options.out)
    print(f"exporting {name} as {', '.join(options.formats)}: {_in_words(graph)}")
    expected = network_outputs(graph.network, graph.sample)
    with staged_folder(options.out, last=NAME) as folder:
        written = _export(graph, expected, folder, targets, options)
        files = tuple(_model_file(folder, file, options.encryption) for file in written)
        manifest = describe(files, _output_specs(graph, expected))
        write_manifest(manifest, folder)
        deployment = [path.name for path in write_deployment_files(manifest, folder)]
    for left in former - {target.name for target in targets}:
        (options.out / left).unlink(missing_ok=True)
    remove_other_deployment_files(options.out, deployment)
    for file in written:
        print(file)
    return written


def _in_words(graph: Graph) -> str:
    """What goes in and comes out, e.g. "images float32 [1, 3, 300, 300] -> boxes, scores"."""
    taken = (f"{spec.name} {spec.dtype} {list(spec.shape)}".replace("None", "any") for spec in graph.inputs)
    return f"{', '.join(taken)} -> {', '.join(graph.outputs)}"


def _former_files(folder: Path) -> set[str]:
    """Names of the model files of an earlier export, which the new manifest will not name."""
    try:
        return {file.name for file in read_manifest(folder, formats=()).files}
    except UserError:  # none, or one whose files are anybody's
        return set()


def _export(
    graph: Graph, expected: Arrays, folder: Path, targets: Sequence[Path], options: ExportOptions
) -> list[ExportedFile]:
    """Write files into `folder` and check them; `targets` is where they will be."""
    formats = {target.suffix for target in targets}
    mindir = folder / targets[0].with_suffix(".mindir").name
    if formats & {".mindir", ".onnx"}:  # ONNX is made from MINDIR
        _write_mindir(graph, mindir, options.encryption)
    written = [_export_one(graph, expected, mindir, target, options.encryption) for target in targets]
    if ".mindir" not in formats:
        mindir.unlink(missing_ok=True)
    return written


def _export_one(
    graph: Graph, expected: Arrays, mindir: Path, target: Path, encryption: Encryption | None
) -> ExportedFile:
    if target.suffix == ".onnx":
        return _export_onnx(graph, expected, mindir, target)
    if target.suffix == ".air":
        return _export_air(graph, mindir, target)
    found = run_in_new_process(mindir, _calls(graph, graph.sample), encryption)
    return ExportedFile(target, _compare(graph, target, expected, found), "reloaded in a new process")


def _export_onnx(graph: Graph, expected: Arrays, mindir: Path, target: Path) -> ExportedFile:
    from ms_core.export.onnx.writer import write_onnx
    from ms_core.export.verify_onnx import run_onnx

    path = mindir.with_name(target.name)
    names = [spec.name for spec in graph.inputs]
    written = write_onnx(mindir, path, inputs=names, outputs=graph.outputs, dynamic_batch=graph.any_batch)
    found = [run_onnx(path, *arrays) for arrays in _calls(graph, graph.sample)]
    difference = _compare(graph, target, expected, found)
    return ExportedFile(target, difference, "run by ONNX Runtime", written.opset)


def _export_air(graph: Graph, mindir: Path, target: Path) -> ExportedFile:
    shapes, dtypes = [spec.shape for spec in graph.inputs], [spec.dtype for spec in graph.inputs]
    with graph.while_written():
        export_air(graph.network, shapes[0], mindir.with_name(target.name), *shapes[1:], dtypes=dtypes)
    return ExportedFile(target, None, "only Ascend's own tools read AIR")


def _write_mindir(graph: Graph, path: Path, encryption: Encryption | None) -> None:
    shapes, dtypes = [spec.shape for spec in graph.inputs], [spec.dtype for spec in graph.inputs]
    try:
        with graph.while_written():
            export_mindir(graph.network, shapes[0], path, *shapes[1:], dtypes=dtypes, encryption=encryption)
    except (RuntimeError, ValueError, TypeError) as error:
        if not graph.any_batch:
            raise
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"--batch-size dynamic: MindSpore cannot export this network for any number of pictures ({reason}). "
            "Give a number."
        ) from error


def _calls(graph: Graph, arrays: Arrays) -> list[Arrays]:
    """One call with all pictures; of a graph that takes any number also one with the first alone."""
    return [arrays, tuple(array[:1] for array in arrays)] if graph.any_batch else [arrays]


def _compare(graph: Graph, path: Path, expected: Arrays, found: Sequence[Arrays]) -> float:
    calls = zip(_calls(graph, expected), found, strict=True)
    return max(graph.agreement(path, ours, theirs) for ours, theirs in calls)


def _model_file(folder: Path, file: ExportedFile, encryption: Encryption | None) -> ModelFile:
    return ModelFile(
        format=cast(Format, file.path.suffix.removeprefix(".")),
        name=file.path.name,
        sha256=file_sha256(folder / file.path.name),
        encrypted=encryption is not None,
        opset=file.opset,
    )


def _output_specs(graph: Graph, expected: Arrays) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=name,
            shape=(None, *array.shape[1:]) if graph.any_batch else array.shape,
            dtype=cast(Dtype, str(array.dtype)),
        )
        for name, array in zip(graph.outputs, expected, strict=True)
    )
