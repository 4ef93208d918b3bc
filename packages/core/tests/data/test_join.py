"""Several annotation sources that count as one split."""

from dataclasses import replace

import numpy as np
import pytest
from ms_core.data.config import DetectionDataConfig
from ms_core.data.join import annotation_parts, join_datasets, with_own_ids
from ms_core.data.open import open_dataset, open_split, split_parts
from ms_core.data.sample import read_file
from ms_core.errors import UserError


@pytest.fixture
def years(tmp_path, picture, voc_page):
    """Two VOC folders whose image ids, 1 and 2, are the same."""
    folders = []
    for year in ("VOC2007", "VOC2012"):
        for number, name in ((1, "cat"), (2, "dog")):
            picture(tmp_path / year / "JPEGImages" / f"{number:06}.jpg", seed=number + len(folders) * 7)
            page = tmp_path / year / "Annotations" / f"{number:06}.xml"
            voc_page(page, f"{number:06}.jpg", [(name, (1, 2, 30, 40))])
        folders.append(str(tmp_path / year))
    return folders


@pytest.mark.parametrize(
    ("text", "parts"), [(None, []), ("a.json", ["a.json"]), ("a, b ,c", ["a", "b", "c"]), ("a b", ["a b"])]
)
def test_commas_separate_sources(text, parts):
    assert annotation_parts(text) == parts


def test_a_file_with_a_comma_in_its_name_is_one(tmp_path):
    (tmp_path / "a,b.json").touch()
    assert annotation_parts(str(tmp_path / "a,b.json")) == [str(tmp_path / "a,b.json")]
    with pytest.raises(UserError, match="nothing before or after a comma"):
        annotation_parts("a.json,")


def test_two_folders_are_one_training_set(years):
    dataset = open_split(DetectionDataConfig(train=",".join(years)), "train")
    assert [sample.id for sample in dataset.samples] == [1, 2, 3, 4]
    assert [sample.path.parts[-3] for sample in dataset.samples] == ["VOC2007"] * 2 + ["VOC2012"] * 2
    assert dataset.classes == ("cat", "dog")
    assert [sample.labels.tolist() for sample in dataset.samples] == [[0], [1], [0], [1]]
    assert str(dataset.source) == ",".join(years)
    assert dataset.encoded is read_file
    one = open_split(DetectionDataConfig(train=years[0]), "train")
    assert [s.boxes.tolist() for s in dataset.samples[:2]] == [s.boxes.tolist() for s in one.samples]


def test_ids_stay_where_no_two_are_the_same(coco_file):
    first = open_dataset(coco_file([[(3, [0, 0, 9, 9])]]))
    second = replace(first, samples=(replace(first.samples[0], id=99),))
    assert [sample.id for sample in join_datasets([first, second], "a,b").samples] == [10, 99]


def test_counts_and_notes_of_all_sources_are_kept(coco_file):
    path = coco_file([[(3, [0, 0, 9, 9]), (3, [0, 0, 0, 9])]])
    dataset = open_dataset(path, invalid_boxes="drop")
    joined = join_datasets([dataset, replace(dataset, notes=("another",), dropped=2)], "a,b")
    assert joined.dropped == 3
    assert joined.notes == (*dataset.notes, "another")


def test_a_picture_is_read_by_the_reader_of_its_own_source(years):
    datasets = [open_dataset(year) for year in years]

    def reader(number):
        return lambda sample: np.array([number, sample.id], np.uint8)

    pairs = [(s, reader(number)) for number, d in enumerate(datasets) for s in d.samples]
    samples, encoded = with_own_ids(pairs)
    assert [encoded(sample).tolist() for sample in samples] == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert [encoded(sample.select(np.array([], int))).tolist() for sample in samples][3] == [1, 2]


def test_sources_with_other_classes_are_refused_but_may_be_named(years, tmp_path, voc_page):
    voc_page(tmp_path / "VOC2012" / "Annotations" / "000002.xml", "000002.jpg", [("elk", (1, 2, 30, 40))])
    with pytest.raises(UserError, match=r"differ \(dog, elk\)\. Name them: --data\.classes FILE"):
        open_split(DetectionDataConfig(train=",".join(years)), "train")
    config = DetectionDataConfig(train=",".join(years), classes=("cat", "dog", "elk"))
    assert [s.labels.tolist() for s in open_split(config, "train").samples] == [[0], [1], [0], [2]]


def test_every_source_has_a_cache_of_its_own():
    config = DetectionDataConfig(train="a,b", val="c", cache="cache")
    assert [(part.train, part.cache) for part in split_parts(config, "train")] == [
        ("a", "cache/part1"),
        ("b", "cache/part2"),
    ]
    assert split_parts(config, "val") == [config]


def test_a_missing_source_is_named(years):
    with pytest.raises(UserError, match="absent: no such file or folder"):
        open_split(DetectionDataConfig(train=f"{years[0]},absent"), "train")
