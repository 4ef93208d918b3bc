"""The TXT list: parsing from the right, classes from 1."""

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.data.open import open_dataset
from ms_core.data.txt import format_line, parse_line
from ms_core.errors import UserError


@pytest.fixture
def listed(tmp_path, picture):
    """Writes list.txt and classes.txt for pictures of 64x48 named in the lines."""

    def write(*lines: str, names: tuple[str, ...] = ("a.jpg",), classes: str = "cat\ndog\n") -> Path:
        for seed, name in enumerate(names):
            picture(tmp_path / name, seed=seed)
        (tmp_path / "classes.txt").write_text(classes, encoding="utf-8")
        path = tmp_path / "list.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def error_of(path: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        open_dataset(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_x_comes_first_and_classes_count_from_one(listed):
    dataset = open_dataset(listed("a.jpg 0,25,40,45,2 35,2,60.5,20,1"))
    assert (dataset.format, dataset.classes, dataset.category_ids) == ("txt", ("cat", "dog"), (1, 2))
    (sample,) = dataset.samples
    np.testing.assert_array_equal(sample.boxes, np.float32([[0, 25, 40, 45], [35, 2, 60.5, 20]]))
    assert sample.labels.tolist() == [1, 0]
    assert (sample.id, sample.width, sample.height) == (0, 64, 48)


def test_ids_are_line_numbers_from_zero(listed):
    path = listed("a.jpg 1,2,3,4,1", "", "b.jpg", names=("a.jpg", "b.jpg"))
    assert [(sample.id, len(sample.labels)) for sample in open_dataset(path).samples] == [(0, 1), (2, 0)]


def test_paths_with_spaces_commas_folders_and_backslashes(listed):
    names = ("my photos/плата 1, 2.jpg", "sub/b.jpg")
    path = listed("my photos/плата 1, 2.jpg 1,2,3,4,1", "sub\\b.jpg 1,2,3,4,2", names=names)
    dataset = open_dataset(path)
    assert [sample.path.relative_to(path.parent).as_posix() for sample in dataset.samples] == list(names)


def test_windows_line_ends_and_byte_order_mark(listed, tmp_path):
    path = listed("x")
    path.write_bytes("a.jpg 1,2,3,4,1\r\n".encode("utf-8-sig"))
    assert open_dataset(path).box_count == 1


def test_label_zero_says_that_background_is_implied(listed):
    path = listed("a.jpg 1,2,3,4,1 1,2,3,4,0")
    message = error_of(path)
    assert f"{path}: line 1: box 2: class 0" in message
    assert "background is implied" in message
    assert "Number the classes from 1" in error_of(path, unknown_classes="drop")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a.jpg 1,2,3,4,3", "class 3 is not one of 1 to 2"),
        ("a.jpg 1,2,3,4,1.5", "class 1.5 is not one of"),
        ("a.jpg 1,2,3,4,nan", "class nan is not one of"),
        ("a.jpg 1,2,3,4", "line 1: '1,2,3,4' is no box"),
        ("a.jpg 1,2,3,4,1,1", "'1,2,3,4,1,1' is no box"),
        ("1,2,3,4,1", "no image path before the boxes"),
        ("a.jpg 5,2,5,4,1", "line 1: box 1 has width 0 (xmin=5.0, xmax=5.0)"),
        ("a.jpg 5,9,8,4,1", "box 1 has height -5"),
        ("a.jpg 1,2,300,4,1", "box 1 reaches outside the 64x48 image"),
        ("a.jpg nan,2,3,4,1", "box 1 is not finite"),
    ],
)
def test_faulty_lines(listed, line, words):
    assert words in error_of(listed(line), format="txt")


def test_no_class_names(listed, tmp_path):
    path = listed("a.jpg 1,2,3,4,1")
    (tmp_path / "classes.txt").unlink()
    assert "--data.classes FILE" in error_of(path)
    assert open_dataset(path, classes=["cat"]).classes == ("cat",)


def test_background_in_the_classes_file_is_left_out_with_a_note(listed):
    dataset = open_dataset(listed("a.jpg 1,2,3,4,2", classes="background\ncat\n\ndog\n"))
    assert dataset.classes == ("cat", "dog")
    assert dataset.samples[0].labels.tolist() == [1]
    assert "background, was left out" in dataset.notes[0]


@pytest.mark.parametrize(
    ("classes", "words"), [("background\n", "no class names"), ("cat\ncat\n", "'cat' occurs twice")]
)
def test_faulty_class_names(listed, classes, words):
    assert words in error_of(listed("a.jpg 1,2,3,4,1", classes=classes))


def test_images_start_from_the_given_folder(listed, tmp_path, picture):
    path = listed("b.jpg 1,2,3,4,1")
    picture(tmp_path / "elsewhere" / "b.jpg")
    assert f"line 1: no image file at {tmp_path / 'b.jpg'} (1 of 1 are missing)" in error_of(path)
    assert open_dataset(path, images=tmp_path / "elsewhere").box_count == 1
    assert "no such folder" in error_of(path, images=tmp_path / "nowhere")


coordinates = st.integers(0, 8_000_000).map(lambda number: number / 1000)
name_characters = st.sampled_from(string.ascii_letters + string.digits + " ,._-äя猫/")


@given(
    st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates, st.integers(0, 99)), max_size=5),
    st.text(name_characters, min_size=1, max_size=30).map(lambda text: f"{text.strip()}.jpg"),
)
def test_a_written_line_reads_back(boxes, name):
    numbers = np.array([box[:4] for box in boxes], np.float32).reshape(-1, 4)
    line = format_line(name, numbers, np.array([box[4] for box in boxes], np.int32))
    read = parse_line(Path("list.txt"), 1, line)
    assert read.path == name
    np.testing.assert_array_equal(np.array(read.boxes, np.float32).reshape(-1, 5)[:, :4], numbers)
    assert [int(box[4]) - 1 for box in read.boxes] == [box[4] for box in boxes]


@pytest.mark.parametrize("name", ["a 1,2,3,4,5", "a 1,2", " a.jpg", "a\n.jpg"])
def test_names_a_line_cannot_hold(name):
    with pytest.raises(UserError, match="cannot hold this image path"):
        format_line(name, np.zeros((0, 4)), np.zeros(0, int))


def test_a_list_keeps_its_own_numbers_whatever_the_classes_are(listed):
    """Read in the order of the training's classes, the 1 of this list (dog) would be a cat."""
    path = listed("a.jpg 1,2,3,4,1 1,2,30,40,2", classes="dog\ncat\n")
    dataset = open_dataset(path, classes=["cat", "bird", "dog"])
    assert (dataset.classes, dataset.category_ids) == (("cat", "bird", "dog"), (1, 2, 3))
    assert dataset.samples[0].labels.tolist() == [2, 0]
    assert str(path.parent / "classes.txt") in dataset.notes[0]
    assert open_dataset(path, classes=["dog", "cat", "bird"]).notes == ()


def test_without_an_own_file_the_numbers_are_of_numbering_then_of_the_classes(listed, tmp_path):
    path = listed("a.jpg 1,2,3,4,1 1,2,30,40,2")
    (tmp_path / "classes.txt").rename(tmp_path / "names.txt")
    assert open_dataset(path, classes=["dog", "cat"]).samples[0].labels.tolist() == [0, 1]
    numbered = open_dataset(path, classes=["dog", "cat"], numbering=tmp_path / "names.txt")
    assert numbered.samples[0].labels.tolist() == [1, 0]
    assert open_dataset(path, numbering=tmp_path / "names.txt").classes == ("cat", "dog")


def test_a_name_that_is_not_among_the_classes(listed):
    path = listed("a.jpg 1,2,3,4,1 1,2,30,40,2", classes="cat\nbirds\n")
    message = error_of(path, classes=["bird", "cat"])
    assert f"line 1: box 2: class 2 is 'birds' ({path.parent / 'classes.txt'}), which is not among" in message
    assert "nearest: bird" in message
    assert "--data.unknown-classes drop" in message
    dropped = open_dataset(path, classes=["bird", "cat"], unknown_classes="drop")
    assert dropped.samples[0].labels.tolist() == [1]
    assert any("1 box of other classes left out" in note for note in dropped.notes)
    assert "class 3 is not one of 1 to 2" in error_of(listed("a.jpg 1,2,3,4,3"), classes=["dog", "cat", "x"])
