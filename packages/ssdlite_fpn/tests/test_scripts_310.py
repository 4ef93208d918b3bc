"""The scripts for exported models: the words of guide 000."""

import shlex
from pathlib import Path

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

PACKAGE = "ms-ssdlite-fpn"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an export, pictures and annotations."""
    shapes = {"boxes": (1, 12804, 4), "scores": (1, 12804, 2)}
    image = ImageInput(
        name="images", shape=(1, 3, 320, 320), dtype="float32", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )
    manifest = DetectionManifest(
        package=PACKAGE,
        model="ssdlite_mobilenetv2_fpn",
        files=(ModelFile(format="mindir", name="m.mindir", sha256="0"),),
        input=image,
        output_form="decoded",
        outputs=tuple(TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items()),
        classes=("cup",),
        category_ids=(3,),
        boxes="",
        scores="",
        postprocess=Postprocess(min_score=0.1, nms_threshold=0.6, max_per_class=100),
    )
    write_manifest(manifest, tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("m.mindir", "ann.json"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "device", "reader", "annotated"),
    [
        ("ann.json", "0", "CPU", True),
        ("ann.json 1", "1", "CPU", True),
        ("CPU ann.json 1", "1", "CPU", True),
        ("1", "1", "CPU", False),
    ],
)
def test_command_lines_of_the_guide(
    words: str, device: str, reader: str, annotated: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old script gave the program an option without its value."""
    assert main(["run", PACKAGE, "run_infer_310.sh", "m.mindir", "photos", *words.split()]) == 0
    printed = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    (program,) = [line for line in printed if line[0] == "ms_ssdlite_fpn_310"]
    assert {f"--device_id={device}", f"--cpu_dvpp={reader}", "--runtime=mslite"} <= set(program)
    measure = [line for line in printed if line[:3] == [PACKAGE, "eval", "result_Files"]]
    assert bool(measure) == annotated
    assert not annotated or measure[0][measure[0].index("--data.val") + 1] == "ann.json"
