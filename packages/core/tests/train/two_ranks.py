"""Starts a script of this folder as two processes that train together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run_two_ranks(script: str, folder: Path, *arguments: str) -> None:
    """Run `script FOLDER ARGUMENTS` under msrun in `folder`; fails with its output if it does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [
        sys.executable,
        "-m",
        "mindspore.parallel.cluster.run",
        "--worker_num=2",
        "--local_worker_num=2",
    ]
    options = [f"--master_port={port}", f"--log_dir={folder / 'log'}", "--join=True"]
    # msrun starts "python"
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*launcher, *options, str(HERE / script), str(folder), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PATH": path},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
