"""Trains in a process of its own, for the tests that send it real signals or start it under msrun.

python interrupted_run.py FOLDER resume|new STEPS
"""

import sys
import time
from pathlib import Path

from ms_core import device
from ms_core.errors import Interrupted
from ms_core.run_folder import RunFolder
from tiny_training import EVERYTHING, TinyBatches, tiny_fit, tiny_step


class SlowBatches(TinyBatches):
    """Leaves time for a signal."""

    def __getitem__(self, step: int) -> tuple:
        time.sleep(0.05)
        return super().__getitem__(step)


def main() -> int:
    folder, mode, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    runtime = device.start("cpu")
    run = RunFolder(folder)
    run.create("train: {}\n", resume=mode == "resume")
    step = tiny_step(steps=steps, runtime=runtime, **EVERYTHING)
    try:
        tiny_fit(step, run, SlowBatches(steps), epochs=2, resume=mode == "resume")
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
