"""The Python entry points of the old zoo and their flags, as command lines of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ms_core.config_fields import fields_of
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.files import OldFile, read_old_file
from ms_core.old_zoo.keys import KEYS
from ms_core.old_zoo.networks import NETWORKS, OldPackage, networks_of
from ms_core.old_zoo.source import read_source
from ms_core.old_zoo.translate import Translation, translate
from ms_core.old_zoo.values import read_value
from ms_core.old_zoo.words import setting_words
from ms_core.recipes import parse_yaml
from ms_core.single_shot.config import SingleShotConfig

SELECTING_FILES = ("src/config.py", "../src/config.py")
"""Where the earlier generation, which had no --config_path, kept its configuration; its scripts ran in `scripts`."""


@dataclass(frozen=True)
class OldCommand:
    """An old command line and ours for it."""

    argv: tuple[str, ...]
    """Ours, from the command's name on."""
    notes: tuple[str, ...]
    """What somebody should know who runs it."""
    dead: tuple[tuple[str, str], ...]
    """(flag without hyphens, why nothing became of it), of flags that were given."""


@dataclass(frozen=True)
class Call:
    """An old command line, read: the flags over the file."""

    package: OldPackage
    config: str
    """Our `--config`: the old file, or a recipe."""
    flags: Mapping[str, Any]
    """Old key (YAML spelling) -> text or True."""
    values: Mapping[str, Any]
    """The same, over what the file says."""
    options: Mapping[str, Any]
    """Old key -> value of those that are words of our command line, flags over the file."""
    overrides: dict[str, Any]
    """Settings by which the flags change what the file says."""

    def words(self, verb: str, *positional: str) -> list[str]:
        """The beginning of our command."""
        known = {
            key: value
            for key, value in self.overrides.items()
            if key.startswith("data.") or not verb.startswith("data")
        }
        return [self.package, *verb.split(), *positional, "--config", self.config, *setting_words(known)]

    def checkpoint(self, what: str) -> str:
        """What the command works on.

        Raises:
            UserError: not named.
        """
        given = [self.flags.get(name) for name in ("checkpoint_file_path", "checkpoint_path")]
        written = [self.options.get("checkpoint_file_path")]
        if self.package == "ms-ssdlite-fpn":  # in the official YAML checkpoint_path was read nowhere
            written.insert(0, self.options.get("checkpoint_path"))
        for path in (*given, *written):
            if path:
                return str(path)
        raise UserError(f"--checkpoint_file_path is missing: {what}.")


@dataclass(frozen=True)
class Entry:
    """A Python file of the old zoo."""

    verb: str
    """Ours, by which its configuration is read."""
    build: Callable[[Call], list[str]]
    """Our command."""
    network: str = ""
    """The network where neither flags nor a file name one; empty: the package's first."""
    about: str = ""
    """What it was for, in one line."""


def translate_command(entry: str, argv: Sequence[str], package: OldPackage) -> list[str]:
    """Our command for an old one; see `read_command`."""
    return list(read_command(entry, argv, package).argv)


def read_command(entry: str, argv: Sequence[str], package: OldPackage) -> OldCommand:
    """Translate a command line of the old zoo.

    Flags win over the configuration file, as they did. Our command keeps the file and changes what the flags change:
    `train.py --config_path old.yaml --lr 0.2` is `ms-ssd train --config old.yaml --schedule.lr 0.2 ...`.

    Args:
        entry: `train.py`, or another of `ENTRIES`.
        argv: the words after it: `--key value`, `--key=value`; any key of the configuration, lists included.
        package: which code base it was.

    Raises:
        UserError: unknown entry or flag (with the nearest names), a missing value or checkpoint, or what `translate`
            refuses.
    """
    name = Path(entry).name
    if name not in ENTRIES:
        raise UserError(f"{entry}: no entry point of the old zoo.{did_you_mean(name, ENTRIES)}")
    about = ENTRIES[name]
    if "--help" in argv or "-h" in argv:
        return OldCommand((package, *about.verb.split(), "--help"), (), ())
    flags = _flags(name, argv)
    call, translation = _read(about, flags, package)
    dead = tuple((key, why) for key, why in translation.dead if key in flags)
    return OldCommand(tuple(about.build(call)), translation.notes, dead)


def _flags(entry: str, argv: Sequence[str]) -> dict[str, Any]:
    """YAML spelling -> text; True for a flag without a value."""
    flags: dict[str, Any] = {}
    words = list(argv)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if not name.startswith("--"):
            raise UserError(f"{entry}: {name!r} is not expected here. Write --key value.")
        key = _known(entry, name)
        if equals:
            flags[key] = value
        elif words and not words[0].startswith("--"):
            flags[key] = words.pop(0)
        elif KEYS[key].kind == "bool":
            flags[key] = True
        else:
            raise UserError(f"{entry}: {name}: a value is missing. Write {name} VALUE.")
    return flags


def _known(entry: str, option: str) -> str:
    """The key of a flag."""
    name = option[2:].replace("-", "_")
    if name not in KEYS:
        raise UserError(f"{entry}: {option}: no option of the old zoo.{did_you_mean(name, KEYS)}")
    return KEYS[name].same_as or name


def _read(about: Entry, flags: dict[str, Any], package: OldPackage) -> tuple[Call, Translation]:
    config = flags.get("config_path")
    file = _configuration(config)
    said = {key: _parsed(key, value) for key, value in flags.items() if key != "config_path"}
    if about.verb == "export":
        said.pop("batch_size", None)  # of the exported model, not of a training
    where = {key: f"--{key}" for key in said}
    if file is None:
        values = {"model_name": _network(about, package, config), **said}
        whole = translate(values, package, verb=_verb(about, values), where=where)
        overrides = dict(whole.settings)
        ours = config is not None and Path(config).is_file()
        if ours and Path(str(config)).stem not in NETWORKS:
            overrides.pop(
                "schedule.lr_end", None
            )  # it says that itself; only the zoo's recipes have the zoo's rate
        word = config if ours else whole.recipe
    else:
        values = {**{key: value for key, value in file.values.items() if _name(key) not in said}, **said}
        verb = _verb(about, values)
        alone = translate(file.values, package, verb=verb, where=file.where)
        whole = translate(values, package, verb=verb, where={**file.where, **where})
        overrides = _difference(alone.settings, whole.settings)
        word = str(file.path)
    options = {**whole.options, **({"batch_size": flags["batch_size"]} if "batch_size" in flags else {})}
    return Call(package, str(word), flags, values, options, overrides), whole


def _configuration(path: str | None) -> OldFile | None:
    """The old configuration that was named, or that lies where the earlier generation had it.

    Raises:
        UserError: the named file is not there, and no network is called so.
    """
    if path is None:
        selecting = [Path(name) for name in SELECTING_FILES if "using_model" in _text(Path(name))]
        return read_old_file(selecting[0]) if selecting else None
    if Path(path).is_file():
        return read_old_file(Path(path))
    if path in NETWORKS:
        return None
    raise UserError(f"{path}: no such configuration file; looked at {Path(path).absolute()}.")


def _text(path: Path) -> str:
    return read_source(path) if path.is_file() else ""


def _network(about: Entry, package: OldPackage, config: str | None) -> str:
    if config in NETWORKS:
        return str(config)
    if about.network and NETWORKS[about.network].package == package:
        return about.network
    return networks_of(package)[0].name


def _name(key: str) -> str:
    return KEYS[key].same_as or key if key in KEYS else key


def _verb(about: Entry, values: Mapping[str, Any]) -> str:
    only_data = about.verb == "train" and _yes(values.get("only_create_dataset"))
    return "data cache" if only_data else about.verb


def _yes(value: Any) -> bool:
    return bool(read_value("bool", value, "--only_create_dataset"))


def _parsed(key: str, value: Any) -> Any:
    """Lists could not be given as flags; here they can, as YAML writes them."""
    if KEYS[key].kind not in ("list", "names") or not isinstance(value, str):
        return value
    return parse_yaml(value, f"--{key}")


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be set to get from one to the other; a setting that is gone gets its default."""
    fields = fields_of(SingleShotConfig)
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    return {**{key: fields[key].default for key in before if key not in after}, **changed}


def _train(call: Call) -> list[str]:
    if _yes(call.options.get("only_create_dataset")):
        return call.words("data cache")
    out = call.options.get("output_path")
    named = out is not None and Path(out) != Path()
    return [*call.words("train"), *(["--out", str(out)] if named else [])]


def _eval(call: Call) -> list[str]:
    return call.words("eval", call.checkpoint("the checkpoint to evaluate"))


def _export(call: Call) -> list[str]:
    form = str(call.options.get("file_format") or "MINDIR").lower()
    out = str(call.options.get("file_name") or "ssd")
    words = [
        *call.words("export", call.checkpoint("the checkpoint to export")),
        "--format",
        form,
        "--out",
        out,
    ]
    batch = call.options.get("batch_size")
    return words if batch is None else [*words, "--batch-size", str(batch)]


def _postprocess(call: Call) -> list[str]:
    folder = call.options.get("result_path")
    if folder is None:
        raise UserError("--result_path is missing: the folder of the raw outputs, *_0.bin and *_1.bin.")
    pictures = call.options.get("img_path")
    if pictures is not None:
        call.overrides["data.val_images"] = pictures
    annotations = call.values.get("anno_path")  # of the research code: a COCO file, whatever dataset says
    if annotations:
        call.overrides["data.val"] = annotations
    call.overrides["eval.subset"] = "zoo" if call.options.get("drop") else "all"
    return call.words("eval", str(folder))


def _onnx(call: Call) -> list[str]:
    model = call.options.get("file_name")
    if model is None:
        raise UserError("--file_name is missing: the ONNX model.")
    return [*call.words("infer", str(model)), "--runtime", "onnxruntime"]


ENTRIES: Mapping[str, Entry] = {
    "train.py": Entry("train", _train, about="training; with only_create_dataset the MindRecord files alone"),
    "eval.py": Entry("eval", _eval, about="COCO metrics of a checkpoint"),
    "export.py": Entry("export", _export, about="MINDIR, AIR or ONNX from a checkpoint"),
    "postprocess.py": Entry("eval", _postprocess, about="metrics from the raw outputs of an exported model"),
    "eval_onnx.py": Entry("eval", _onnx, about="metrics of an ONNX model"),
    "infer_ssd_mobilenet_v1_fpn_onnx.py": Entry(
        "eval",
        _onnx,
        network="ssd_mobilenet_v1_fpn",
        about="metrics of the ONNX model of ssd_mobilenet_v1_fpn",
    ),
}
"""File -> what it is now. `mindspore_hub_conf.py` is no command: its `create_network` is still there."""
