"""Results of the C++ programs: the index, the pictures they belong to, and what is said of damaged ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.infer.result_detections import form_of, open_detection_results
from ms_core.infer.result_folder import PictureResult, PicturesByName, is_result_folder, read_results


def write_result(folder: Path, picture: str, name: str, *outputs: np.ndarray, size=(80, 40)) -> dict:
    """Files of one picture, and its line of the index."""
    folder.mkdir(exist_ok=True)
    entries = []
    for place, output in enumerate(outputs):
        file = f"{name}_{place}.bin"
        output.tofile(folder / file)
        entries.append({"file": file, "shape": list(output.shape), "dtype": str(output.dtype)})
    return {"picture": picture, "name": name, "width": size[0], "height": size[1], "outputs": entries}


def write_index(folder: Path, *lines: object) -> None:
    (folder / "index.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def result(picture: str) -> PictureResult:
    return PictureResult(picture=picture, name="any", outputs=())


def test_outputs_and_failures_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "result_Files"
    boxes, labels = np.arange(8, dtype=np.float32).reshape(2, 4), np.array([3, -1], np.int32)
    line = write_result(folder, "a/b.jpg", "a__b", boxes, labels)
    write_index(folder, {"picture": "a/c.jpg", "error": "a/c.jpg: truncated"}, line)
    assert is_result_folder(folder)
    found = read_results(folder)
    (only,) = found.results
    assert (only.picture, only.width, only.height) == ("a/b.jpg", 80, 40)
    for read, written in zip(only.read(folder), (boxes, labels), strict=True):
        assert read.dtype == written.dtype
        np.testing.assert_array_equal(read, written)
    assert found.failures == (("a/c.jpg", "a/c.jpg: truncated"),)
    assert found.failure_note() == "1 picture was not done, such as a/c.jpg: a/c.jpg: truncated"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width, height: 0 x 40"),
        ({"outputs": []}, "outputs: none"),
        (
            {"outputs": [{"file": "../x.bin", "shape": [1], "dtype": "float32"}]},
            "no name of a file in this folder",
        ),
        ({"outputs": [{"file": "x.bin", "shape": [], "dtype": "float32"}]}, "shape: []"),
        ({"outputs": [{"file": "x.bin", "shape": [1], "dtype": "float64"}]}, "'float64' is not one of"),
        ({"name": None}, "name"),
    ],
)
def test_damaged_lines_are_named(change: dict, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "result_Files"
    line = write_result(folder, "b.jpg", "b", np.zeros(4, np.float32))
    write_index(folder, line, {**line, **change})
    with pytest.raises(UserError, match=r"index.jsonl: line 2: ") as caught:
        read_results(folder)
    assert message in str(caught.value)


def test_an_index_without_results_says_why(tmp_path: Path) -> None:
    write_index(tmp_path, {"picture": "c.jpg", "error": "empty"})
    with pytest.raises(UserError, match=r"no picture was done. 1 picture was not done, such as c.jpg: empty"):
        read_results(tmp_path)


def test_a_file_of_another_length_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "result_Files"
    line = write_result(folder, "b.jpg", "b", np.zeros((2, 4), np.float32))
    write_index(folder, line)
    (folder / "b_0.bin").write_bytes(bytes(28))
    (only,) = read_results(folder).results
    with pytest.raises(UserError, match=r"b_0.bin: 7 values, the index says \[2, 4\]"):
        only.read(folder)


def test_pictures_are_found_by_the_end_of_their_path() -> None:
    paths = [Path("/data/x/1.jpg"), Path("/data/y/1.jpg"), Path("/data/y/a.b.jpg"), Path("/data/7.png")]
    names = PicturesByName([(path, number + 70, path) for number, path in enumerate(paths)])
    assert names.find(result("y/1.jpg")) == paths[1]
    assert names.find(result("/elsewhere/data/x/1.jpg")) == paths[0]
    assert names.find(result("a.b")) == paths[2]
    assert names.find(result("7")) == paths[3]
    assert names.find(result("72")) == paths[2]
    with pytest.raises(UserError, match=r"1.jpg: could be /data/x/1.jpg and /data/y/1.jpg"):
        names.find(result("1.jpg"))
    with pytest.raises(UserError, match="no image is called z"):
        names.find(result("z.jpg"))


def test_old_folders_have_two_or_three_files_a_picture(tmp_path: Path) -> None:
    for place in range(2):
        np.zeros(4, np.float32).tofile(tmp_path / f"5_{place}.bin")
    assert form_of(open_detection_results(tmp_path)) == "decoded"
    np.zeros(1, np.int32).tofile(tmp_path / "5_2.bin")
    assert form_of(open_detection_results(tmp_path)) == "nms"


def test_relative_pictures_are_found_by_the_whole_path_that_the_program_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [Path("x.jpg"), Path("b/x.jpg")]
    names = PicturesByName([(path, None, path) for path in paths])
    for path in paths:
        listed = PictureResult(picture=str(path.absolute()), name="x", outputs=())
        assert names.find(listed) == path
