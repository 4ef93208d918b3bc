"""`infer`: an exported ssd300 finds what the network finds, in every runtime and by way of the C++ program's files."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from ms_core.data.images import read_image
from ms_core.draw import save_image
from ms_core.export.manifest import DetectionManifest, read_manifest
from ms_core.infer.pictures import PictureInput
from ms_core.infer.runtimes import RUNTIMES, open_model
from ms_core.old_zoo.__main__ import main as old_zoo
from ms_ssd.cli import main


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "ssd"
    assert main(["export", str(run), "--format", "mindir", "onnx", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def selecting(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network with selection and normalisation in the graph."""
    out = tmp_path_factory.mktemp("exported") / "nms"
    words = [
        "--format",
        "onnx",
        "--outputs",
        "nms",
        "--normalise-inside",
        "--postprocess.max-detections",
        "100",
    ]
    assert main(["export", str(run), *words, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def evaluated(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of `eval` of the network."""
    out = tmp_path_factory.mktemp("evaluated") / "eval"
    assert main(["eval", str(run), "--out", str(out)]) == 0
    return out


@pytest.fixture
def val(demo_run: Path) -> str:
    return str(demo_run / "shapes" / "val.json")


@pytest.fixture
def pictures(demo_run: Path) -> list[Path]:
    names = json.loads((demo_run / "shapes" / "val.json").read_text(encoding="utf-8"))["images"]
    return [demo_run / "shapes" / "images" / Path(entry["file_name"]).name for entry in names]


def numbers(folder: Path) -> list[float]:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return [value for name, value in metrics.items() if name.startswith(("AP", "AR"))]


def assert_measured_alike(found: Path, expected: Path) -> None:
    """The network has hardly learnt: thousands of its boxes score alike to the last bit, which differs between runtimes
    and decides here and there which of two boxes is kept. So one detection in twenty may differ.
    """
    scores, wanted = scores_in(found), scores_in(expected)
    assert [row[:2] for row in scores] == [row[:2] for row in wanted]
    differ = np.abs(np.array(scores)[:, 2] - np.array(wanted)[:, 2]) > 1e-4
    assert differ.mean() <= 0.05
    assert numbers(found) == pytest.approx(numbers(expected), abs=0.01)


def share_found(found: list[tuple], expected: list[tuple]) -> float:
    """How many of the detections are there: same picture and label, box within 0.01 pixels, score within 1e-4."""

    def alike(row: tuple, other: tuple) -> bool:
        near = np.abs(np.subtract(row[2:6], other[2:6])).max() < 0.0101  # predictions.json rounds to 0.01
        return row[:2] == other[:2] and bool(near) and abs(row[6] - other[6]) < 1e-4

    return float(np.mean([any(alike(row, other) for other in found) for row in expected]))


def scores_in(folder: Path) -> list[tuple[int, int, float]]:
    """Image, category and score of every detection, of a COCO result file."""
    entries = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    return sorted((entry["image_id"], entry["category_id"], entry["score"]) for entry in entries)


def found_in(folder: Path) -> list[tuple]:
    """Every detection of predictions.json, by picture, class and place."""
    entries = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    return sorted(
        (Path(entry["file"]).name, each["label"], *each["box"], each["score"])
        for entry in entries
        for each in entry["detections"]
    )


def write_results(exported: Path, pictures: Sequence[Path], out: Path, *, index: bool = True) -> Path:
    """The files that the C++ program writes, by ONNX Runtime; a picture that cannot be read has a line of its own."""
    manifest = read_manifest(exported)
    assert isinstance(manifest, DetectionManifest)
    session, make = open_model(exported, manifest, "onnxruntime"), PictureInput(manifest.input)
    folder = out / "result_Files"
    folder.mkdir(parents=True)
    lines = []
    for picture in pictures:
        if not picture.is_file():
            lines.append({"picture": str(picture), "error": "no such file"})
            continue
        image = read_image(picture)
        outputs = []
        for place, output in enumerate(session.run(make.of(image)[None])):
            file = f"{picture.stem}_{place}.bin"
            output[0].tofile(folder / file)
            outputs.append({"file": file, "shape": list(output.shape[1:]), "dtype": str(output.dtype)})
        size = {"width": image.shape[1], "height": image.shape[0]}
        lines.append({"picture": str(picture), "name": picture.stem, **size, "outputs": outputs})
    if index:
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / "index.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_metrics_are_those_of_eval(
    runtime: str, exported: Path, evaluated: Path, val: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(["infer", str(exported), "--runtime", runtime, "--data.val", val, "--out", str(out)]) == 0
    assert_measured_alike(out, evaluated)
    written = {path.name for path in evaluated.rglob("*")}
    assert {path.name for path in out.rglob("*")} == written
    about = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert (about["runtime"], about["exported"]) == (runtime, str(exported))


def test_predictions_are_those_of_predict(
    run: Path, exported: Path, pictures: list[Path], tmp_path: Path
) -> None:
    words = [str(pictures[0]), "--min-score", "0.3", "--out"]
    assert main(["predict", str(run), *words, str(tmp_path / "expected")]) == 0
    expected = found_in(tmp_path / "expected")
    assert len(expected) > 10
    for runtime in RUNTIMES:
        out = tmp_path / runtime
        assert main(["infer", str(exported), "--runtime", runtime, *words, str(out)]) == 0
        found = found_in(out)
        assert [row[:2] for row in found] == [row[:2] for row in expected]
        assert share_found(found, expected) >= (1 if runtime == "mindspore" else 0.95)
        assert (out / f"{pictures[0].stem}.jpg").is_file()


def test_selection_in_the_graph_gives_the_same_numbers(
    exported: Path, selecting: Path, val: str, tmp_path: Path
) -> None:
    outside = ["infer", str(exported), "--runtime", "onnxruntime", "--postprocess.max-detections", "100"]
    assert main([*outside, "--data.val", val, "--out", str(tmp_path / "outside")]) == 0
    for runtime in ("onnxruntime", "openvino"):
        out = tmp_path / runtime
        assert (
            main(["infer", str(selecting), "--runtime", runtime, "--data.val", val, "--out", str(out)]) == 0
        )
        assert_measured_alike(out, tmp_path / "outside")


def test_raw_outputs_are_decoded_with_the_boxes_they_were_exported_with(
    run: Path, evaluated: Path, val: str, tmp_path: Path, capsys
) -> None:
    raw = tmp_path / "raw"
    assert main(["export", str(run), "--format", "onnx", "--outputs", "raw", "--out", str(raw)]) == 0
    words = ["infer", str(raw), "--runtime", "onnxruntime", "--data.val", val]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert_measured_alike(tmp_path / "out", evaluated)
    capsys.readouterr()
    assert main([*words, "--model.min-scale", "0.1", "--out", str(tmp_path / "other")]) == 2
    assert "was exported with other default boxes" in capsys.readouterr().err


@pytest.mark.parametrize("index", [True, False])
def test_files_of_the_program_give_the_numbers_of_eval(
    index: bool, exported: Path, evaluated: Path, pictures: list[Path], val: str, tmp_path: Path
) -> None:
    folder = write_results(exported, pictures, tmp_path, index=index)
    names = ["--data.val", val, "--data.classes", "[circle,square,triangle]"]
    assert main(["eval", str(folder), *names, "--out", str(tmp_path / "eval")]) == 0
    assert_measured_alike(tmp_path / "eval", evaluated)


def test_files_of_selected_boxes(
    selecting: Path, pictures: list[Path], val: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_results(selecting, [*pictures, Path("gone.png")], tmp_path)
    assert main(["eval", str(folder), "--data.val", val, "--out", str(tmp_path / "eval")]) == 0
    assert "3 of 3 images have raw outputs that count; 1 picture was not done" in capsys.readouterr().out
    direct = ["infer", str(selecting), "--data.val", val, "--out", str(tmp_path / "direct")]
    assert main(direct) == 0
    assert numbers(tmp_path / "eval") == pytest.approx(numbers(tmp_path / "direct"), abs=1e-9)


def test_the_program_takes_the_place_of_a_runtime(
    exported: Path,
    evaluated: Path,
    pictures: list[Path],
    val: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The program itself is built and run by the tests of the core's `ascend310`."""
    asked: list[dict] = []

    def program(package: str, exported: Path, pictures: Sequence[Path], out: Path, **options: object) -> Path:
        asked.append({"package": package, **options})
        return write_results(exported, pictures, out)

    monkeypatch.setattr("ms_core.ascend310.run.run_program", program)
    words = ["infer", str(exported), "--runtime", "cpp", "--threads", "1"]
    assert main([*words, "--data.val", val, "--out", str(tmp_path / "measured")]) == 0
    assert_measured_alike(tmp_path / "measured", evaluated)
    assert asked[0]["package"] == "ms-ssd"
    assert (asked[0]["runtime"], asked[0]["threads"], asked[0]["device_id"]) == ("openvino", 1, 0)

    broken = tmp_path / "broken.png"
    monkeypatch.setattr(
        "ms_core.ascend310.run.run_program",
        lambda package, exported, pictures, out, **options: write_results(
            exported, [*pictures[:1], tmp_path / "gone.png"], out
        ),
    )
    broken.write_bytes(b"no picture")
    drawn = tmp_path / "drawn"
    assert main([*words, str(pictures[0]), str(broken), "--out", str(drawn)]) == 2
    assert [path.name for path in drawn.glob("*.jpg")] == [f"{pictures[0].stem}.jpg"]


def test_no_photo_is_drawn_over_where_another_one_fails(
    exported: Path, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, broken = tmp_path / "x.jpg", tmp_path / "x.png"
    save_image(photo, read_image(pictures[0]))
    broken.write_bytes(b"no picture")
    before = photo.read_bytes()
    monkeypatch.setattr(
        "ms_core.ascend310.run.run_program",
        lambda package, exported, pictures, out, **options: write_results(
            exported, [path for path in pictures if path.suffix == ".jpg"], out
        ),
    )
    words = ["infer", str(exported), "--runtime", "cpp", str(photo), str(broken), "--out", str(tmp_path)]
    main(words)
    assert photo.read_bytes() == before
    (entry,) = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    assert entry["file"] == str(photo)
    assert entry["drawn"] != "x.jpg"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--min-score", "1.5"], "1.5 is not within 0-1"),
        (["--runtime", "cpp", "--inference.flip", "true"], "sees whole pictures only"),
        (["--runtime", "cpp", "--key-file", "key"], "reads no encrypted models"),
        (["--runtime", "openvino", "--cpp-runtime", "acl"], "Add --runtime cpp"),
    ],
)
def test_words_that_would_be_ignored_are_refused(
    words: list[str], said: str, exported: Path, pictures: list[Path], tmp_path: Path, capsys
) -> None:
    assert main(["infer", str(exported), str(pictures[0]), *words, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_graph_that_selects_itself_is_not_asked_for_another_selection(
    selecting: Path, pictures: list[Path], tmp_path: Path, capsys
) -> None:
    words = ["--runtime", "cpp", "--postprocess.nms-threshold", "0.3", "--out", str(tmp_path / "out")]
    assert main(["infer", str(selecting), str(pictures[0]), *words]) == 2
    assert "the exported graph selects boxes itself" in capsys.readouterr().err


def test_latency_is_measured_and_written(exported: Path, tmp_path: Path) -> None:
    words = ["--runtime", "onnxruntime", "--benchmark", "2", "--threads", "1", "--out", str(tmp_path)]
    assert main(["infer", str(exported), *words]) == 0
    latency = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))
    assert (latency["model"], latency["calls"], latency["threads"]) == ("ssd300", 2, 1)
    assert 0 < latency["fastest"] <= latency["p50"] <= latency["p95"] <= latency["slowest"]


def test_the_old_script_for_onnx_models(
    exported: Path, evaluated: Path, val: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(Path(val).parent / "images", tmp_path / "coco" / "val2017")
    line = ["run_eval_onnx.sh", str(tmp_path), "coco", str(exported / "ssd300.onnx"), val, "CPU"]
    (tmp_path / "m.onnx").touch()
    assert old_zoo(["run", "ms-ssd", *line[:3], "m.onnx", val, "CPU"]) == 2
    assert "manifest.json: no such file" in capfd.readouterr().err
    assert old_zoo(["run", "ms-ssd", *line, "--data.classes", "[circle,square,triangle]"]) == 0
    mean = json.loads((evaluated / "metrics.json").read_text(encoding="utf-8"))["AP"]
    assert f"mAP: {mean:.3f}" in capfd.readouterr().out
