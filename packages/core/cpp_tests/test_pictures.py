"""The C++ library against Python, bit for bit: reading, resizing, normalising."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import mmcv
import numpy as np
import PIL
import pytest
from ms_core.data.images import read_image
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD, resize_image
from ms_core.errors import UserError
from ms_core.single_shot.pipeline import network_input
from PIL import Image

from . import pictures
from .cpp_pictures import decoded, dumped
from .models import write_export

SIZES = ((300, 300), (301, 299), (128, 64), (1, 1), (3, 7), (1024, 512))
"""(width, height) that pictures are resized to."""


def write(folder: Path, named: Iterable[tuple[str, bytes]]) -> list[Path]:
    files = []
    for name, content in named:
        files.append(folder / name)
        files[-1].write_bytes(content)
    return files


def python_reads(path: Path) -> np.ndarray | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of broken EXIF and huge sizes
        try:
            return read_image(path)
        except UserError as error:
            return str(error)


def assert_read_alike(dump: Path, files: Sequence[Path], folder: Path) -> None:
    """Every file is read to the same pixels, or refused by both."""
    different = []
    for path, ours in zip(files, decoded(dump, files, folder), strict=True):
        theirs = python_reads(path)
        if isinstance(ours, str) or isinstance(theirs, str):
            same = isinstance(ours, str) and isinstance(theirs, str)
        else:
            same = np.array_equal(ours, theirs)
        if not same:
            different.append((path.name, ours, theirs))
    assert not different


@pytest.mark.parametrize("kind", [pictures.jpegs, pictures.turned, pictures.pngs])
def test_every_kind_of_picture_is_read_as_in_python(
    kind: Callable[[np.random.Generator], Iterator[tuple[str, bytes]]], dump: Path, tmp_path: Path
) -> None:
    files = write(tmp_path, kind(np.random.default_rng(0)))
    assert not [path.name for path in files if isinstance(python_reads(path), str)]
    assert_read_alike(dump, files, tmp_path / "out")


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_blank_pages_are_read(mode: str, dump: Path, tmp_path: Path) -> None:
    """Nothing compresses better: 1-bit pages of a scanner take 8 bits a pixel only once they are read."""
    files = []
    for size in ((640, 640), (2480, 3508)):
        for colour in (0, "white"):
            files.append(tmp_path / f"{size[0]}-{colour}.png")
            Image.new(mode, size, colour).save(files[-1], optimize=True)
    assert not [path.name for path in files if isinstance(python_reads(path), str)]
    assert_read_alike(dump, files, tmp_path / "out")


def test_the_first_picture_of_an_animated_png_is_read(dump: Path, tmp_path: Path) -> None:
    assert_read_alike(
        dump, write(tmp_path, [("a.png", pictures.animated(np.random.default_rng(0)))]), tmp_path / "out"
    )


def test_what_is_no_whole_picture_is_refused_in_one_line(dump: Path, tmp_path: Path) -> None:
    files = write(tmp_path, pictures.refused(np.random.default_rng(0)))
    for path, message in zip(files, decoded(dump, files, tmp_path / "out"), strict=True):
        assert isinstance(message, str), path.name
        assert message.startswith(f"error: {path}: ")
    assert_read_alike(dump, files, tmp_path / "out")


def test_damaged_files_are_read_as_in_python_or_refused(dump: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    whole = {
        "a.jpg": pictures.jpeg(pictures.photo(rng, (61, 47)), quality=70),
        "b.jpg": pictures.jpeg(pictures.photo(rng, (61, 47)), progressive=True),
        "c.jpg": pictures.jpeg(pictures.photo(rng, (61, 47), 4), "CMYK"),
        "d.png": pictures.png(rng, (61, 47), 3, 4, interlaced=True),
        "e.png": pictures.png(rng, (61, 47), 6, 16),
    }
    damaged = []
    for number in range(40):
        for name, content in whole.items():
            hit = bytearray(content)
            for place in rng.integers(0, len(hit), 3):
                hit[place] = rng.integers(256)
            damaged.append((f"{number}-hit-{name}", bytes(hit)))
            # A PNG that lacks only the last checksums is the one kind that Python takes and C++ does not.
            damaged.append((f"{number}-cut-{name}", content[: rng.integers(2, len(content) - 24)]))
    assert_read_alike(dump, write(tmp_path, damaged), tmp_path / "out")


@pytest.fixture(scope="module")
def plain_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("plain")
    rng = np.random.default_rng(3)
    files = []
    for place, size in enumerate(
        ((1, 1), (2, 3), (17, 33), (161, 119), (640, 480), (333, 517), (1000, 3), (3, 900))
    ):
        files.append(folder / f"{place}.png")
        Image.fromarray(pictures.photo(rng, size)).save(files[-1])
    return files


def resized(dump: Path, how: str, size: tuple[int, int], files: list[Path], folder: Path) -> list[np.ndarray]:
    results = dumped(dump, ["resize", how, *map(str, size)], files, folder)
    return [np.frombuffer(result[1], np.uint8).reshape(size[1], size[0], 3) for result in results]


@pytest.mark.parametrize("size", SIZES)
def test_stretching_is_that_of_opencv_in_python(
    size: tuple[int, int], plain_files: list[Path], dump: Path, tmp_path: Path
) -> None:
    for path, ours in zip(plain_files, resized(dump, "linear", size, plain_files, tmp_path), strict=True):
        np.testing.assert_array_equal(ours, resize_image(read_image(path), size[::-1]))


def pillow_13(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pillow's bilinear resize with the order of passes that version 13 takes, in every version."""
    height, width = image.shape[:2]
    down_first = height > size[1] and height - size[1] > 2 * (width - size[0])
    between = (width, size[1]) if down_first else (size[0], height)
    for step in (between, size):
        image = mmcv.imresize(image, step, interpolation="bilinear", backend="pillow")
    return image


@pytest.mark.parametrize("size", SIZES)
def test_fitting_is_that_of_pillow(
    size: tuple[int, int], plain_files: list[Path], dump: Path, tmp_path: Path
) -> None:
    for path, ours in zip(
        plain_files, resized(dump, "antialiased", size, plain_files, tmp_path), strict=True
    ):
        image = read_image(path)
        np.testing.assert_array_equal(ours, pillow_13(image, size))
        if int(PIL.__version__.split(".")[0]) >= 13:
            direct = mmcv.imresize(image, size, interpolation="bilinear", backend="pillow")
            np.testing.assert_array_equal(ours, direct)


def inputs(dump: Path, export: Path, arithmetic: str, files: list[Path], folder: Path) -> list[bytes]:
    results = dumped(dump, ["input", str(export / "manifest.json"), arithmetic], files, folder)
    return [result[1] for result in results]


def test_the_input_of_ssd_is_that_of_training(plain_files: list[Path], dump: Path, tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", (60, 90))
    for path, ours in zip(
        plain_files, inputs(dump, export, "double", plain_files, tmp_path / "o"), strict=True
    ):
        expected = network_input(read_image(path), (60, 90))
        np.testing.assert_array_equal(np.frombuffer(ours, np.float32).reshape(3, 60, 90), expected)


def test_blue_first_and_pixels_last(plain_files: list[Path], dump: Path, tmp_path: Path) -> None:
    export = write_export(
        tmp_path / "export",
        layout="NHWC",
        shape=[1, 32, 48, 3],
        channels="BGR",
        mean=PIXEL_MEAN[::-1],
        std=PIXEL_STD[::-1],
    )
    for path, ours in zip(
        plain_files, inputs(dump, export, "double", plain_files, tmp_path / "o"), strict=True
    ):
        expected = network_input(read_image(path), (32, 48))[::-1].transpose(1, 2, 0)
        np.testing.assert_array_equal(np.frombuffer(ours, np.float32).reshape(32, 48, 3), expected)


def test_pixels_go_as_they_are_where_the_graph_normalises(
    plain_files: list[Path], dump: Path, tmp_path: Path
) -> None:
    entry = {"layout": "NHWC", "shape": [None, 32, 48, 3], "dtype": "uint8", "normalised_inside": True}
    export = write_export(tmp_path / "export", **entry)
    for path, ours in zip(
        plain_files, inputs(dump, export, "double", plain_files, tmp_path / "o"), strict=True
    ):
        expected = resize_image(read_image(path), (32, 48))
        np.testing.assert_array_equal(np.frombuffer(ours, np.uint8).reshape(32, 48, 3), expected)


def test_mmcv_arithmetic_and_a_picture_in_the_corner(
    plain_files: list[Path], dump: Path, tmp_path: Path
) -> None:
    """As DeFRCN's program: fitted, blue first, zeros after normalisation beside the picture."""
    mean = np.array((103.53, 116.28, 123.675))
    std = np.array((57.375, 57.12, 58.395), np.float32)  # as SegFormer's; DeFRCN's are 1
    export = write_export(
        tmp_path / "export", channels="BGR", resize="fit", mean=mean.tolist(), std=[57.375, 57.12, 58.395]
    )
    results = dumped(dump, ["input", str(export / "manifest.json"), "mmcv"], plain_files, tmp_path / "o")
    for path, (numbers, content) in zip(plain_files, results, strict=True):
        image = read_image(path)
        width, height = numbers[2:]
        factor = min(32 / image.shape[0], 48 / image.shape[1])
        assert [width, height] == [
            max(1, min(round(image.shape[1] * factor), 48)),
            max(1, min(round(image.shape[0] * factor), 32)),
        ]
        expected = np.zeros((3, 32, 48), np.float32)
        normal = mmcv.imnormalize(pillow_13(image, (width, height)), mean, std, to_rgb=True)
        expected[:, :height, :width] = normal.transpose(2, 0, 1)
        np.testing.assert_array_equal(np.frombuffer(content, np.float32).reshape(3, 32, 48), expected)
