"""A cache gives exactly what the files give, only while it fits them, and needs none of them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ms_core.cli import main
from ms_core.data import record_build
from ms_core.data.config import DetectionDataConfig
from ms_core.data.convert import convert_dataset
from ms_core.data.open import open_split
from ms_core.data.record_cache import has_split, open_cached_split
from ms_core.data.record_processes import write_shards
from ms_core.errors import UserError
from record_sets import BOXES, assert_same_dataset, write_coco, write_here

SHARDS = 3


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_build, "write_shards", write_here)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set and its cache, written by a process as users do it; tests copy it."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_build, "write_shards", write_shards)
        write_coco(root)
        open_cached_split(config_of(root), "train")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy with the pictures' times, as `rsync -a` makes it on another machine."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def config_of(root: Path, **changes: object) -> DetectionDataConfig:
    config = DetectionDataConfig(
        train=str(root / "train.json"), cache=str(root / "cache"), cache_shards=SHARDS
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def built(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that say that a cache is built."""
    return [line for line in capsys.readouterr().out.splitlines() if "building the cache" in line]


def test_a_cache_gives_what_the_files_give(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_of(root)
    cached = open_cached_split(config, "train")
    assert not built(capsys)  # also after the move
    assert_same_dataset(open_split(config, "train"), cached)
    assert sorted(file.name for file in (root / "cache/train").iterdir()) == sorted(
        ["fingerprint.json", "samples.npz"]
        + [f"ssd.mindrecord{n}{end}" for n in range(SHARDS) for end in ("", ".db")]
    )


def test_mindspore_reads_the_old_columns_of_all_shards(made: Path) -> None:
    import mindspore.dataset as ds

    files = [str(made / f"cache/train/ssd.mindrecord{number}") for number in range(SHARDS)]
    rows = list(ds.MindDataset(files, shuffle=False).create_dict_iterator(num_epochs=1, output_numpy=True))
    assert [row["img_id"].tolist() for row in rows] == [[10], [11], [12], [13], [14]]
    assert [row["image"].tobytes() for row in rows] == [
        (made / "images" / name).read_bytes() for name in BOXES
    ]
    expected = [
        [[6, 10, 36, 30, 1]],  # 5.5 and 35.5 to the even number, as the old zoo rounded
        [[0, 0, 0, 0, 0]],
        [[2, 1, 6, 4, 2], [0, 0, 48, 64, 1]],
        [[7, 5, 15, 12, 2]],
        [[20, 30, 30, 40, 1]],
    ]
    assert [row["annotation"].tolist() for row in rows] == expected
    assert {row["annotation"].dtype for row in rows} == {np.dtype(np.int32)}


def test_neither_pictures_nor_annotations_are_needed(root: Path) -> None:
    original = open_split(config_of(root), "train")
    pictures = [original.encoded(sample) for sample in original.samples]
    shutil.rmtree(root / "images")
    with_annotations = open_cached_split(config_of(root), "train")
    (root / "train.json").unlink()
    alone = open_cached_split(config_of(root, train=None), "train")
    for dataset in (with_annotations, alone):
        for sample, picture in zip(dataset.samples, pictures, strict=True):
            np.testing.assert_array_equal(dataset.encoded(sample), picture)
    assert alone.classes == ("cat", "dog")
    assert alone.category_ids == (3, 7)
    assert has_split(config_of(root, train=None), "train")
    assert not has_split(config_of(root), "val")


def test_a_cache_alone_must_have_the_classes(root: Path) -> None:
    with pytest.raises(UserError, match="made for the classes cat, dog, now they are dog, cat"):
        open_cached_split(config_of(root, train=None), "train", ("dog", "cat"))
    with pytest.raises(UserError, match=r"no val data: there is none yet\. Pass --data\.val PATH"):
        open_cached_split(config_of(root), "val")


def test_named_classes_that_are_those_of_the_annotations_change_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_cached_split(config_of(root), "train", ("cat", "dog"))
    assert not built(capsys)


def change_annotations(root: Path) -> None:
    path = root / "train.json"
    path.write_text(path.read_text().replace("99.5", "98.5"))


def change_picture(root: Path) -> None:
    path = root / "images/2.png"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1  # its checksum, which no decoder minds
    path.write_bytes(data)


def leave_one_shard_out(root: Path) -> None:
    """What would silently be a smaller data set."""
    path = root / "cache/train/fingerprint.json"
    content = json.loads(path.read_text())
    content["shards"].pop()
    path.write_text(json.dumps(content))


def edit_fingerprint(**changes: object) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / "cache/train/fingerprint.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def shorten(name: str) -> Callable[[Path], None]:
    def cut(root: Path) -> None:
        path = root / "cache/train" / name
        os.truncate(path, path.stat().st_size - 7)

    return cut


def remove(name: str) -> Callable[[Path], None]:
    return lambda root: (root / "cache/train" / name).unlink()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (change_annotations, r"the annotations .*train\.json are others"),
        (change_picture, r"1 of 5 pictures changed, first .*2\.png"),
        (leave_one_shard_out, r"data\.cache_shards was 2, now it is 3"),
        (edit_fingerprint(images=6), "its 3 shards hold 5 of 6 pictures"),
        (edit_fingerprint(version=0), "it is of version 0, this program writes 1"),
        (shorten("fingerprint.json"), r"fingerprint\.json cannot be used"),
        (shorten("samples.npz"), r"samples\.npz is not the one it was made with"),
        (shorten("ssd.mindrecord1"), r"ssd\.mindrecord1 has \d+ bytes instead of \d+"),
        (shorten("ssd.mindrecord0.db"), r"ssd\.mindrecord0\.db has \d+ bytes instead of \d+"),
        (remove("ssd.mindrecord2"), r"ssd\.mindrecord2 is missing"),
        (remove("ssd.mindrecord2.db"), r"ssd\.mindrecord2\.db is missing"),
        (remove("samples.npz"), r"samples\.npz is missing"),
        (remove("fingerprint.json"), "ssd.mindrecord0 has no fingerprint of what it was made from"),
    ],
)
def test_what_does_not_fit_is_built_anew_and_said_in_one_line(
    damage: Callable[[Path], None], why: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(root)
    dataset = open_cached_split(config_of(root), "train")
    (line,) = built(capsys)
    assert re.search(why, line)
    assert line in dataset.notes
    assert_same_dataset(open_split(config_of(root), "train"), dataset)
    open_cached_split(config_of(root), "train")
    assert not built(capsys)  # now it fits
    assert sorted(path.name for path in (root / "cache").iterdir()) == [".train.lock", "train"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"cache_shards": 2}, "data.cache_shards was 3, now it is 2"),
        ({"invalid_boxes": "drop"}, "data.invalid_boxes was error, now it is drop"),
        ({"unknown_classes": "drop"}, "data.unknown_classes was error, now it is drop"),
        ({"classes": ("dog", "cat")}, "made for the classes cat, dog, now they are dog, cat"),
        ({"images": "IMAGES"}, "it was made without data.images"),
    ],
)
def test_other_settings_make_another_cache(
    settings: dict, why: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        name: str(root / "images") if value == "IMAGES" else value for name, value in settings.items()
    }
    config = config_of(root, **settings)
    dataset = open_cached_split(config, "train")
    (line,) = built(capsys)
    assert why in line
    assert_same_dataset(open_split(config, "train"), dataset)


def test_more_shards_than_pictures(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_of(root, cache_shards=8)
    assert_same_dataset(open_split(config, "train"), open_cached_split(config, "train"))
    assert len(list((root / "cache/train").glob("ssd.mindrecord?"))) == 5
    capsys.readouterr()
    open_cached_split(config, "train")
    assert not built(capsys)


@pytest.mark.parametrize("kind", ["voc", "txt"])
def test_other_formats(kind: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "other" / ("set" if kind == "voc" else "list.txt")
    original, images = open_split(config_of(root), "train"), root / "images"
    convert_dataset(original, target, to=kind, images=images, invalid_boxes="drop")  # type: ignore[arg-type]
    config = config_of(root, train=str(target), cache=str(tmp_path / "cache"), images=str(images))
    first = open_cached_split(config, "train")
    assert len(built(capsys)) == 1
    again = open_cached_split(config, "train")
    assert not built(capsys)
    for dataset in (first, again):
        assert_same_dataset(open_split(config, "train"), dataset)
    edited = next(target.rglob("4.xml")) if kind == "voc" else target
    edited.write_text(
        edited.read_text().replace("41", "42").replace("30,20,40", "30,20,41").replace("40", "39")
    )
    assert_same_dataset(open_split(config, "train"), open_cached_split(config, "train"))
    assert "are others than those it was made from" in built(capsys)[0]


def test_a_list_numbered_by_other_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_coco(tmp_path)
    (tmp_path / "list.txt").write_text("0.jpg 1,2,3,4,1\n3.jpg 5,6,7,8,2\n")
    config = config_of(tmp_path, train=str(tmp_path / "list.txt"), classes=("cat", "dog"))
    assert [s.labels.tolist() for s in open_cached_split(config, "train").samples] == [[0], [1]]
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    capsys.readouterr()
    assert [s.labels.tolist() for s in open_cached_split(config, "train").samples] == [[1], [0]]
    assert len(built(capsys)) == 1


def test_large_ids(tmp_path: Path) -> None:
    write_coco(tmp_path, first_id=2**40)
    config = config_of(tmp_path)
    assert_same_dataset(open_split(config, "train"), open_cached_split(config, "train"))


def test_a_flipped_bit_is_found_when_it_is_read(root: Path) -> None:
    dataset = open_cached_split(config_of(root), "train")
    sample = dataset.samples[4]
    shard = root / "cache/train/ssd.mindrecord2"
    data = bytearray(shard.read_bytes())
    at = data.index((root / "images/4.jpg").read_bytes())
    data[at + 100] ^= 1
    shard.write_bytes(data)
    with pytest.raises(
        UserError, match=r"ssd\.mindrecord2: damaged at the picture 4\.jpg\. Delete the folder"
    ):
        dataset.encoded(sample)
    dataset.encoded(dataset.samples[3])


def test_a_cache_of_the_old_zoo_is_not_used(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = root / "old"
    old.mkdir()
    for file in (root / "cache/train").glob("ssd.mindrecord*"):
        shutil.copy(file, old)
    before = sorted(old.iterdir())
    with pytest.raises(UserError, match=r"ssd\.mindrecord0 has no fingerprint .* Pass --data\.train PATH"):
        open_cached_split(config_of(root, train=None, cache=str(old)), "train")
    dataset = open_cached_split(config_of(root, cache=str(old)), "train")
    assert "ssd.mindrecord0 has no fingerprint" in built(capsys)[0]
    assert_same_dataset(open_split(config_of(root), "train"), dataset)
    assert set(before) < set(old.iterdir())


def test_a_folder_with_other_files_is_never_replaced(root: Path) -> None:
    photos = root / "photos/train"
    shutil.copytree(root / "images", photos)
    with pytest.raises(
        UserError, match=r"holds other files than a cache \(0\.jpg\), which a build would remove"
    ):
        open_cached_split(config_of(root, cache=str(root / "photos")), "train")
    assert sorted(file.name for file in photos.iterdir()) == sorted(BOXES)


def test_the_verb_builds_both_splits_with_the_training_classes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((root / "train.json").read_text())
    content["categories"].reverse()
    content["categories"][0]["id"], content["categories"][1]["id"] = 1, 2
    (root / "val.json").write_text(json.dumps({**content, "annotations": content["annotations"][:0]}))
    options = ["--data.cache", str(root / "cache"), "--data.cache-shards", str(SHARDS)]
    both = ["--data.train", str(root / "train.json"), "--data.val", str(root / "val.json")]
    assert main(["data", "cache", *options, *both]) == 0
    printed = capsys.readouterr().out
    assert "train: 5 images, 5 boxes, 2 classes in" in printed
    assert "val: 5 images, 0 boxes, 2 classes in" in printed
    assert (root / "cache/val/ssd_eval.mindrecord0").is_file()
    cached = config_of(root, train=None)
    assert open_cached_split(cached, "val", ("cat", "dog")).category_ids == (2, 1)
    assert has_split(cached, "val")
    assert not has_split(replace(cached, train=str(root / "train.json")), "val")  # it could be another set's
    assert main(["data", "cache", *options, *both]) == 0
    assert not built(capsys)
    assert main(["data", "cache", *both]) == 2
    assert "data cache needs --data.cache FOLDER" in capsys.readouterr().err
