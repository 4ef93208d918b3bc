"""Any readable weight file -> MindSpore `.ckpt`, and the verb `convert`."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ms_core.checkpoint.coverage import LoadReport, require_covered
from ms_core.checkpoint.read import read_weights
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.checkpoint.write import write_checkpoint
from ms_core.cli import Verb, refuse_overwrite
from ms_core.errors import UserError

if TYPE_CHECKING:
    from mindspore import nn


def convert(source_path: str | Path, target_path: str | Path, *, overwrite: bool = False) -> WeightFile:
    """Write the arrays of any readable file as a `.ckpt`, names and values unchanged; metadata goes along.

    bfloat16 becomes float32 (each value exactly); complex arrays cannot be stored.

    Returns:
        What was read.

    Raises:
        UserError: unreadable source, an array that a `.ckpt` cannot hold, or a target that exists.
    """
    weights = read_weights(source_path)
    write_new(Path(source_path), Path(target_path), weights.arrays, weights.metadata, overwrite)
    return weights


def write_filled(
    network: "nn.Cell",
    report: LoadReport,
    source: WeightFile,
    target_path: str | Path,
    metadata: Mapping[str, Any] | None,
    *,
    rename: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] = dict,
    overwrite: bool = False,
) -> None:
    """Write what a file filled of `network`, by default under the network's own parameter names.

    Only that: a backbone stays one, no untrained head passes for a trained one.

    Args:
        network: filled from `source`.
        report: what `load_into` said of it.
        source: the file.
        target_path: `.ckpt` to write.
        metadata: model, variant, padding, classes and so on; wins over what the file says. None: no metadata.
        rename: arrays under our names -> arrays under those to write.
        overwrite: replace a target that exists.

    Raises:
        UserError: as `convert`; or the file does not fill all that its source covers, e.g. other class count.
    """
    require_covered(report)
    filled = {name: network.parameters_dict()[name].asnumpy() for name in report.matched}
    if metadata is not None:
        padding = {} if report.padding is None else {"padding": report.padding}
        metadata = {**source.metadata, **padding, **metadata}
    write_new(source.path, Path(target_path), rename(filled), metadata, overwrite)


def write_new(
    source: Path,
    target: Path,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any] | None,
    overwrite: bool,
) -> None:
    """Write what was made of the file `source` as another checkpoint, whose folder is made where it is missing.

    Raises:
        UserError: `target` is the source or exists, cannot be written, or an array that a `.ckpt` cannot hold.
    """
    if target.exists() and target.samefile(source):
        raise UserError(f"{target}: is the source itself. Give the result another name.")
    refuse_overwrite([target], overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(target, arrays, metadata)
    except OSError as error:
        raise UserError(f"{target.parent}: cannot make this folder: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(f"{source}: {error}. Leave that array out.") from error


def convert_verb() -> Verb:
    """`convert IN OUT`: without a model, so names stay as they are."""
    return Verb(
        help="write weights of any supported format as a MindSpore checkpoint",
        run=_run,
        add_arguments=add_convert_arguments,
        example="{command} mobilenet_v2.pth mobilenet_v2.ckpt",
    )


def add_convert_arguments(parser: argparse.ArgumentParser) -> None:
    """IN, OUT and --overwrite, the same in every package."""
    parser.add_argument("source", metavar="IN", type=Path, help=".ckpt .pth .pt .pkl .safetensors or .npz")
    parser.add_argument("target", metavar="OUT", type=Path, help="the .ckpt to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT where it exists")


def _run(namespace: argparse.Namespace) -> None:
    weights = convert(namespace.source, namespace.target, overwrite=namespace.overwrite)
    values = sum(array.size for array in weights.arrays.values())
    print(
        f"{namespace.target}: {len(weights.arrays)} arrays, {values} values, names as in {namespace.source}."
    )
