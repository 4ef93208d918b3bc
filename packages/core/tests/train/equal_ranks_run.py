"""One rank of two, started by msrun: trains the tiny detector in every mode, writes FOLDER/rank-N-MODE.npz."""

import sys
from pathlib import Path

import numpy as np
from ms_core import device
from tiny_detector import LEARNING_RATES, train


def main() -> None:
    folder, annotations, batch_size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    runtime = device.start("cpu")
    for mode in LEARNING_RATES:
        np.savez(folder / f"rank-{runtime.rank}-{mode}.npz", **train(mode, annotations, batch_size, runtime))
    device.barrier(runtime)  # msrun ends all when one has ended


if __name__ == "__main__":
    main()
