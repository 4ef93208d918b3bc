"""Files that are either whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ms_core.errors import UserError

_SUFFIX = ".tmp"


@contextmanager
def atomic_write(path: Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and rename it to `path` when the block ends well.

    Whatever goes wrong, a previous file at `path` stays as it was and no temporary file is left.

    Raises:
        UserError: the system refuses to write (disk full, no permission, no such folder).
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=_SUFFIX)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb" if binary else "w", encoding=None if binary else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        give_usual_permissions(temporary)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise UserError(
            f"{path}: cannot write: {error.strerror or error}. What was there before is unchanged."
        ) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of `atomic_write` in `folder`; nobody else may be writing there."""
    for file in folder.glob(f".*{_SUFFIX}"):
        with suppress(OSError):
            file.unlink()


def give_usual_permissions(path: Path) -> None:
    """Temporary files and folders are private; a finished one is as readable as any new one of this user."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


class JsonListFile:
    """A JSON list written piece by piece; used inside `atomic_write`."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._empty = True
        self._encode = json.JSONEncoder(
            ensure_ascii=False
        ).encode  # json.dumps would make one for every entry
        file.write("[")

    def add(self, entry: Any) -> None:
        """Append one entry, on a line of its own."""
        self.add_text(self._encode(entry))

    def add_text(self, text: str) -> None:
        """Append one or more entries that are JSON already, with commas between them."""
        self._file.write(("\n" if self._empty else ",\n") + text)
        self._empty = False

    def close(self) -> None:
        """End the list; the file itself belongs to the caller."""
        self._file.write("\n]\n")
