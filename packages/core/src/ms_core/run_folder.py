"""The folder of one training run: configuration, environment, log, metrics, checkpoints and figures.

config.yaml         the resolved configuration; `--config runs/boards/config.yaml` trains the same again
environment.json    versions, platform and command line of the start, and of every resume
log.txt             what was printed
metrics.jsonl       one JSON object a line
data.json           what it was trained on: images, boxes or pixels of each class, their sizes
checkpoints/        last.ckpt, best.ckpt, epoch-N.ckpt
figures/
eval-*/             evaluations
report.html         everything above on one page
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ms_core.atomic import atomic_write, remove_unfinished
from ms_core.errors import UserError
from ms_core.json_object import read_json_object

if TYPE_CHECKING:
    from rich.console import Console

_REPORTED_PACKAGES = (
    "ms-core",
    "ms-ssd",
    "ms-ssdlite-fpn",
    "ms-defrcn",
    "ms-segformer",
    "mindspore",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "pycocotools",
    "hotcoco",
    "mmcv-lite",
    "mmcv",
)


@dataclass(frozen=True)
class RunFolder:
    """A run on disk. Only the main process writes; every other rank may hold one and call the same
    methods.
    """

    path: Path
    """The folder."""
    is_main: bool = True
    """Whether this process is rank 0; if not, nothing is written or printed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def environment_path(self) -> Path:
        """Versions, platform and command lines."""
        return self.path / "environment.json"

    @property
    def log_path(self) -> Path:
        """What `log` printed."""
        return self.path / "log.txt"

    @property
    def metrics_path(self) -> Path:
        """One JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def data_path(self) -> Path:
        """The data in numbers."""
        return self.path / "data.json"

    @property
    def report_path(self) -> Path:
        """The page about the run."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def figures(self) -> Path:
        """Folder of the plots."""
        return self.path / "figures"

    @property
    def last_path(self) -> Path:
        """Where the newest checkpoint, from which training can be resumed, goes."""
        return self.checkpoints / "last.ckpt"

    @property
    def best_path(self) -> Path:
        """Where the checkpoint with the best metric goes."""
        return self.checkpoints / "best.ckpt"

    @property
    def has_results(self) -> bool:
        """Whether a training run left something here that must not be overwritten by mistake."""
        return self.metrics_path.exists() or any(self.checkpoints.glob("*.ckpt"))

    def create(self, config_yaml: str, *, overwrite: bool = False, resume: bool = False) -> None:
        """Make the folder ready for training.

        Args:
            config_yaml: the resolved configuration.
            overwrite: remove the results of a former run: what has the names above, and its evaluations.
            resume: go on with the run that is here; its metrics are kept, `config_yaml` replaces the old one.

        Raises:
            UserError: results of a former run without `overwrite`, nothing to resume, or no right to write.
        """
        if not self.is_main:
            return
        if resume:
            self.resume_checkpoint()
            self._repair_metrics()
        elif self.has_results:
            self._clear(overwrite)
        try:
            for folder in (self.checkpoints, self.figures):
                folder.mkdir(parents=True, exist_ok=True)
                remove_unfinished(folder)  # every kill of a run may leave a checkpoint half written
            remove_unfinished(self.path)
        except OSError as error:
            raise UserError(
                f"{self.path}: the run folder cannot be made: {error.strerror}. Give another --out."
            ) from error
        _write(self.config_path, config_yaml)
        self._record_environment(resume)

    def log(self, message: str = "") -> None:
        """Print a line and keep it in log.txt. Nothing in it is markup: `[1, 2]` and paths print as they
        are.
        """
        if not self.is_main:
            return
        console().print(message, markup=False, highlight=False, soft_wrap=True)
        _append(self.log_path, message + "\n")

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl; not-a-number and infinity are written as null."""
        if self.is_main:
            _append(
                self.metrics_path, json.dumps(_finite(record), ensure_ascii=False, allow_nan=False) + "\n"
            )

    def read_metrics(self) -> list[dict[str, Any]]:
        """All records, oldest first; a last line that was cut off by a crash is left out.

        Raises:
            UserError: a line before the last one is no JSON object.
        """
        if not self.metrics_path.exists():
            return []
        *lines, _unfinished = self.metrics_path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [self._record(number, line) for number, line in enumerate(lines, start=1) if line.strip()]

    def drop_metrics_after(self, step: int) -> None:
        """Forget records of steps later than `step`, which a resumed run will write again."""
        if self.is_main:
            kept = [record for record in self.read_metrics() if record.get("step", 0) <= step]
            _write(
                self.metrics_path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept)
            )

    def best_checkpoint(self) -> Path:
        """best.ckpt, or last.ckpt where training ran without evaluation.

        Raises:
            UserError: this is no run folder, or training wrote no checkpoint yet.
        """
        self.require_run()
        for checkpoint in (self.best_path, self.last_path):
            if checkpoint.is_file():
                return checkpoint
        raise UserError(
            f"{self.path}: no checkpoints/best.ckpt or last.ckpt: training ended before it wrote one."
        )

    def resume_checkpoint(self) -> Path:
        """last.ckpt, from which training goes on.

        Raises:
            UserError: this is no run folder, or there is nothing to resume.
        """
        self.require_run()
        if not self.last_path.is_file():
            raise UserError(
                f"{self.last_path}: not there, so there is nothing to resume. Train without --resume."
            )
        return self.last_path

    def require_run(self) -> None:
        """Raises:
        UserError: this is not the folder of a training run.
        """
        if not self.path.is_dir():
            raise UserError(f"{self.path}: no such folder. A run folder is what train wrote to --out.")
        if not self.config_path.is_file():
            raise UserError(
                f"{self.path}: not a run folder (no config.yaml). Give the folder that train wrote to --out."
            )

    def _clear(self, overwrite: bool) -> None:
        if not overwrite:
            raise UserError(
                f"{self.path}: already holds the results of a run. Give another --out, pass --overwrite "
                "to replace "
                f"them, or --resume {self.path} to go on."
            )
        names = (self.config_path, self.environment_path, self.log_path, self.metrics_path)
        for file in (*names, self.data_path, self.report_path):
            file.unlink(missing_ok=True)
        for checkpoint in self.checkpoints.glob("*.ckpt"):
            checkpoint.unlink()
        evaluations = [file.parent for file in self.path.glob("eval-*/metrics.json")]
        for folder in (self.figures, self.path / "tensorboard", *evaluations):
            shutil.rmtree(folder, ignore_errors=True)

    def _repair_metrics(self) -> None:
        """Remove a line that was cut off, so that the next record does not stick to it."""
        if not self.metrics_path.exists():
            return
        content = self.metrics_path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            _write(self.metrics_path, whole.decode("utf-8", errors="replace"))

    def _record(self, number: int, line: str) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"{self.metrics_path}: line {number} is not JSON. Remove this line.") from error
        if not isinstance(record, dict):
            raise UserError(f"{self.metrics_path}: line {number} is no JSON object. Remove this line.")
        return record

    def _record_environment(self, resume: bool) -> None:
        record = environment()
        if resume and self.environment_path.exists():
            first = read_json_object(self.environment_path, "Delete it; training does not need it.")
            record = {**first, "resumed": [*first.get("resumed", []), record]}
        _write(self.environment_path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def environment() -> dict[str, Any]:
    """What a result depends on besides its configuration: versions, platform, command line, time."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": {name: number for name in _REPORTED_PACKAGES if (number := _version(name))},
    }


@cache
def console() -> Console:
    """The terminal that log lines, tables and progress bars share, so that they do not overwrite each
    other.
    """
    from rich.console import Console

    return Console(emoji=False)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) or hasattr(value, "item"):
        number = value.item() if hasattr(value, "item") else value
        return None if isinstance(number, float) and number - number != 0 else number
    return value


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}.") from error
