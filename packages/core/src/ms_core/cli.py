"""The command line that every package shares: verbs, exit codes, help, and the command `ms-core` itself."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.command_help import VerbParser, add_config_help, list_of_verbs
from ms_core.config import load_config, unknown_option
from ms_core.config_fields import fields_of
from ms_core.errors import Interrupted, UserError
from ms_core.nearest import did_you_mean
from ms_core.overrides import Setting, split_overrides
from ms_core.recipes import Recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


ForeignConfig = Callable[[Path, str], Recipe | None]
"""(file, verb: "train", "data check") -> the recipe that the file amounts to; None where it is one of ours."""


@dataclass(frozen=True)
class Verb:
    """One word of a command: `train` of `ms-ssd train`."""

    help: str
    """What it does, in one line."""
    run: Callable[[argparse.Namespace], int | None] | None = None
    """Does it; returns the exit code, None for 0. Imports heavy modules itself. None for a verb of further
    verbs."""
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None
    """Adds positional arguments and the options that are no configuration."""
    config: type | None = None
    """Configuration dataclass; its values are options, `--config NAME_OR_PATH` is built in, the result is
    `namespace.config` (`namespace.recipe` says where it came from, `namespace.given` which keys were options)."""
    recipe: Callable[[argparse.Namespace], str | Path | Recipe | None] | None = None
    """Where the configuration starts from when `--config` is not given, such as the `config.yaml` of a run
    folder, or settings put together from several."""
    hidden: frozenset[str] = frozenset()
    """Keys of the configuration that are no options here: an option of the verb's own has the name."""
    verbs: Mapping[str, Verb | LazyVerb] = field(default_factory=dict)
    """Further verbs below this one: `check` of `ms-ssd data check`."""
    example: str = ""
    """A command to copy, shown at the end of the help; `{command}` stands for `ms-ssd train`."""


@dataclass(frozen=True)
class LazyVerb:
    """A verb whose module is imported only when the verb is used."""

    help: str
    """What it does, in one line."""
    load: Callable[[], Verb]
    """Imports and builds it."""


@dataclass(frozen=True)
class Tool:
    """A command."""

    name: str
    """As typed: `ms-ssd`."""
    verbs: Mapping[str, Verb | LazyVerb]
    """In the order of the help."""
    version: str
    """Version of the package."""
    recipes: Traversable | None = None
    """Folder with the YAML recipes of the package."""
    help: str = ""
    """What the command is for, in one line."""
    foreign_config: ForeignConfig | None = None
    """Reads `--config PATH` where the file is no recipe but a configuration of a program before this one."""


def run(tool: Tool, argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code: 0 done, 2 wrong use, 130 interrupted, 1 anything else.

    Args:
        tool: the command.
        argv: the words after the command; None for those of this process.
    """
    _write_lines_at_once()
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    _quiet_mindspore(debug)
    words = [word for word in words if word != "--debug"]
    try:
        with termination_as_interrupt():
            code = _dispatch(tool, tool.name, tool.help, tool.verbs, words)
        sys.stdout.flush()
        return code
    except BaseException as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return FAILED
        return _report(tool.name, error, debug)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM ends a verb like Ctrl-C: temporary files are removed, exit code 130.

    MindSpore takes SIGINT over while a graph runs and passes it on as SIGTERM, whose own action would be to end the
    process on the spot. Training installs a handler of its own, which saves first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def read_words(tool: Tool, words: Sequence[str]) -> argparse.Namespace:
    """What `run` would hand to the verb that `words` starts with; nothing is run.

    Raises:
        UserError: whatever `run` would refuse before the verb starts.
    """
    name, *rest = words
    if name not in tool.verbs:
        raise UserError(f"{name}: no such verb.{did_you_mean(name, tool.verbs)} See {tool.name} --help.")
    entry = tool.verbs[name]
    verb = entry.load() if isinstance(entry, LazyVerb) else entry
    return _read(tool, f"{tool.name} {name}", verb, rest)


def refuse_overwrite(files: Sequence[Path], overwrite: bool) -> None:
    """Refuse to replace results that are already there.

    Raises:
        UserError: one of the files exists and `overwrite` is false.
    """
    for file in files:
        if file.exists() and not overwrite:
            raise UserError(f"{file}: is already there. Give another --out, or pass --overwrite.")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `ms-core`."""
    return run(ms_core_tool(), argv)


def lazy_doctor(package: str) -> LazyVerb:
    """`doctor` for the command of any package; it must start even where the package's own imports fail."""

    def load() -> Verb:
        from ms_core.doctor import doctor_verb

        return doctor_verb(package)

    return LazyVerb("check this machine: versions, devices, write access, one compiled convolution", load)


def ms_core_tool() -> Tool:
    """The command that works without any model package."""
    return Tool(
        name="ms-core",
        verbs={
            "doctor": lazy_doctor("ms-core"),
            "convert": LazyVerb(
                "write weights of any supported format as a MindSpore checkpoint", _convert_verb
            ),
            "data": LazyVerb("check, convert, draw and cache datasets", _data_verb),
            "rank-table": LazyVerb(
                "write or check the table of devices that old distributed start-up needs", _rank_table_verb
            ),
        },
        version=version("ms-core"),
        help="Tools that need no model: check the machine, weights and data.",
        foreign_config=_old_zoo_data,
    )


def _old_zoo_data(path: Path, verb: str) -> Recipe | None:
    from ms_core.old_zoo.config_file import recipe_of_old_file

    return recipe_of_old_file(path, verb, package=None, recipes=None)


def _convert_verb() -> Verb:
    from ms_core.checkpoint.convert import convert_verb

    return convert_verb()


def _data_verb() -> Verb:
    from ms_core.data.verbs import data_verb

    return data_verb()


def _rank_table_verb() -> Verb:
    from ms_core.rank_table_verb import rank_table_verb

    return rank_table_verb()


def _dispatch(
    tool: Tool, command: str, purpose: str, verbs: Mapping[str, Verb | LazyVerb], words: list[str]
) -> int:
    """Find the verb (going down through verbs of verbs) and run it."""
    if not words or words[0] in ("-h", "--help"):
        print(list_of_verbs(command, {name: verb.help for name, verb in verbs.items()}, purpose))
        return DONE
    if words[0] == "--version" and command == tool.name:
        print(_versions(tool))
        return DONE
    name, *rest = words
    if name not in verbs:
        known = f" Verbs: {', '.join(verbs)}." if not did_you_mean(name, verbs) else did_you_mean(name, verbs)
        raise UserError(f"{name}: no such verb.{known} See {command} --help.")
    entry = verbs[name]
    verb = entry.load() if isinstance(entry, LazyVerb) else entry
    if verb.verbs:
        return _dispatch(tool, f"{command} {name}", verb.help, verb.verbs, rest)
    return _run_verb(tool, f"{command} {name}", verb, rest)


def _run_verb(tool: Tool, command: str, verb: Verb, words: list[str]) -> int:
    assert verb.run is not None, f"{command}: a verb needs run or verbs"
    return verb.run(_read(tool, command, verb, words)) or DONE


def _read(tool: Tool, command: str, verb: Verb, words: list[str]) -> argparse.Namespace:
    """The arguments of a verb, and its configuration."""
    parser = _verb_parser(tool, command, verb)
    namespace, settings = _parse(parser, verb, words)
    if verb.config is not None:
        namespace.recipe = namespace.config or (verb.recipe(namespace) if verb.recipe else None)
        foreign = _foreign_recipe(tool, command.removeprefix(tool.name).strip(), namespace.config)
        source = namespace.recipe if foreign is None else foreign
        words = [word for setting in settings for word in setting.words]
        namespace.given = frozenset(setting.field.key for setting in settings)
        namespace.config = load_config(verb.config, recipe=source, overrides=words, recipes=tool.recipes)
    return namespace


def _foreign_recipe(tool: Tool, words: str, path: str | Path | None) -> Recipe | None:
    """The recipe that another program's configuration amounts to; None where the file is none."""
    if tool.foreign_config is None or path is None or not Path(path).is_file():
        return None
    return tool.foreign_config(Path(path), words)


def _verb_parser(tool: Tool, command: str, verb: Verb) -> VerbParser:
    parser = VerbParser(command, verb.help, verb.example)
    if verb.add_arguments is not None:
        verb.add_arguments(parser)
    if verb.config is not None:
        add_config_help(parser, verb.config, tool.recipes, verb.hidden)
    return parser


def _parse(parser: VerbParser, verb: Verb, words: list[str]) -> tuple[argparse.Namespace, list[Setting]]:
    """The verb's own arguments, and the settings of its configuration."""
    of_config = fields_of(verb.config) if verb.config is not None else {}
    fields = {key: field for key, field in of_config.items() if key not in verb.hidden}
    settings, rest = split_overrides(words, fields)
    namespace, unknown = parser.parse_known_words(rest)
    if unknown:
        known = [*parser.option_names(), *(field.option for field in fields.values())]
        raise UserError(f"{unknown_option(unknown[0], known)} See {parser.prog} --help.")
    return namespace, settings


def _versions(tool: Tool) -> str:
    parts = {tool.name: tool.version, "ms-core": _version("ms-core"), "mindspore": _version("mindspore")}
    python = ".".join(map(str, sys.version_info[:3]))
    return ", ".join(f"{name} {number}" for name, number in {**parts, "Python": python}.items())


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _report(name: str, error: BaseException, debug: bool) -> int:
    """One line on stderr, the traceback before it with --debug; returns the exit code."""
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        return error.code or DONE
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    code, message = _explain(error, debug)
    prefix = "" if code == INTERRUPTED else "error: "
    print(f"{name}: {prefix}{message.replace(chr(10), ' ')}", file=sys.stderr)
    return code


def _explain(error: BaseException, debug: bool) -> tuple[int, str]:
    if isinstance(error, UserError):
        return WRONG_USE, str(error)
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        return INTERRUPTED, str(error) or "interrupted."
    if isinstance(error, SystemExit):
        return FAILED, str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return WRONG_USE, f"{error.filename}: {error.strerror or error}."
    first_line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    hint = "" if debug else " Run again with --debug to see where."
    what = ": ".join(filter(None, (type(error).__name__, first_line.rstrip("."))))
    return FAILED, f"{what}.{hint}"


def _write_lines_at_once() -> None:
    """Output reaches a log file line by line, and a file name that the terminal cannot show is no crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True, errors="backslashreplace")


def _quiet_mindspore(debug: bool) -> None:
    """MindSpore logs its own errors, not its warnings about internals, unless the user asks for more."""
    os.environ.setdefault("GLOG_v", "2" if debug else "3")


def _nobody_reads() -> bool:
    """Whether the reader of our output went away (`ms-ssd ... | head`); if so, drop the rest of it."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
