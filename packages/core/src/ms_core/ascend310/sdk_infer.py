"""`infer_by_sdk.py`: pictures through a pipeline of the MindX SDK, a JSON file with its objects for each."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ms_core.ascend310.flag_program import DONE, WRONG_USE, FlagProgram, Flags
from ms_core.ascend310.sdk_pipeline import DVPP_PIPELINE
from ms_core.ascend310.sdk_stream import OBJECTS, SdkStream, StreamError
from ms_core.atomic import atomic_write
from ms_core.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".bmp", ".png")
"""Pictures of a folder; DVPP itself reads only baseline JPEG."""
STREAM_FLAGS = {
    "pipeline_path": f"the pipeline, by default {DVPP_PIPELINE} here",
    "stream_name": "its stream, where there are several",
    "img_path": "a picture or a folder of pictures, by default test_img",
}


def pictures_in(path: Path) -> list[Path]:
    """A picture, or those of a folder, sorted.

    Raises:
        UserError: no such file or folder, or no picture in it.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder. Name one with --img_path.")
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
    if not found:
        raise UserError(f"{path}: no pictures ({', '.join(SUFFIXES)}) in this folder.")
    return found


def result_names(pictures: Sequence[Path]) -> list[str]:
    """Names of the result files: photo.jpg is photo.json; photo.jpg.json where photo.png is there as well."""
    stems = Counter(picture.stem for picture in pictures)
    return [f"{each.stem if stems[each.stem] == 1 else each.name}.json" for each in pictures]


def objects_of(
    stream: SdkStream, pictures: Sequence[Path]
) -> Iterator[tuple[Path, list[dict[str, Any]] | None]]:
    """Each picture with its objects; None, and a line on stderr, where it cannot be read or the SDK fails."""
    for picture in pictures:
        try:
            yield picture, stream.infer(picture.read_bytes())
        except (OSError, StreamError) as error:
            print(f"error: {picture}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            yield picture, None


def open_stream(flags: Flags) -> SdkStream:
    """The stream that `STREAM_FLAGS` name."""
    return SdkStream(Path(flags.get("pipeline_path", DVPP_PIPELINE)), flags.get("stream_name", ""))


def _infer(flags: Flags) -> int:
    out = Path(flags.get("res_path", "infer_res"))
    pictures = pictures_in(Path(flags.get("img_path", "test_img")))
    with open_stream(flags) as stream:
        out.mkdir(parents=True, exist_ok=True)
        failed = 0
        for name, (picture, objects) in zip(
            result_names(pictures), objects_of(stream, pictures), strict=True
        ):
            if objects is None:
                failed += 1
                continue
            with atomic_write(out / name) as file:
                file.write(json.dumps({OBJECTS: objects}, indent=2, ensure_ascii=False) + "\n")
            print(f"{picture}: {len(objects)} objects, {out / name}")
    return WRONG_USE if failed else DONE


main = FlagProgram(
    "infer_by_sdk.py",
    "objects in pictures by a MindX SDK pipeline; a JSON file each. Never run on Ascend by us",
    {**STREAM_FLAGS, "res_path": "folder for the JSON files, by default infer_res"},
    _infer,
)
