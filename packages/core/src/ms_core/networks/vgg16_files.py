"""Classification weights of VGG-16, of torchvision and of the old model zoo, in terms of our trunk.

Both number the layers of the trunk through, without and with batch normalisation; torchvision calls the
sequence `features`, the old zoo `layers`. The classifiers have the same names and shapes.
"""

from collections.abc import Mapping

import numpy as np

from ms_core.checkpoint.names import NORM_LEAVES

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""In each stage; a pooling follows the last one."""

_FC6, _FC7 = "classifier.0", "classifier.3"
_CLASSIFIER = (4096, 512, 7, 7)


def file_index(layer: int, *, norm: bool) -> int:
    """Place of convolution `layer` (0-12) in the file's sequence: 0, 2, 5, 7, 10 ...; with norms 0, 3, 7, 10, 14 ..."""
    poolings = sum(layer >= sum(CONVOLUTIONS[: stage + 1]) for stage in range(len(CONVOLUTIONS)))
    return layer * (3 if norm else 2) + poolings


def has_vgg16(arrays: Mapping[str, np.ndarray], sequence: str, *, norm: bool) -> bool:
    """Whether these are the arrays of a VGG-16: its relatives of other depth number their layers otherwise.

    Args:
        arrays: content of a file.
        sequence: `features` (torchvision) or `layers` (old zoo).
        norm: with or without batch normalisation.
    """
    names = [f"{sequence}.{file_index(layer, norm=norm)}.weight" for layer in range(13)]
    shapes = [arrays[name].shape for name in names if name in arrays]
    return len(shapes) == 13 and all(shape[2:] == (3, 3) for shape in shapes)


def translate_vgg16(
    arrays: Mapping[str, np.ndarray], sequence: str, *, norm: bool, trunk: str, trunk_norm: bool
) -> dict[str, np.ndarray]:
    """Trunk weights under our names.

    Args:
        arrays: a file for which `has_vgg16` is true with the same `sequence` and `norm`.
        sequence: `features` or `layers`.
        norm: whether the file has batch normalisations.
        trunk: beginning of our names, such as `backbone.`.
        trunk_norm: whether our trunk has them; where only the file has them, they are left out.

    Returns:
        Our names -> arrays; names outside the trunk as they were.
    """
    translated = {name: array for name, array in arrays.items() if not name.startswith(f"{sequence}.")}
    for layer in range(13):
        index = file_index(layer, norm=norm)
        stage, number = _place(layer)
        ours = f"{trunk}b{stage + 1}.{number * (3 if trunk_norm else 2)}"
        translated |= _leaves(arrays, f"{sequence}.{index}", ours)
        if norm and trunk_norm:
            normalisation = _leaves(
                arrays, f"{sequence}.{index + 1}", f"{trunk}b{stage + 1}.{number * 3 + 1}"
            )
            translated |= {_norm_name(name): array for name, array in normalisation.items()}
    return {name: array for name, array in translated.items() if not name.endswith(".num_batches_tracked")}


def fully_connected_as_convolutions(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The first two layers of the classifier as SSD's fc6 and fc7, where the file has them.

    The first one is a 7x7 convolution 512 -> 4096. As in the SSD paper (section 3, after DeepLab) every third
    row and column of its kernel is kept, which dilation sets apart again, and every fourth output.

    Returns:
        `fc6.weight` [1024, 512, 3, 3], `fc6.bias`, `fc7.weight` [1024, 1024, 1, 1], `fc7.bias`; or nothing.
    """
    needed = [f"{layer}.{leaf}" for layer in (_FC6, _FC7) for leaf in ("weight", "bias")]
    if not set(needed) <= set(arrays) or arrays[needed[0]].shape != (4096, 512 * 7 * 7):
        return {}
    fc6_weight, fc6_bias, fc7_weight, fc7_bias = (arrays[name] for name in needed)
    return {
        "fc6.weight": np.ascontiguousarray(fc6_weight.reshape(_CLASSIFIER)[::4, :, ::3, ::3]),
        "fc6.bias": fc6_bias[::4].copy(),
        "fc7.weight": np.ascontiguousarray(fc7_weight[::4, ::4, None, None]),
        "fc7.bias": fc7_bias[::4].copy(),
    }


def _place(layer: int) -> tuple[int, int]:
    """Convolution 0-12 -> (stage 0-4, number within it)."""
    stage = 0
    while layer >= CONVOLUTIONS[stage]:
        layer -= CONVOLUTIONS[stage]
        stage += 1
    return stage, layer


def _leaves(arrays: Mapping[str, np.ndarray], theirs: str, ours: str) -> dict[str, np.ndarray]:
    return {
        f"{ours}.{name.rpartition('.')[2]}": array
        for name, array in arrays.items()
        if name.rpartition(".")[0] == theirs
    }


def _norm_name(name: str) -> str:
    """PyTorch's leaf -> ours; MindSpore's own stay."""
    module, dot, leaf = name.rpartition(".")
    return f"{module}{dot}{NORM_LEAVES.get(leaf, leaf)}"
