"""Filling a network from a file, with a report of what was filled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ms_core.checkpoint.coverage import LoadReport, Shape, infer_classes, require_complete, require_covered
from ms_core.checkpoint.elements import BFLOAT16, printable
from ms_core.checkpoint.mindspore_format import ELEMENTS
from ms_core.checkpoint.model_card import ModelCard, read_model_card
from ms_core.checkpoint.read import read_weights
from ms_core.checkpoint.sources import NATIVE, WeightSource, has_averaged_weights
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.errors import UserError

if TYPE_CHECKING:
    from mindspore import Parameter, nn

__all__ = ["LoadReport", "load_into", "require_complete", "require_covered"]


def load_into(
    network: "nn.Cell", weights: str | Path | WeightFile, sources: Sequence[WeightSource] = ()
) -> LoadReport:
    """Fill the parameters of `network` whose name and shape agree with an array of the file.

    Whose names the file uses is recognised: among the network's own names and the sources that know the file,
    the one that fills most wins. Averaged weights (EMA) in a training checkpoint replace the last ones.

    Args:
        network: its parameter names count; a `num_classes` attribute makes messages clearer.
        weights: a file, or what `read_weights` returned for it.
        sources: foreign names that can be translated.

    Returns:
        What was filled; `require_complete(report)` insists on all.

    Raises:
        UserError: unreadable file, metadata that contradicts itself, or nothing in it fits.
    """
    if not isinstance(weights, WeightFile):
        weights = read_weights(weights)
    parameters: dict[str, Parameter] = dict(network.parameters_dict())
    source, arrays = _best_source(weights, sources, {name: tuple(p.shape) for name, p in parameters.items()})
    report = _compare(weights, source, arrays, parameters, getattr(network, "num_classes", None))
    if not report.matched:
        raise UserError(f"{weights.path}: {_nothing_fits(report, list(arrays), list(parameters))}")
    values = {name: _cast(name, arrays[name], parameters[name], weights.path) for name in report.matched}
    for name, value in values.items():  # after all casts: a network is filled or left alone
        _assign(parameters[name], value)
    return report


def _best_source(
    weights: WeightFile, sources: Sequence[WeightSource], shapes: Mapping[str, Shape]
) -> tuple[WeightSource, dict[str, np.ndarray]]:
    """The source that fills most parameters; on a tie one with more known names, then the earlier."""

    def fit(candidate: tuple[WeightSource, dict[str, np.ndarray]]) -> tuple[int, int]:
        arrays = candidate[1]
        fitting = sum(name in shapes and array.shape == shapes[name] for name, array in arrays.items())
        return fitting, sum(name in shapes for name in arrays)

    known = [source for source in sources if source.recognises(weights.arrays)]
    try:
        return max(((source, source.translate(weights.arrays)) for source in (*known, NATIVE)), key=fit)
    except UserError as error:  # translations know names, not files
        raise UserError(f"{weights.path}: {error}") from error


def _compare(
    weights: WeightFile,
    source: WeightSource,
    arrays: Mapping[str, np.ndarray],
    parameters: Mapping[str, "Parameter"],
    network_classes: int | None,
) -> LoadReport:
    both = {
        name: (arrays[name].shape, tuple(parameters[name].shape)) for name in parameters if name in arrays
    }
    shapes = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
    card = read_model_card(weights)
    return LoadReport(
        matched=[name for name in both if name not in shapes],
        missing=[name for name in parameters if name not in arrays],
        unexpected=[name for name in arrays if name not in parameters],
        reshaped=list(shapes),
        source=source.name,
        path=weights.path,
        shapes=shapes,
        covers=source.covers,
        file_arrays=len(weights.arrays),
        padding=card.padding or source.padding,
        averaged=source is NATIVE and has_averaged_weights(weights.arrays),
        file_classes=_file_classes(card, shapes, network_classes),
        network_classes=network_classes,
    )


def _file_classes(
    card: ModelCard, shapes: Mapping[str, tuple[Shape, Shape]], network_classes: int | None
) -> int | None:
    if card.num_classes is not None or not network_classes or not shapes:
        return card.num_classes
    return infer_classes(shapes, network_classes)


def _nothing_fits(report: LoadReport, names: list[str], parameters: list[str]) -> str:
    if report.reshaped:
        return (
            "every array with a known name has another shape. Use the model and options it was trained with."
        )
    first = printable(names[0]) if names else "training state only"
    expected = next(iter(parameters), "no parameters")
    return (
        f"none of its {report.file_arrays} arrays ({first}, ...) belongs to this model ({expected}, ...). "
        "Use weights of this model or of a backbone it knows."
    )


def _cast(name: str, array: np.ndarray, parameter: "Parameter", path: Path) -> np.ndarray:
    """To the parameter's type, within its kind (float64 -> float32, int64 -> int32)."""
    wanted = _numpy_type(parameter)
    if not np.can_cast(array.dtype, wanted, "same_kind"):
        raise UserError(
            f"{path}: {printable(name)}: holds {array.dtype}, the model needs {wanted}. Use other weights."
        )
    return array.astype(wanted, copy=False)


def _numpy_type(parameter: "Parameter") -> np.dtype[Any]:
    """bfloat16 parameters are filled from float32, which MindSpore then rounds."""
    element = ELEMENTS[str(parameter.dtype)]
    return np.dtype(np.float32 if element == BFLOAT16 else element)


def _assign(parameter: "Parameter", value: np.ndarray) -> None:
    import mindspore

    parameter.set_data(mindspore.Tensor(value, parameter.dtype))
