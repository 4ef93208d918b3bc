"""From the words after an old script's name to our command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ms_core.errors import UserError
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.installed import recipes_of
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.script import Interface, Script
from ms_core.old_zoo.scripts import find_script
from ms_core.old_zoo.signatures import ROLES, Words, expand, read_arguments
from ms_core.recipes import recipe_names

_FILES = (
    "CONFIG",
    "CHECKPOINT_PATH",
    "PRE_TRAINED",
    "RANK_TABLE_FILE",
    "MINDIR_PATH",
    "ONNX_PATH",
    "ANNO_PATH",
    "CKPT_PATH",
    "PRETRAINED_CKPT_PATH",
    "DATA_PATH",
    "MODEL_PATH",
    "AIPP_PATH",
    "TOOLKIT_PATH",
    "PIPELINE_PATH",
    "RESULTS_JSON",
)
"""Roles whose files have to be there."""
DEVICES = "8"
"""Devices of the old scripts for several that did not take their number."""
_OUTPUT_FLAGS = ("output_path", "save_checkpoint_path", "out")
"""Flags with which somebody says where results go, so that the script does not."""


@dataclass(frozen=True)
class Call:
    """One use of an old script, understood."""

    package: OldPackage
    name: str
    """Of the script."""
    interface: Interface
    script: Script
    values: dict[str, str]
    """Role -> word, with what was left out filled in."""
    origins: dict[str, str] = field(default_factory=dict)
    """Role -> where a value that was left out comes from."""
    flags: tuple[str, ...] = ()
    """What followed the positional words: flags for the old program."""

    def __str__(self) -> str:
        """How the words were read: `run_eval.sh: DATASET=coco CHECKPOINT_PATH=a.ckpt DEVICE_ID=0 (default)`."""
        parts = [
            f"{role}={shlex.quote(word)}" + (f" ({self.origins[role]})" if role in self.origins else "")
            for role, word in self.values.items()
        ]
        return " ".join([f"{self.name}:", *parts, *map(shlex.quote, self.flags)])

    @property
    def folder(self) -> Path:
        """Where the log of rank 0 lies."""
        return self.log(0).parent

    def log(self, rank: int) -> Path:
        """The log of a rank, from the working folder; in a folder of its own where the old script made one."""
        folder = self.script.folder.format(RANK=rank, DEVICE_ID=self.values.get("DEVICE_ID", "0"))
        name = Path(self.script.log_name)
        shared = rank > 0 and "{RANK}" not in self.script.folder
        return Path(folder) / (f"{name.stem}_{rank}{name.suffix}" if shared else name)

    @property
    def is_parallel(self) -> bool:
        """Whether several devices work together."""
        return self.script.devices == "many" or "DEVICE_NUM" in self.values


@dataclass(frozen=True)
class OurCommand:
    """What a script comes to."""

    words: tuple[str, ...]
    """After the command's name."""
    notes: tuple[str, ...] = ()
    """What somebody should know who runs it."""


def read_call(package: str, name: str, words: Sequence[str], environment: Mapping[str, str]) -> Call:
    """Read the words after a script's name.

    Args:
        package: our command, such as `ms-ssd`.
        name: of the script, such as `run_eval.sh`.
        words: positional words, then any flags of the old program.
        environment: `os.environ`.

    Raises:
        UserError: words that fit no form or several, or a file that is not there.
    """
    interface, script = find_script(package, name)
    count = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    flags = tuple(words[count:])
    recipes = recipe_names(recipes_of(package))
    values = read_arguments(name, script.forms, words[:count], Words(recipes))
    for role, word in values.items():
        _require_file(f"{name}: {role}={word}", role, word, recipes)
    filled = _left_out(interface, script, values, flags, environment)
    for role, (word, origin) in filled.items():
        _require_file(f"{name}: {role}={word} ({origin})", role, word, recipes)
    return Call(
        cast(OldPackage, package),
        name,
        interface,
        script,
        {**values, **{role: word for role, (word, _) in filled.items()}},
        {role: origin for role, (_, origin) in filled.items()},
        flags,
    )


def our_command(call: Call, environment: Mapping[str, str]) -> OurCommand:
    """The command that does what the script did.

    Raises:
        UserError: something in the configuration or the flags cannot be translated, or something that only old
            programs could guess is missing.
    """
    old, settings = split_flags(call.flags)
    from ms_core.old_zoo.commands import read_command

    found = read_command(call.script.entry, [*old_flags(call, environment), *old], call.package)
    words = [*_with_recipe(call, found.argv[1:]), *settings]
    if not _given(_OUTPUT_FLAGS, old):
        words = _with_output(call, words, environment)
    dropped = [f"--{key}: {why}" for key, why in found.dead if _given((key,), old)]
    notes = [call.script.note.format(**{**call.script.defaults, **call.values})] if call.script.note else []
    return OurCommand(tuple(words), (*found.notes, *dropped, *notes))


def old_flags(call: Call, environment: Mapping[str, str]) -> list[str]:
    """The flags with which the script called the old program."""
    names = {**call.interface.flags, **call.script.flags}
    values = {role: word for role, word in call.values.items() if word.lower() not in ("", "none")}
    if (recipe := _recipe(call)) is not None:
        values["CONFIG"] = str(recipes_of(call.package) / f"{recipe}.yaml")
    if "DATASET" in values:
        values["DATASET"] = values["DATASET"].lower()
    flags = [f"--{names[role]}={word}" for role, word in values.items() if role in names]
    if call.script.more_flags is not None:
        flags += [f"--{name}={word}" for name, word in call.script.more_flags(call.values).items()]
    if call.is_parallel:
        flags.append(f"--{call.interface.distributed_flag}=True")
    device = _device(call, environment)
    if device and "DEVICE_TYPE" not in values:
        flags.append(f"--{names['DEVICE_TYPE']}={device}")
    return flags


def run_folder(call: Call, words: Sequence[str]) -> Path:
    """The run folder of a training, of which `words` are our command."""
    if call.interface.run:
        return call.folder / call.interface.run
    return Path(words[words.index("--out") + 1])


def _left_out(
    interface: Interface,
    script: Script,
    values: Mapping[str, str],
    flags: Sequence[str],
    environment: Mapping[str, str],
) -> dict[str, tuple[str, str]]:
    """Role -> (word, where from), for what the words do not say."""
    filled = {}
    sequences = [roles for form in script.forms for roles in expand(form)]
    roles = {role for sequence in sequences if values.keys() <= set(sequence) for role in sequence}
    if script.devices == "many" and "DEVICE_NUM" in roles - values.keys():
        filled["DEVICE_NUM"] = _number_of_devices(environment)
    if "DEVICE_NUM" in (*values, *filled):
        roles.discard("DEVICE_ID")
    else:
        roles.discard("RANK_TABLE_FILE")
    if "DEVICE_ID" in roles - values.keys() and not _given(("device_id",), flags):
        filled["DEVICE_ID"] = _from(environment, "DEVICE_ID") or ("0", "default")
    if "RANK_TABLE_FILE" in roles - values.keys() and (table := _from(environment, "RANK_TABLE_FILE")):
        filled["RANK_TABLE_FILE"] = table
    if "CONFIG" in roles - values.keys() and not _given(("config_path", "model_name"), flags):
        config = _configuration(interface, script, values, environment)
        filled |= {} if config is None else {"CONFIG": config}
    return filled


def _number_of_devices(environment: Mapping[str, str]) -> tuple[str, str]:
    """DEVICE_NUM of a script that did not take it.

    Raises:
        UserError: the environment variable is no number from 1.
    """
    word, origin = _from(environment, "DEVICE_NUM") or (DEVICES, "default")
    if not (word.isascii() and word.isdigit() and int(word) >= 1):
        raise UserError(f"DEVICE_NUM={word} ({origin}): is no {ROLES['DEVICE_NUM'].meaning}.")
    return word, origin


def _configuration(
    interface: Interface, script: Script, values: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, str] | None:
    """What to use where no CONFIG is given: of the environment, an old file that is there, or the old default."""
    named = _from(environment, "CONFIG_PATH") or _from(environment, "MODEL_NAME")
    if named is not None:
        return named
    old = script.config.format(**{**script.defaults, **values}) or "src/config.py"
    for path in (Path(old), ".." / Path(old)):
        if path.is_file():
            return str(path), "found here"
    model = (script.model or interface.model) if script.needs_config else ""
    return (model, "default, CONFIG_PATH or MODEL_NAME names another") if model else None


def _from(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    word = environment.get(name, "").strip()
    return (word, f"environment variable {name}") if word else None


def _given(names: Sequence[str], flags: Sequence[str]) -> bool:
    """Whether one of the flags is among the words, in any spelling."""
    return any(word.partition("=")[0].lstrip("-").replace("-", "_") in names for word in flags)


def _require_file(where: str, role: str, word: str, recipes: Sequence[str]) -> None:
    if role not in _FILES or word.lower() in ("", "none") or (role == "CONFIG" and word in recipes):
        return
    if not Path(word).exists():
        known = f" or recipe. Recipes: {', '.join(recipes)}." if role == "CONFIG" else "."
        raise UserError(f"{where}: no such file{known}")


def without_out(words: Sequence[str]) -> list[str]:
    """The words without `--out FOLDER` and `--out=FOLDER`."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word != "--out" and not word.startswith("--out="):
            kept.append(word)
        skip = word == "--out"
    return kept


def _with_output(call: Call, words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The words with the result folder that the script had, and whether what is there may be replaced."""
    overwrite = ["--overwrite"] if environment.get("OVERWRITE") == "1" else []
    if not call.interface.run:
        return [*words, *(overwrite if words[0] in ("train", "finetune", "predict") else [])]
    if words[0] == "train":
        return [*without_out(words), "--out", str(call.folder / call.interface.run), *overwrite]
    return [*without_out(words), "--out", str(call.folder)] if words[0] == "eval" else list(words)


def split_flags(flags: Sequence[str]) -> tuple[list[str], list[str]]:
    """Flags of the old programs, and settings of ours (`--train.workers 2`), which have a dot in their name."""
    old: list[str] = []
    ours: list[str] = []
    current = old
    for word in flags:
        if word.startswith("--"):
            current = ours if "." in word.partition("=")[0] else old
        current.append(word)
    return old, ours


def _recipe(call: Call) -> str | None:
    """The recipe that CONFIG names; None where it is a file."""
    word = call.values.get("CONFIG", "")
    return word if word in recipe_names(recipes_of(call.package)) else None


def _with_recipe(call: Call, words: Sequence[str]) -> list[str]:
    """The words with a recipe's name in place of its file, which was there for the mapping to read."""
    recipe = _recipe(call)
    file = str(recipes_of(call.package) / f"{recipe}.yaml")
    return [recipe if recipe is not None and word == file else word for word in words]


def _device(call: Call, environment: Mapping[str, str]) -> str:
    """The device to name; "" where the configuration does. The scripts for Ascend were those without a device in their
    name, so they ran what the configuration said; those for GPU never did."""
    named = environment.get("DEVICE_TARGET")
    if named or call.script.device != "Ascend" or not _says_device(call.values.get("CONFIG", "")):
        return named or call.script.device
    return ""


def _says_device(config: str) -> bool:
    """Whether an old configuration names its device."""
    old = read_old_file(Path(config)) if Path(config).is_file() else None
    return old is not None and any(old.values.get(key) for key in ("device_target", "run_platform"))
