"""Networks from checkpoints: classes, which of them are novel, and what does not fit."""

from dataclasses import replace

import pytest
from ms_core.checkpoint.write import write_checkpoint
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError
from ms_defrcn.class_lists import published_lists
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.models import build_model
from ms_defrcn.trained import load_trained, novel_classes
from trained_files import CLASSES, checkpoint_file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return checkpoint_file(tmp_path_factory.mktemp("trained") / "all.ckpt")


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory):
    """A file that says nothing of itself."""
    network = build_model("defrcn_r18", 3)
    path = tmp_path_factory.mktemp("unnamed") / "unnamed.ckpt"
    arrays = {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    write_checkpoint(path, arrays, {})
    return path


def test_what_the_checkpoint_says_is_built(checkpoint):
    config = DeFRCNConfig(fewshot=FewShotConfig(novel_classes=("triangle", "star")))
    model = load_trained(checkpoint, config)
    assert (model.name, model.classes) == ("defrcn_r18", CLASSES)
    assert (model.base, model.novel) == (("circle", "square"), ("triangle",))
    assert not model.network.training
    assert model.network.num_classes == 3


@pytest.mark.parametrize(
    ("fewshot", "stage", "novel"),
    [
        (FewShotConfig(), "base", ()),
        (FewShotConfig(), "novel", ("cow", "cat", "person")),
        (FewShotConfig(), None, ()),
        (FewShotConfig(base_classes=("cat",)), "all", ("cow", "person")),
        (FewShotConfig(novel_classes=("person", "cow")), "novel", ("cow", "person")),
        (FewShotConfig(split="voc1"), "all", ("cow",)),
        (FewShotConfig(split="coco"), "all", ("cow", "cat", "person")),
    ],
)
def test_novel_classes(fewshot, stage, novel):
    assert novel_classes(("cow", "cat", "person"), fewshot, stage) == novel


def test_a_published_split_names_the_classes_of_a_foreign_file(unnamed):
    lists = published_lists("voc1")
    fewshot = FewShotConfig(split="voc1", classes="novel")
    with pytest.raises(
        UserError, match=rf"was trained for 3 classes, but the stage has {len(lists.novel)}"
    ) as error:
        load_trained(unnamed, DeFRCNConfig(fewshot=fewshot))
    assert "\n" not in str(error.value)


def test_classes_of_a_foreign_file_come_from_the_configuration(unnamed):
    data = DetectionDataConfig(classes=("ant", "bee", "cow"))
    model = load_trained(
        unnamed, DeFRCNConfig(data=data, fewshot=FewShotConfig(novel_classes=("cow",), classes="all"))
    )
    assert (model.classes, model.novel) == (("ant", "bee", "cow"), ("cow",))


def test_classes_that_nobody_names(unnamed):
    with pytest.raises(UserError, match=r"does not name its 3 classes\. Pass --fewshot\.split"):
        load_trained(unnamed, DeFRCNConfig())


def test_a_trunk_alone_detects_nothing(tmp_path):
    network = build_model("defrcn_r18", 1)
    trunk = {
        name: parameter.asnumpy()
        for name, parameter in network.parameters_dict().items()
        if name.startswith(network.backbone_prefixes)
    }
    write_checkpoint(tmp_path / "trunk.ckpt", trunk, {"model": "defrcn_r18"})
    with pytest.raises(UserError, match="holds a trunk alone"):
        load_trained(tmp_path / "trunk.ckpt", DeFRCNConfig())


def test_proposals_are_those_of_the_configuration(checkpoint):
    config = DeFRCNConfig()
    config = replace(config, proposals=replace(config.proposals, test_after_nms=7))
    assert load_trained(checkpoint, config).network.proposals.after_nms == 7
