"""Training on ModelArts: the parameters of the old `modelarts/start.py`, copies from and to OBS, one training.

The service starts `start.py` once, or once for each device with RANK_ID, RANK_SIZE, DEVICE_ID and RANK_TABLE_FILE. It
passes the data and result folders as `obs://` addresses, which only the module `moxing` of its images can copy;
other addresses are folders of this machine. Never run on the service by us.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ms_core.atomic import atomic_write
from ms_core.cli import DONE, FAILED, WRONG_USE
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.processes import Process, run_in_foreground
from ms_core.old_zoo.scripts import INTERFACES

CACHE = "/cache"
"""The fast local disk of a ModelArts machine; the variable MODELARTS_CACHE names another folder."""
WAIT_SECONDS = 6 * 3600.0
"""How long the other processes of a machine wait for the copy of the data."""
_POLL_SECONDS = 0.2
_REMOTE = ("obs://", "s3://")
OF_THE_SERVICE = ("num_gpus", "init_method")
"""Parameters that the service may add and that mean nothing here."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a training job."""

    name: str
    kind: Callable[[str], object]
    """Converts the text."""
    default: object
    required: bool
    """As the old table says; all but the addresses can be left out here."""
    meaning: str
    """One line."""
    path: bool = False
    """Whether it is a path below `data_url`."""


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ArgumentTypeError(f"{text!r} is not True or False")
    return text.lower() == "true"


PARAMETERS = (
    Parameter("data_url", str, "", True, "folder of the data, set by the service"),
    Parameter("train_url", str, "", True, "folder for the results, set by the service"),
    Parameter("lr", float, 0.05, True, "learning rate"),
    Parameter("dataset", str, "coco", True, "coco, voc or other"),
    Parameter("epoch_size", int, 5, True, "epochs"),
    Parameter("batch_size", int, 32, True, "images a step and a device"),
    Parameter("save_checkpoint_epochs", int, 10, False, "epochs between two checkpoints that are kept"),
    Parameter(
        "feature_extractor_base_param",
        str,
        "",
        False,
        "backbone to start from; not used where pre_trained is given",
        path=True,
    ),
    Parameter("classes_label_path", str, "", True, "file with a class a line, background first", path=True),
    Parameter("num_classes", int, 81, True, "classes, background included"),
    Parameter(
        "voc_json", str, "", False, "with dataset voc; the XML files are read, no JSON is needed", path=True
    ),
    Parameter("anno_path", str, "", False, "with dataset other: the TXT list", path=True),
    Parameter("pre_trained", str, "", False, "detector to start from in transfer learning", path=True),
    Parameter("loss_scale", int, 1024, False, "loss scale"),
    Parameter("filter_weight", _flag, False, False, "leave the prediction layers at initial values"),
    Parameter("freeze_layer", str, "none", False, "none or backbone"),
)
"""In the order of the old table."""

MODELS: dict[OldPackage, str] = {
    "ms-ssd": "ssd_mobilenet_v1_fpn",
    "ms-ssdlite-fpn": "ssdlite_mobilenetv2_fpn",
}
"""Network of a job; the variable MODEL_NAME names another, as `using_model` did."""


@dataclass(frozen=True)
class Job:
    """One process of a training job."""

    package: OldPackage
    values: Mapping[str, object]
    """Parameter -> value."""
    environment: Mapping[str, str]
    words: Callable[[Job], list[str]] | None = None
    """Our command for it; None: `training_words`."""

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self.environment.get("RANK_ID") or 0)

    @property
    def size(self) -> int:
        """Processes altogether."""
        return int(self.environment.get("RANK_SIZE") or 1)

    @property
    def copies(self) -> bool:
        """Whether this is the process of its machine that copies the data; machines have at most 8 devices."""
        return int(self.environment.get("DEVICE_ID") or 0) % min(self.size, 8) == 0

    @property
    def cache(self) -> Path:
        """The fast local disk."""
        return Path(self.environment.get("MODELARTS_CACHE") or CACHE)

    @property
    def data(self) -> Path:
        """Where the data lies on this machine."""
        return self._local("data_url", "data")

    @property
    def results(self) -> Path:
        """Where the results are written on this machine."""
        return self._local("train_url", "train")

    @property
    def marker(self) -> Path:
        """File that tells the other processes of this machine how the copy of the data ended."""
        digest = hashlib.sha256(self.address("data_url").encode()).hexdigest()[:12]
        return self.cache / f"copied-{digest}"

    def address(self, name: str) -> str:
        """An address, as the service gave it."""
        return str(self.values[name])

    def below_data(self, name: str) -> str:
        """A path below the data as a path of this machine; "" where none was given."""
        text = str(self.values[name])
        return str(self.data / text) if text else ""

    def _local(self, name: str, folder: str) -> Path:
        address = self.address(name)
        return self.cache / folder if address.startswith(_REMOTE) else Path(address)


def main(package: OldPackage, argv: Sequence[str] | None = None) -> int:
    """Run a job; returns the exit code of the training.

    Args:
        package: our command.
        argv: parameters; None for those of this process.
    """
    try:
        values = read_parameters(sys.argv[1:] if argv is None else argv)
        return run_job(Job(package, values, os.environ))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE


def read_parameters(argv: Sequence[str]) -> dict[str, object]:
    """Parameter -> value, defaults filled in.

    Raises:
        UserError: an unknown parameter, a value of another type, or no address.
    """
    parser = ArgumentParser(allow_abbrev=False, add_help=False, exit_on_error=False)
    for parameter in PARAMETERS:
        parser.add_argument(f"--{parameter.name}", type=parameter.kind, default=parameter.default)
    try:
        found, unknown = parser.parse_known_args(list(argv))
    except Exception as error:  # argparse's errors have no common class of their own in Python 3.10
        raise UserError(f"start.py: {error}.") from error
    names = [parameter.name for parameter in PARAMETERS]
    for word in unknown:
        name = word.lstrip("-").partition("=")[0]
        if word.startswith("--") and name not in OF_THE_SERVICE:
            raise UserError(f"start.py: {word}: no such parameter.{did_you_mean(name, names)}")
    for name in ("data_url", "train_url"):
        if not getattr(found, name):
            raise UserError(f"start.py: --{name} is missing; the service sets it.")
    return vars(found)


def run_job(job: Job) -> int:
    """Fetch the data, train, bring the results back even if the training failed.

    Raises:
        UserError: data that cannot be fetched, or faulty parameters.
    """
    try:
        fetch_data(job)
        words = (job.words or training_words)(job)
        code = run_in_foreground([_process(job, words)])
    finally:
        returned = return_results(job)
    return code if code != DONE or returned else FAILED


def fetch_data(job: Job) -> None:
    """Copy the data to this machine, once a machine; the other processes wait for it.

    Raises:
        UserError: no module moxing, a failed copy, or no folder.
    """
    if job.address("data_url").startswith(_REMOTE):
        if job.copies:
            _copy_and_tell(job)
        else:
            _wait_for_copy(job)
    if not job.data.is_dir():
        raise UserError(f"--data_url {job.address('data_url')}: there is no such folder.")


def return_results(job: Job) -> bool:
    """Copy the results to OBS, from rank 0, which is the one that writes them; whether that went well.

    A failure is told, not raised: it must not hide how the training ended.
    """
    remote = job.address("train_url").startswith(_REMOTE)
    if not remote or job.rank != 0 or not job.results.is_dir():
        return True
    try:
        _copy(str(job.results), job.address("train_url"))
    except Exception as error:  # moxing is not ours: whatever it raises
        print(f"error: --train_url {job.address('train_url')}: results not copied: {error}", file=sys.stderr)
        return False
    return True


def training_words(job: Job) -> list[str]:
    """Our command for a job, through the mapping of the old interface.

    Raises:
        UserError: what the mapping refuses, or a label file that does not fit.
    """
    from ms_core.old_zoo.commands import translate_command

    names = _classes(job)
    words = translate_command("train.py", old_flags(job), job.package)[1:]
    if names:
        job.results.mkdir(parents=True, exist_ok=True)
        file = job.results / f"classes_{job.rank}.txt"
        file.write_text("\n".join(names) + "\n", encoding="utf-8")
        words += ["--data.classes", str(file)]
        if str(job.values["dataset"]).lower() != "other":  # as in `datasets`
            words += ["--data.unknown-classes", "drop"]
    return [*words, "--out", str(job.results / INTERFACES[job.package].run)]


def old_flags(job: Job) -> list[str]:
    """The parameters as flags of the old train.py."""
    interface, values = INTERFACES[job.package], job.values
    root = {"coco": "coco_root", "voc": "voc_root"}.get(str(values["dataset"]).lower(), "image_dir")
    flags = {
        "model_name": job.environment.get("MODEL_NAME") or MODELS[job.package],
        interface.flags["DEVICE_TYPE"]: job.environment.get("DEVICE_TARGET") or "Ascend",
        root: str(job.data),
    }
    for parameter in PARAMETERS:
        if parameter.name not in ("data_url", "train_url", "classes_label_path", "num_classes"):
            text = job.below_data(parameter.name) if parameter.path else str(values[parameter.name])
            flags[parameter.name] = text
    if job.size > 1:
        flags[interface.distributed_flag] = "True"
    elif job.environment.get("DEVICE_ID"):
        flags["device_id"] = job.environment["DEVICE_ID"]
    return [f"--{name}={text}" for name, text in flags.items() if text]


def _classes(job: Job) -> list[str]:
    """Names of the label file without the background; none where no file is given.

    Raises:
        UserError: no such file, no background, or another number than `num_classes`.
    """
    if not job.values["classes_label_path"]:
        return []
    path = Path(job.below_data("classes_label_path"))
    if not path.is_file():
        raise UserError(f"--classes_label_path: {path}: no such file; the path is relative to --data_url.")
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not names or names[0].lower() != "background":
        raise UserError(
            f"{path}: line 1: expected background. The classes follow in the order of their labels."
        )
    if len(names) != job.values["num_classes"]:
        raise UserError(
            f"{path}: {len(names)} names, background included, but --num_classes is {job.values['num_classes']}."
        )
    return names[1:]


def _process(job: Job, words: Sequence[str]) -> Process:
    """The training; alone it needs none of the variables with which the service numbers processes."""
    place = ("RANK_TABLE_FILE", "RANK_ID", "RANK_SIZE") if job.size == 1 else ()
    environment = {name: value for name, value in job.environment.items() if name not in place}
    command = (sys.executable, "-m", job.package.replace("-", "_"), *words)
    return Process(
        command, environment, job.results / ("log.txt" if job.rank == 0 else f"log_{job.rank}.txt")
    )


def _copy_and_tell(job: Job) -> None:
    job.cache.mkdir(parents=True, exist_ok=True)
    answer = ""
    try:
        _copy(job.address("data_url"), str(job.data))
    except Exception as error:  # moxing is not ours: whatever it raises, the others must not wait for ever
        answer = f"--data_url {job.address('data_url')}: not copied: {error}"
        raise UserError(answer) from error
    finally:
        with atomic_write(job.marker) as file:
            file.write(answer)


def _wait_for_copy(job: Job) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not job.marker.exists():
        if time.monotonic() > until:
            raise UserError(
                f"--data_url {job.address('data_url')}: no copy after {WAIT_SECONDS / 3600:g} hours."
            )
        time.sleep(_POLL_SECONDS)
    if answer := job.marker.read_text(encoding="utf-8"):
        raise UserError(answer)


def _copy(source: str, target: str) -> None:
    """
    Raises:
        UserError: no module moxing.
    """
    if find_spec("moxing") is None:
        raise UserError("the module moxing, which the images of ModelArts have, is not installed")
    print(f"copying {source} to {target}")
    import_module("moxing").file.copy_parallel(source, target)
