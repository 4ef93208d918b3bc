"""Running an exported MINDIR file, here or in a process that knows nothing of the network's Python code.

As a program: `python -m ms_core.export.reload MODEL.mindir INPUTS.npz OUTPUTS.npz [DEVICE]`.
"""

import sys
from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor, nn

from ms_core.errors import UserError


def load_mindir(path: Path) -> nn.GraphCell:
    """The graph in a MINDIR file as a cell; needs nothing but the file.

    Raises:
        UserError: no such file, or not a MINDIR file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file. Export the model first.")
    try:
        return nn.GraphCell(mindspore.load(str(path)))
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: not a MINDIR file that can be read ({reason}). Export it again.") from error


def run_mindir(path: Path, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
    """Outputs of the exported graph for its inputs, float32 of the shapes it was exported with."""
    outputs = load_mindir(path)(*(Tensor(array) for array in inputs))
    if isinstance(outputs, Tensor):
        outputs = (outputs,)
    return tuple(output.asnumpy() for output in outputs)


def main(arguments: list[str]) -> None:
    """Read the arrays of an .npz file in order, write the outputs as output_0, output_1, ... of another one."""
    model, inputs, results, *device = arguments
    if device:
        mindspore.set_device(device[0])
    with np.load(inputs) as archive:
        outputs = run_mindir(Path(model), *(archive[name] for name in archive.files))
    np.savez(results, **{f"output_{index}": output for index, output in enumerate(outputs)})


if __name__ == "__main__":
    main(sys.argv[1:])
