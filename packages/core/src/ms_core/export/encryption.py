"""Keys of encrypted MINDIR files; MindSpore does the encryption itself."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path

from ms_core.errors import UserError

MODES = ("AES-GCM", "AES-CBC", "SM4-CBC")
"""Ciphers MindSpore offers; AES-GCM also notices a changed file."""
KEY_LENGTHS = {"AES-GCM": (16, 24, 32), "AES-CBC": (16, 24, 32), "SM4-CBC": (16,)}
"""Bytes of a key."""


@dataclass(frozen=True)
class Encryption:
    """How a file is encrypted."""

    key: bytes = field(repr=False)
    """The secret; never printed."""
    mode: str = MODES[0]
    """One of `MODES`."""


def add_key_options(parser: ArgumentParser) -> None:
    """`--encrypt-key-file` and `--encrypt-mode`; the key itself never stands on a command line, where others see it."""
    parser.add_argument(
        "--encrypt-key-file",
        type=Path,
        metavar="FILE",
        help="key of an encrypted MINDIR file: 16, 24 or 32 bytes, nothing else in the file",
    )
    parser.add_argument(
        "--encrypt-mode", choices=MODES, help=f"cipher of an encrypted MINDIR file (default {MODES[0]})"
    )


def read_encryption(key_file: Path | None, mode: str | None) -> Encryption | None:
    """What the two options say; None where nothing is encrypted.

    Raises:
        UserError: a cipher without a key, a file that cannot be read, or a key of another length.
    """
    if key_file is None:
        if mode is not None:
            raise UserError(f"--encrypt-mode {mode}: a key is needed, too. Add --encrypt-key-file FILE.")
        return None
    mode = mode or MODES[0]
    try:
        key = key_file.read_bytes()
    except OSError as error:
        raise UserError(f"{key_file}: cannot be read: {error.strerror or error}.") from error
    lengths = KEY_LENGTHS[mode]
    if len(key) not in lengths:
        raise UserError(
            f"{key_file}: {len(key)} bytes, a key for {mode} has {' or '.join(map(str, lengths))} (the end of a line "
            f"counts). `head -c {lengths[-1]} /dev/urandom > FILE` makes one."
        )
    return Encryption(key, mode)
