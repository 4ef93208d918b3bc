"""Running a package's C++ program on an exported model."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ms_core.ascend310.build import build_program
from ms_core.errors import Interrupted, UserError
from ms_core.export.manifest import NAME, read_manifest

RESULTS, TIMES = "result_Files", "time_Result"
"""Folders that the program writes, in `out`."""
_INDEX = "index.jsonl"
_PREFIX = "error: "
_CONVERTED = {"mslite": ("*_310.mindir", "*.ms"), "acl": ("*.om",)}
"""Files of models that were converted after the export, best first."""


def run_program(
    package: str | Path,
    exported: Path,
    pictures: Path | Sequence[Path],
    out: Path,
    *,
    runtime: str = "openvino",
    threads: int | None = None,
    device_id: int = 0,
    device_type: str | None = None,
    overwrite: bool = False,
    options: Sequence[str] = (),
) -> Path:
    """Build the program where that is needed and run it; its messages appear on stderr as they come.

    Pictures that cannot be read do not stop it: they have a line with the reason in the index.

    Args:
        package: `ms-ssd`, or a folder with main.cc.
        exported: folder that `export` wrote; for mslite and acl with the converted model in it or in `ascend/`.
        pictures: a folder, a .txt list, or files.
        out: folder for `RESULTS` and `TIMES`; made where it is not there.
        runtime: openvino, mslite or acl.
        threads: of the CPU; None: the runtime's own choice.
        device_id: of the Ascend device.
        device_type: CPU or Ascend; None: what the runtime does without the flag.
        overwrite: replace former results in `out`.
        options: further flags of the program.

    Returns:
        The folder with NAME_0.bin, ... and index.jsonl.

    Raises:
        UserError: wrong use or bad input, in the program's words, and no picture was done.
        RuntimeError: the device, the disk or a library failed, in the program's words.
        Interrupted: the program was stopped by a signal.
    """
    model = _model_file(exported, runtime)
    program = build_program(package, [runtime])
    results = out / RESULTS
    flags: dict[str, object] = {
        "model_path": model,
        "manifest": exported / NAME,
        "result_path": results,
        "time_path": out / TIMES,
        "device_id": device_id,
        "threads": threads,
        "device_type": device_type,
    }
    words = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    command = [str(program), *words, *options, *(["--overwrite"] if overwrite else [])]
    with _dataset(pictures) as dataset:
        code, message = _run([*command, f"--dataset_path={dataset}"])
    _raise_for(code, message, results)
    return results


def _model_file(exported: Path, runtime: str) -> Path:
    """What the runtime loads of an export folder."""
    if runtime not in _CONVERTED:
        return exported / read_manifest(exported, formats=["onnx"]).file("onnx").name
    for pattern in _CONVERTED[runtime]:
        found = sorted({*exported.glob(pattern), *(exported / "ascend").glob(pattern)})
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"{exported}: {len(found)} models for {runtime} ({found[0].name}, ...). Leave one there."
            )
    raise UserError(
        f"{exported}: no model for {runtime} ({' or '.join(_CONVERTED[runtime])}), here or in ascend/. "
        "Convert the exported one; ascend/ holds the configuration."
    )


@contextmanager
def _dataset(pictures: Path | Sequence[Path]) -> Iterator[Path]:
    """What --dataset_path names: the folder or list itself, or a list made for the time of the run."""
    if isinstance(pictures, Path) and (pictures.is_dir() or pictures.suffix.lower() == ".txt"):
        yield pictures
        return
    files = [pictures] if isinstance(pictures, Path) else pictures
    if not files:
        raise UserError("no pictures were given.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.txt"
        path.write_bytes(b"".join(bytes(file.absolute()) + b"\n" for file in files))
        yield path


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Exit code and the last line that names an error."""
    last = [""]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        reader = threading.Thread(target=_pass_on, args=(process.stderr, last))
        reader.start()
        try:
            code = wait_or_stop(process)
        finally:
            reader.join()
    return code, last[0]


def wait_or_stop(process: subprocess.Popen[Any]) -> int:
    """Exit code of the program; a KeyboardInterrupt stops it, and comes when it has written the index of what is done.

    A terminal sends Ctrl-C to the program as well, `kill` does not; to be told twice does it no harm.
    """
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def _pass_on(lines: IO[str], last: list[str]) -> None:
    """Write the program's stderr to ours, but for the last word of one that failed, which becomes the exception."""
    for line in lines:
        if line.startswith(_PREFIX):
            last[0] = line.removeprefix(_PREFIX).strip()
        else:
            sys.stderr.write(line)


def _raise_for(code: int, message: str, results: Path) -> None:
    if code == 0 or (code == 2 and not message and (results / _INDEX).is_file()):
        return
    if code == 2:
        raise UserError(message or "the program refused, without a word.")
    if code == 130:
        raise Interrupted(f"the program was stopped; {results / _INDEX} lists what was done.")
    if code < 0:
        raise RuntimeError(f"the program was killed by signal {-code}. {message}".rstrip())
    raise RuntimeError(message or f"the program ended with exit code {code}.")
