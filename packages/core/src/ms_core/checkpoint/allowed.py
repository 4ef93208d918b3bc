"""The closed list of what a pickle may name."""

from typing import Any

from ms_core.checkpoint.inert import Constructor, InertDict, Opaque
from ms_core.checkpoint.pickled_numpy import (
    NDARRAY,
    PickledDtype,
    array_from_buffer,
    encode,
    no_bytes,
    numpy_scalar,
    reconstruct,
)
from ms_core.checkpoint.pickled_torch import (
    TORCH_ELEMENTS,
    UNSIGNED,
    ElementType,
    rebuild_parameter,
    rebuild_tensor,
    rebuild_tensor_v2,
    rebuild_tensor_v3,
)


def _allowed() -> dict[str, Any]:
    entries: dict[str, Any] = {
        "collections.OrderedDict": InertDict,
        "collections.Counter": InertDict,
        "collections.defaultdict": Constructor(lambda _factory=None, *items: InertDict(*items)),
        "argparse.Namespace": Opaque,
        "numpy.ndarray": NDARRAY,
        "numpy.dtype": Constructor(PickledDtype),
        "_codecs.encode": Constructor(encode),
        "builtins.bytes": Constructor(no_bytes),
        "builtins.set": Constructor(frozenset),
        "builtins.frozenset": Constructor(frozenset),
        "torch.Size": Constructor(tuple),
        "torch.device": Constructor(Opaque),
        "torch.storage.UntypedStorage": ElementType("torch.UntypedStorage", "u1"),
        "torch.UntypedStorage": ElementType("torch.UntypedStorage", "u1"),
        "torch._utils._rebuild_tensor": Constructor(rebuild_tensor),
        "torch._utils._rebuild_tensor_v2": Constructor(rebuild_tensor_v2),
        "torch._utils._rebuild_tensor_v3": Constructor(rebuild_tensor_v3),
        "torch._utils._rebuild_parameter": Constructor(rebuild_parameter),
        "torch._utils._rebuild_parameter_with_state": Constructor(rebuild_parameter),
    }
    for core in ("numpy.core", "numpy._core"):
        entries[f"{core}.multiarray._reconstruct"] = Constructor(reconstruct)
        entries[f"{core}.multiarray.scalar"] = Constructor(numpy_scalar)
        entries[f"{core}.numeric._frombuffer"] = Constructor(array_from_buffer)
    for storage, (dtype, element) in TORCH_ELEMENTS.items():
        entries[f"torch.{storage}Storage"] = ElementType(f"torch.{storage}Storage", element)
        entries[f"torch.{dtype}"] = ElementType(f"torch.{dtype}", element)
    return entries | {
        f"torch.{dtype}": ElementType(f"torch.{dtype}", element) for dtype, element in UNSIGNED.items()
    }


ALLOWED = _allowed()
"""Exact full name in a pickle -> stand-in. Nothing else is ever looked up, let alone imported."""
