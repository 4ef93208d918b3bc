"""The clients of the MindX SDK, with a stand-in for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ms_core.ascend310 import sdk_infer, sdk_perf
from ms_core.ascend310.deployment import write_deployment_files
from ms_core.ascend310.sdk_stream import SdkStream, StreamError, read_pipeline
from ms_core.errors import UserError
from ms_core.export.manifest import write_manifest

from . import deployment_files

LIBRARY = "lib/modelpostprocessors/libSsdMobilenetFpn_MindsporePost.so"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export folder with converted models, pictures, and the stand-in where the SDK would be."""
    manifest = deployment_files.detector()
    exported = tmp_path / "my work" / "exported"
    exported.mkdir(parents=True)
    write_manifest(manifest, exported)
    write_deployment_files(manifest, exported)
    for name in ("ssd300_yuv.om", "ssd300_bgr.om"):
        (exported / "ascend" / name).touch()
    pictures = tmp_path / "my work" / "test_img"
    pictures.mkdir()
    for name in ("1.jpg", "2.jpg", "2.png"):
        (pictures / name).write_bytes(b"picture")
    (pictures / "notes.txt").touch()
    home = tmp_path / "mxManufacture"
    (home / LIBRARY).parent.mkdir(parents=True)
    (home / LIBRARY).touch()
    sdk = home / "python"
    sdk.mkdir()
    shutil.copy(Path(__file__).with_name("fake_sdk.py"), sdk / "StreamManagerApi.py")
    monkeypatch.setenv("MX_SDK_HOME", str(home))
    monkeypatch.setenv("FAKE_SDK_LOG", str(tmp_path / "log"))
    monkeypatch.syspath_prepend(sdk)
    monkeypatch.delitem(sys.modules, "StreamManagerApi", raising=False)
    monkeypatch.chdir(pictures.parent)
    return pictures.parent


PIPELINE = "exported/ascend/detection_dvpp.pipeline"


def test_a_picture_is_a_json_file(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        sdk_infer.main(["--pipeline_path", PIPELINE, "--img_path=test_img/1.jpg", "--res-path", "seen"]) == 0
    )
    (found,) = json.loads((work / "seen" / "1.json").read_text(encoding="utf-8"))["MxpiObject"]
    assert found["classVec"][0]["className"] == "ESP8266"
    assert [found[key] for key in ("x0", "y0", "x1", "y1")] == [10.0, 20.0, 30.5, 60.0]
    assert "test_img/1.jpg: 1 objects" in capsys.readouterr().out
    assert (tmp_path / "log").read_bytes().endswith(b"destroyed")


def test_the_defaults_of_the_guide_and_names_that_would_be_one(work: Path) -> None:
    shutil.copytree(work / "exported" / "ascend", work / "ascend")
    for path in (work / "ascend").iterdir():
        path.rename(work / path.name)
    assert sdk_infer.main([]) == 0
    assert {path.name for path in (work / "infer_res").iterdir()} == {"1.json", "2.jpg.json", "2.png.json"}


def test_the_sdk_gets_absolute_paths(work: Path, tmp_path: Path) -> None:
    with SdkStream(Path(PIPELINE)):
        pass
    stream = json.loads((tmp_path / "log").read_text(encoding="utf-8").partition("\n")[0])["detection"]
    folder = work / "exported" / "ascend"
    assert stream["mxpi_tensorinfer0"]["props"]["modelPath"] == str(folder / "ssd300_yuv.om")
    post = stream["mxpi_objectpostprocessor0"]["props"]
    assert post["postProcessLibPath"] == str(tmp_path / "mxManufacture" / LIBRARY)
    assert post["labelPath"] == str(folder / "labels.names")


def test_one_bad_picture_does_not_stop_the_others(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "test_img" / "0.jpg").write_bytes(b"REFUSE")
    (work / "test_img" / "3.jpg").write_bytes(b"ERROR")
    (work / "test_img" / "4.jpg").write_bytes(b"EMPTY")
    (work / "test_img" / "5.jpg").write_bytes(b"TEXT")
    assert sdk_infer.main(["--pipeline_path", PIPELINE]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: test_img/0.jpg: the SDK does not take it (code -1)",
        "error: test_img/3.jpg: the SDK reports error 1001: no such model",
        "error: test_img/5.jpg: the SDK's answer is not the expected JSON: 'what?'",
    ]
    written = {path.name for path in (work / "infer_res").iterdir()}
    assert written == {"1.json", "2.jpg.json", "2.png.json", "4.json"}
    assert json.loads((work / "infer_res" / "4.json").read_text(encoding="utf-8")) == {"MxpiObject": []}


def test_a_stream_says_why_it_has_no_answer() -> None:
    with SdkStream(Path(PIPELINE), "detection") as stream, pytest.raises(StreamError, match="code -1"):
        stream.infer(b"REFUSE")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pipeline_path", "none.pipeline"], "none.pipeline: cannot be read: No such file or directory."),
        (["--pipeline_path", PIPELINE, "--stream_name", "seg"], "its streams are detection. Name one"),
        (
            ["--pipeline_path", PIPELINE, "--img_path", "none"],
            "none: no such file or folder. Name one with --img_path",
        ),
        (
            ["--pipeline_path", PIPELINE, "--img_path", "exported"],
            "exported: no pictures (.jpg, .jpeg, .bmp, .png)",
        ),
        (
            ["--pipelin_path", PIPELINE],
            "--pipelin_path: no option of this program. Did you mean pipeline_path",
        ),
        (["--pipeline_path"], "--pipeline_path: a value is missing"),
    ],
)
def test_wrong_use_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sdk_infer.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_missing_sdk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "StreamManagerApi", None)
    assert sdk_infer.main(["--pipeline_path", PIPELINE]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: StreamManagerApi: not to be imported")
    assert error.count("\n") == 1


def test_a_missing_model_or_variable_is_named(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "exported" / "ascend" / "ssd300_yuv.om").unlink()
    with pytest.raises(UserError, match=r"ssd300_yuv.om: there is no such file. Convert the model"):
        read_pipeline(Path(PIPELINE))
    monkeypatch.delenv("MX_SDK_HOME")
    with pytest.raises(UserError, match=r"the environment variable is not set. Source the SDK's set_env.sh"):
        read_pipeline(work / "exported" / "ascend" / "detection_opencv.pipeline")


@pytest.mark.parametrize(
    ("variable", "message"),
    [("FAKE_SDK_INIT", "the SDK does not start"), ("FAKE_SDK_CREATE", "the SDK refuses the pipeline")],
)
def test_what_the_sdk_refuses_is_told(variable: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1007")
    with pytest.raises(UserError, match=rf"{message} \(code 1007\)"):
        SdkStream(Path(PIPELINE))


def test_a_set_becomes_a_coco_result_file(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "test_img" / "2.png").unlink()
    assert sdk_perf.main(["--pipeline_path", PIPELINE, "--res_path", "out"]) == 0
    results = json.loads((work / "out" / "om_det_result.json").read_text(encoding="utf-8"))
    assert results[0] == {
        "image_id": 1,
        "category_id": 7,  # class 2 of the SDK is the second class: the background is 0
        "bbox": [10.0, 20.0, 20.5, 40.0],
        "score": 0.75,
    }
    assert [entry["image_id"] for entry in results] == [1, 2]
    text = (work / "out" / "om_infer_perf.txt").read_text(encoding="utf-8")
    assert text.startswith("2 pictures, mean ")
    assert text in capsys.readouterr().out


def test_ids_come_from_the_annotations(work: Path) -> None:
    images = [
        {"id": 40 + i, "file_name": f"val/{name}"} for i, name in enumerate(("1.jpg", "2.jpg", "2.png"))
    ]
    (work / "ann.json").write_text(json.dumps({"images": images}), encoding="utf-8")
    words = ["--pipeline_path", PIPELINE, "--annotations_json", "ann.json", "--res_path", "out"]
    assert sdk_perf.main(words) == 0
    results = json.loads((work / "out" / "om_det_result.json").read_text(encoding="utf-8"))
    assert [entry["image_id"] for entry in results] == [40, 41, 42]


def test_a_name_that_is_no_id_and_a_class_that_is_none_are_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "test_img" / "cat.jpg").write_bytes(b"picture")
    assert sdk_perf.main(["--pipeline_path", PIPELINE]) == 2
    assert "cat.jpg: the name is no image id. Name the annotations" in capsys.readouterr().err
    (work / "test_img" / "cat.jpg").unlink()
    monkeypatch.setenv("FAKE_SDK_CLASS", "5")
    assert sdk_perf.main(["--pipeline_path", PIPELINE]) == 2
    assert "class 5 of 4 and the background" in capsys.readouterr().err
    assert not (work / sdk_perf.OUTPUT / "om_det_result.json").exists()


def test_the_clients_need_nothing_but_the_standard_library() -> None:
    """The SDK's Python may have none of our dependencies."""
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] not in (*sys.stdlib_module_names, 'ms_core'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from ms_core.ascend310 import sdk_infer, sdk_perf, restore_coordinates\n"
        "sys.exit(sdk_infer.main(['--help']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--pipeline_path: the pipeline" in done.stdout
