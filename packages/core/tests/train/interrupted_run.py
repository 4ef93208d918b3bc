"""Trains in a process of its own, for the test that sends it a real signal.

python interrupted_run.py FOLDER STEPS
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
    run, steps = RunFolder(Path(sys.argv[1])), int(sys.argv[2])
    runtime = device.start("cpu")
    run.create("train: {}\n")
    step = tiny_step(steps=steps, runtime=runtime, **EVERYTHING)
    try:
        tiny_fit(step, run, SlowBatches(steps), epochs=2)
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
