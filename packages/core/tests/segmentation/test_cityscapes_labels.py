"""The label table against the data set's own tools (cityscapes_facts.json comes from cityscapesscripts)."""

import json
from pathlib import Path

import numpy as np
from ms_core.segmentation import cityscapes_labels as labels


def test_table_is_that_of_cityscapesscripts(golden: Path) -> None:
    facts = json.loads((golden / "cityscapes_facts.json").read_text("utf-8"))
    told = [
        (entry["name"], entry["id"], entry["trainId"], tuple(entry["color"])) for entry in facts["labels"]
    ]
    assert [(x.name, x.id, x.train_id, x.colour) for x in labels.LABELS] == told
    assert list(labels.CLASSES) == facts["classes"]
    assert labels.PALETTE.tolist() == facts["palette"]
    assert labels.ID_TO_TRAIN_ID[:34].tolist() == facts["id_to_trainid"]
    assert list(labels.CLASS_WEIGHTS) == facts["class_weights_zoo"]


def test_training_ids_return_from_label_ids() -> None:
    ids = np.arange(19, dtype=np.uint8)
    assert (labels.ID_TO_TRAIN_ID[labels.TRAIN_ID_TO_ID[ids]] == ids).all()
    assert labels.TRAIN_ID_TO_ID[255] == 0


def test_groups_count_as_their_members_unless_the_table_has_them() -> None:
    names = ("cargroup", "polegroup", "car", "spaceship", "group")
    found = [labels.label_named(name) for name in names]
    assert [label and label.name for label in found] == ["car", "polegroup", "car", None, None]
