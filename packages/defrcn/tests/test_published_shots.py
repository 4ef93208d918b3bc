"""Reading the folders cocosplit and vocsplit."""

import json
from collections import Counter

import pytest
from labelled_sets import write_coco, write_voc
from ms_core.data.join import join_datasets
from ms_core.data.open import open_dataset
from ms_core.errors import UserError
from ms_defrcn.class_lists import VOC_CLASSES, published_lists
from ms_defrcn.published_shots import (
    COCOSPLIT,
    VOCSPLIT,
    list_file,
    published_layout,
    read_cocosplit,
    read_vocsplit,
)

COUNTS = (1, 2, 3, 5, 10)


def write_list(folder, name, shots, lines, seed=0):
    file = folder / f"seed{seed}" / f"box_{shots}shot_{name}_train.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return file


@pytest.fixture
def voc(tmp_path):
    """Two years; one file name is in both."""
    first = write_voc(tmp_path / "VOC2007", {"000001.jpg": ("bird", "bus"), "000002.jpg": ("bird",)})
    second = write_voc(
        tmp_path / "VOC2012",
        {"000001.jpg": ("bus", "bus", "bus"), "2008_000003.jpg": ("bird", "bird?", "bird")},
    )
    parts = [open_dataset(path, classes=VOC_CLASSES) for path in (first, second)]
    return join_datasets(parts, f"{first},{second}")


def test_a_list_of_voc_gives_exactly_its_objects_one_sample_each(tmp_path, voc):
    folder = tmp_path / "vocsplit"
    write_list(folder, "bird", 2, ["VOC2007/JPEGImages/000001.jpg", "VOC2007/JPEGImages/000002.jpg"])
    write_list(folder, "bus", 2, ["datasets\\VOC2012\\JPEGImages\\000001.jpg"])
    drawn = read_vocsplit(folder, ("bird", "bus"), 2, 0, voc)
    assert [[shot.path.parent.parent.name for shot in shots] for shots in drawn.shots] == [
        ["VOC2007", "VOC2007"],
        ["VOC2012", "VOC2012"],
    ]
    training = drawn.dataset()
    assert [sample.labels.tolist() for sample in training.samples] == [[0], [0], [1], [1]]
    assert len({sample.id for sample in training.samples}) == 4
    assert training.samples[0].boxes.tolist() == [[0, 10, 10, 30]]  # VOC counts pixels from 1
    assert drawn.category_ids == (3, 6)


def test_more_objects_than_shots_are_drawn_once_by_the_seed(tmp_path, voc):
    folder = tmp_path / "vocsplit"
    for seed in range(12):
        write_list(folder, "bird", 1, ["VOC2012/JPEGImages/2008_000003.jpg"], seed)
    boxes = []
    for seed in range(12):
        (first,), (second,) = (read_vocsplit(folder, ("bird",), 1, seed, voc).shots[0] for _ in range(2))
        assert first.boxes.tolist() == second.boxes.tolist()
        boxes.append(first.boxes[0, 0])
    assert len(set(boxes)) > 1


def test_a_picture_listed_twice_counts_twice_as_in_the_original(tmp_path, voc):
    folder = tmp_path / "vocsplit"
    write_list(folder, "bird", 3, ["VOC2007/JPEGImages/000001.jpg", *["VOC2007/JPEGImages/000002.jpg"] * 2])
    training = read_vocsplit(folder, ("bird",), 3, 0, voc).dataset()
    assert Counter(sample.path.name for sample in training.samples) == {"000001.jpg": 1, "000002.jpg": 2}


@pytest.mark.parametrize(
    ("lines", "shots", "message"),
    [
        (
            ["VOC2012/JPEGImages/2009_000009.jpg"],
            1,
            r"line 1: 2009_000009.jpg is not among the 4 pictures .*trainval",
        ),
        (["", "VOC2007/JPEGImages/000002.jpg"], 1, r"line 2: 000002.jpg has no box of class 'bus'"),
        (["VOC2012/JPEGImages/000001.jpg"], 5, "class 'bus' has 3 labelled objects, fewer than the 5 shots"),
        ([""], 1, "the file is empty"),
    ],
)
def test_faulty_lists_of_voc(tmp_path, voc, lines, shots, message):
    write_list(tmp_path / "vocsplit", "bus", shots, lines)
    with pytest.raises(UserError, match=message) as caught:
        read_vocsplit(tmp_path / "vocsplit", ("bus",), shots, 0, voc)
    assert f"box_{shots}shot_bus_train.txt" in str(caught.value)


def write_json(folder, name, shots, pictures, seed=0):
    file = folder / f"seed{seed}" / f"full_box_{shots}shot_{name}_trainval.json"
    return write_coco(file, pictures, published_lists("coco").all)


def test_cocosplit_joins_the_classes_of_a_picture(tmp_path):
    folder = tmp_path / "cocosplit"
    write_json(folder, "hot dog", 2, {"x.jpg": ("hot dog",), "y.jpg": ("hot dog",)}, seed=4)
    write_json(folder, "bear", 2, {"x.jpg": ("bear", "bear")}, seed=4)
    training = read_cocosplit(folder, ("bear", "hot dog"), 2, 4, None).dataset()
    assert [(s.path.name, s.labels.tolist()) for s in training.samples] == [
        ("x.jpg", [0, 0, 1]),
        ("y.jpg", [1]),
    ]
    assert training.classes == ("bear", "hot dog")


def test_pictures_of_cocosplit_lie_where_data_images_says(tmp_path):
    folder = tmp_path / "cocosplit"
    file = write_json(folder, "bear", 1, {"x.jpg": ("bear",)})
    (tmp_path / "photos").mkdir()
    (file.parent / "x.jpg").rename(tmp_path / "photos" / "x.jpg")
    drawn = read_cocosplit(folder, ("bear",), 1, 0, tmp_path / "photos")
    assert drawn.shots[0][0].path == tmp_path / "photos" / "x.jpg"
    with pytest.raises(UserError, match=r"no image file at .*x\.jpg"):
        read_cocosplit(folder, ("bear",), 1, 0, None)


def test_the_kind_of_folder_is_known_by_its_files_or_its_name(tmp_path):
    write_list(tmp_path / "lists", "bird", 1, ["a.jpg"])
    write_json(tmp_path / "other", "bear", 1, {"x.jpg": ("bear",)})
    (tmp_path / "cocosplit").mkdir()
    (tmp_path / "photos").mkdir()
    assert published_layout(tmp_path / "lists") is VOCSPLIT
    assert published_layout(tmp_path / "other") is published_layout(tmp_path / "cocosplit") is COCOSPLIT
    assert published_layout(tmp_path / "photos") is None
    with pytest.raises(UserError, match="absent: no such file or folder"):
        published_layout(tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "shots", "seed", "message"),
    [
        ("bird", 1, 7, r"seed7: no lists of seed 7; there are seeds: 0, 2\."),
        ("bird", 4, 0, r"seed0: no lists of 4 shots; there are: 1, 3\."),
        ("cow", 1, 0, r"box_1shot_cow_train.txt: no such list: class 'cow'"),
    ],
)
def test_missing_lists_say_which_there_are(tmp_path, name, shots, seed, message):
    for there in ((1, 0), (3, 0), (1, 2)):
        write_list(tmp_path, "bird", there[0], ["a.jpg"], there[1])
    with pytest.raises(UserError, match=message):
        list_file(tmp_path, VOCSPLIT, name, shots, seed)


def test_no_shots_cannot_be_read(tmp_path, voc):
    for read, layout in ((read_vocsplit, voc), (read_cocosplit, None)):
        with pytest.raises(UserError, match=r"fewshot\.shots is 0"):
            read(tmp_path, ("bird",), 0, 0, layout)


def test_old_packs_of_seed_0_have_the_lists_in_the_folder_itself(shared):
    folder = shared / "data" / "fewshot" / "kang_seed0" / "vocsplit"
    assert published_layout(folder) is VOCSPLIT
    for name in VOC_CLASSES:
        for shots in COUNTS:
            assert list_file(folder, VOCSPLIT, name, shots, 0).parent == folder
    with pytest.raises(UserError, match="no lists of seed 1; there are seeds: 0"):
        list_file(folder, VOCSPLIT, "bird", 1, 1)


@pytest.fixture(scope="module")
def real_lists(shared):
    return json.loads((shared / "data" / "fewshot" / "tfa_vocsplit_seeds.json").read_text("utf-8"))


@pytest.mark.parametrize("seed", [0, 1, 17, 29])
def test_the_real_lists_of_voc_give_exact_counts(tmp_path, real_lists, seed):
    """All classes and numbers, on a stand-in for VOC whose pictures show what the lists say."""
    lists = real_lists[f"seed{seed}"]
    shown: dict[str, list[str]] = {}
    for of_number in lists.values():
        for name, lines in of_number.items():
            for line in lines:
                objects = shown.setdefault(line, [])
                objects += [name] * (
                    10 - objects.count(name)
                )  # enough for every list, more than most ask for
    for year in ("2007", "2012"):
        pictures = {path.rpartition("/")[2]: names for path, names in shown.items() if f"VOC{year}" in path}
        write_voc(tmp_path / f"VOC{year}", pictures)
    parts = [open_dataset(tmp_path / f"VOC{year}", classes=VOC_CLASSES) for year in ("2007", "2012")]
    dataset = join_datasets(parts, "VOC2007,VOC2012")
    for shots in COUNTS:
        for name, lines in lists[f"{shots}shot"].items():
            write_list(tmp_path / "vocsplit", name, shots, lines, seed)
        drawn = read_vocsplit(tmp_path / "vocsplit", VOC_CLASSES, shots, seed, dataset)
        assert [len(of_class) for of_class in drawn.shots] == [shots] * 20
        for name, of_class in zip(VOC_CLASSES, drawn.shots, strict=True):
            listed = {line.rpartition("/")[2] for line in lists[f"{shots}shot"][name]}
            assert {shot.path.name for shot in of_class} <= listed
        assert len(drawn.dataset()) == 20 * shots


def test_the_real_names_of_cocosplit_hold_blanks(tmp_path, shared):
    """Every file name of a real pack is the one that we look for."""
    names = {path.name for path in (shared / "data" / "fewshot" / "kang_seed0" / "cocosplit").iterdir()}
    of_voc = {"airplane": "aeroplane", "dining table": "diningtable", "motorcycle": "motorbike"}
    of_voc |= {
        "potted plant": "pottedplant",
        "couch": "sofa",
        "tv": "tvmonitor",
    }  # only this older pack has these
    wanted = {
        COCOSPLIT.file.format(shots=shots, name=of_voc.get(name, name)).replace(".json", ".txt")
        for name in published_lists("coco").all
        for shots in (10, 30)
    }
    assert wanted <= names
