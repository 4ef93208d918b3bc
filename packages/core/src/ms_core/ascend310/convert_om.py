"""`convert_om.sh`: an exported model (ONNX, or AIR where somebody has one) as .om, by Huawei's ATC.

Options are those of the ATC guide. Tested with a stand-in for ATC; never run on Ascend by us.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.ascend310.flag_program import DONE
from ms_core.ascend310.lite_config import input_shapes
from ms_core.errors import UserError
from ms_core.export.manifest import NAME, AnyManifest, read_manifest

FRAMEWORKS = {".onnx": 5, ".air": 1}
"""Suffix -> ATC's number."""
DEFAULT_SOC = "Ascend310"
_FAILED = 1
_SETTINGS = "set_env.sh"
"""Of a toolkit: sets the variables that ATC needs."""
_PLACES = ("bin/atc", "latest/bin/atc", "atc/bin/atc", "latest/atc/bin/atc")
"""Where ATC lies in a toolkit without such a file."""
_CHIP = re.compile(r"^\|\s*\d+\s+(?:Ascend)?(\d{3}\w*)\s", re.MULTILINE)
"""A line of `npu-smi info` with the number of a device and the name of its chip."""


@dataclass(frozen=True)
class Conversion:
    """What to convert."""

    model: Path
    """.onnx or .air."""
    output: str
    """The .om file, with or without the suffix."""
    aipp: Path | None = None
    """AIPP file to build in."""
    toolkit: Path | None = None
    """Folder of the Ascend toolkit; None: ATC is on PATH."""
    more: tuple[str, ...] = ()
    """Further options for ATC, such as --precision_mode=force_fp16; they win."""

    @property
    def file(self) -> Path:
        """The .om file."""
        return Path(self.output if self.output.endswith(".om") else f"{self.output}.om")


def convert(conversion: Conversion, environment: Mapping[str, str]) -> int:
    """Run ATC in the foreground.

    Returns:
        Its exit code; 1 where it says that all went well and there is no file.

    Raises:
        UserError: ATC or the toolkit is not there, or the model is neither .onnx nor .air.
    """
    options = atc_options(conversion, soc_version(environment))
    command = atc_command(conversion.toolkit, environment)
    conversion.file.parent.mkdir(parents=True, exist_ok=True)
    print("atc " + " ".join(options), flush=True)
    code = subprocess.call([*command, *options], env=dict(environment))
    if code == DONE and not conversion.file.is_file():
        print(f"error: {conversion.file}: ATC ended well, but the file is not there.", file=sys.stderr)
        return _FAILED
    if code == DONE:
        print(f"{conversion.file}: {conversion.file.stat().st_size / 1e6:.1f} MB")
    return code


def atc_options(conversion: Conversion, soc: str) -> list[str]:
    """ATC's options.

    Raises:
        UserError: the model is neither .onnx nor .air.
    """
    framework = FRAMEWORKS.get(conversion.model.suffix.lower())
    if framework is None:
        raise UserError(f"{conversion.model}: ATC reads .onnx and .air. Export with --format onnx.")
    manifest = _manifest_of(conversion.model)
    options = {
        "model": str(conversion.model),
        "framework": str(framework),
        "output": str(conversion.file.with_suffix("")),
        "soc_version": soc,
    }
    if manifest is not None and conversion.model.suffix.lower() == ".onnx":
        options |= {"input_format": manifest.input.layout, "input_shape": input_shapes(manifest)}
    if manifest is None or all(output.dtype == "float32" for output in manifest.outputs):
        options["output_type"] = "FP32"  # post-processing libraries of the SDK refuse float16
    options["op_select_implmode"] = "high_precision"
    if conversion.aipp is not None:
        options["insert_op_conf"] = str(conversion.aipp)
    options |= _further(conversion.more)
    return [f"--{name}={value}" for name, value in options.items()]


def soc_version(environment: Mapping[str, str]) -> str:
    """The chip to convert for: SOC_VERSION, else what `npu-smi info` sees here, else Ascend310; says which."""
    chosen, why = environment.get("SOC_VERSION", ""), "SOC_VERSION"
    if not chosen:
        chosen, why = _chip_here(environment), "npu-smi sees it here"
    if not chosen:
        chosen, why = DEFAULT_SOC, "default; SOC_VERSION names another, such as Ascend310P3"
    print(f"for {chosen} ({why})")
    return chosen


def atc_command(toolkit: Path | None, environment: Mapping[str, str]) -> list[str]:
    """The words before ATC's options.

    Raises:
        UserError: it is not on PATH, or not in the toolkit.
    """
    if toolkit is None:
        found = shutil.which("atc", path=environment.get("PATH", ""))
        if found is None:
            raise UserError(
                "atc: not on PATH. Install Huawei's CANN toolkit and source its set_env.sh, or name its folder first: "
                "convert_om.sh TOOLKIT MODEL OUTPUT [AIPP]"
            )
        return [found]
    if (toolkit / _SETTINGS).is_file():
        return ["bash", "-c", '. "$0" && exec atc "$@"', str((toolkit / _SETTINGS).absolute())]
    for place in _PLACES:
        if (toolkit / place).is_file():
            return [str((toolkit / place).absolute())]
    raise UserError(
        f"{toolkit}: no {_SETTINGS} and no ATC ({', '.join(_PLACES)}) in it. Name the toolkit's folder."
    )


def _manifest_of(model: Path) -> AnyManifest | None:
    """The manifest beside a model, where it is one of its files."""
    if not (model.parent / NAME).is_file():
        return None
    manifest = read_manifest(model.parent, formats=())
    return manifest if model.name in [file.name for file in manifest.files] else None


def _further(words: Sequence[str]) -> dict[str, str]:
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name.startswith("--") or not equals:
            raise UserError(f"{word}: is no option for ATC. Write --name=value.")
        options[name[2:]] = value
    return options


def _chip_here(environment: Mapping[str, str]) -> str:
    """Name of the first chip, by npu-smi; empty where there is no npu-smi or none is told."""
    program = shutil.which("npu-smi", path=environment.get("PATH", ""))
    if program is None:
        return ""
    done = subprocess.run(
        [program, "info"], capture_output=True, text=True, check=False, env=dict(environment)
    )
    found = _CHIP.search(done.stdout) if done.returncode == DONE else None
    return f"Ascend{found[1]}" if found else ""
