"""Torch tensors inside pickles: windows into storages whose bytes lie elsewhere in the file."""

from dataclasses import dataclass
from typing import Any

from ms_core.checkpoint.elements import BFLOAT16, check_shape, item_size
from ms_core.checkpoint.inert import Frozen, Token
from ms_core.checkpoint.weight_file import UnreadableError, damaged

TORCH_ELEMENTS = {
    "Float": ("float32", "f4"),
    "Double": ("float64", "f8"),
    "Half": ("float16", "f2"),
    "BFloat16": ("bfloat16", BFLOAT16),
    "Char": ("int8", "i1"),
    "Byte": ("uint8", "u1"),
    "Short": ("int16", "i2"),
    "Int": ("int32", "i4"),
    "Long": ("int64", "i8"),
    "Bool": ("bool", "?"),
    "ComplexFloat": ("complex64", "c8"),
    "ComplexDouble": ("complex128", "c16"),
}
"""Storage class without "Storage" -> (dtype name, element code)."""

UNSIGNED = {"uint16": "u2", "uint32": "u4", "uint64": "u8"}
"""Dtypes without a storage class of their own."""


class ElementType(Token):
    """A torch dtype or storage class."""

    __slots__ = ("element",)

    def __init__(self, name: str, element: str) -> None:
        super().__init__(name)
        self.element = element


@dataclass(frozen=True)
class StorageKey(Frozen):
    """A block of memory shared by torch tensors; its bytes lie elsewhere in the file."""

    key: str
    element: str
    """Element code, see elements.py."""
    length: int
    """Elements of the whole block."""
    start: int = 0
    """Elements to skip (views of storages, torch before 0.4)."""


@dataclass(frozen=True)
class PickledTensor(Frozen):
    """A torch tensor: a strided window into a storage. Offset and strides count elements."""

    storage: StorageKey
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    element: str


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any) -> PickledTensor:
    """`torch._utils._rebuild_tensor`: a window into a storage that must lie inside it."""
    if not isinstance(storage, StorageKey):
        raise damaged("holds a tensor without storage")
    return _checked(PickledTensor(storage, offset, tuple(size), tuple(stride), storage.element))


def rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, metadata: Any = None
) -> PickledTensor:
    """`torch._utils._rebuild_tensor_v2`."""
    if metadata:
        raise UnreadableError(
            "holds a lazily conjugated or negated tensor. Save it after .resolve_conj().resolve_neg()."
        )
    return rebuild_tensor(storage, offset, size, stride)


def rebuild_tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    _grad: Any,
    _hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> PickledTensor:
    """`torch._utils._rebuild_tensor_v3`: the storage is bytes, the tensor has the type."""
    if metadata or not isinstance(storage, StorageKey) or not isinstance(dtype, ElementType):
        raise UnreadableError("holds a tensor of an unknown kind. Save plain tensors.")
    typed = StorageKey(storage.key, dtype.element, storage.length // item_size(dtype.element))
    return _checked(PickledTensor(typed, offset, tuple(size), tuple(stride), dtype.element))


def rebuild_parameter(data: Any, *_grad_hooks_state: Any) -> Any:
    """`torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`: the tensor inside."""
    return data


def _checked(tensor: PickledTensor) -> PickledTensor:
    check_shape(tensor.shape, "a tensor")
    check_shape(tensor.strides, "the strides of a tensor")
    check_shape((tensor.offset,), "the offset of a tensor")
    last = tensor.offset + sum(
        (n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if 0 not in tensor.shape and last >= tensor.storage.length:
        raise damaged(f"holds a tensor of shape {tensor.shape} larger than its storage")
    return tensor
