"""The labelled objects for calibration are those that were trained on."""

from dataclasses import replace

import pytest
from labelled_sets import write_coco, write_voc
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.stage_data import open_stage
from ms_defrcn.support import support_boxes

PICTURES = {f"{n}.jpg": ("ant", "bee", "ant", "cow") for n in range(6)} | {"cows.jpg": ("cow", "cow")}


@pytest.fixture
def config(tmp_path):
    file = write_coco(tmp_path / "ann.json", PICTURES, ("ant", "bee", "cow"))
    lists = FewShotConfig(base_classes=("bee",), novel_classes=("cow", "ant"), shots=3)
    return DeFRCNConfig(data=DetectionDataConfig(train=str(file)), fewshot=lists)


@pytest.mark.parametrize("classes", ["novel", "all"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_support_is_what_was_trained_on(config, classes, seed):
    config = replace(config, fewshot=replace(config.fewshot, classes=classes, shots_seed=seed))
    support, training = support_boxes(config), open_stage(config, "train")
    assert support.classes == ("cow", "ant")
    trained = {
        (training.classes[label], sample.path, tuple(box))
        for sample in training.samples
        for label, box in zip(sample.labels, sample.boxes.tolist(), strict=True)
    }
    compared = {
        (name, shot.path, tuple(shot.boxes[0].tolist()))
        for name, shots in zip(support.classes, support.shots, strict=True)
        for shot in shots
    }
    assert len(compared) == 6
    assert compared == {entry for entry in trained if entry[0] != "bee"}


def test_a_folder_of_labelled_pictures_gives_all_its_objects(config, tmp_path):
    few = write_voc(tmp_path / "few", {"x.jpg": ("ant", "cow"), "y.jpg": ("ant",)})
    fewshot = replace(config.fewshot, shots_from=str(few.parents[2]), shots=0)
    support = support_boxes(replace(config, fewshot=fewshot))
    assert support.classes == ("cow", "ant")
    assert [len(shots) for shots in support.shots] == [1, 2]


def test_a_novel_class_without_objects_is_named(config, tmp_path):
    few = write_voc(tmp_path / "few", {"x.jpg": ("ant",)})
    with pytest.raises(UserError, match=r"trainval\.txt: class 'cow' has no labelled object"):
        support_boxes(replace(config, fewshot=replace(config.fewshot, shots_from=str(few), shots=1)))


def test_calibration_needs_novel_classes_and_objects(config):
    with pytest.raises(UserError, match="no class is novel, so there is nothing to calibrate"):
        support_boxes(replace(config, fewshot=FewShotConfig(shots=1)))
    with pytest.raises(UserError, match=r"fewshot\.shots is 0"):
        support_boxes(replace(config, fewshot=replace(config.fewshot, shots=0)))


def test_the_novel_classes_of_a_network_go_before_the_configuration(config):
    assert support_boxes(config, ("ant",)).classes == ("ant",)
