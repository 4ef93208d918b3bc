"""Starts a script of this folder as two processes that work together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run_two_ranks(script: str, folder: Path) -> None:
    """Run `script FOLDER` as two processes; fails with their output if they do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [
        "-m",
        "mindspore.parallel.cluster.run",
        "--worker_num=2",
        "--local_worker_num=2",
        "--join=True",
    ]
    options = [f"--master_port={port}", f"--log_dir={folder / 'log'}"]
    path = os.pathsep.join(
        (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    )  # msrun starts "python"
    done = subprocess.run(
        [sys.executable, *launcher, *options, str(HERE / script), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PATH": path},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
