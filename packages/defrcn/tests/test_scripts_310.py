"""The scripts for exported models: the two forms of the guide."""

import shlex
from pathlib import Path

import pytest
from ms_core.cli import read_words
from ms_core.export.manifest import (
    ImageInput,
    ModelFile,
    Postprocess,
    TensorSpec,
    TwoStageManifest,
    write_manifest,
)
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import VARIABLES
from ms_defrcn.cli import tool

PACKAGE = "ms-defrcn"


def write_model(folder: Path, width: int, height: int) -> None:
    """A manifest and the file that it is of."""
    folder.mkdir()
    image = ImageInput(
        name="images", shape=(1, 3, height, width), dtype="float32", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
        channels="BGR", resize="fit",
    )  # fmt: skip
    shapes = {"boxes": (1, 100, 4), "scores": (1, 100)}
    manifest = TwoStageManifest(
        package=PACKAGE,
        model="defrcn_r101",
        files=(ModelFile(format="mindir", name="m.mindir", sha256="0"),),
        input=image,
        output_form="nms",
        outputs=tuple(TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items()),
        classes=("cup", "mug"),
        category_ids=(3, 5),
        boxes="",
        scores="",
        postprocess=Postprocess(min_score=0.05, nms_threshold=0.5, max_detections=100),
    )
    write_manifest(manifest, folder)
    (folder / "m.mindir").touch()


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an export of the old size, pictures and annotations."""
    write_model(tmp_path / "old", 1280, 768)
    write_model(tmp_path / "mine", 640, 480)
    (tmp_path / "photos").mkdir()
    (tmp_path / "ann.json").touch()
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "flags", "asked"),
    [
        # as the guide begins: CONFIG_PATH DEVICE_TARGET [IMAGE_WIDTH] [IMAGE_HEIGHT] [DEVICE_ID]
        ("defrcn_base Ascend", "--device_type=Ascend --device_id=0", "--config defrcn_base"),
        ("defrcn_base Ascend 1280 768", "--image_width=1280 --image_height=768 --device_id=0", "--config"),
        ("defrcn_base Ascend 1280 768 3", "--image_width=1280 --image_height=768 --device_id=3", "--config"),
        ("defrcn_base Ascend 3", "--device_type=Ascend --device_id=3", "--config"),
        # as it ends: ANNO_PATH in the same place
        ("ann.json Ascend", "--device_type=Ascend --device_id=0", "--data.val ann.json"),
        ("ann.json Ascend 1280 768 1", "--image_width=1280 --device_id=1", "--data.val ann.json"),
    ],
)
def test_both_forms_of_the_guide(
    words: str, flags: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, "run_infer_310.sh", "old/m.mindir", "photos", *words.split()]) == 0
    printed = capsys.readouterr().out
    lines = [shlex.split(text) for text in printed.splitlines()]
    (program,) = [line for line in lines if line[0] == "ms_defrcn_310"]
    assert set(flags.split()) <= set(program)
    assert "note: " not in printed
    (measure,) = [line[1:] for line in lines if line[:3] == [PACKAGE, "eval", "result_Files"]]
    assert asked in " ".join(measure)
    read_words(tool(), measure)


def test_another_size_than_the_old_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", PACKAGE, "run_infer_310.sh", "mine/m.mindir", "photos", "ann.json", "Ascend"]) == 0
    printed = capsys.readouterr().out
    assert "note: 640x480, as exported; the old script took 1280x768 where nothing was said." in printed
    assert "--image_width" not in printed


def test_too_many_words_are_refused_with_the_forms(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run_infer_310.sh", "old/m.mindir", "photos", "ann.json", "Ascend", "1280", "768", "0", "1"]
    assert main(["run", PACKAGE, *words]) == 2
    assert "[IMAGE_WIDTH IMAGE_HEIGHT] [DEVICE_ID]" in capsys.readouterr().err


def test_the_hardware_cannot_keep_proportions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", PACKAGE, "run_infer_cpp.sh", "old/m.mindir", "photos", "DVPP", "Ascend"]) == 2
    assert "DVPP: pictures keep their proportions" in capsys.readouterr().err
