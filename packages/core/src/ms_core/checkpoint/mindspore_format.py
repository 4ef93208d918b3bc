"""MindSpore `.ckpt` files: a row of protobuf messages `Checkpoint.value`, one or more per parameter.

The schema (mindspore/train/checkpoint.proto) is repeated here because MindSpore's generated module comes only
with its whole import of 4 s; a test compares both. The outer level is walked by hand, entry by entry: a file
may then exceed protobuf's 2 GiB a message, and a truncated one is reported with the place where it ends.
"""

import json
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from ms_core.checkpoint.elements import BFLOAT16, decode_shaped, printable
from ms_core.checkpoint.weight_file import METADATA_ENTRY, UnreadableError, WeightFile, damaged

ELEMENTS = {
    "Bool": "?",
    "Int8": "i1",
    "Int16": "i2",
    "Int32": "i4",
    "Int64": "i8",
    "UInt8": "u1",
    "UInt16": "u2",
    "UInt32": "u4",
    "UInt64": "u8",
    "Float16": "f2",
    "Float32": "f4",
    "Float64": "f8",
    "BFloat16": BFLOAT16,
}
"""`tensor_type` in the file -> element code."""

TEXT = "str"
"""`tensor_type` of a string entry: dims [0], content in UTF-32 little-endian (a NumPy array of type U)."""

CHUNK_BYTES = 256 * 1024 * 1024
"""Larger parameters are written as several entries of one name (MindSpore itself splits at 512 MiB)."""

ENTRY_TAG = b"\x0a"
"""Field 1, length-delimited: starts each entry of the outer message."""

CRC_MARK = b"crc_num"
"""`save_checkpoint(crc_check=True)` appends this and the CRC-32 of all before it in 10 big-endian bytes."""

CRC_TRAILER_BYTES = len(CRC_MARK) + 10

ENCRYPTED_MAGIC = (b"\xd8\x5e\x3a\x7f", b"\xd9\x5e\x3a\x7f", b"\xda\x5e\x3a\x7f")
"""First bytes of files that `save_checkpoint(enc_key=...)` wrote: AES-GCM, AES-CBC, SM4-CBC."""


def _message_class() -> type[message.Message]:
    """`Checkpoint.Value` in a pool of its own: MindSpore registers the same names in the default pool."""
    field = descriptor_pb2.FieldDescriptorProto
    schema = descriptor_pb2.FileDescriptorProto(name="ms_core_checkpoint.proto", package="ms_core")
    tensor = schema.message_type.add(name="Tensor")
    tensor.field.add(name="dims", number=1, type=field.TYPE_INT64, label=field.LABEL_REPEATED)
    tensor.field.add(name="tensor_type", number=2, type=field.TYPE_STRING, label=field.LABEL_REQUIRED)
    tensor.field.add(name="tensor_content", number=3, type=field.TYPE_BYTES, label=field.LABEL_REQUIRED)
    value = schema.message_type.add(name="Value")
    value.field.add(name="tag", number=1, type=field.TYPE_STRING, label=field.LABEL_REQUIRED)
    optional = {"type": field.TYPE_MESSAGE, "label": field.LABEL_OPTIONAL}
    value.field.add(name="tensor", number=2, type_name=".ms_core.Tensor", **optional)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(schema)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("ms_core.Value"))


Value: Any = _message_class()  # generated class: its fields are unknown to the type checker


def looks_like_checkpoint(head: bytes) -> bool:
    """Whether the first bytes are an entry whose first field is a name."""
    if head[:1] != ENTRY_TAG:
        return False
    after_size = next((i + 1 for i, byte in enumerate(head[1:11], start=1) if byte < 0x80), None)
    return after_size is not None and head[after_size : after_size + 1] == b"\x0a"


def read_checkpoint(file: BinaryIO, size: int) -> WeightFile:
    """Read a `.ckpt` of `size` bytes from its start."""
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, str] = {}
    for name, kind, dims, content in _parameters(file, _content_size(file, size)):
        if kind == TEXT:
            texts[name] = _text(name, content)
        else:
            arrays[name] = _array(name, kind, dims, content)
    metadata = _parse_metadata(texts.pop(METADATA_ENTRY, "{}"))
    return WeightFile(arrays, metadata, "ckpt", texts=texts)


def read_checkpoint_metadata(file: BinaryIO, size: int) -> dict[str, Any]:
    """The metadata of a `.ckpt` of `size` bytes; arrays are skipped, so only a file cut short is noticed.

    Ours come first, but MindSpore moves them when it saves what it has loaded.
    """
    metadata: dict[str, Any] = {}
    for name, kind, _, content in _parameters(file, _content_size(file, size), only=METADATA_ENTRY):
        if kind == TEXT:
            metadata = _parse_metadata(_text(name, content))
    return metadata


def _content_size(file: BinaryIO, size: int) -> int:
    """Bytes before the optional CRC trailer, which is verified when present."""
    file.seek(max(size - CRC_TRAILER_BYTES, 0))
    trailer = file.read(CRC_TRAILER_BYTES)
    file.seek(0)
    if not trailer.startswith(CRC_MARK):
        return size
    remaining, crc = size - CRC_TRAILER_BYTES, 0
    while remaining and (block := file.read(min(remaining, 1 << 20))):
        crc = zlib.crc32(block, crc)
        remaining -= len(block)
    file.seek(0)
    if crc != int.from_bytes(trailer[len(CRC_MARK) :], "big"):
        raise damaged("its CRC does not agree with its content")
    return size - CRC_TRAILER_BYTES


def _parameters(
    file: BinaryIO, end: int, only: str | None = None
) -> Iterator[tuple[str, str, list[int], bytes]]:
    """(name, type, dims, content) of each parameter; neighbouring entries of one name are its chunks."""
    name, kind, dims, chunks = "", "", [], []  # type: str, str, list[int], list[bytes]
    for entry in _entries(file, end, only):
        if chunks and entry.tag != name:
            yield name, kind, dims, b"".join(chunks)
            chunks = []
        name, kind, dims = entry.tag, entry.tensor.tensor_type, list(entry.tensor.dims)
        chunks.append(entry.tensor.tensor_content)
    if chunks:
        yield name, kind, dims, b"".join(chunks)


def _entries(file: BinaryIO, end: int, only: str | None) -> Iterator[Any]:
    """The messages, or only those of one name."""
    count, name, start_of_body = 0, "", b"" if only is None else _name_field(only)
    while (start := file.tell()) < end:
        where = f"after {count} entries" + (f" (the last is {printable(name)})" if name else "")
        size = _entry_size(file) if file.read(1) == ENTRY_TAG else None
        if size is None or size > end - file.tell():
            raise damaged(f"is truncated or damaged {where}, at byte {start} of {end}")
        count += 1
        body = file.read(min(size, len(start_of_body)))
        if body != start_of_body:
            file.seek(size - len(body), os.SEEK_CUR)
            continue
        entry = _parse_entry(body + file.read(size - len(body)), f"{where}, at byte {start}")
        name = entry.tag
        yield entry


def _parse_entry(body: bytes, where: str) -> Any:
    entry = Value()
    try:
        entry.ParseFromString(body)
    except Exception as error:  # DecodeError; protobuf in pure Python, which MindSpore selects, has more
        raise damaged(f"is damaged {where}") from error
    if not isinstance(entry.tag, str) or not isinstance(entry.tensor.tensor_type, str):  # no UTF-8
        raise damaged(f"is damaged {where}")
    if not entry.HasField("tensor"):
        raise UnreadableError(f"entry {printable(entry.tag)} is a map parameter, which cannot be read here.")
    return entry


def _name_field(name: str) -> bytes:
    """How an entry of this name starts: field 1, its length, the name."""
    encoded = name.encode()
    return ENTRY_TAG + _varint(len(encoded)) + encoded


def _entry_size(file: BinaryIO) -> int | None:
    """A protobuf varint (7 bits a byte, low ones first); None where the file ends or it has over 10 bytes."""
    size = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        size |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return size
    return None


def _array(name: str, kind: str, dims: list[int], content: bytes) -> np.ndarray:
    if kind not in ELEMENTS:
        raise UnreadableError(
            f"entry {printable(name)} has the type {printable(kind)}, which cannot be read here."
        )
    # Like load_checkpoint: dims [0] with one element is how old versions wrote a scalar.
    shape = [] if dims == [0] and content else dims
    return decode_shaped(content, ELEMENTS[kind], shape, f"entry {printable(name)}")


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-32-le").rstrip("\0")
    except UnicodeDecodeError as error:
        raise damaged(f"entry {printable(name)} is not text") from error


def _parse_metadata(text: str) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(f"entry {METADATA_ENTRY} is not JSON") from error
    if not isinstance(metadata, dict):
        raise damaged(f"entry {METADATA_ENTRY} is not a JSON object")
    return metadata


def encode_text(name: str, text: str) -> bytes:
    """The entry of a string, as MindSpore writes the strings of append_dict."""
    return _encode(name, TEXT, (0,), text.encode("utf-32-le"))


def encode_array(name: str, array: np.ndarray) -> Iterator[bytes]:
    """The entries of one array, little-endian, the bits as they are.

    Raises:
        ValueError: an element type that `.ckpt` does not know, or shape (0,), which reads as a scalar.
    """
    kind = _kind(name, array)
    if array.shape == (0,):
        raise ValueError(f"{name}: an empty array of shape (0,) cannot be stored in a .ckpt")
    little = array if array.dtype.byteorder != ">" else array.astype(array.dtype.newbyteorder("<"))
    content = np.ascontiguousarray(little).reshape(-1).view(np.uint8).data
    for start in range(0, max(len(content), 1), CHUNK_BYTES):
        yield _encode(name, kind, array.shape, bytes(content[start : start + CHUNK_BYTES]))


def _kind(name: str, array: np.ndarray) -> str:
    if array.dtype.name == BFLOAT16:  # MindSpore's own NumPy extension type
        return "BFloat16"
    for kind, element in ELEMENTS.items():
        if element != BFLOAT16 and np.dtype(element) == array.dtype.newbyteorder("="):
            return kind
    raise ValueError(f"{name}: a .ckpt cannot hold arrays of type {array.dtype}")


def _encode(name: str, kind: str, dims: tuple[int, ...], content: bytes) -> bytes:
    entry = Value(tag=name)
    entry.tensor.dims.extend(dims)
    entry.tensor.tensor_type = kind
    entry.tensor.tensor_content = content
    body: bytes = entry.SerializeToString()
    return ENTRY_TAG + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
