"""Which classes a stage has, and in which order."""

import pytest
from ms_core.errors import UserError
from ms_defrcn.classes import stage_classes
from ms_defrcn.config import FewShotConfig

OWN = ("ant", "bee", "cow", "dog")


@pytest.mark.parametrize(
    ("split", "stage", "count", "first", "last", "novel"),
    [
        ("coco", "base", 60, "truck", "toothbrush", ()),
        ("coco", "novel", 20, "person", "tv", tuple(range(20))),
        (
            "coco",
            "all",
            80,
            "person",
            "toothbrush",
            (*range(7), 8, 14, 15, 16, 17, 18, 19, 39, 56, 57, 58, 60, 62),
        ),
        ("voc2", "base", 15, "bicycle", "tvmonitor", ()),
        ("voc2", "all", 20, "bicycle", "sofa", (15, 16, 17, 18, 19)),
    ],
)
def test_published_stages(split, stage, count, first, last, novel):
    classes = stage_classes(FewShotConfig(split=split, classes=stage))
    assert (len(classes.names), classes.names[0], classes.names[-1]) == (count, first, last)
    assert tuple(n for n, name in enumerate(classes.names) if name in classes.novel) == novel
    assert len(classes.all) == len(classes.base) + len(classes.novel)


def test_own_classes_count_base_first_in_the_order_given():
    classes = stage_classes(
        FewShotConfig(base_classes=("dog", "ant"), novel_classes=("bee",), classes="all"), OWN
    )
    assert classes.names == ("dog", "ant", "bee")
    assert (classes.base, classes.novel) == (("dog", "ant"), ("bee",))


def test_a_list_left_out_is_the_rest_and_without_any_all_are_base():
    assert stage_classes(FewShotConfig(novel_classes=("bee",)), OWN).names == ("ant", "cow", "dog")
    assert stage_classes(FewShotConfig(base_classes=("bee",), classes="novel"), OWN).names == (
        "ant",
        "cow",
        "dog",
    )
    plain = stage_classes(FewShotConfig(), OWN)
    assert (plain.names, plain.novel) == (OWN, ())
    assert stage_classes(FewShotConfig(base_classes=("bee",), novel_classes=()), OWN).novel == ()


def test_lists_may_be_files(tmp_path):
    (tmp_path / "novel.txt").write_text("bee\n\ncow\n", "utf-8")
    assert stage_classes(FewShotConfig(novel_classes=str(tmp_path / "novel.txt")), OWN).names == (
        "ant",
        "dog",
    )


@pytest.mark.parametrize(
    ("fewshot", "message"),
    [
        (
            FewShotConfig(base_classes=("ant", "bee"), novel_classes=("bee",)),
            "class 'bee' is in base_classes and in novel_classes",
        ),
        (
            FewShotConfig(novel_classes=("been",)),
            r"no class of the data set is named 'been' \(nearest: bee\)",
        ),
        (FewShotConfig(classes="novel"), "there are no novel classes"),
        (FewShotConfig(classes="all"), "no class is novel"),
        (FewShotConfig(novel_classes=OWN), "there are no base classes"),
        (
            FewShotConfig(split="voc1", novel_classes=("bus",)),
            "--fewshot.novel-classes: .*published split voc1",
        ),
        (FewShotConfig(novel_classes=("bee", "bee")), "class 'bee' occurs twice"),
    ],
)
def test_faulty_lists_are_refused_in_one_line(fewshot, message):
    with pytest.raises(UserError, match=message) as caught:
        stage_classes(fewshot, OWN)
    assert "\n" not in str(caught.value)
