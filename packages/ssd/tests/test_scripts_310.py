"""The old scripts for exported models: what the C++ program and the measuring after it are told."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ms_core.export.manifest import (
    DetectionManifest,
    ImageInput,
    ModelFile,
    Postprocess,
    TensorSpec,
    write_manifest,
)
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import VARIABLES
from PIL import Image

PACKAGE = "ms-ssd"
ONNX = "openvino exported/net.onnx CPU"
MINDIR = "mslite exported/net.mindir Ascend"
OM = "acl exported/net.om Ascend"
NOTHING: dict[str, str] = {}
CLASSES = {"--data.classes": '["cup", "mug"]', "--postprocess.min-score": "0.2", "--postprocess.nms": "zoo"}
ANNOTATED = {**CLASSES, "--data.val": "ann.json", "--data.val-images": "photos"}
CONFIGURED = {"--config": "ssd.yaml", "--data.val-images": "photos"}

# The words; runtime, model, device, device id and who reads pictures; the options of the measuring.
LINES = [
    # guide 001: the third word is the device, or DVPP or CPU
    ("run_infer_310.sh exported/net.mindir photos 1", f"{MINDIR} 1 CPU", NOTHING),
    ("run_infer_310.sh exported/net.om photos DVPP 1", f"{OM} 1 DVPP", NOTHING),
    ("run_infer_310.sh exported/net.mindir photos cpu", f"{MINDIR} 0 CPU", NOTHING),
    # guide 000: annotations
    ("run_infer_310.sh exported/net.mindir photos ann.json", f"{MINDIR} 0 CPU", ANNOTATED),
    ("run_infer_310.sh exported/net.mindir photos ann.json 2", f"{MINDIR} 2 CPU", ANNOTATED),
    ("run_infer_310.sh exported/net.om photos DVPP ann.json 2", f"{OM} 2 DVPP", ANNOTATED),
    # the official code: configuration and kind of device
    ("run_infer_cpp.sh exported/net.om photos DVPP ssd.yaml Ascend 2", f"{OM} 2 DVPP", CONFIGURED),
    ("run_infer_cpp.sh exported/net.mindir photos CPU ssd.yaml Ascend 2", f"{MINDIR} 2 CPU", CONFIGURED),
    ("run_infer_cpp.sh exported/net.onnx photos CPU ssd.yaml CPU", f"{ONNX} 0 CPU", CONFIGURED),
    # ours
    ("run_infer_cpp.sh exported/net.onnx photos ann.json", f"{ONNX} 0 CPU", ANNOTATED),
    ("run_infer_cpp.sh exported photos", f"{ONNX} 0 CPU", NOTHING),
    ("run_infer_310.sh exported/net.om photos", f"{OM} 0 CPU", NOTHING),
    ("run_infer_310.sh exported/ascend/net_310.mindir photos",
     "mslite exported/ascend/net_310.mindir Ascend 0 CPU", NOTHING),
    ("run_infer_310.sh exported/net.onnx photos 3", f"{ONNX} 3 CPU", NOTHING),
]  # fmt: skip


def manifest(side: int = 320) -> DetectionManifest:
    shapes = {"boxes": (1, 2, 4), "scores": (1, 2, 3)}
    return DetectionManifest(
        package=PACKAGE,
        model="ssd300",
        files=tuple(ModelFile(format=kind, name=f"net.{kind}", sha256="0") for kind in ("mindir", "onnx")),
        input=ImageInput(
            name="images",
            shape=(1, 3, side, side),
            dtype="float32",
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
        ),
        output_form="decoded",
        outputs=tuple(TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items()),
        classes=("cup", "mug"),
        category_ids=(3, 5),
        boxes="y0 x0 y1 x1",
        scores="sigmoid",
        postprocess=Postprocess(min_score=0.2, nms_threshold=0.6, max_per_class=100, plus_one=True),
    )


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an export, two pictures and their annotations."""
    folder = tmp_path / "my work"
    (folder / "photos").mkdir(parents=True)
    (folder / "exported" / "ascend").mkdir(parents=True)
    write_manifest(manifest(), folder / "exported")
    for name in ("net.mindir", "net.onnx", "net.om", "ascend/net_310.mindir"):
        (folder / "exported" / name).touch()
    images, objects = [], []
    for number in (1, 2):
        Image.new("RGB", (80, 60)).save(folder / "photos" / f"{number}.jpg")
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 80, "height": 60})
        box = {"bbox": [8.0, 6.0, 40.0, 30.0], "area": 1200.0, "iscrowd": 0}
        objects.append({"id": number, "image_id": number, "category_id": 5, **box})
    categories = [{"id": 3, "name": "cup"}, {"id": 5, "name": "mug"}]
    truth = {"images": images, "annotations": objects, "categories": categories}
    (folder / "ann.json").write_text(json.dumps(truth), encoding="utf-8")
    (folder / "ssd.yaml").write_text("model_name: ssd300\ncoco_root: data\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return folder


def options(words: list[str]) -> dict[str, str]:
    """`--name=value` and `--name value`."""
    found = {}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        found[name] = value if equals else (rest.pop(0) if rest and not rest[0].startswith("--") else "")
    return found


def dry_run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Flags of the program, and options of the measuring."""
    assert main(["run", PACKAGE, *shlex.split(line)]) == 0
    printed = [shlex.split(text) for text in capsys.readouterr().out.splitlines()]
    (program,) = [words[1:] for words in printed if words[0] == "ms_ssd_310"]
    measure = [words[1:] for words in printed if words[0] == PACKAGE]
    if not measure:
        return options(program), {}
    assert measure[0][:2] == ["eval", "result_Files"]
    return options(program), options(measure[0][2:])


@pytest.mark.parametrize(("line", "expected", "measured"), LINES)
def test_command_lines_of_the_guides(
    line: str, expected: str, measured: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags, asked = dry_run(line, capsys)
    names = ("runtime", "model_path", "device_type", "device_id", "cpu_dvpp")
    assert " ".join(flags[f"--{name}"] for name in names) == expected
    assert Path(flags["--manifest"]).resolve() == Path("exported/manifest.json").resolve()
    assert flags["--dataset_path"] == "photos"
    assert (flags["--result_path"], flags["--time_path"]) == ("result_Files", "time_Result")
    assert measured.items() <= asked.items()
    assert bool(measured) == bool(asked)
    assert "--overwrite" not in flags


def test_on_a_cpu_the_onnx_file_of_the_export_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVICE_TARGET", "CPU")
    flags, _ = dry_run("run_infer_310.sh exported/net.mindir photos", capsys)
    assert (flags["--runtime"], flags["--model_path"]) == ("openvino", "exported/net.onnx")


def test_flags_reach_the_program_and_settings_the_measuring(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERWRITE", "1")
    line = "run_infer_cpp.sh exported/net.onnx photos ann.json --warmup=3 --postprocess.nms standard"
    flags, asked = dry_run(line, capsys)
    assert (flags["--warmup"], flags["--overwrite"]) == ("3", "")
    assert asked["--postprocess.nms"] == "standard"  # the later one counts


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_infer_310.sh missing.mindir photos", "MINDIR_PATH=missing.mindir: no such file."),
        (
            "run_infer_310.sh exported/net.mindir photos DVPP 1",
            "DVPP: the hardware reads pictures for .om models.",
        ),
        ("run_infer_310.sh exported/net.mindir nowhere", "DATA_PATH=nowhere: no such file."),
        ("run_infer_310.sh photos/old.mindir photos", "photos/old.mindir: no manifest.json beside it."),
        (
            "run_infer_cpp.sh exported/net.onnx photos CPU GPU",
            "device GPU: the C++ program runs on CPU or Ascend.",
        ),
        ("run_infer_310.sh exported/net.mindir photos maybe.txt x", "argument 3, 'maybe.txt', is no"),
        (
            "run_infer_310.sh small/net.mindir photos DVPP",
            "DVPP: DVPP wants a width that is a multiple of 16",
        ),
        ("run_infer_310.sh theirs/net.onnx photos", "theirs/manifest.json: was exported by ms-ssdlite-fpn."),
    ],
)
def test_refusals_are_one_line_and_code_2(
    line: str, message: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "photos" / "old.mindir").touch()
    for name, content in (
        ("small", manifest(300)),
        ("theirs", replace(manifest(), package="ms-ssdlite-fpn")),
    ):
        (work / name).mkdir()
        write_manifest(content, work / name)
        (work / name / "net.mindir").touch()
        (work / name / "net.onnx").touch()
    assert main(["run", PACKAGE, *line.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
import numpy as np
flags = dict(word[2:].partition("=")[::2] for word in sys.argv[1:])
out = Path(flags["result_path"])
if os.environ.get("STAND_IN_CODE") == "1":
    sys.exit("error: the device is gone")
out.mkdir()
lines = []
for path in sorted(Path(flags["dataset_path"]).iterdir()):
    outputs = []
    boxes = np.array([[.1, .1, .6, .6], [0, 0, 1, 1]], "<f4")
    scores = np.array([[.1, .1, .9], [1, 0, 0]], "<f4")
    for place, array in enumerate((boxes, scores)):
        array.tofile(out / f"{{path.stem}}_{{place}}.bin")
        outputs.append({{"file": f"{{path.stem}}_{{place}}.bin", "shape": array.shape, "dtype": "float32"}})
    lines.append(dict(picture=str(path), name=path.stem, width=80, height=60, outputs=outputs))
(out / "index.jsonl").write_text("".join(json.dumps(line) + "\\n" for line in lines))
sys.exit(int(os.environ.get("STAND_IN_CODE", "0")))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """In place of the C++ program; what was asked to be built."""
    program = tmp_path / "ms_ssd_310"
    program.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    asked: list[object] = []

    def build(package: str, runtimes: list[str]) -> Path:
        asked.append((package, runtimes))
        return program

    monkeypatch.setattr("ms_core.ascend310.build.build_program", build)
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    return asked


def test_the_program_runs_and_its_results_are_measured(
    work: Path, stand_in: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, "run_infer_cpp.sh", "exported/net.onnx", "photos", "ann.json"]) == 0
    assert stand_in == [(PACKAGE, ["openvino"])]
    log = (work / "acc.log").read_text(encoding="utf-8")
    assert "mAP: 1.000" in log
    assert log.count("maxDets=") == 12
    assert "mAP: 1.000" in capfd.readouterr().out


@pytest.mark.parametrize(("code", "measured"), [("1", False), ("2", True)])
def test_the_exit_code_of_the_program_is_kept(
    code: str, measured: bool, work: Path, stand_in: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 where some pictures could not be read: the others are measured."""
    monkeypatch.setenv("STAND_IN_CODE", code)
    assert main(["run", PACKAGE, "run_infer_cpp.sh", "exported/net.onnx", "photos", "ann.json"]) == int(code)
    assert (work / "acc.log").exists() == measured


def test_former_results_are_not_measured_again(
    work: Path, stand_in: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    """The program refuses a folder with results in it."""
    (work / "result_Files").mkdir()
    (work / "result_Files" / "index.jsonl").write_text("{}", encoding="utf-8")
    assert main(["run", PACKAGE, "run_infer_cpp.sh", "exported/net.onnx", "photos", "ann.json"]) == 1
    assert not (work / "acc.log").exists()


def test_without_annotations_nothing_is_measured(
    work: Path, stand_in: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, "run_infer_cpp.sh", "exported/net.onnx", "photos"]) == 0
    assert "results in result_Files; name annotations to measure them" in capfd.readouterr().out
    assert np.fromfile(work / "result_Files" / "2_0.bin", "<f4").shape == (8,)
    assert not (work / "acc.log").exists()
