"""One rank of a data-parallel run, started by msrun: trains and writes its state to FOLDER/rank-N.npz.

Rank 1 alone gets a signal in its second step; both must stop after the third, and go on together.
"""

import signal
import sys
from pathlib import Path

import numpy as np
from ms_core import device
from ms_core.errors import Interrupted
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
    run = RunFolder(folder / "run", is_main=runtime.is_main)
    run.create("train: {}\n")
    batches = ShardedBatches(6, runtime.rank, runtime.world_size)
    step = tiny_step(steps=6, runtime=runtime, **EVERYTHING)
    run_step = step.run

    def run_and_signal(batch: tuple[np.ndarray, ...]) -> object:
        if runtime.rank == 1 and step.steps_done == 1:
            signal.raise_signal(signal.SIGTERM)
        return run_step(batch)

    step.run = run_and_signal  # type: ignore[method-assign, assignment]
    try:
        tiny_fit(step, run, batches, epochs=2)
    except Interrupted as stopped:
        print(stopped)
    stopped_after = step.steps_done
    device.barrier(runtime)  # last.ckpt is there
    result = tiny_fit(step, run, batches, epochs=2, resume=True)
    facts = {"stopped_after": stopped_after, "skipped_steps": result.skipped}
    np.savez(folder / f"rank-{runtime.rank}.npz", **facts, **arrays_of(step))


if __name__ == "__main__":
    main()
