"""Conversions lose nothing that the new format can hold."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ms_core.data.convert import convert_dataset
from ms_core.data.open import open_dataset
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.errors import UserError
from PIL import Image

FORMATS = ("coco", "voc", "txt")


def by_name(dataset: DetectionDataset) -> dict[str, Sample]:
    return {sample.path.name: sample for sample in dataset.samples}


def assert_same(one: DetectionDataset, other: DetectionDataset) -> None:
    assert one.classes == other.classes
    first, second = by_name(one), by_name(other)
    assert first.keys() == second.keys()
    for name, sample in first.items():
        assert (sample.width, sample.height) == (second[name].width, second[name].height)
        np.testing.assert_array_equal(sample.boxes, second[name].boxes)
        np.testing.assert_array_equal(sample.labels, second[name].labels)


def out_path(folder: Path, format: str) -> Path:
    return folder / {"coco": "ann.json", "voc": "voc", "txt": "list.txt"}[format]


@st.composite
def boxes_of_an_image(draw):
    """Boxes inside 64x48, wider and higher than a pixel, with three decimals."""
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        x0, y0 = draw(st.integers(0, 62_000)), draw(st.integers(0, 46_000))
        x1, y1 = draw(st.integers(x0 + 1001, 64_000)), draw(st.integers(y0 + 1001, 48_000))
        boxes.append((draw(st.integers(0, 2)), [x0 / 1000, y0 / 1000, (x1 - x0) / 1000, (y1 - y0) / 1000]))
    return boxes


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FORMATS, FORMATS)))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=st.lists(boxes_of_an_image(), min_size=1, max_size=3))
def test_round_trips(first, second, boxes, coco_file, tmp_path_factory):
    categories = {4: "cat", 9: "old dog", 11: "猫 & co"}
    start = open_dataset(
        coco_file([[(list(categories)[label], box) for label, box in row] for row in boxes], categories)
    )
    folder = tmp_path_factory.mktemp("out")
    there = out_path(folder / "a ü", first)
    convert_dataset(start, there, to=first)
    middle = open_dataset(there)
    assert middle.format == first
    assert_same(start, middle)
    back = out_path(folder / "b", second)
    convert_dataset(middle, back, to=second)
    assert_same(start, open_dataset(back))


def test_coco_keeps_ids_crowd_and_areas(coco_file, tmp_path):
    path = coco_file([[(7, [1.25, 2, 30, 4], {"iscrowd": 1, "area": 5.5})], [(3, [1, 2, 3, 4])]])
    convert_dataset(open_dataset(path), tmp_path / "out.json", to="coco")
    again = open_dataset(tmp_path / "out.json")
    assert again.category_ids == (3, 7)
    assert [sample.id for sample in again.samples] == [10, 11]
    assert again.samples[0].crowd.tolist() == [True]
    assert again.samples[0].areas.tolist() == [5.5]


def test_difficult_survives_coco_and_voc(tmp_path, picture, voc_page):
    picture(tmp_path / "in" / "a.jpg")
    voc_page(tmp_path / "in" / "a.xml", "a.jpg", [("cat", (1, 2, 30, 40), True), ("cat", (3, 4, 5, 6))])
    dataset = open_dataset(tmp_path / "in")
    for format in ("coco", "voc"):
        convert_dataset(dataset, out_path(tmp_path, format), to=format)
        assert open_dataset(out_path(tmp_path, format)).samples[0].difficult.tolist() == [True, False]
    notes = convert_dataset(dataset, tmp_path / "list.txt", to="txt").notes
    assert "1 boxes marked difficult become ordinary ones" in notes[0]


@pytest.mark.parametrize("format", ["voc", "txt"])
def test_crowd_boxes_are_left_out_and_said(coco_file, tmp_path, format):
    path = coco_file([[(3, [1, 2, 30, 4], {"iscrowd": 1}), (3, [1, 2, 3, 4])]])
    converted = convert_dataset(open_dataset(path), out_path(tmp_path / "o", format), to=format)
    assert converted.boxes == 1
    assert "1 crowd boxes left out" in converted.notes[0]


def test_boxes_too_thin_for_voc(coco_file, tmp_path):
    dataset = open_dataset(coco_file([[(3, [1, 2, 1.0, 9]), (3, [1, 2, 3, 4])]]))
    with pytest.raises(UserError, match=r"image 10: box .* at most one pixel wide"):
        convert_dataset(dataset, tmp_path / "voc", to="voc")
    assert not (tmp_path / "voc").exists()
    assert convert_dataset(dataset, tmp_path / "voc", to="voc", invalid_boxes="drop").boxes == 1


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_overwritten_unasked(coco_file, tmp_path, format):
    dataset = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    out = out_path(tmp_path / "out", format)
    convert_dataset(dataset, out, to=format)
    with pytest.raises(UserError, match=r"already there.*--overwrite"):
        convert_dataset(dataset, out, to=format)
    convert_dataset(dataset, out, to=format, overwrite=True)
    assert_same(dataset, open_dataset(out))
    assert not [path for path in out.parent.iterdir() if path.name.startswith(".")]


def test_a_voc_folder_with_other_things_is_never_replaced(coco_file, tmp_path):
    dataset = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    convert_dataset(dataset, tmp_path / "voc", to="voc")
    again = open_dataset(tmp_path / "voc")
    with pytest.raises(UserError, match="the images to convert lie in it"):
        convert_dataset(again, tmp_path / "voc", to="voc", overwrite=True)
    (tmp_path / "voc" / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"holds 'diary\.txt'"):
        convert_dataset(dataset, tmp_path / "voc", to="voc", overwrite=True)


def test_lists_of_one_folder_share_their_classes(coco_file, tmp_path):
    train = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    convert_dataset(train, tmp_path / "train.txt", to="txt")
    convert_dataset(train, tmp_path / "val.txt", to="txt")
    assert (tmp_path / "classes.txt").read_text("utf-8") == "cat\ndog\n"
    other = open_dataset(coco_file([[(3, [1, 2, 3, 4])]], {3: "cat"}))
    with pytest.raises(UserError, match="with other classes"):
        convert_dataset(other, tmp_path / "test.txt", to="txt")
    assert not (tmp_path / "test.txt").exists()


def test_paths_start_from_the_given_folder(coco_file, tmp_path):
    dataset = open_dataset(coco_file([[(3, [1, 2, 3.5, 4])]]))
    convert_dataset(dataset, tmp_path / "lists" / "a.txt", to="txt", images=tmp_path)
    assert (tmp_path / "lists" / "a.txt").read_text("utf-8") == "0.jpg 1,2,4.5,6,1\n"
    convert_dataset(dataset, tmp_path / "lists" / "a.json", to="coco")
    content = json.loads((tmp_path / "lists" / "a.json").read_text("utf-8"))
    assert content["images"][0]["file_name"] == "../0.jpg"


def test_equal_names_in_two_folders_do_not_collide_in_voc(tmp_path, picture):
    picture(tmp_path / "x" / "a.jpg", seed=1)
    picture(tmp_path / "y" / "A.png", seed=2)
    (tmp_path / "classes.txt").write_text("cat\n", encoding="utf-8")
    (tmp_path / "list.txt").write_text("x/a.jpg 1,2,30,40,1\ny/A.png 5,6,7,8,1\n", encoding="utf-8")
    convert_dataset(open_dataset(tmp_path / "list.txt"), tmp_path / "voc", to="voc")
    assert {sample.path.name for sample in open_dataset(tmp_path / "voc").samples} == {"x_a.jpg", "y_A.png"}


def test_txt_cannot_hold_boxes_on_a_picture_that_exif_turns(coco_file, tmp_path, picture):
    path = coco_file([[(3, [1, 2, 3, 4])]])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "0.jpg", exif=exif)  # 64x48 as stored and annotated, 48x64 when shown
    dataset = open_dataset(path)
    with pytest.raises(UserError, match=r"image 10: 0\.jpg is 48x64 when shown, but annotated as 64x48"):
        convert_dataset(dataset, tmp_path / "list.txt", to="txt")
    convert_dataset(dataset, tmp_path / "voc", to="voc")
    (sample,) = open_dataset(tmp_path / "voc").samples
    assert (sample.width, sample.height) == (64, 48)


def test_a_picture_that_is_gone(coco_file, tmp_path):
    dataset = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    (tmp_path / "0.jpg").unlink()
    with pytest.raises(UserError, match=r"cannot write: No such file.*0\.jpg"):
        convert_dataset(dataset, tmp_path / "voc", to="voc")


@pytest.fixture
def failing_rename(monkeypatch):
    """Makes renaming to the named files fail, the given times and with the given error."""

    def fail(target: Path, error: BaseException, *, times: int) -> None:
        rename, left = Path.rename, [times]

        def renamed(self: Path, to: Path) -> Path:
            if Path(to) == target and left[0]:
                left[0] -= 1
                raise error
            return rename(self, to)

        monkeypatch.setattr(Path, "rename", renamed)

    return fail


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_old_voc_folder_comes_back(coco_file, tmp_path, failing_rename, error):
    out = tmp_path / "out" / "voc"
    old = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    convert_dataset(old, out, to="voc")
    new = open_dataset(coco_file([[(7, [1, 2, 30, 40])]]))
    failing_rename(out, error, times=1)
    with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt):
        convert_dataset(new, out, to="voc", overwrite=True)
    assert_same(open_dataset(out), old)
    assert [path.name for path in out.parent.iterdir()] == ["voc"]


def test_an_old_voc_folder_that_cannot_come_back_is_named(coco_file, tmp_path, failing_rename):
    out = tmp_path / "out" / "voc"
    old = open_dataset(coco_file([[(3, [1, 2, 3, 4])]]))
    convert_dataset(old, out, to="voc")
    failing_rename(out, OSError(5, "Input/output error"), times=2)
    with pytest.raises(UserError, match="cannot be put back") as caught:
        convert_dataset(old, out, to="voc", overwrite=True)
    (waiting,) = out.parent.iterdir()
    assert str(waiting / "voc") in str(caught.value)
    assert_same(open_dataset(waiting / "voc"), old)
