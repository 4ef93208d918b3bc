"""The options of `infer`, and the exported model they name.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ms_core.errors import UserError
from ms_core.export.encryption import MODES, Encryption, read_encryption
from ms_core.export.manifest import NAME, AnyManifest, Manifest, read_manifest
from ms_core.infer.runtimes import FORMATS, RUNTIMES, InferenceSession, open_model

Kind = TypeVar("Kind", bound=Manifest, covariant=True)

CPP = "cpp"
"""The runtime that is a C++ program."""
CPP_RUNTIMES = ("openvino", "mslite", "acl")
"""What that program can compute with."""


@dataclass(frozen=True)
class Exported(Generic[Kind]):
    """An exported model and how it is to be run."""

    folder: Path
    """That `export` wrote."""
    manifest: Kind
    """What lies in it."""
    runtime: str
    """One of `RUNTIMES`, or `CPP`."""
    threads: int | None = None
    """Of the runtime, on the CPU; None: its own choice."""
    encryption: Encryption | None = None
    """Of a MINDIR file."""
    cpp_runtime: str | None = None
    """What the C++ program computes with; None: what suits the device."""

    def open(self, device: str) -> InferenceSession:
        """Load it; see `open_model`."""
        return open_model(
            self.folder,
            self.manifest,
            self.runtime,
            device=device,
            threads=self.threads,
            encryption=self.encryption,
        )

    @property
    def name(self) -> str:
        """For folders of results: the export folder and the runtime."""
        return f"{self.folder.absolute().name}-{self.runtime}"


def add_infer_options(parser: ArgumentParser, splits: Sequence[str] = ("val", "test")) -> None:
    """What is run, by what, on what, and where the results go."""
    parser.add_argument(
        "exported", type=Path, metavar="EXPORTED", help="folder that `export` wrote, or a model file in one"
    )
    parser.add_argument(
        "inputs", nargs="*", metavar="PICTURE", help="files, folders and patterns; without any, a data set"
    )
    parser.add_argument(
        "--runtime",
        choices=(*RUNTIMES, CPP),
        help="what computes it; cpp: the C++ program of the Ascend 310 (default: mindspore for MINDIR, else "
        "onnxruntime)",
    )
    parser.add_argument(
        "--cpp-runtime",
        choices=CPP_RUNTIMES,
        help="what the C++ program computes with (default: acl on Ascend, else openvino)",
    )
    parser.add_argument("--split", choices=tuple(splits), default="val", help="which part of the data set")
    parser.add_argument("--out", type=Path, help="folder for the results; pictures need one")
    parser.add_argument(
        "--benchmark", type=int, metavar="N", help="measure the latency of N calls of the model"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="threads of the runtime, on the CPU")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="key of an encrypted MINDIR file")
    parser.add_argument("--key-mode", choices=MODES, help=f"its cipher (default {MODES[0]})")
    parser.add_argument("--overwrite", action="store_true", help="replace former results in --out")


def read_exported(arguments: Namespace, kind: type[Kind], tool: str) -> Exported[Kind]:
    """The model that the options name; no file of it is opened yet.

    Args:
        arguments: of `add_infer_options`.
        kind: manifests that the command reads.
        tool: the command, such as `ms-ssd`.

    Raises:
        UserError: no or a damaged manifest, a model of another command, options that contradict each other, or a key
            that cannot be used.
    """
    folder, manifest = read_any_manifest(arguments.exported)
    _refuse_contradictions(arguments)
    if not isinstance(manifest, kind) or manifest.package != tool:
        raise UserError(f"{folder}: was exported by {manifest.package}. Use {manifest.package} infer.")
    return Exported(
        folder,
        manifest,
        _runtime(arguments, manifest),
        arguments.threads,
        _encryption(arguments),
        arguments.cpp_runtime,
    )


def _refuse_contradictions(arguments: Namespace) -> None:
    """Raise UserError where an option would be ignored."""
    by_program = arguments.runtime == CPP
    if by_program and arguments.key_file is not None:
        raise UserError("--key-file: the C++ program reads no encrypted models. Choose another --runtime.")
    if not by_program and arguments.cpp_runtime is not None:
        raise UserError(f"--cpp-runtime {arguments.cpp_runtime}: is of the C++ program. Add --runtime cpp.")


def read_any_manifest(path: Path) -> tuple[Path, AnyManifest]:
    """The export folder that `path` is, or holds the model file that it is, and what lies in it.

    Raises:
        UserError: no such folder or file, no manifest, or the file is not the manifest's.
    """
    if not path.exists():
        raise UserError(f"{path.absolute()}: no such folder or file. Name a folder that `export` wrote.")
    folder = path if path.is_dir() else path.parent
    manifest = read_manifest(folder, formats=())
    if path.is_file() and path.name not in (NAME, *(file.name for file in manifest.files)):
        raise UserError(
            f"{path}: {NAME} beside it is of {', '.join(file.name for file in manifest.files)}. Name one of these, "
            "or export the model again."
        )
    return folder, manifest


@dataclass(frozen=True)
class InferWork:
    """What one call of `infer` does."""

    predict: bool
    """Draw what is found in pictures."""
    evaluate: bool
    """Measure on a data set."""
    benchmark: bool
    """Measure the latency."""

    @classmethod
    def of(cls, arguments: Namespace, *, named: bool, given: bool) -> InferWork:
        """Read it off the options.

        Args:
            arguments: of `add_infer_options`.
            named: whether the configuration names the data set of `--split`.
            given: whether an option does; one of a configuration file waits where latency alone is asked for.

        Raises:
            UserError: nothing to do, pictures and a data set, pictures without `--out`, or a benchmark that cannot be.
        """
        predict, benchmark = bool(arguments.inputs), arguments.benchmark is not None
        if benchmark and arguments.benchmark < 1:
            raise UserError(f"--benchmark {arguments.benchmark}: at least 1 call is needed.")
        if benchmark and arguments.runtime == CPP:
            raise UserError(
                "--benchmark: the C++ program measures itself, see time_Result in --out. Leave it away."
            )
        if predict and given:
            raise UserError(
                "both PICTURES and a data set are named. Leave one away: pictures are drawn, a data set is measured."
            )
        if not (predict or named or benchmark):
            raise UserError("nothing to run on. Name pictures, a data set (--data.val ...) or --benchmark N.")
        if predict and arguments.out is None:
            raise UserError("--out is missing: the folder for the pictures and predictions.json.")
        return cls(predict, not predict and (given or (named and not benchmark)), benchmark)

    def do(
        self, predict: Callable[[], int], evaluate: Callable[[], int], benchmark: Callable[[], int]
    ) -> int:
        """Do it; returns the exit code, that of the first part that did not go well."""
        parts = ((self.predict, predict), (self.evaluate, evaluate), (self.benchmark, benchmark))
        codes = [part() for wanted, part in parts if wanted]
        return next((code for code in codes if code), 0)


def _runtime(arguments: Namespace, manifest: Manifest) -> str:
    """The one asked for, or the first that reads what there is.

    Raises:
        UserError: another one than reads the file that was named.
    """
    path: Path = arguments.exported
    named: list[str] = [file.format for file in manifest.files if path.is_dir() or file.name == path.name]
    formats = named or list(manifest.formats)  # the manifest itself was named
    fitting = [name for name in RUNTIMES if FORMATS[name] in formats]
    chosen: str | None = arguments.runtime
    if chosen is None:
        if not fitting:
            raise UserError(
                f"{path}: {', '.join(formats)} cannot be run from Python. Export onnx or mindir as well."
            )
        return fitting[0]
    if chosen != CPP and path.is_file() and chosen not in fitting:
        would = " and ".join(fitting) or "no runtime here"
        raise UserError(f"--runtime {chosen}: does not read {path}; {would} would.")
    return chosen


def _encryption(arguments: Namespace) -> Encryption | None:
    if arguments.key_file is None and arguments.key_mode is not None:
        raise UserError(f"--key-mode {arguments.key_mode}: the key is missing. Add --key-file FILE.")
    return read_encryption(arguments.key_file, arguments.key_mode)
