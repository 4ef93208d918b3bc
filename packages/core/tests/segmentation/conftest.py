"""Small sets of pictures and masks, written to disk."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def golden() -> Path:
    """What cityscapesscripts wrote, and its label table."""
    return Path(__file__).parent / "golden"


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Writes a picture of random colours; the seed decides its content."""

    def write(path: Path, width: int = 48, height: int = 40, seed: int | None = None, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        own = zlib.crc32(str(path).encode()) if seed is None else seed
        cells = np.random.default_rng(own).integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
        return path

    return write


@pytest.fixture
def mask() -> Callable[..., Path]:
    """Writes a mask of 48x40; `values` fill it from the top left, the first one fills the rest."""

    def write(path: Path, values: list[int] | np.ndarray = (0, 1), size: tuple[int, int] = (48, 40)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(values)
        if pixels.ndim < 2:
            flat = np.full(size[0] * size[1], values[0])
            flat[: len(values)] = values
            pixels = flat.reshape(size[1], size[0])
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def pairs(picture: Callable[..., Path], mask: Callable[..., Path]) -> Callable[..., None]:
    """Writes `count` pictures into one folder and their masks into another."""

    def write(
        images: Path, masks: Path, count: int = 2, ending: str = "", values: list[int] = (0, 1)
    ) -> None:
        for number in range(count):
            picture(images / f"{images.name}{number}.jpg")
            mask(masks / f"{images.name}{number}{ending}.png", values)

    return write


@pytest.fixture
def cityscapes(picture: Callable[..., Path], mask: Callable[..., Path]) -> Callable[..., Path]:
    """Writes pictures and label images in the Cityscapes layout."""

    def write(root: Path, split: str = "train", kinds: dict[str, list[int]] | None = None) -> Path:
        values = {"labelTrainIds": [0, 18, 255]} if kinds is None else kinds
        for city, number in (("ulm", 1), ("ulm", 0), ("bonn", 5)):
            name = f"{city}_{number:06d}_000019"
            picture(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
            for kind, content in values.items():
                mask(root / "gtFine" / split / city / f"{name}_gtFine_{kind}.png", content)
        return root

    return write
