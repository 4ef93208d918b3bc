"""Recognising formats, and opening what a configuration names."""

from dataclasses import replace

import pytest
from ms_core.data.check import check_datasets
from ms_core.data.config import DetectionDataConfig
from ms_core.data.open import open_dataset, open_split, recognise_format
from ms_core.errors import UserError


def test_content_decides_not_the_ending(tmp_path, voc_page):
    (tmp_path / "a.dat").write_text('\n {"images": []}', encoding="utf-8")
    (tmp_path / "b.json").write_text("x.jpg 1,2,3,4,1\n", encoding="utf-8")
    (tmp_path / "c.lst").write_text("only/names.JPG\n", encoding="utf-8")
    voc_page(tmp_path / "voc" / "Annotations" / "a.xml", "a.jpg", [])
    (tmp_path / "voc" / "list").write_text("a\n", encoding="utf-8")
    assert recognise_format(tmp_path / "a.dat") == "coco"
    assert recognise_format(tmp_path / "b.json") == "txt"
    assert recognise_format(tmp_path / "c.lst") == "txt"
    assert recognise_format(tmp_path / "voc") == "voc"
    assert recognise_format(tmp_path / "voc" / "list") == "voc"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "filename,width\n", "neither COCO JSON nor a TXT list"),
        ("a.jpg", "x", "an image, where annotations were expected"),
        ("a.xml", "<annotation/>", "Pass the folder it lies in"),
        ("a.txt", "", "the file is empty"),
        ("a.json", "images = 3", "not valid JSON"),
    ],
)
def test_what_is_not_annotations(tmp_path, name, content, words):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        open_dataset(tmp_path / name)


@pytest.mark.parametrize("format", ["auto", "coco", "voc", "txt"])
def test_missing_paths_name_the_absolute_place(tmp_path, format, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        open_dataset("nowhere/train.json", format=format)
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_a_folder_with_coco_files_names_them(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "val.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"Pass one of its COCO files: .*val\.json"):
        open_dataset(tmp_path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match="is a folder, but txt annotations are one file"):
        open_dataset(tmp_path, format="txt")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9.jpg 1,2,3,4,1\n")
    with pytest.raises(UserError, match="byte 3 is not UTF-8"):
        open_dataset(tmp_path / "a.txt")


def test_splits_of_a_configuration(coco_file, tmp_path, picture):
    train = coco_file([[(3, [1, 2, 3, 4])]])
    picture(tmp_path / "other" / "v.jpg")
    (tmp_path / "val.txt").write_text("v.jpg 1,2,3,4,2\n", encoding="utf-8")
    config = DetectionDataConfig(
        train=str(train), val=str(tmp_path / "val.txt"), val_images=str(tmp_path / "other")
    )
    dataset = open_split(config, "train")
    assert open_split(config, "val", classes=dataset.classes).samples[0].labels.tolist() == [1]
    with pytest.raises(UserError, match=r"--data\.test"):
        open_split(config, "test")


@pytest.fixture
def two_lists(tmp_path, picture) -> DetectionDataConfig:
    """train/list.txt with classes cat, dog and val/list.txt with dog, cat; a dog in each."""
    for folder, names, dog in (("train", "cat\ndog\n", 2), ("val", "dog\ncat\n", 1)):
        picture(tmp_path / folder / "a.jpg")
        (tmp_path / folder / "classes.txt").write_text(names, encoding="utf-8")
        (tmp_path / folder / "list.txt").write_text(f"a.jpg 1,2,30,40,{dog}\n", encoding="utf-8")
    return DetectionDataConfig(train=str(tmp_path / "train/list.txt"), val=str(tmp_path / "val/list.txt"))


def named(dataset):
    return [dataset.classes[label] for sample in dataset.samples for label in sample.labels]


def test_a_dog_of_one_list_is_a_dog_of_the_other(two_lists):
    train = open_split(two_lists, "train")
    val = open_split(two_lists, "val", train.classes)
    assert (train.classes, val.classes) == (("cat", "dog"), ("cat", "dog"))
    assert (named(train), named(val)) == (["dog"], ["dog"])
    checked = check_datasets(two_lists)
    assert [summary.boxes for summary in checked.splits] == [(0, 1), (0, 1)]


def test_configured_classes_are_the_order_and_number_lists_without_names(two_lists, tmp_path):
    (tmp_path / "names.txt").write_text("dog\nbird\ncat\n", encoding="utf-8")
    config = replace(two_lists, classes=str(tmp_path / "names.txt"))
    for split in ("train", "val"):
        dataset = open_split(config, split)
        assert (dataset.classes, named(dataset)) == (("dog", "bird", "cat"), ["dog"])
    (tmp_path / "val" / "classes.txt").unlink()
    (tmp_path / "val" / "list.txt").write_text("a.jpg 1,2,30,40,3\n", encoding="utf-8")
    trained = open_split(config, "val", ["cat", "dog"])
    assert (trained.classes, named(trained)) == (("cat", "dog"), ["cat"])
    assert named(open_split(two_lists, "val", ["a", "b", "c"])) == ["c"]


def test_configured_classes_order_coco_and_voc_but_do_not_go_before_those_passed(coco_file, tmp_path):
    (tmp_path / "names.txt").write_text("dog\ncat\n", encoding="utf-8")
    path = coco_file([[(3, [1, 2, 3, 4])]])
    config = DetectionDataConfig(val=str(path), classes=str(tmp_path / "names.txt"))
    assert open_split(config, "val").classes == ("dog", "cat")
    passed = open_split(config, "val", ["cat", "dog"])
    assert (passed.classes, named(passed)) == (("cat", "dog"), ["cat"])
