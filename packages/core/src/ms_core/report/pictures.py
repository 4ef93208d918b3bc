"""The best and worst images of an evaluation inside the page, within their bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2

from ms_core.data.images import read_image
from ms_core.report.evaluation_folder import EvaluationFolder
from ms_core.report.html import Html, element, figure, jpeg_element

_PICTURE_WIDTHS = (960, 760, 600, 460, 340, 240)


def extreme_pictures(
    evaluation: EvaluationFolder,
    picture_bytes: int,
    caption: Callable[[Mapping[str, Any]], str],
    shown: str,
    key: Html,
) -> list[Html]:
    """Two groups, best and worst, each with heading and key; those without a picture are left out.

    Args:
        picture_bytes: most that all of them may take.
        caption: an entry of `best_images` or `worst_images` in words.
        shown: what a picture shows, for readers who cannot see it.
        key: what the colours mean.
    """
    groups = {
        "Best images": evaluation.metrics.get("best_images", []),
        "Worst images": evaluation.metrics.get("worst_images", []),
    }
    each = picture_bytes // max(sum(map(len, groups.values())), 1)
    blocks = []
    for title, entries in groups.items():
        pictures = [
            _picture(evaluation.path / entry["picture"], caption(entry), shown, each) for entry in entries
        ]
        if pictures:
            blocks += [element("h3", title), key, element("div", *pictures, class_="pictures")]
    return blocks


def _picture(path: Path, words: str, shown: str, most_bytes: int) -> Html:
    if not path.is_file():
        return figure(element("p", f"{path} is not there any more.", class_="note"), words)
    content, width, height = _bounded_jpeg(path, most_bytes)
    return figure(jpeg_element(content, width, height, f"{shown} {words}"), words)


def _bounded_jpeg(path: Path, most_bytes: int) -> tuple[bytes, int, int]:
    """(JPEG, width, height): as wide as the bytes allow."""
    image = read_image(path)
    for width in _PICTURE_WIDTHS:
        scale = min(width / image.shape[1], 1.0)
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        _, content = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
        if len(content) <= most_bytes:
            break
    return content.tobytes(), *size
