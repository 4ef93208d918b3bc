"""Prototypes are means over the labelled objects, and are computed once."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.data.sample import Sample, read_file
from ms_core.errors import UserError
from ms_core.run_folder import RunFolder
from ms_defrcn.prototypes import build_prototypes, cached_prototypes, prototype_folder, support_digest
from ms_defrcn.support import Support


class Describer:
    """Describes a box by its corner and the brightness of the picture; counts the pictures."""

    def __init__(self) -> None:
        self.pictures = 0

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        self.pictures += 1
        brightness = np.full((len(boxes), 1), image.mean())
        return np.concatenate((boxes[:, :2], brightness), 1).astype(np.float32)


def picture(path: Path, brightness: int) -> Path:
    assert cv2.imwrite(str(path), np.full((30, 40, 3), brightness, np.uint8))
    return path


def shot(path: Path, x0: float, y0: float) -> Sample:
    """One object at a place of a picture."""
    return Sample(
        id=1,
        path=path,
        width=40,
        height=30,
        boxes=np.array([[x0, y0, x0 + 8, y0 + 8]], np.float32),
        labels=np.zeros(1, np.int32),
        crowd=np.zeros(1, bool),
        difficult=np.zeros(1, bool),
        areas=np.full(1, 64, np.float32),
    )


@pytest.fixture
def support(tmp_path):
    dark, light = picture(tmp_path / "dark.png", 20), picture(tmp_path / "light.png", 200)
    shots = ((shot(dark, 2, 4), shot(light, 4, 0)), (shot(dark, 10, 6),))
    return Support(("cow", "dog"), shots, read_file, Path("support.json"))


def test_a_prototype_is_the_mean_over_the_shots(support):
    prototypes = build_prototypes(support, Describer())
    assert prototypes.classes == ("cow", "dog")
    np.testing.assert_allclose(prototypes.vectors, [[3, 2, 110], [10, 6, 20]])
    assert prototypes.vectors.dtype == np.float32


def test_a_picture_with_several_objects_is_described_once(support):
    describer = Describer()
    build_prototypes(support, describer)
    assert describer.pictures == 2


def test_a_class_without_shots_is_named(support):
    with pytest.raises(UserError, match=r"^support\.json: no labelled object of the novel class 'dog'"):
        build_prototypes(replace(support, shots=(support.shots[0], ())), Describer())


def test_the_second_time_they_come_from_the_cache(support, tmp_path):
    describer, folder = Describer(), tmp_path / "run" / "prototypes"
    first = cached_prototypes(support, "weights", folder, describer)
    second = cached_prototypes(support, "weights", folder, describer)
    assert describer.pictures == 2
    assert second.classes == first.classes
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_without_a_folder_nothing_is_kept(support):
    describer = Describer()
    for _ in range(2):
        cached_prototypes(support, "weights", None, describer)
    assert describer.pictures == 4


def _moved(support: Support) -> Support:
    return replace(
        support, shots=((shot(support.shots[0][0].path, 3, 4), support.shots[0][1]), support.shots[1])
    )


def _repainted(support: Support) -> Support:
    picture(support.shots[0][0].path, 21)
    return support


def _renamed(support: Support) -> Support:
    return replace(support, classes=("cow", "cat"))


@pytest.mark.parametrize("change", [_moved, _repainted, _renamed])
def test_whatever_decides_on_them_makes_them_anew(support, change, tmp_path):
    cached_prototypes(support, "weights", tmp_path, Describer())
    changed, describer = change(support), Describer()
    found = cached_prototypes(changed, "weights", tmp_path, describer)
    assert describer.pictures == 2
    np.testing.assert_array_equal(found.vectors, build_prototypes(changed, Describer()).vectors)


def test_other_weights_make_them_anew(support):
    assert support_digest(support, "these weights") != support_digest(support, "those weights")
    assert support_digest(support, "these weights") == support_digest(support, "these weights")


def test_a_copy_of_the_pictures_elsewhere_is_the_same_support(support, tmp_path):
    (tmp_path / "moved").mkdir()

    def elsewhere(sample: Sample) -> Sample:
        path = tmp_path / "moved" / sample.path.name
        path.write_bytes(sample.path.read_bytes())
        return replace(sample, path=path)

    moved = replace(support, shots=tuple(tuple(map(elsewhere, shots)) for shots in support.shots))
    assert support_digest(moved, "weights") == support_digest(support, "weights")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_cache_is_made_anew(support, tmp_path, content, capsys):
    folder = tmp_path / "prototypes"
    cached_prototypes(support, "weights", folder, Describer())
    (file,) = folder.iterdir()
    file.write_bytes(content)
    describer = Describer()
    again = cached_prototypes(support, "weights", folder, describer)
    assert describer.pictures == 2
    assert "damaged" in capsys.readouterr().out
    np.testing.assert_allclose(again.vectors[1], [10, 6, 20])
    cached_prototypes(support, "weights", folder, describer)
    assert describer.pictures == 2


def test_a_run_keeps_them_itself_and_a_lone_checkpoint_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    RunFolder(run).config_path.write_text("seed: 1\n")
    (run / "checkpoints" / "best.ckpt").touch()
    assert prototype_folder(run) == run / "prototypes"
    assert prototype_folder(run / "checkpoints" / "best.ckpt") == run / "prototypes"
    lone = tmp_path / "lone.ckpt"
    lone.touch()
    assert prototype_folder(lone) == tmp_path / "cache" / "ms-core" / "prototypes"
