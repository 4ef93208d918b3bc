"""The demo's pictures: base shapes alone for base training, all shapes for the rest, one list of classes."""

from pathlib import Path

import pytest
from ms_core.data.open import open_dataset
from ms_core.data.sample import DetectionDataset
from ms_core.data.synthetic import SHAPES
from ms_defrcn.demo_data import BASE_SHAPES, NOVEL_SHAPES, make_demo_data


def shown(dataset: DetectionDataset) -> set[str]:
    return {dataset.classes[label] for sample in dataset.samples for label in sample.labels}


@pytest.mark.parametrize("colours", ["class", "any"])
def test_base_pictures_show_base_shapes_alone(tmp_path: Path, colours) -> None:
    data = make_demo_data(tmp_path, base=12, fewshot=12, val=8, size=64, colours=colours)
    base, fewshot, val = (open_dataset(path) for path in (data.base, data.fewshot, data.val))
    assert base.classes == fewshot.classes == val.classes == SHAPES
    assert shown(base) == set(BASE_SHAPES)
    assert shown(fewshot) == shown(val) == set(SHAPES)
    assert (len(base), len(fewshot), len(val)) == (12, 12, 8)


def test_shapes_are_base_or_novel() -> None:
    assert set(BASE_SHAPES) | set(NOVEL_SHAPES) == set(SHAPES)
    assert not set(BASE_SHAPES) & set(NOVEL_SHAPES)
    assert len(NOVEL_SHAPES) >= 2


def test_a_seed_repeats_the_pictures(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 5)):
        make_demo_data(tmp_path / name, base=2, fewshot=2, val=1, size=48, seed=seed)
    content = {
        name: [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jpg"))] for name in "abc"
    }
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]
    assert (tmp_path / "a/base/images/train-00000.jpg").read_bytes() != (
        tmp_path / "a/fewshot/images/train-00000.jpg"
    ).read_bytes()
