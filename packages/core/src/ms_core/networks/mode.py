"""Switching a network to inference and back exactly as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from mindspore import nn


@contextmanager
def inference_mode(network: nn.Cell) -> Iterator[None]:
    """Inside, every cell of `network` is in evaluation mode; afterwards each has the mode it had.

    `network.set_train(True)` is no inverse of `set_train(False)`: it would also wake normalisations that a
    training run keeps frozen.
    """
    modes = [(cell, cell.training) for _, cell in network.cells_and_names()]
    outer = network.training
    network.set_train(False)
    try:
        yield
    finally:
        network.set_train(outer)  # also the compilation phase, which only the outermost cell has
        for cell, training in modes:
            cell.add_flags(training=training)
