"""The published class lists, against the original's."""

import json
from pathlib import Path

import pytest
from ms_defrcn.class_lists import COCO_CATEGORIES, COCO_NOVEL_IDS, published_lists

GOLDEN = json.loads((Path(__file__).parent / "golden" / "class_splits.json").read_text("utf-8"))


def test_coco_has_sixty_base_and_twenty_novel_classes_in_the_order_of_their_ids():
    lists, golden = published_lists("coco"), GOLDEN["coco"]
    assert (len(lists.base), len(lists.novel), len(lists.all)) == (60, 20, 80)
    assert list(lists.base) == golden["base"]
    assert list(lists.novel) == golden["novel"]
    assert list(lists.all) == golden["all"]
    assert list(COCO_NOVEL_IDS) == golden["novel_ids"]
    names = {name: id_ for id_, name in COCO_CATEGORIES.items()}
    assert [names[name] for name in lists.base] == golden["base_ids"]
    assert lists.data_set == lists.all


@pytest.mark.parametrize("number", "123")
def test_voc_has_fifteen_base_and_five_novel_classes(number):
    lists = published_lists(f"voc{number}")
    assert list(lists.base) == GOLDEN["voc"]["base"][number]
    assert list(lists.novel) == GOLDEN["voc"]["novel"][number]
    assert list(lists.all) == GOLDEN["voc"]["all"][number]
    assert sorted(lists.all) == list(lists.data_set)


def test_coco_categories_are_those_of_a_real_annotation_file(shared):
    file = shared / "data" / "coco_small" / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text("utf-8"))
    assert {category["id"]: category["name"] for category in content["categories"]} == COCO_CATEGORIES


def test_voc_classes_are_those_of_a_real_set(shared):
    names = (shared / "data" / "voc100" / "voc.names").read_text("utf-8").split("\n")
    assert sorted(name for name in names if name) == list(published_lists("voc1").data_set)
