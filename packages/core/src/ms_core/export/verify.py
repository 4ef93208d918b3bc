"""Does an exported file compute what the network computes?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from mindspore import Tensor, nn

from ms_core.export.encryption import Encryption
from ms_core.export.reload import Arrays, run_in_new_process, run_mindir
from ms_core.networks.mode import inference_mode

TOLERANCE = 1e-4
"""Largest absolute difference of any output value that still counts as the same network."""
LABEL_TOLERANCE = 1e-3
"""Largest share of class labels that may differ: rounding decides between scores that are all but equal."""

Agreement = Callable[[Path, Sequence[np.ndarray], Sequence[np.ndarray]], float]
"""(path, expected, found) -> the largest difference, or RuntimeError; as `check_agreement`."""


def network_outputs(network: nn.Cell, inputs: Sequence[np.ndarray]) -> Arrays:
    """What the network gives in inference mode; its mode is left as it is."""
    with inference_mode(network):
        outputs = network(*(Tensor(array) for array in inputs))
    return tuple(output.asnumpy() for output in ((outputs,) if isinstance(outputs, Tensor) else outputs))


def check_agreement(path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """Compare the outputs of a file with those of the network.

    Args:
        path: of the file, for messages.
        expected: of the network.
        found: of the file, in the same order.

    Returns:
        Largest absolute difference over all float outputs and largest share of labels that differ, whichever is more.

    Raises:
        RuntimeError: it exceeds `TOLERANCE` or is not a number, more labels differ than `LABEL_TOLERANCE`, or the
            outputs have other shapes or types.
    """
    check_shapes(path, expected, found)
    largest = 0.0
    for index, (ours, theirs) in enumerate(zip(expected, found, strict=True)):
        if ours.dtype.kind == "f":
            difference = float(np.abs(ours - theirs).max(initial=0))
            if not difference <= TOLERANCE:  # NaN fails too
                raise RuntimeError(
                    f"{path}: the exported model differs from the network by {difference:.3g} in output {index} "
                    f"(allowed {TOLERANCE:g})"
                )
            largest = max(largest, difference)
        else:
            largest = max(largest, _differing_labels(path, index, float((ours != theirs).mean())))
    return largest


def check_shapes(path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> None:
    """Raise RuntimeError where the outputs of a file have other shapes or types than those of the network."""
    kinds = [[(array.shape, str(array.dtype)) for array in arrays] for arrays in (expected, found)]
    if kinds[0] != kinds[1]:
        raise RuntimeError(f"{path}: outputs {kinds[1]}, the network gives {kinds[0]}")


def _differing_labels(path: Path, index: int, share: float) -> float:
    if share > LABEL_TOLERANCE:
        raise RuntimeError(
            f"{path}: {share:.2%} of the labels in output {index} differ from the network's (allowed "
            f"{LABEL_TOLERANCE:.1%})"
        )
    return share


def verify_mindir(
    path: Path,
    network: nn.Cell,
    *inputs: np.ndarray,
    new_process: bool = False,
    encryption: Encryption | None = None,
) -> float:
    """Reload an exported file and compare it with the network it came from.

    Args:
        path: the MINDIR file.
        network: what was exported; its mode is left as it is.
        inputs: of the exported shapes and types. Use a real picture: zeros hide many faults.
        new_process: reload in a Python process of its own, as a user of the file will; takes seconds more.
        encryption: of the file.

    Returns:
        Largest absolute difference, see `check_agreement`.

    Raises:
        RuntimeError: network and file differ.
        UserError: the file is missing or unreadable.
    """
    expected = network_outputs(network, inputs)
    if new_process:
        (found,) = run_in_new_process(path, [inputs], encryption)
    else:
        found = run_mindir(path, *inputs, encryption=encryption)
    return check_agreement(path, expected, found)
