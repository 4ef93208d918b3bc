"""Everything a run folder tells about its run, read once for the report."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ms_core.errors import UserError
from ms_core.json_object import read_json_object
from ms_core.report.evaluation_folder import EvaluationFolder, evaluations_of, read_evaluation
from ms_core.report.training import TrainingCurves, training_curves
from ms_core.run_folder import RunFolder

_DEVICE = re.compile(r" on ((?:CPU|GPU|Ascend)[^;]*);", re.IGNORECASE)

_TOOLS = (
    ("segformer", "ms-segformer"),
    ("defrcn", "ms-defrcn"),
    ("ssdlite", "ms-ssdlite-fpn"),
    ("ssd", "ms-ssd"),
)
"""Beginning of a network's name -> its command, for a run that a program of the user started."""


@dataclass(frozen=True, eq=False)
class RunFacts:
    """A run as the report shows it."""

    path: Path
    config_text: str
    """config.yaml as it is."""
    config: dict[str, Any]
    environment: dict[str, Any]
    """environment.json; empty where there is none."""
    data: dict[str, Any]
    """data.json; empty for runs of an older version."""
    curves: TrainingCurves
    evaluations: tuple[EvaluationFolder, ...]
    device: str
    """As the log names it; empty if it does not."""
    faults: tuple[str, ...] = ()
    """What could not be read, one line each; the page says so."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.absolute().name

    @property
    def config_path(self) -> Path:
        """config.yaml."""
        return RunFolder(self.path).config_path

    @property
    def model(self) -> str:
        """Network."""
        return str(self.setting("model", "name") or "network")

    @property
    def epochs_done(self) -> float:
        """Epochs of training on record."""
        epochs = self.curves.training.epochs
        return float(epochs[-1]) if len(epochs) and self.curves.x_label == "epoch" else 0.0

    @property
    def epochs(self) -> int | None:
        """Epochs asked for."""
        value = self.setting("train", "epochs")
        return value if isinstance(value, int) else None

    @property
    def steps(self) -> int:
        """Batches asked for; 0 where the epochs count."""
        updates, batches = self.setting("train", "iterations"), self.setting("train", "accumulate")
        return (updates if isinstance(updates, int) else 0) * (batches if isinstance(batches, int) else 1)

    @property
    def command(self) -> list[str]:
        """The command line that started the run, its program as a person types it."""
        words = [str(word) for word in self.environment.get("command", [])]
        if not words:
            return []
        program = Path(words[0])
        if program.name == "__main__.py":  # python -m ms_ssd
            return ["python", "-m", program.parent.name, *words[1:]]
        return [program.name, *words[1:]]

    @property
    def tool_words(self) -> list[str]:
        """The command of the package, such as ms-ssd."""
        words = self.command
        if words[:2] == ["python", "-m"] and words[2].startswith("ms_"):
            return words[:3]
        if words and words[0].startswith("ms-"):
            return [words[0]]
        return [next((tool for start, tool in _TOOLS if self.model.startswith(start)), "ms-ssd")]

    def command_on_run(self, verb: str, *words: str) -> str:
        """A line to copy into a shell: the verb, this run, the further words."""
        return shlex.join([*self.tool_words, verb, str(self.path), *words])

    def setting(self, section: str, name: str) -> Any:
        """A value of the configuration; None where it is not there."""
        entries = self.config.get(section)
        return entries.get(name) if isinstance(entries, dict) else None


def read_run(run: RunFolder) -> RunFacts:
    """A damaged file beside the configuration and the metrics becomes one of `faults`.

    Raises:
        UserError: no run folder, or config.yaml or metrics.jsonl is damaged.
    """
    run.require_run()
    faults: list[str] = []
    config_text = run.config_path.read_text(encoding="utf-8")
    config = _parsed(run.config_path, config_text)
    log = run.log_path.read_text(encoding="utf-8", errors="replace") if run.log_path.is_file() else ""
    devices = _DEVICE.findall(log)
    return RunFacts(
        path=run.path,
        config_text=config_text,
        config=config,
        environment=_json_object(run.environment_path, faults),
        data=_json_object(run.data_path, faults),
        curves=training_curves(run.read_metrics()),
        evaluations=_evaluations(run.path, faults),
        device=devices[-1] if devices else "",
        faults=tuple(faults),
    )


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML. Restore the file that train wrote.") from error
    return config if isinstance(config, dict) else {}


def _evaluations(run: Path, faults: list[str]) -> tuple[EvaluationFolder, ...]:
    read = []
    for folder in evaluations_of(run):
        try:
            read.append(read_evaluation(folder))
        except UserError as error:
            faults.append(str(error))
    return tuple(read)


def _json_object(path: Path, faults: list[str]) -> dict[str, Any]:
    """The content; empty where there is none or it is none, and then it is a fault."""
    if not path.is_file():
        return {}
    try:
        return read_json_object(path, "Delete it.")
    except UserError as error:
        faults.append(str(error))
    return {}
