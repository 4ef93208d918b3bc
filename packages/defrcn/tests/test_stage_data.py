"""The data of base training, fine-tuning and evaluation."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from labelled_sets import write_coco, write_voc
from ms_core.data import record_build
from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import decode_image
from ms_core.data.record_writer import write_shard
from ms_core.errors import UserError
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.stage_data import (
    classes_after_surgery,
    classes_of,
    open_labelled,
    open_shots,
    open_stage,
    restrict,
    with_class_lists,
)

NAMES = ("ant", "bee", "cow")
PICTURES = {
    "a.jpg": ("ant", "bee", "cow"),
    "b.jpg": ("bee", "bee", "ant"),
    "c.jpg": ("cow", "cow*"),
    "d.jpg": (),
    "e.jpg": ("ant*",),
    "f.jpg": ("ant", "cow"),
}


@pytest.fixture
def config(tmp_path):
    file = write_coco(tmp_path / "ann.json", PICTURES, NAMES)
    return DeFRCNConfig(
        data=DetectionDataConfig(train=str(file), val=str(file)),
        fewshot=FewShotConfig(novel_classes=("ant",)),
    )


def stage(config, **changes):
    return replace(config, fewshot=replace(config.fewshot, **changes))


def contents(dataset):
    """Picture -> names of its objects."""
    return {s.path.name: [dataset.classes[label] for label in s.labels] for s in dataset.samples}


def test_base_training_sees_all_objects_of_base_classes_and_no_others(config):
    dataset = open_stage(config, "train")
    assert dataset.classes == ("bee", "cow")
    assert contents(dataset) == {
        "a.jpg": ["bee", "cow"],
        "b.jpg": ["bee", "bee"],
        "c.jpg": ["cow"],
        "f.jpg": ["cow"],
    }
    assert not any(sample.crowd.any() for sample in dataset.samples)
    assert "2 of 6 images show no class of this stage and are left out" in dataset.notes[-1]
    original = {sample.path.name: sample for sample in open_labelled(config, "train").samples}
    for sample in dataset.samples:
        whole = original[sample.path.name]
        kept = np.isin(whole.labels, [1, 2]) & ~whole.crowd
        np.testing.assert_array_equal(sample.boxes, whole.boxes[kept])
        np.testing.assert_array_equal(sample.areas, whole.areas[kept])


def test_evaluation_keeps_every_picture_and_crowd_boxes(config):
    dataset = open_stage(config, "val")
    assert contents(dataset) == {
        "a.jpg": ["bee", "cow"],
        "b.jpg": ["bee", "bee"],
        "c.jpg": ["cow", "cow"],
        "d.jpg": [],
        "e.jpg": [],
        "f.jpg": ["cow"],
    }
    truth = dataset.to_coco()
    assert [category["name"] for category in truth["categories"]] == ["bee", "cow"]
    assert [category["id"] for category in truth["categories"]] == [4, 7]  # the file's own
    assert sum(annotation["iscrowd"] for annotation in truth["annotations"]) == 1


def test_the_classes_of_a_network_go_before_the_configuration(config):
    assert open_stage(config, "val", ("cow", "ant")).classes == ("cow", "ant")
    assert contents(open_stage(config, "val", ("cow", "ant")))["a.jpg"] == ["ant", "cow"]
    assert open_stage(stage(config, shots=1), "train", ("cow", "ant")).classes == ("cow", "ant")


@pytest.mark.parametrize(("classes", "names"), [("novel", ("ant",)), ("all", ("bee", "cow", "ant"))])
def test_fine_tuning_sees_k_objects_of_novel_and_of_base_classes(config, classes, names):
    dataset = open_stage(stage(config, classes=classes, shots=2), "train")
    assert dataset.classes == names
    assert Counter(name for objects in contents(dataset).values() for name in objects) == dict.fromkeys(
        names, 2
    )


def test_both_modes_see_the_same_objects_of_a_novel_class(config):
    few, all_ = (
        open_shots(stage(config, classes=classes, shots=2, shots_seed=3)) for classes in ("novel", "all")
    )
    assert [(s.id, s.boxes.tolist()) for s in few.shots[0]] == [
        (s.id, s.boxes.tolist()) for s in all_.shots[2]
    ]


def test_without_shots_fine_tuning_sees_all_objects(config):
    assert open_stage(stage(config, classes="novel"), "train").box_count == 3


def test_few_labelled_pictures_of_ones_own(config, tmp_path):
    few = write_voc(tmp_path / "few", {"x.jpg": ("ant", "bee"), "y.jpg": ("ant",)})
    own = stage(config, classes="novel", shots_from=str(few), shots=2, base_classes=("bee", "cow"))
    assert contents(open_stage(own, "train")) == {"x.jpg": ["ant"], "y.jpg": ["ant"]}
    assert open_stage(stage(own, shots=0), "train").box_count == 2
    with pytest.raises(UserError, match="class 'ant' has 2 labelled objects, fewer than the 3 shots"):
        open_stage(stage(own, shots=3), "train")
    with pytest.raises(UserError, match="class 'cow' has no labelled object"):
        open_stage(stage(own, classes="all", shots=1), "train")


def test_a_picture_without_a_box_among_the_few_is_named(config, tmp_path):
    few = write_coco(tmp_path / "few.json", {"x.jpg": ("ant",), "y.jpg": ()}, NAMES)
    with pytest.raises(UserError, match=r"few.json: image 101 \(y.jpg\) has no box"):
        open_stage(stage(config, classes="novel", shots_from=str(few), shots=1), "train")


def test_faulty_settings(config):
    with pytest.raises(UserError, match="no image has a box of the classes of this stage"):
        open_stage(stage(config, base_classes=("cow",)), "train", ("elk",))
    with pytest.raises(UserError, match=r"fewshot\.shots is 0"):
        open_shots(config)
    with pytest.raises(UserError, match=r"absent: no such file or folder; looked for the few-shot lists"):
        open_stage(stage(config, shots_from="absent", shots=1), "train")
    with pytest.raises(UserError, match=r"no train data\. Pass --data\.train"):
        open_stage(replace(config, data=DetectionDataConfig()), "train")
    with pytest.raises(UserError, match="is in base_classes and in novel_classes"):
        open_stage(stage(config, base_classes=("ant",)), "train")


def test_validation_data_need_not_show_every_class(tmp_path):
    """VOC without classes.txt: the classes are those that occur."""
    train = write_voc(tmp_path / "train", {"a.jpg": ("ant", "bee"), "b.jpg": ("cow",)})
    val = write_voc(tmp_path / "val", {"c.jpg": ("cow",)})
    data = DetectionDataConfig(train=str(train), val=str(val))
    config = DeFRCNConfig(data=data, fewshot=FewShotConfig(novel_classes=("ant",)))
    assert open_stage(config, "val").classes == open_stage(config, "train").classes == ("bee", "cow")
    named = with_class_lists(config)
    assert named.fewshot == replace(config.fewshot, base_classes=("bee", "cow"))
    alone = replace(named, data=replace(data, train=None))
    assert open_stage(alone, "val").classes == ("bee", "cow")
    assert contents(open_stage(alone, "val", ("ant", "cow"))) == {"c.jpg": ["cow"]}


def test_class_lists_are_written_out_for_later_runs(config):
    named = with_class_lists(config)
    assert (named.fewshot.base_classes, named.fewshot.novel_classes) == (("bee", "cow"), ("ant",))
    plain = with_class_lists(stage(config, novel_classes=None))
    assert (plain.fewshot.base_classes, plain.fewshot.novel_classes) == (NAMES, ())
    assert classes_of(plain).names == NAMES
    published = stage(config, split="coco", novel_classes=None)
    assert with_class_lists(published) is published


def test_classes_after_surgery(config):
    assert classes_after_surgery(config, "remove").names == ("ant",)
    assert classes_after_surgery(config, "randinit").names == ("bee", "cow", "ant")
    coco = classes_after_surgery(DeFRCNConfig(fewshot=FewShotConfig(split="coco")), "randinit")
    assert (len(coco.base), coco.names[:3]) == (60, ("person", "bicycle", "car"))


def test_restricting_to_the_same_classes_changes_nothing(config):
    dataset = open_labelled(config, "train")
    assert restrict(dataset, NAMES) is dataset


def test_two_years_of_voc_are_one_training_set(tmp_path):
    first = write_voc(tmp_path / "VOC2007", {"000001.jpg": ("bird", "person"), "000002.jpg": ("bus",)})
    second = write_voc(tmp_path / "VOC2012", {"2008_000001.jpg": ("dog",), "2008_000002.jpg": ("cow", "cat")})
    data = DetectionDataConfig(train=f"{first},{second}")
    config = DeFRCNConfig(data=data, fewshot=FewShotConfig(split="voc1"))
    dataset = open_stage(config, "train")
    assert contents(dataset) == {
        "000001.jpg": ["person"],
        "2008_000001.jpg": ["dog"],
        "2008_000002.jpg": ["cat"],
    }
    assert len({sample.id for sample in dataset.samples}) == 3
    assert len(dataset.classes) == 15
    lists = tmp_path / "vocsplit" / "seed2"
    lists.mkdir(parents=True)
    (lists / "box_1shot_cow_train.txt").write_text("VOC2012/JPEGImages/2008_000002.jpg\n", "utf-8")
    few = stage(config, classes="novel", shots=1, shots_seed=2, shots_from=str(lists.parent))
    assert contents(open_stage(few, "train", ("cow",))) == {"2008_000002.jpg": ["cow"]}
    with pytest.raises(UserError, match="class 'bird' has none"):
        open_stage(few, "train")


def test_cells_of_platelets_are_novel(shared):
    """A real set of ones own, by its list files."""
    root = shared / "data" / "bccd" / "BCCD"
    data = DetectionDataConfig(
        train=str(root / "ImageSets" / "Main" / "train.txt"),
        val=str(root / "ImageSets" / "Main" / "val.txt"),
        invalid_boxes="drop",
    )
    lists = FewShotConfig(base_classes=("RBC", "WBC"), novel_classes=("Platelets",))
    config = DeFRCNConfig(data=data, fewshot=lists)
    base, val = open_stage(config, "train"), open_stage(config, "val")
    assert (base.classes, len(val)) == (("RBC", "WBC"), 87)
    whole = open_labelled(config, "train")
    names = Counter(whole.classes[label] for sample in whole.samples for label in sample.labels)
    assert base.box_count == names["RBC"] + names["WBC"]
    few = open_stage(stage(config, classes="all", shots=10, shots_seed=1), "train")
    assert Counter(label for sample in few.samples for label in sample.labels.tolist()) == {
        0: 10,
        1: 10,
        2: 10,
    }
    with pytest.raises(UserError, match=r"class 'WBC' has \d+ labelled objects, fewer than the 1000 shots"):
        open_stage(stage(config, classes="all", shots=1000), "train")


@pytest.mark.parametrize(
    ("form", "boxes"), [("voc", 273), ("coco", 235)]
)  # its 38 difficult ones are crowds there
def test_real_pictures_of_voc_by_the_published_lists(shared, form, boxes):
    root = shared / "data" / "voc100"
    train = root / ("instances_voc100.json" if form == "coco" else "VOC2012mini/ImageSets/Main/val.txt")
    images = str(root / "VOC2012mini" / "JPEGImages") if form == "coco" else None
    config = DeFRCNConfig(
        data=DetectionDataConfig(train=str(train), images=images), fewshot=FewShotConfig(split="voc1")
    )
    base = open_stage(config, "train")
    novel = open_stage(stage(config, classes="novel"), "train")
    assert (len(base.classes), len(novel.classes)) == (15, 5)
    assert base.box_count + novel.box_count == boxes
    few = open_stage(stage(config, classes="all", shots=2), "train")
    assert Counter(label for s in few.samples for label in s.labels.tolist()) == dict.fromkeys(range(20), 2)
    sample = few.samples[0]
    assert decode_image(few.encoded(sample), sample.path).shape == (sample.height, sample.width, 3)


def write_in_this_process(jobs, folder, size, written):
    """`write_shards` of one shard without waiting for another process to start MindSpore."""
    (job,) = jobs
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return write_shard(job, written)


def test_a_cache_of_records_serves_every_stage(tmp_path, monkeypatch):
    """Base training and fine-tuning read the same one, also where pictures come from two sources."""
    monkeypatch.setattr(record_build, "write_shards", write_in_this_process)
    sources = []
    for number, year in enumerate(("VOC2007", "VOC2012")):
        sources.append(write_voc(tmp_path / year, {"1.png": ("ant", "bee"), "2.png": ("cow", "ant")}))
        for name in ("1.png", "2.png"):
            picture = np.full((100, 200, 3), 40 * number + 10 * int(name[0]), np.uint8)
            assert cv2.imwrite(str(tmp_path / year / "JPEGImages" / name), picture)
    data = DetectionDataConfig(
        train=",".join(map(str, sources)), classes=NAMES, cache=str(tmp_path / "cache"), cache_shards=1
    )
    cached = DeFRCNConfig(data=data, fewshot=FewShotConfig(novel_classes=("ant",), classes="all", shots=2))
    plain = replace(cached, data=replace(data, cache=None))
    expected, got = open_stage(plain, "train"), open_stage(cached, "train")
    built = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("fingerprint.json")}
    assert sorted(path.parent.parent.name for path in built) == ["part1", "part2"]
    for a, b in zip(expected.samples, got.samples, strict=True):
        assert (a.id, a.boxes.tolist(), a.labels.tolist()) == (b.id, b.boxes.tolist(), b.labels.tolist())
        assert np.array_equal(expected.encoded(a), got.encoded(b))
    assert len(open_stage(stage(cached, classes="base", shots=0), "train")) == 4
    assert {path: path.stat().st_mtime_ns for path in built} == built
