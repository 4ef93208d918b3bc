"""A folder that is filled out of sight: what goes wrong halfway leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ms_core.errors import UserError


@contextmanager
def staged_folder(folder: Path, *, last: str) -> Iterator[Path]:
    """A temporary folder whose files are moved into `folder` when the block ends well.

    Files of the same names are replaced, others stay. Whatever goes wrong before, `folder` stays as it was, or is
    not there.

    Args:
        folder: where the files belong; created with its parents.
        last: name of the file that is moved last: a reader that finds it finds the others.

    Raises:
        UserError: the system refuses to write.
    """
    created = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
            yield Path(name)
            _move(Path(name), folder, last)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot write: {error.strerror or error}. Choose another --out."
        ) from error
    finally:
        for place in created:  # only those that are empty go
            with suppress(OSError):
                place.rmdir()


def _move(source: Path, target: Path, last: str) -> None:
    files = [path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file()]
    for parent in {name.parent for name in files}:  # before any file is moved, as this may fail
        (target / parent).mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == Path(last)):
        (source / name).replace(target / name)
