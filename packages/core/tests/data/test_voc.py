"""Reading VOC folders and lists."""

from pathlib import Path

import numpy as np
import pytest
from ms_core.data.open import open_dataset
from ms_core.data.voc import image_ids
from ms_core.errors import UserError


@pytest.fixture
def tree(tmp_path, picture, voc_page):
    """A VOC tree with three images: a (cat), b (dog, difficult cat), c (nothing)."""
    objects = {
        "a": [("cat", (1, 1, 64, 48))],
        "b": [("dog", (11, 21, 20, 30)), ("cat", (5, 6, 7, 8), True)],
        "c": [],
    }
    for seed, (stem, entries) in enumerate(objects.items()):
        picture(tmp_path / "JPEGImages" / f"{stem}.jpg", seed=seed)
        voc_page(tmp_path / "Annotations" / f"{stem}.xml", f"{stem}.jpg", entries)
    return tmp_path


def error_of(path: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        open_dataset(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pixels_count_from_one_and_include_the_last(tree):
    dataset = open_dataset(tree)
    assert (dataset.format, dataset.classes, dataset.category_ids) == ("voc", ("cat", "dog"), (1, 2))
    a, b, c = dataset.samples
    np.testing.assert_array_equal(a.boxes, np.float32([[0, 0, 64, 48]]))
    np.testing.assert_array_equal(b.boxes, np.float32([[10, 20, 20, 30], [4, 5, 7, 8]]))
    assert b.labels.tolist() == [1, 0]
    assert b.difficult.tolist() == [False, True]
    assert not b.crowd.any()
    assert b.areas.tolist() == [100, 9]
    assert len(c.labels) == 0


def test_difficult_travels_in_a_key_of_its_own(tree):
    annotations = open_dataset(tree).to_coco()["annotations"]
    assert [entry.get("difficult") for entry in annotations] == [None, None, 1]
    assert not any(entry["iscrowd"] or "ignore" in entry for entry in annotations)


@pytest.mark.parametrize("text", ["b\nc\n", "b 1\nc -1\n", "b\r\n\r\nc  0\r\n"])
def test_an_imagesets_list(tree, text):
    path = tree / "ImageSets" / "Main" / "val.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    dataset = open_dataset(path)
    assert [sample.path.stem for sample in dataset.samples] == ["b", "c"]


def test_a_list_with_missing_annotations(tree):
    path = tree / "ImageSets" / "Main" / "val.txt"
    path.parent.mkdir(parents=True)
    path.write_text("b\nx\ny\n", encoding="utf-8")
    message = error_of(path)
    assert "x.xml" in message
    assert "(2 of 3 are missing)" in message


def test_a_name_that_ends_in_a_number(tree, picture, voc_page):
    picture(tree / "JPEGImages" / "photo 1.jpg")
    voc_page(tree / "Annotations" / "photo 1.xml", "photo 1.jpg", [])
    path = tree / "names.txt"
    path.write_text("photo 1\n", encoding="utf-8")
    assert open_dataset(path, classes=["cat"]).samples[0].path.name == "photo 1.jpg"


def test_xml_beside_the_images(tmp_path, picture, voc_page):
    picture(tmp_path / "IMG 1.JPG", format="JPEG")
    voc_page(tmp_path / "IMG 1.xml", "somewhere\\else.png", [("cat", (1, 2, 3, 4))])
    assert open_dataset(tmp_path).samples[0].path == tmp_path / "IMG 1.JPG"


def test_size_left_out_comes_from_the_header(tmp_path, picture, voc_page):
    picture(tmp_path / "a.jpg")
    voc_page(tmp_path / "a.xml", "a.jpg", [("cat", (1, 2, 3, 4))], size=None)
    assert (open_dataset(tmp_path).samples[0].width, open_dataset(tmp_path).samples[0].height) == (64, 48)


def test_classes_file_in_the_folder_decides_the_order(tree):
    (tree / "classes.txt").write_text("dog\nbird\ncat\n", encoding="utf-8")
    dataset = open_dataset(tree)
    assert dataset.classes == ("dog", "bird", "cat")
    assert dataset.samples[1].labels.tolist() == [0, 2]


def test_an_unknown_class_names_the_file_and_the_nearest(tree):
    message = error_of(tree, classes=["cats", "dog"])
    assert "a.xml: object 1: class 'cat'" in message
    assert "nearest: cats" in message


def test_one_pixel_is_a_click_not_an_object(tmp_path, picture, voc_page):
    picture(tmp_path / "a.jpg")
    path = voc_page(tmp_path / "a.xml", "a.jpg", [("cat", (1, 2, 30, 40)), ("cat", (9, 9, 9, 9))])
    assert f"{path}: box 2 has width 0 (xmin=9.0, xmax=9.0)" in error_of(tmp_path)
    assert open_dataset(tmp_path, invalid_boxes="drop").dropped == 1


def test_a_box_from_zero_is_within_the_tolerance(tmp_path, picture, voc_page):
    picture(tmp_path / "a.jpg")
    voc_page(tmp_path / "a.xml", "a.jpg", [("cat", (0, 0, 10, 10))])
    np.testing.assert_array_equal(open_dataset(tmp_path).samples[0].boxes, np.float32([[0, 0, 10, 10]]))


@pytest.mark.parametrize(
    ("stems", "ids"),
    [
        (["000007", "12"], [7, 12]),
        (["7", "007"], [1, 2]),
        (["1", "a", "2"], [1, 2, 3]),
        (["2", "a"], [1, 2]),
        (["20190104163809", "1"], [1, 2]),
        (["²", "1"], [1, 2]),
    ],
)
def test_ids_never_collide(stems, ids):
    assert image_ids(stems) == ids


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<annotation><object>", "line 1, column 20. The file is not valid XML"),
        ("", "not valid XML"),
        ("<html/>", "the outermost element is <html>"),
        (
            "<annotation><object><name>cat</name></object></annotation>",
            "object 1 (cat): <bndbox> needs numbers",
        ),
        ("<annotation><object></object></annotation>", "object 1 has no <name>"),
        ("<annotation><size><width>x</width></size></annotation>", "size x x 0 is no number"),
    ],
)
def test_malformed_xml(tmp_path, content, words):
    (tmp_path / "a.xml").write_text(content, encoding="utf-8")
    assert words in error_of(tmp_path)


def test_a_folder_of_splits_is_told_apart(tmp_path, picture, voc_page):
    for split in ("test", "train"):
        picture(tmp_path / split / "a.jpg")
        voc_page(tmp_path / split / "a.xml", "a.jpg", [])
    message = error_of(tmp_path)
    assert "no *.xml" in message
    assert f"Pass one of: {tmp_path / 'test'}, {tmp_path / 'train'}" in message


def test_no_object_at_all(tmp_path, picture, voc_page):
    picture(tmp_path / "a.jpg")
    voc_page(tmp_path / "a.xml", "a.jpg", [])
    assert "none of the 1 annotation files has an object" in error_of(tmp_path)


def test_missing_pictures(tree):
    (tree / "JPEGImages" / "b.jpg").unlink()
    message = error_of(tree)
    assert f"no image file at {tree / 'JPEGImages' / 'b.jpg'} (1 of 3 are missing)" in message


PAGE = (
    '<?xml version="1.0" encoding="{0}"?>\n<annotation><filename>a.jpg</filename><object><name>{1}</name><bndbox>'
    "<xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
)


@pytest.mark.parametrize(
    ("declared", "name", "written"),
    [
        ("gb2312", "猫", "gb2312"),
        ("GB2312", "喆", "gbk"),  # a sign that only the larger encoding has, as Chinese Windows writes it
        ("Big5", "貓", "big5"),
        ("Shift_JIS", "①", "cp932"),
        ("euc-kr", "고양이", "euc-kr"),
        ("windows-1251", "кот", "cp1251"),
        ("utf-8", "猫", "utf-8-sig"),
        ("gb2312", "猫", "utf-8-sig"),
        ("utf-16", "猫", "utf-16"),
        ("gb2312", "猫", "utf-16"),
    ],
)
def test_xml_in_any_encoding(tmp_path, picture, declared, name, written):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_bytes(PAGE.format(declared, name).encode(written))
    assert open_dataset(tmp_path).classes == (name,)


@pytest.mark.parametrize(
    ("declared", "data", "words"),
    [
        ("nonsense", b"x", "its encoding 'nonsense' is not known. Save the file as UTF-8"),
        ("base64", b"x", "its encoding 'base64' is not known"),
        ("undefined", b"x", "says that it is undefined text, but is not"),
        ("gb2312", b"\xff\xff", "says that it is gb2312 text, but is not"),
        ("utf-8", b"caf\xe9", "says that it is utf-8 text, but is not"),
        ("utf-7", b"+2AA-", "not valid XML"),
    ],
)
def test_xml_that_is_not_in_its_encoding(tmp_path, declared, data, words):
    path = tmp_path / "a.xml"
    path.write_bytes(PAGE.format(declared, "NAME").encode().replace(b"NAME", data))
    message = error_of(tmp_path)
    assert message.startswith(f"{path}: ")
    assert words in message
