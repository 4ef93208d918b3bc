"""One rank of a data-parallel run, started by msrun: trains and writes its weights to FOLDER/rank-N.npz."""

import sys
from pathlib import Path

import numpy as np
from ms_core import device
from ms_core.run_folder import RunFolder
from tiny_training import EVERYTHING, TinyBatches, arrays_of, tiny_fit, tiny_step


class ShardedBatches(TinyBatches):
    """Every rank has its own images; rank 1 meets an infinite pixel at step 2."""

    def __init__(self, steps: int, rank: int, world_size: int) -> None:
        super().__init__(steps * world_size, infinite=(2 * world_size + 1,))
        self.rank = rank
        self.world_size = world_size

    def __len__(self) -> int:
        return self.steps // self.world_size

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        return super().__getitem__(step * self.world_size + self.rank)


def main() -> None:
    folder = Path(sys.argv[1])
    runtime = device.start("cpu")
    step = tiny_step(steps=6, runtime=runtime, **EVERYTHING)
    run = RunFolder(folder / "run", is_main=runtime.is_main)
    run.create("train: {}\n")
    result = tiny_fit(step, run, ShardedBatches(6, runtime.rank, runtime.world_size), epochs=2)
    np.savez(folder / f"rank-{runtime.rank}.npz", skipped_steps=result.skipped, **arrays_of(step))


if __name__ == "__main__":
    main()
