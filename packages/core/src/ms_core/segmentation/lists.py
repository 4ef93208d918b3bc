"""Text files that list the pictures of a split, alone or with their masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ms_core.data.image_paths import choose_folder, posix_name, require_images
from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.data.problems import Problems
from ms_core.data.text import read_text
from ms_core.errors import UserError
from ms_core.segmentation.layouts import image_words
from ms_core.segmentation.masks import MASK_SUFFIXES
from ms_core.segmentation.pairing import Pairs, files_below, match, refuse_missing, samples_of


def pair_list(path: Path, root: Path, masks: Path | None, option: str, problems: Problems) -> Pairs:
    """Pictures in the order of a list, one a line; a second word (or what follows a comma) names the mask.

    Names are relative to `root`, to a folder of pictures in it, or to the list's own folder; a name may lack its
    ending, as in VOC's lists.

    Args:
        masks: folder of the masks of lists that name none.
        option: the command line's word for it.

    Raises:
        UserError: not a list, a picture or mask is not there, or there is no folder of masks.
    """
    lines = [_words(line) for line in read_text(path, "list of pictures").splitlines() if line.strip()]
    if len({len(words) for words in lines}) != 1 or len(lines[0]) > 2:
        raise UserError(f"{path}: every line must name a picture, or all of them a picture and its mask.")
    pictures, folder = _find([words[0] for words in lines], path, root)
    if len(lines[0]) == 2:
        return _named_masks(pictures, [words[1] for words in lines], path, root, problems)
    if masks is None:
        raise UserError(
            f"{path}: names no masks, and no folder of masks lies in {root}. Name it with {option}."
        )
    return match(pictures, folder, files_below(masks, MASK_SUFFIXES), masks, problems)


def _words(line: str) -> list[str]:
    """The names in a line; commas and tabs part names that hold spaces."""
    separator = next((sign for sign in (",", "\t") if sign in line), None)
    return [posix_name(word.strip()) for word in line.strip().split(separator)]


def _find(names: Sequence[str], path: Path, root: Path) -> tuple[list[Path], Path]:
    """The listed pictures, and the folder their names start from."""
    candidates = list(dict.fromkeys([*image_words(root), path.parent, path.absolute().parent.parent]))
    if names[0].lower().endswith(IMAGE_SUFFIXES):
        folder = choose_folder(names, candidates)
        pictures = [folder / name for name in names]
    else:
        folder, pictures = _without_endings(names, candidates)
    require_images(pictures, [f"{path}: {name}" for name in names])
    inside = all(picture.is_relative_to(folder) for picture in pictures)
    return pictures, folder if inside else Path(pictures[0].anchor)


def _without_endings(names: Sequence[str], candidates: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Pictures whose names lack their ending: the first that one of the folders has."""
    for folder in candidates:
        for ending in IMAGE_SUFFIXES:
            if (folder / f"{names[0]}{ending}").is_file():
                return folder, [folder / f"{name}{ending}" for name in names]
    return candidates[0], [candidates[0] / name for name in names]


def _named_masks(
    pictures: Sequence[Path], names: Sequence[str], path: Path, root: Path, problems: Problems
) -> Pairs:
    folder = choose_folder(names, list(dict.fromkeys([root, path.parent, path.absolute().parent.parent])))
    masks = [folder / name for name in names]
    pairs = list(zip(pictures, masks, strict=True))
    refuse_missing([picture for picture, mask in pairs if not mask.is_file()], len(pairs), folder, problems)
    kept = [(picture, mask) for picture, mask in pairs if mask.is_file()]
    return Pairs(samples_of([picture for picture, _ in kept], [mask for _, mask in kept]))
