"""What the user says about an export: the options of the verb, and what they mean.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ms_core.cli import refuse_overwrite
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption, add_key_options, read_encryption
from ms_core.export.formats import FORMATS, check_formats
from ms_core.export.manifest import NAME
from ms_core.verb_options import TARGET_HELP

DYNAMIC = "dynamic"


@dataclass(frozen=True)
class ExportOptions:
    """One call of `export`."""

    out: Path
    """Folder for the files and manifest.json."""
    formats: tuple[str, ...] = ("mindir",)
    """Of `FORMATS`, each once."""
    outputs: str = ""
    """How far the graph goes, one of the package's output forms; "": its first."""
    normalise_inside: bool = False
    """Whether the graph takes pixels, uint8 [B, H, W, 3], and normalises them itself."""
    batch_size: int | None = 1
    """Pictures the graph takes at once; None: any number."""
    encryption: Encryption | None = None
    """Of a MINDIR file."""
    picture: Path | None = None
    """What files and network are compared on; None: smooth noise."""
    overwrite: bool = False
    """Replace a model in `out`."""

    def check(self, device: str) -> None:
        """Refuse, before any work, what cannot be done; again cheap to call.

        Args:
            device: what `--device` says.

        Raises:
            UserError: a format that cannot be written here, a picture that is not there, or a model is in `out`.
        """
        check_formats(self.formats, device=device, encrypted=self.encryption is not None)
        if self.picture is not None and not self.picture.is_file():
            raise UserError(f"{self.picture}: no such picture. Correct --picture.")
        refuse_overwrite([self.out / NAME], self.overwrite)


def add_export_options(parser: ArgumentParser, forms: Mapping[str, str], *, any_batch: bool = True) -> None:
    """What is exported, into which formats and folder, and what it is compared on.

    Args:
        parser: of the verb.
        forms: output form -> what the graph then gives; the first is the default.
        any_batch: whether networks of the package take other batches than one picture.
    """
    parser.add_argument("target", type=Path, metavar="RUN|CKPT", help=TARGET_HELP)
    parser.add_argument(
        "--format",
        nargs="+",
        type=_format,
        default=[FORMATS[0]],
        metavar="|".join(FORMATS),
        help="what to write, one or more (default mindir); air is written on Ascend only",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and manifest.json")
    default = next(iter(forms))
    described = "; ".join(f"{name}: {what}" for name, what in forms.items())
    parser.add_argument(
        "--outputs", choices=tuple(forms), default=default, help=f"{described} (default {default})"
    )
    parser.add_argument(
        "--normalise-inside",
        action="store_true",
        help="the model takes pixels, uint8 [N, height, width, 3], and normalises them itself",
    )
    if any_batch:
        parser.add_argument(
            "--batch-size",
            type=_batch_size,
            default=1,
            metavar="N|dynamic",
            help="images the model takes at once; dynamic: any number (default 1)",
        )
    add_key_options(parser)
    parser.add_argument("--picture", type=Path, help="what model and network are compared on")
    parser.add_argument("--overwrite", action="store_true", help="replace a model in --out")


def export_options(arguments: Namespace) -> ExportOptions:
    """What the options of `add_export_options` say.

    Raises:
        UserError: a key that cannot be used.
    """
    return ExportOptions(
        out=arguments.out,
        formats=tuple(dict.fromkeys(arguments.format)),
        outputs=arguments.outputs,
        normalise_inside=arguments.normalise_inside,
        batch_size=getattr(arguments, "batch_size", 1),
        encryption=read_encryption(arguments.encrypt_key_file, arguments.encrypt_mode),
        picture=arguments.picture,
        overwrite=arguments.overwrite,
    )


def _format(text: str) -> str:
    """One of `FORMATS`; all words after the option are read as such."""
    if text not in FORMATS:
        raise ArgumentTypeError(
            f"{text}: expected {' or '.join(FORMATS)}; what is exported is named before --format"
        )
    return text


def _batch_size(text: str) -> int | None:
    """A whole number from 1, or None for `dynamic`."""
    if text == DYNAMIC:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ArgumentTypeError(f"{text}: expected a whole number of at least 1, or {DYNAMIC}")
    return int(text)
