"""The scripts for exported models, which the old SegFormer code did not have."""

import shlex
from pathlib import Path

import pytest
from ms_core.cli import read_words
from ms_core.export.manifest import ImageInput, ModelFile, SegmentationManifest, TensorSpec, write_manifest
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import VARIABLES
from ms_segformer.cli import tool

PACKAGE = "ms-segformer"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an export and labelled pictures."""
    manifest = SegmentationManifest(
        package=PACKAGE,
        model="segformer_b0",
        files=(ModelFile(format="onnx", name="m.onnx", sha256="0", opset=17),),
        input=ImageInput(
            name="images", shape=(1, 3, 512, 1024), dtype="float32", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
        ),
        output_form="logits",
        outputs=(TensorSpec(name="logits", shape=(1, 2, 128, 256), dtype="float32"),),
        classes=("road", "sky"),
        palette=((0, 0, 0), (1, 1, 1)),
    )
    write_manifest(manifest, tmp_path)
    (tmp_path / "city" / "images").mkdir(parents=True)
    for name in ("m.onnx", "m.om"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "flags", "root"),
    [
        ("run_infer_310.sh m.om city/images", "--runtime=acl --device_type=Ascend --device_id=0", None),
        ("run_infer_310.sh m.om city/images DVPP 2", "--cpu_dvpp=DVPP --device_id=2", None),
        ("run_infer_310.sh m.om city/images CPU city 1", "--cpu_dvpp=CPU --device_id=1", "city"),
        ("run_infer_cpp.sh m.onnx city/images city", "--runtime=openvino --device_type=CPU", "city"),
        ("run_infer_cpp.sh m.onnx city/images CPU city CPU", "--runtime=openvino --cpu_dvpp=CPU", "city"),
    ],
)
def test_words_are_told_apart(
    line: str, flags: str, root: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, *line.split()]) == 0
    printed = [shlex.split(text) for text in capsys.readouterr().out.splitlines()]
    (program,) = [words for words in printed if words[0] == "ms_segformer_310"]
    assert set(flags.split()) <= set(program)
    measure = [words[1:] for words in printed if words[:3] == [PACKAGE, "eval", "result_Files"]]
    assert bool(measure) == (root is not None)
    assert root is None or read_words(tool(), measure[0]).config.data.root == Path(root)
