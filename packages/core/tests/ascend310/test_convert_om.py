"""Conversion by ATC, with a stand-in that writes down its options."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ms_core.ascend310.convert_om import Conversion, atc_options, convert, soc_version
from ms_core.errors import UserError
from ms_core.export.manifest import write_manifest

from . import deployment_files

ATC = """#!/bin/sh
for word in "$@"; do
    echo "$word" >> {log}
    case "$word" in --output=*) [ -n "$ATC_WRITES_NOTHING" ] || echo om > "${{word#--output=}}.om";; esac
done
echo "setting: $TOOLKIT_SETTING" >> {log}
exit ${{ATC_CODE:-0}}
"""
SMI = """#!/bin/sh
cat << 'TABLE'
+------------------------------------------------------------------------------+
| npu-smi 23.0.0                           Version: 23.0.0                      |
+-------------------+-----------------+----------------------------------------+
| NPU     Name      | Health          | Power(W)     Temp(C)                    |
+===================+=================+========================================+
| 0       310P3     | OK              | NA           45                         |
+===================+=================+========================================+
TABLE
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export folder; PATH has the usual programs, but no ATC."""
    folder = tmp_path / "my work"
    folder.mkdir()
    write_manifest(deployment_files.detector(), folder)
    for name in ("net.onnx", "net.air", "aipp.cfg"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    return folder


def with_atc(folder: Path, **variables: str) -> dict[str, str]:
    """An environment with the stand-in on PATH."""
    program(folder / "bin" / "atc", ATC.format(log=f"'{folder}/log'"))
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", **variables}


def options_of(folder: Path) -> dict[str, str]:
    lines = (folder / "log").read_text(encoding="utf-8").splitlines()
    return dict(line[2:].split("=", 1) for line in lines if line.startswith("--"))


def test_an_onnx_file_with_its_manifest(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conversion = Conversion(Path("net.onnx"), "models/ssd", aipp=Path("aipp.cfg"))
    assert convert(conversion, with_atc(work)) == 0
    assert options_of(work) == {
        "model": "net.onnx",
        "framework": "5",
        "output": "models/ssd",
        "soc_version": "Ascend310",
        "input_format": "NCHW",
        "input_shape": "images:1,3,320,320",
        "output_type": "FP32",
        "op_select_implmode": "high_precision",
        "insert_op_conf": "aipp.cfg",
    }
    printed = capsys.readouterr().out
    assert "for Ascend310 (default; SOC_VERSION names another, such as Ascend310P3)" in printed
    assert "models/ssd.om: " in printed


def test_an_air_file_has_its_shape_inside(work: Path) -> None:
    assert convert(Conversion(Path("net.air"), "ssd.om"), with_atc(work)) == 0
    options = options_of(work)
    assert (options["framework"], options["output"]) == ("1", "ssd")
    assert options.keys().isdisjoint({"input_shape", "input_format", "insert_op_conf"})


def test_labels_of_a_graph_that_selects_stay_whole_numbers(work: Path) -> None:
    write_manifest(deployment_files.detector(form="nms"), work)
    assert not [
        word for word in atc_options(Conversion(Path("net.onnx"), "m"), "Ascend310") if "output_type" in word
    ]


def test_a_manifest_of_another_model_says_nothing(work: Path) -> None:
    (work / "other.onnx").touch()
    words = atc_options(Conversion(Path("other.onnx"), "m"), "Ascend310")
    assert not [word for word in words if "input_shape" in word]


def test_further_options_win(work: Path) -> None:
    more = ("--output_type=FP16", "--precision_mode=force_fp16")
    words = atc_options(replace(Conversion(Path("net.onnx"), "m"), more=more), "Ascend310")
    assert words.count("--output_type=FP16") == 1
    assert "--output_type=FP32" not in words
    assert "--precision_mode=force_fp16" in words
    with pytest.raises(UserError, match=r"precision_mode: is no option for ATC. Write --name=value"):
        atc_options(replace(Conversion(Path("net.onnx"), "m"), more=("precision_mode",)), "Ascend310")


def test_the_chip_comes_from_the_variable_then_from_npu_smi(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(work / "bin" / "npu-smi", SMI)
    environment = {"PATH": f"{work / 'bin'}:/usr/bin:/bin"}
    assert soc_version(environment) == "Ascend310P3"
    assert "npu-smi sees it here" in capsys.readouterr().out
    assert soc_version({**environment, "SOC_VERSION": "Ascend310B1"}) == "Ascend310B1"
    program(work / "bin" / "npu-smi", "#!/bin/sh\nexit 1\n")
    assert soc_version(environment) == "Ascend310"


def test_a_toolkit_is_set_up_by_its_own_file(work: Path) -> None:
    toolkit = work / "ascend-toolkit"
    program(toolkit / "tools" / "atc", ATC.format(log=f"'{work}/log'"))
    settings = f"export PATH='{toolkit}/tools':$PATH TOOLKIT_SETTING='from set_env'\n"
    program(toolkit / "set_env.sh", settings)
    conversion = Conversion(Path("net.onnx"), "my model", toolkit=toolkit)
    assert convert(conversion, {"PATH": os.environ["PATH"]}) == 0
    assert options_of(work)["output"] == "my model"
    assert (work / "log").read_text(encoding="utf-8").endswith("setting: from set_env\n")


def test_a_toolkit_without_such_a_file_is_searched(work: Path) -> None:
    program(work / "toolkit" / "atc" / "bin" / "atc", ATC.format(log=f"'{work}/log'"))
    conversion = Conversion(Path("net.onnx"), "m", toolkit=Path("toolkit"))
    assert convert(conversion, {"PATH": os.environ["PATH"]}) == 0
    (work / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: no set_env.sh and no ATC \(bin/atc"):
        convert(replace(conversion, toolkit=Path("empty")), {"PATH": os.environ["PATH"]})


def test_the_exit_code_of_atc_is_kept(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conversion = Conversion(Path("net.onnx"), "m")
    assert convert(conversion, with_atc(work, ATC_CODE="3")) == 3
    (work / "m.om").unlink()
    assert convert(conversion, with_atc(work, ATC_WRITES_NOTHING="1")) == 1
    assert capsys.readouterr().err == "error: m.om: ATC ended well, but the file is not there.\n"


def test_missing_atc_and_other_models_are_one_line(work: Path) -> None:
    with pytest.raises(UserError, match=r"^atc: not on PATH. Install Huawei's CANN toolkit"):
        convert(Conversion(Path("net.onnx"), "m"), {"PATH": str(work)})
    with pytest.raises(UserError, match=r"net.mindir: ATC reads .onnx and .air"):
        atc_options(Conversion(Path("net.mindir"), "m"), "Ascend310")
