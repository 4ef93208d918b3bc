"""Zip files from strangers (torch and NumPy both store weights in one)."""

import zipfile
from typing import BinaryIO

from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.weight_file import UnreadableError, damaged

MAX_DEFLATE_RATIO = 1100
"""Deflate cannot compress better than about 1032 to 1."""


def open_archive(file: BinaryIO, size: int) -> zipfile.ZipFile:
    """Open a zip file of `size` bytes whose members cannot claim more than its bytes can hold."""
    try:
        archive = zipfile.ZipFile(file)
    except OSError:
        raise
    except Exception as error:  # besides BadZipFile, damage surfaces as struct, Unicode and value errors
        raise damaged(f"is no whole zip file ({printable(str(error))})") from error
    _check_claims(archive, size)
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Content of one member; its checksum is verified.

    Raises:
        UnreadableError: there is no such member, or it is damaged.
    """
    try:
        member = archive.getinfo(name)
    except KeyError as error:
        raise damaged(f"lacks its part {printable(name)}") from error
    try:
        return archive.read(member)
    except OSError:
        raise
    except Exception as error:  # as above, and zlib's
        raise damaged(f"part {printable(name)} cannot be unpacked ({printable(str(error))})") from error


def _check_claims(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    if sum(member.compress_size for member in members) > size:
        raise UnreadableError("is a zip file whose members claim more bytes than it has. Do not use it.")
    for member in members:
        ratio = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MAX_DEFLATE_RATIO}.get(member.compress_type)
        if ratio is None or member.flag_bits & 1:
            raise UnreadableError(
                f"part {printable(member.filename)} is encrypted or packed in an unknown way."
            )
        if member.file_size > member.compress_size * ratio:
            raise UnreadableError(
                f"part {printable(member.filename)} claims a size it cannot have. Do not use it."
            )
