"""Label images from polygons, against what cityscapesscripts drew."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.polygons import ConvertedPolygons, convert_polygons, draw_label_image
from PIL import Image

NAME = "x_000000_000000_gtFine"


@pytest.fixture
def root(tmp_path: Path, golden: Path) -> Path:
    folder = tmp_path / "gtFine/train/x"
    folder.mkdir(parents=True)
    for number in range(20):
        target = folder / f"x_{number:06d}_000000_gtFine_polygons.json"
        shutil.copyfile(golden / f"polygon_sample/{NAME}_polygons.json", target)
    return tmp_path


def written(path: Path, objects: list[Any], **changes: Any) -> Path:
    path.write_text(json.dumps({"imgHeight": 20, "imgWidth": 30, "objects": objects, **changes}))
    return path


@pytest.mark.parametrize("labels", ["labelTrainIds", "labelIds"])
@pytest.mark.parametrize("processes", [1, 2])
def test_equal_to_cityscapesscripts(root: Path, golden: Path, labels: str, processes: int) -> None:
    done = convert_polygons(root, labels=labels, processes=processes)  # type: ignore[arg-type]
    assert done == ConvertedPolygons(20, 0)
    expected = np.array(Image.open(golden / f"polygon_sample/{NAME}_{labels}.png"))
    for path in sorted(root.glob(f"gtFine/train/x/*_gtFine_{labels}.png")):
        image = Image.open(path)
        assert image.mode == "L"
        assert (np.array(image) == expected).all()
    assert not list(root.rglob("*.tmp"))


def test_what_is_there_stays_unless_overwritten(root: Path) -> None:
    there = root / "gtFine/train/x/x_000003_000000_gtFine_labelTrainIds.png"
    there.write_text("mine")
    assert convert_polygons(root) == ConvertedPolygons(19, 1)
    assert there.read_text() == "mine"
    assert convert_polygons(root / "gtFine", overwrite=True) == ConvertedPolygons(20, 0)
    assert Image.open(there).size == (200, 96)


@pytest.mark.parametrize("processes", [1, 2])
def test_unknown_label_names_file_and_object(root: Path, processes: int) -> None:
    bad = root / "gtFine/train/x/x_000010_000000_gtFine_polygons.json"
    written(bad, [{"label": "spaceship", "polygon": [[0, 0], [5, 0], [5, 5]]}])
    with pytest.raises(
        UserError, match=r"x_000010_.*_polygons\.json: object 0: label 'spaceship' is not one"
    ):
        convert_polygons(root, processes=processes)
    assert not bad.with_name("x_000010_000000_gtFine_labelTrainIds.png").exists()


def test_a_process_that_dies_is_no_hang(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(
        UserError, match=r"polygons\.json: the process that drew it ended with code 1\. Try again"
    ):
        convert_polygons(root, processes=2)
    monkeypatch.setattr("sys.executable", str(root / "none"))
    with pytest.raises(FileNotFoundError):
        convert_polygons(root, processes=2)


def test_deleted_objects_may_have_any_label(tmp_path: Path) -> None:
    square = [[0, 0], [9, 0], [9, 9], [0, 9]]
    objects = [
        {"label": "spaceship", "polygon": square, "deleted": 1},
        {"label": "cargroup", "polygon": square},
    ]
    path = written(tmp_path / "a_gtFine_polygons.json", objects)
    assert sorted(set(draw_label_image(path).tobytes())) == [13, 255]
    assert sorted(set(draw_label_image(path, "labelIds").tobytes())) == [0, 26]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "no imgWidth, imgHeight and objects"),
        ('{"imgWidth": 0, "imgHeight": 5, "objects": []}', "no imgWidth, imgHeight and objects"),
        (
            '{"imgWidth": 5, "imgHeight": 5, "objects": [{"label": "car"}]}',
            "object 0: needs a label and a polygon",
        ),
        (
            '{"imgWidth": 5, "imgHeight": 5, "objects": [{"label": "car", "polygon": [["a", 1]]}]}',
            "object 0: needs",
        ),
        (
            '{"imgWidth": 5, "imgHeight": 5, "objects": [{"label": "car", "polygon": [[1, 1]]}]}',
            "object 0: .*1 corners",
        ),
        ("{", "line 1 column 2"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a_gtFine_polygons.json"
    path.write_text(content)
    with pytest.raises(UserError, match=rf"a_gtFine_polygons\.json: {message}"):
        convert_polygons(tmp_path)


def test_nothing_to_convert(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \*_polygons\.json in it\. Pass the folder that holds gtFine"):
        convert_polygons(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        convert_polygons(tmp_path / "none")
    with pytest.raises(UserError, match="--nproc -1: must be at least 0"):
        convert_polygons(tmp_path, processes=-1)
