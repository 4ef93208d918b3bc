"""Pictures for the demo: base training sees some shapes, fine-tuning a few objects of others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ms_core.data.synthetic import SHAPES, make_shapes

BASE_SHAPES = ("circle", "square", "triangle")
NOVEL_SHAPES = tuple(name for name in SHAPES if name not in BASE_SHAPES)


@dataclass(frozen=True)
class DemoData:
    """Three COCO files with the same five categories."""

    base: Path
    """Base training: pictures of base shapes alone, so that nothing novel is learned as background."""
    fewshot: Path
    """Fine-tuning: pictures of all shapes, of which a few objects a class are drawn."""
    val: Path
    """Evaluation: other pictures of all shapes."""


def make_demo_data(
    folder: Path,
    *,
    base: int = 240,
    fewshot: int = 60,
    val: int = 48,
    size: int = 128,
    seed: int = 1,
    colours: Literal["class", "any"] = "class",
) -> DemoData:
    """Write base/ and fewshot/ into `folder`, each with its pictures.

    A base and a novel shape always differ in their outline.

    Args:
        folder: new or empty, or one that this function wrote.
        base, fewshot, val: pictures, >= 1.
        size: width and height, pixels, >= 32.
        seed: the same seed gives the same files.
        colours: "class": each shape also has hues of its own, the same in all pictures; "any": only the outline
            tells shapes apart.

    Raises:
        UserError: a number out of range, or a folder with other things in it.
    """
    known = make_shapes(
        folder / "base",
        train=base,
        val=1,
        seed=seed,
        size=size,
        classes=SHAPES,
        colours=colours,
        drawn=BASE_SHAPES,
    )
    new = make_shapes(
        folder / "fewshot",
        train=fewshot,
        val=val,
        seed=seed + 1,
        size=size,
        classes=SHAPES,
        colours=colours,
    )
    return DemoData(known.train, new.train, new.val)
