"""The old scripts beside run_infer_310.sh: conversion by ATC, clients of the MindX SDK, and where the rest went."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import OTHERS, VARIABLES
from ms_core.old_zoo.scripts_310 import CLIENTS

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = "ms-ssd"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the command lines name."""
    folder = tmp_path / "my work"
    for name in ("photos", "exported"):
        (folder / name).mkdir(parents=True)
    (folder / "exported" / "net.onnx").touch()
    (folder / "ann.json").write_text('{"images": [], "annotations": [], "categories": []}', encoding="utf-8")
    monkeypatch.chdir(folder)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return folder


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("convert_om.sh exported/net.onnx out/m", "--framework=5 --output=out/m"),
        ("convert_om.sh exported/net.onnx m aipp.cfg", "--framework=5 --output=m --insert_op_conf=aipp.cfg"),
        (
            "convert_om.sh kit exported/net.air m ./aipp.cfg",
            "--framework=1 --output=m --insert_op_conf=aipp.cfg",
        ),
        ("convert_om.sh exported/net.onnx m --precision_mode=force_fp16", "--precision_mode=force_fp16"),
    ],
)
def test_conversions_of_the_guide(
    line: str, expected: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "aipp.cfg").touch()
    (work / "exported" / "net.air").touch()
    (work / "kit").mkdir()
    assert main(["run", PACKAGE, *line.split()]) == 0
    words = capsys.readouterr().out.splitlines()[-1].split()
    assert words[0] == "atc"
    assert set(expected.split()) <= set(words)


def test_conversion_without_atc_is_one_line(
    monkeypatch: pytest.MonkeyPatch, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    monkeypatch.setenv("PATH", str(work))
    assert main(["run", PACKAGE, "convert_om.sh", "exported/net.onnx", "m"]) == 2
    assert capsys.readouterr().err.startswith("error: atc: not on PATH.")


def test_the_scripts_of_the_sdk_call_its_clients(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "results.json").write_text("[]", encoding="utf-8")
    (work / "d.pipeline").touch()
    assert main(["run", PACKAGE, "run_map_test.sh", "ann.json", "results.json", "npu_map.txt"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "generate_map_report.py --annotations_json=ann.json --det_result_json=results.json "
        "--output_path_name=npu_map.txt"
    )
    assert main(["run", PACKAGE, "run_om_infer_perf_test.sh", "d.pipeline", "photos", "--res_path=o"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "om_infer_perf_test.py --pipeline_path=d.pipeline --img_path=photos --res_path=o"
    )


def test_the_report_of_a_script_has_its_exit_code(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    (work / "results.json").write_text("[]", encoding="utf-8")
    assert main(["run", PACKAGE, "run_map_test.sh", "ann.json", "results.json"]) == 2
    assert "ann.json: the list 'images' is empty" in capsys.readouterr().err


@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_is_a_thin_caller(name: str) -> None:
    assert {path.name for path in SCRIPTS.glob("*.py")} == set(CLIENTS)
    lines = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env python3"
    assert lines[-4:] == [
        f"from {CLIENTS[name]} import main",
        "",
        'if __name__ == "__main__":',
        "    sys.exit(main())",
    ]
    assert os.access(SCRIPTS / name, os.X_OK)
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / name), "--help"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"{name}: ")


def test_every_file_of_the_guide_has_a_place() -> None:
    """Guide 004, section 3.3: the folders ascend310_infer and infer."""
    named = " ".join(OTHERS)
    for name in ("aipp.cfg", "aipp_coco_rgb.cfg", "aipp_coco_yuv.cfg", "aipp_yuv.cfg", "infer_by_sdk.py", ".names",
                 "_postprocess.cfg", ".pipeline", "om_infer_perf_test.py", "generate_map_report.py", "mxBase",
                 "restore_coordinates_from_json.py", "resize_utils.py", "build.sh"):  # fmt: skip
        assert name in named
    assert "not yet" not in " ".join(OTHERS.values())
