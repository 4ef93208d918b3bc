"""Weight files as others write them, for tests: names, shapes and formats."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Rule = Callable[[str, tuple[int, ...]], np.ndarray]
"""`golden_weight` of conftest.py."""
Shapes = dict[str, tuple[int, ...]]

SIZES = {
    "segformer_b0": ((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "segformer_b1": ((64, 128, 320, 512), (2, 2, 2, 2), 256),
    "segformer_b2": ((64, 128, 320, 512), (3, 4, 6, 3), 768),
    "segformer_b3": ((64, 128, 320, 512), (3, 4, 18, 3), 768),
    "segformer_b4": ((64, 128, 320, 512), (3, 8, 27, 3), 768),
    "segformer_b5": ((64, 128, 320, 512), (3, 6, 40, 3), 768),
}
"""Channels and blocks of the stages, channels of the decoder (shared/facts/segformer.md)."""


def encoder_shapes(model: str) -> Shapes:
    """Names and shapes of an official ImageNet file."""
    widths, depths, _ = SIZES[model]
    shapes: Shapes = {}
    for stage, (width, before) in enumerate(zip(widths, (3, *widths), strict=False), 1):
        side = 7 if stage == 1 else 3
        shapes |= {f"patch_embed{stage}.proj.weight": (width, before, side, side)}
        shapes |= _bias(f"patch_embed{stage}.proj", width) | _norm(f"patch_embed{stage}.norm", width)
    for stage, (width, depth, reduction) in enumerate(zip(widths, depths, (8, 4, 2, 1), strict=True), 1):
        for block in range(depth):
            shapes |= _block(f"block{stage}.{block}.", width, reduction)
        shapes |= _norm(f"norm{stage}", width)
    return shapes | {"head.weight": (1000, widths[3]), "head.bias": (1000,)}


def official_shapes(model: str, classes: int = 19, decoder: int | None = None) -> Shapes:
    """Names and shapes of a whole official file; `decoder`: its channels, where they are not the usual."""
    widths, _, usual = SIZES[model]
    width = decoder or usual
    encoder = {
        f"backbone.{name}": shape for name, shape in encoder_shapes(model).items() if "head" not in name
    }
    shapes = encoder | {
        "decode_head.conv_seg.weight": (classes, 128, 1, 1),
        "decode_head.conv_seg.bias": (classes,),
    }
    for stage in (4, 3, 2, 1):
        shapes |= _linear(f"decode_head.linear_c{stage}.proj", widths[stage - 1], width)
    fuse = "decode_head.linear_fuse."
    shapes |= {f"{fuse}conv.weight": (width, 4 * width, 1, 1)} | _norm(f"{fuse}bn", width)
    shapes |= {f"{fuse}bn.running_mean": (width,), f"{fuse}bn.running_var": (width,)}
    return shapes | {
        f"{fuse}bn.num_batches_tracked": (),
        "decode_head.linear_pred.weight": (classes, width, 1, 1),
        "decode_head.linear_pred.bias": (classes,),
    }


def _block(name: str, width: int, reduction: int) -> Shapes:
    shapes = _norm(f"{name}norm1", width) | _linear(f"{name}attn.q", width, width)
    shapes |= _linear(f"{name}attn.kv", width, 2 * width) | _linear(f"{name}attn.proj", width, width)
    if reduction > 1:
        shapes |= {f"{name}attn.sr.weight": (width, width, reduction, reduction)}
        shapes |= _bias(f"{name}attn.sr", width) | _norm(f"{name}attn.norm", width)
    shapes |= _norm(f"{name}norm2", width) | _linear(f"{name}mlp.fc1", width, 4 * width)
    shapes |= {f"{name}mlp.dwconv.dwconv.weight": (4 * width, 1, 3, 3)}
    return shapes | _bias(f"{name}mlp.dwconv.dwconv", 4 * width) | _linear(f"{name}mlp.fc2", 4 * width, width)


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _bias(name: str, width: int) -> Shapes:
    return {f"{name}.bias": (width,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def filled(shapes: Mapping[str, tuple[int, ...]], rule: Rule) -> dict[str, np.ndarray]:
    """Weights that follow from names; torch's batch counter is 0."""
    return {
        name: np.zeros(shape, np.int64) if name.endswith("num_batches_tracked") else rule(name, shape)
        for name, shape in shapes.items()
    }


def empty(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Zeros that take no memory, for tests in which only shapes count."""
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


def write_pth(path: Path, value: Any) -> Path:
    """A file as torch.save makes it, with NumPy arrays in the place of tensors, which our reader takes as well."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
        archive.writestr("archive/version", "3\n")
    return path


def old_names(shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """Official names -> the old zoo's, as shared/facts/segformer.md tells them."""
    words = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    renamed: Shapes = {}
    for name, shape in shapes.items():
        module, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked" or ".conv_seg." in name:
            continue
        norm = module.rpartition(".")[2].rstrip("1234") in ("norm", "bn")
        module = f"{module[:-4]}conv" if ".patch_embed" in name and module.endswith("proj") else module
        renamed[f"{module}.{words[leaf] if norm else leaf}"] = shape
    return renamed
