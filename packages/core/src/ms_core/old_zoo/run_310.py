"""`run_infer_310.sh` and `run_infer_cpp.sh`: build the C++ program, run it on pictures, measure what it found.

The old scripts started the measuring in the background and lost its exit code; here everything runs in the foreground.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ms_core.ascend310.aipp import YUV, aipp_files
from ms_core.ascend310.deployment import FOLDER
from ms_core.cli import DONE, FAILED, WRONG_USE, termination_as_interrupt
from ms_core.errors import UserError
from ms_core.export.manifest import (
    NAME,
    AnyManifest,
    DetectionManifest,
    TwoStageManifest,
    read_manifest,
)
from ms_core.old_zoo.calls import Call, split_flags
from ms_core.old_zoo.processes import Process, run_in_foreground
from ms_core.old_zoo.scripts_310 import RESULTS_310

TIMES, LOG = "time_Result", Path("acc.log")
INDEX = "index.jsonl"
RUNTIMES = {".om": "acl", ".onnx": "openvino", ".mindir": "mslite", ".ms": "mslite"}
"""Suffix of a model -> what computes it in the C++ program."""
_ON_CPU = "openvino"
_OLD_DEFRCN_SIZE = "1280", "768"
"""Width and height where the words of the old script named none."""


@dataclass(frozen=True)
class Plan:
    """What a script comes to."""

    manifest: AnyManifest
    runtime: str
    """One of `RUNTIMES`."""
    program: tuple[str, ...]
    """Flags of the C++ program."""
    measure: tuple[str, ...]
    """Words of our command that measures the results; none where nothing says what is in the pictures."""
    notes: tuple[str, ...] = ()
    """What somebody should know who runs it."""


def infer(call: Call, environment: Mapping[str, str]) -> int:
    """Build, run and measure.

    Returns:
        The exit code of the program, else of the measuring, which is done even where some pictures failed.

    Raises:
        UserError: no manifest or other model, a device or size that does not fit it, or a program that cannot be built.
    """
    plan = plan_of(call, environment)
    for note in plan.notes:
        print(f"note: {note}.")
    print(shlex.join([program_name(call.package), *plan.program]))
    if plan.measure:
        print(shlex.join([call.package, *plan.measure]))
    if environment.get("MS_OLD_ZOO_DRY_RUN") == "1":
        return DONE
    before = _index_state()
    code = _run_program(call.package, plan)
    if code not in (DONE, WRONG_USE) or _index_state() in (
        None,
        before,
    ):  # a refusal leaves former results alone
        return code or FAILED
    if not plan.measure:
        print(f"results in {RESULTS_310}; name annotations to measure them")
        return code
    command = (sys.executable, "-m", call.package.replace("-", "_"), *plan.measure)
    measured = run_in_foreground([Process(command, environment, LOG)])
    return code or measured


def _index_state() -> tuple[int, int] | None:
    """Tells an index from the one of another run; None: there is none."""
    path = Path(RESULTS_310) / INDEX
    if not path.is_file():
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def program_name(package: str) -> str:
    """Of the C++ program of a package: ms_ssd_310."""
    return f"{package.replace('-', '_')}_310"


def plan_of(call: Call, environment: Mapping[str, str]) -> Plan:
    """What to run.

    Raises:
        UserError: see `infer`.
    """
    model, manifest_path = _model(Path(call.values["MINDIR_PATH"]))
    manifest = read_manifest(manifest_path.parent, formats=())
    if manifest.package != call.package:
        raise UserError(f"{manifest_path}: was exported by {manifest.package}. Use its scripts.")
    device, notes = _device(call, environment), []
    if device == "CPU" and RUNTIMES[model.suffix.lower()] != _ON_CPU and "onnx" in manifest.formats:
        other = manifest_path.parent / manifest.file("onnx").name
        notes.append(f"{other} is run: on a CPU the program reads ONNX")
        model = other
    runtime = RUNTIMES[model.suffix.lower()]
    if runtime == _ON_CPU and device == "Ascend":
        notes.append(f"{model}: ONNX runs on the CPU. For Ascend convert it: convert_om.sh {model} OUTPUT")
        device = "CPU"
    notes += _size_notes(call, manifest)
    old, ours = split_flags(call.flags)
    flags = {
        "model_path": str(model),
        "manifest": str(manifest_path),
        "dataset_path": call.values["DATA_PATH"],
        "result_path": RESULTS_310,
        "time_path": TIMES,
        "runtime": runtime,
        "device_type": device,
        "device_id": call.values.get("DEVICE_ID", "0"),
        **_reading(call, manifest, runtime),
        **_size(call),
    }
    program = [f"--{name}={value}" for name, value in flags.items()]
    if environment.get("OVERWRITE") == "1":
        program.append("--overwrite")
    measure = _measure(call, manifest)
    return Plan(manifest, runtime, (*program, *old), (*measure, *ours) if measure else (), tuple(notes))


def _model(path: Path) -> tuple[Path, Path]:
    """The model file, and its manifest: beside it, or in the folder above, from whose `ascend` it may be.

    Raises:
        UserError: no manifest, or a folder without a model that the program reads.
    """
    folder = path if path.is_dir() else path.parent
    manifest = next(
        (place / NAME for place in (folder, folder.absolute().parent) if (place / NAME).is_file()), None
    )
    if manifest is None:
        raise UserError(
            f"{path}: no {NAME} beside it. The program needs what `export` writes; export the checkpoint again."
        )
    if path.is_file():
        return path, manifest
    found = read_manifest(manifest.parent, formats=())
    kind = next((kind for kind in ("onnx", "mindir") if kind in found.formats), None)
    if kind is None:
        raise UserError(
            f"{path}: {', '.join(found.formats)} is not for the program. Export with --format onnx."
        )
    return manifest.parent / found.file(kind).name, manifest


def _device(call: Call, environment: Mapping[str, str]) -> str:
    """CPU or Ascend.

    Raises:
        UserError: GPU, for which there is no such program.
    """
    word = call.values.get("DEVICE_TYPE") or environment.get("DEVICE_TARGET") or call.script.device or "CPU"
    named = {"cpu": "CPU", "ascend": "Ascend"}.get(word.lower())
    if named is None:
        raise UserError(f"{call.name}: device {word}: the C++ program runs on CPU or Ascend.")
    return named


def _reading(call: Call, manifest: AnyManifest, runtime: str) -> dict[str, str]:
    """Who reads the pictures.

    Raises:
        UserError: the hardware, for a model or an input that it cannot serve.
    """
    if call.values.get("DVPP", "CPU").upper() != "DVPP":
        return {"cpu_dvpp": "CPU"}
    if reason := aipp_files(manifest).omitted.get(YUV):
        raise UserError(f"{call.name}: DVPP: {reason}. Say CPU in its place.")
    if runtime != "acl":
        raise UserError(
            f"{call.name}: DVPP: the hardware reads pictures for .om models. Convert the ONNX file with "
            f"convert_om.sh and {FOLDER}/{YUV} and name the .om file, or say CPU in its place."
        )
    return {"cpu_dvpp": "DVPP"}


def _size(call: Call) -> dict[str, str]:
    roles = {"IMAGE_WIDTH": "image_width", "IMAGE_HEIGHT": "image_height"}
    return {flag: call.values[role] for role, flag in roles.items() if role in call.values}


def _size_notes(call: Call, manifest: AnyManifest) -> list[str]:
    """Where the old script had a size of its own and nobody names one."""
    height, width = manifest.input.size
    if call.package != "ms-defrcn" or "IMAGE_WIDTH" in call.values:
        return []
    if (str(width), str(height)) == _OLD_DEFRCN_SIZE:
        return []
    return [
        f"{width}x{height}, as exported; the old script took {'x'.join(_OLD_DEFRCN_SIZE)} where nothing was said"
    ]


def _measure(call: Call, manifest: AnyManifest) -> list[str]:
    """Words of the verb that measures; none without annotations or a configuration that names them."""
    values = call.values
    if not {"ANNO_PATH", "CONFIG", "DATASET_PATH"} & values.keys():
        return []
    words = ["eval", RESULTS_310]
    if "CONFIG" in values:
        words += ["--config", values["CONFIG"]]
    else:
        words += _settings(manifest)
    if "DATASET_PATH" in values:
        words += ["--data.root", values["DATASET_PATH"]]
    if "ANNO_PATH" in values:
        words += ["--data.val", values["ANNO_PATH"]]
    if isinstance(manifest, DetectionManifest) and Path(values["DATA_PATH"]).is_dir():
        words += ["--data.val-images", values["DATA_PATH"]]
    return words


def _settings(manifest: AnyManifest) -> list[str]:
    """What a detector's manifest says: its classes, and how detections are selected. Labelled pictures say their
    classes themselves."""
    if not isinstance(manifest, DetectionManifest):
        return []
    rule = manifest.postprocess
    settings: dict[str, object] = {"min-score": rule.min_score, "nms-threshold": rule.nms_threshold}
    if rule.max_detections is not None:
        settings["max-detections"] = rule.max_detections
    if not isinstance(manifest, TwoStageManifest):
        settings |= {
            "max-per-class": rule.max_per_class,
            "nms": "zoo" if rule.plus_one else "standard",
            "class-agnostic": str(rule.class_agnostic).lower(),
        }
    words = ["--data.classes", json.dumps(manifest.classes, ensure_ascii=False)]
    return words + [
        word for name, value in settings.items() for word in (f"--postprocess.{name}", str(value))
    ]


def _run_program(package: str, plan: Plan) -> int:
    """Exit code of the program, built first where it is not."""
    from ms_core.ascend310.build import build_program
    from ms_core.ascend310.run import wait_or_stop

    program = build_program(package, [plan.runtime])
    with termination_as_interrupt(), subprocess.Popen([str(program), *plan.program]) as process:
        return wait_or_stop(process)
