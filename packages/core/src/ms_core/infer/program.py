"""Results of the C++ program for pictures from Python: it is built where that is needed, and run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ms_core.cli import DONE, WRONG_USE
from ms_core.device_choice import parse_device
from ms_core.errors import UserError
from ms_core.export.manifest import Manifest
from ms_core.infer.options import Exported
from ms_core.infer.result_folder import PictureResult, ResultFolder, read_results


def run_on_pictures(
    exported: Exported[Manifest], pictures: Sequence[Path], out: Path, *, device: str, overwrite: bool
) -> ResultFolder:
    """Run the C++ program of the package that exported a model.

    Args:
        exported: the model.
        pictures: files.
        out: folder for result_Files and time_Result, made where it is missing.
        device: `auto|cpu|gpu|ascend[:ID]`; an .om is run on Ascend, else the ONNX file, unless the model says more.
        overwrite: replace former results in `out`.

    Raises:
        UserError: a GPU; what `ms_core.ascend310.run.run_program` raises; no picture was done.
    """
    from ms_core.ascend310.run import run_program

    choice = parse_device(device)
    if choice.target == "GPU":
        raise UserError(f"--device {device}: the C++ program runs on CPU and Ascend. Choose one of them.")
    on_ascend = choice.target == "Ascend"
    runtime = exported.cpp_runtime or ("acl" if on_ascend else "openvino")
    folder = run_program(
        exported.manifest.package,
        exported.folder,
        pictures,
        out,
        runtime=runtime,
        threads=exported.threads,
        device_id=choice.device_id or 0,
        device_type="Ascend" if on_ascend and runtime == "mslite" else None,
        overwrite=overwrite,
    )
    return read_results(folder)


def of_pictures(results: ResultFolder, pictures: Sequence[Path]) -> list[tuple[Path, PictureResult]]:
    """The pictures that the program has done, as they were named, with their results; those it failed on are left out.

    Args:
        results: of `run_on_pictures`, which lists absolute paths.
        pictures: that it was given.
    """
    named = {str(path.absolute()): path for path in pictures}
    return [(named[result.picture], result) for result in results.results]


def exit_code(results: ResultFolder) -> int:
    """Of a run of the C++ program; says what was not done."""
    if results.failures:
        print(f"warning: {results.failure_note()}")
        return WRONG_USE
    return DONE
