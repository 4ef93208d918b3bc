"""What is known of an old shell script, and of a code base with several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Devices = Literal["one", "many"]


@dataclass(frozen=True)
class Script:
    """One script of the old zoo."""

    purpose: str
    """What it is for, in one line."""
    entry: str
    """The old program it started; "" where `action` does it."""
    forms: tuple[str, ...]
    """Positional arguments, see `signatures`; `--key value` may follow."""
    folder: str = ""
    """Where its log lies, from the working folder; {RANK} and {DEVICE_ID} are numbers. "": nothing is started in the
    background."""
    log_name: str = "log.txt"
    """File there with the output of rank 0."""
    device: Literal["Ascend", "GPU", ""] = ""
    """Device it was for; the environment variable DEVICE_TARGET or `--device_target` names another."""
    devices: Devices = "one"
    """Whether it starts a process for each of several devices."""
    model: str = ""
    """Network without a configuration, where it is not the code base's."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Role of an argument -> flag, where it is not the code base's."""
    config: str = ""
    """Old configuration that it took, from the folder of the code; {ROLE} is a word. It counts where it is there."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Role -> word in `config` where none is given."""
    more_flags: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None
    """Flags that follow from several words, or that the script had written into it."""
    note: str = ""
    """What somebody should know who runs it; {ROLE} is a word."""
    action: str = ""
    """`module:function` that does it, given the `Call` and the environment, and returns the exit code; "": a command of
    ours does."""
    needs_config: bool = True
    """Whether a configuration that is left out is the old default; else only one that is there counts."""

    @property
    def log(self) -> str:
        """The log of the (first) process."""
        return f"{self.folder}/{self.log_name}".removeprefix("./") if self.folder else ""


@dataclass(frozen=True)
class Interface:
    """How one of the old code bases named its things."""

    model: str
    """Network without a configuration; "": what the flags say."""
    run: str
    """Run folder inside the log folder, where the old program kept checkpoints: `LOG/ckpt_0`; "": where the
    configuration says, and results of other programs too."""
    flags: dict[str, str]
    """Role of an argument -> flag of the old programs."""
    distributed_flag: str
    """Flag that meant: several devices."""
    scripts: dict[str, Script]
    """By name."""
    data_flags: str = "--coco_root, --voc_root, --image_dir and --anno_path"
    """Flags that name the data, for messages."""
