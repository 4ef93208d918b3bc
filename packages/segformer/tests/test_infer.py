"""`infer`: an exported segformer_b0 sees what the network sees, in every runtime and by way of the C++ files."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.data.images import read_image
from ms_core.errors import UserError
from ms_core.export.manifest import SegmentationManifest, read_manifest
from ms_core.infer.runtimes import RUNTIMES, open_model
from ms_segformer.cli import main
from ms_segformer.config import InferenceConfig
from ms_segformer.exported_segmenter import exported_settings, picture_input
from ms_segformer.pipeline import network_input

SIZE = ["--size", "64", "128"]
"""That of the pictures."""


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "logits"
    assert main(["export", str(run), *SIZE, "--format", "mindir", "onnx", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def choosing(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network with classes chosen, and normalisation, in the graph."""
    out = tmp_path_factory.mktemp("exported") / "classes"
    words = ["--format", "onnx", "--outputs", "classes", "--normalise-inside"]
    assert main(["export", str(run), *SIZE, *words, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def evaluated(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of `eval` of the network."""
    out = tmp_path_factory.mktemp("evaluated") / "eval"
    assert main(["eval", str(run), "--out", str(out)]) == 0
    return out


@pytest.fixture
def root(demo_run: Path) -> str:
    return str(demo_run / "streets")


@pytest.fixture
def pictures(demo_run: Path) -> list[Path]:
    return sorted((demo_run / "streets" / "leftImg8bit" / "val").rglob("*.png"))


def numbers(folder: Path) -> list[float]:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return [metrics[name] for name in ("mIoU", "mAcc", "aAcc")]


def write_results(exported: Path, pictures: Sequence[Path], out: Path) -> Path:
    """The files that the C++ program writes, by ONNX Runtime; a picture that cannot be read has a line of its own."""
    manifest = read_manifest(exported)
    assert isinstance(manifest, SegmentationManifest)
    session, make = open_model(exported, manifest, "onnxruntime"), picture_input(manifest)
    folder = out / "result_Files"
    folder.mkdir(parents=True)
    lines = []
    for picture in pictures:
        if not picture.is_file():
            lines.append({"picture": str(picture), "error": "no such file"})
            continue
        image = read_image(picture)
        (output,) = session.run(make.of(image)[None])
        name = picture.stem
        output[0].tofile(folder / f"{name}_0.bin")
        entry = {"file": f"{name}_0.bin", "shape": list(output.shape[1:]), "dtype": str(output.dtype)}
        size = {"width": image.shape[1], "height": image.shape[0]}
        lines.append({"picture": str(picture), "name": name, **size, "outputs": [entry]})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "index.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_metrics_are_those_of_eval(
    runtime: str, exported: Path, evaluated: Path, root: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["--runtime", runtime, "--data.root", root, "--out", str(out)]
    assert main(["infer", str(exported), *words]) == 0
    assert numbers(out) == pytest.approx(numbers(evaluated), abs=5e-5)
    assert {path.name for path in out.rglob("*")} == {path.name for path in evaluated.rglob("*")}
    about = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert about["inference"] == "whole pictures, stretched to 64x128"


def test_maps_are_those_of_predict(run: Path, exported: Path, pictures: list[Path], tmp_path: Path) -> None:
    words = [str(pictures[0]), "--no-overlay", "--out"]
    assert main(["predict", str(run), *words, str(tmp_path / "expected")]) == 0
    name = f"{pictures[0].stem}_gray.png"
    expected = cv2.imread(str(tmp_path / "expected" / name), cv2.IMREAD_UNCHANGED)
    for runtime in RUNTIMES:
        out = tmp_path / runtime
        assert main(["infer", str(exported), "--runtime", runtime, *words, str(out)]) == 0
        found = cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED)
        assert np.mean(found != expected) < 1e-3  # where two classes are as likely the last bit decides
        assert {path.name for path in out.iterdir()} == {
            path.name for path in (tmp_path / "expected").iterdir()
        }


def test_classes_chosen_in_the_graph(choosing: Path, evaluated: Path, root: str, tmp_path: Path) -> None:
    for runtime in ("onnxruntime", "openvino"):
        out = tmp_path / runtime
        words = ["--runtime", runtime, "--data.root", root, "--out", str(out)]
        assert main(["infer", str(choosing), *words]) == 0
        assert numbers(out) == pytest.approx(numbers(evaluated), abs=1e-3)


def test_files_of_the_program_give_the_numbers_of_eval(
    exported: Path, choosing: Path, evaluated: Path, pictures: list[Path], root: str, tmp_path: Path, capsys
) -> None:
    folder = write_results(exported, [*pictures, Path("gone.png")], tmp_path / "a")
    assert main(["eval", str(folder), "--data.root", root]) == 0
    assert "3 of 3 pictures have results; 1 picture was not done, such as gone.png" in capsys.readouterr().out
    assert numbers(tmp_path / "a" / "eval-result_Files") == pytest.approx(numbers(evaluated), abs=5e-5)
    folder = write_results(choosing, pictures[:2], tmp_path / "b")
    assert main(["eval", str(folder), "--data.root", root, "--out", str(tmp_path / "c")]) == 0
    assert json.loads((tmp_path / "c" / "metrics.json").read_text(encoding="utf-8"))["images"] == 2
    (folder / "index.jsonl").unlink()
    assert main(["eval", str(folder), "--data.root", root]) == 2
    assert "no index.jsonl" in capsys.readouterr().err


def test_the_program_takes_the_place_of_a_runtime(
    exported: Path,
    evaluated: Path,
    pictures: list[Path],
    root: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The program itself is built and run by the tests of the core's `ascend310`."""

    def program(package: str, exported: Path, pictures: Sequence[Path], out: Path, **options: object) -> Path:
        assert (package, options["runtime"]) == ("ms-segformer", "openvino")
        return write_results(exported, [path for path in pictures if "broken" not in path.name], out)

    monkeypatch.setattr("ms_core.ascend310.run.run_program", program)
    words = ["infer", str(exported), "--runtime", "cpp"]
    assert main([*words, "--data.root", root, "--out", str(tmp_path / "measured")]) == 0
    assert numbers(tmp_path / "measured") == pytest.approx(numbers(evaluated), abs=5e-5)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    out = tmp_path / "drawn"
    assert main([*words, str(broken), str(pictures[0]), "--out", str(out)]) == 0
    (entry,) = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    assert entry["file"] == str(pictures[0])


def test_the_program_is_not_asked_for_several_looks(
    exported: Path, pictures: list[Path], tmp_path: Path, capsys
) -> None:
    for look in (["--inference.flip", "true"], ["--inference.mode", "slide"]):
        words = [
            "infer",
            str(exported),
            str(pictures[0]),
            "--runtime",
            "cpp",
            *look,
            "--out",
            str(tmp_path / "o"),
        ]
        assert main(words) == 2
        assert "looks at whole pictures once" in capsys.readouterr().err


def test_windows_and_mirroring(exported: Path, choosing: Path, run: Path, root: str, tmp_path: Path) -> None:
    """Windows of the exported model are as large as its input; the same look of the network gives the same numbers."""
    looks = ["--inference.mode", "slide", "--inference.size", "[96,192]", "--inference.stride", "[64,32]"]
    looks += ["--inference.flip", "true", "--data.root", root]
    crop = ["--inference.crop", "[64,128]"]
    assert main(["eval", str(run), *looks, *crop, "--out", str(tmp_path / "eval")]) == 0
    assert (
        main(["infer", str(exported), *looks, "--runtime", "openvino", "--out", str(tmp_path / "infer")]) == 0
    )
    assert numbers(tmp_path / "infer") == pytest.approx(numbers(tmp_path / "eval"), abs=5e-5)


def test_looks_that_an_export_cannot_do(exported: Path, choosing: Path) -> None:
    logits, classes = read_manifest(exported), read_manifest(choosing)
    assert isinstance(logits, SegmentationManifest)
    assert isinstance(classes, SegmentationManifest)
    with pytest.raises(UserError, match="whole pictures are stretched to that"):
        exported_settings(InferenceConfig(size=(64, 96)), logits)
    with pytest.raises(UserError, match="Export again without --normalise-inside"):
        exported_settings(InferenceConfig(mode="slide"), classes)
    with pytest.raises(UserError, match="Export again with --outputs logits"):
        exported_settings(InferenceConfig(flip=True), classes)
    assert exported_settings(InferenceConfig(mode="slide"), logits).stride == (64, 128)


def test_pictures_have_the_bits_that_the_network_sees(exported: Path, pictures: list[Path]) -> None:
    manifest, image = read_manifest(exported), read_image(pictures[0])
    assert isinstance(manifest, SegmentationManifest)
    np.testing.assert_array_equal(picture_input(manifest).of(image), network_input(image))


def test_latency_is_measured_and_written(exported: Path, tmp_path: Path) -> None:
    words = ["--runtime", "openvino", "--benchmark", "2", "--threads", "1", "--out", str(tmp_path)]
    assert main(["infer", str(exported), *words]) == 0
    latency = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))
    assert (latency["model"], latency["runtime"], latency["calls"]) == ("segformer_b0", "openvino", 2)
