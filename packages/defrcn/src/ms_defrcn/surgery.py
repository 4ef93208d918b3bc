"""Surgery: a base network becomes the start of fine-tuning, with predictors for other classes (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ms_core.checkpoint import WeightFile, read_weights
from ms_core.checkpoint.convert import write_new
from ms_core.checkpoint.named_weights import NamedWeights
from ms_core.errors import UserError

from ms_defrcn.weights import (
    BOXES,
    CLASSIFIER,
    PREDICTOR,
    anchor_options_of,
    classes_of,
    in_our_names,
    model_of,
    num_classes_of,
)

Method = Literal["remove", "randinit"]

Rows = tuple[int | None, ...]
"""For every class of the new network: its label in the base network, None where that does not know it."""

NEW_STD = 0.01
"""Standard deviation of new weights of both predictors."""

_PARTS = ("backbone.", "affine_", "proposal_generator.", "roi_heads.")


def surgery(
    source: Path,
    target: Path,
    *,
    method: Method,
    base: Sequence[str],
    classes: Sequence[str],
    seed: int,
    overwrite: bool = False,
) -> None:
    """Write the checkpoint that fine-tuning starts from, and print where its predictors come from.

    The state of the base training (optimiser, iteration) is left behind; averaged weights replace the last ones.

    Args:
        source: trained base network, ours, detectron2's or the old port's.
        target: `.ckpt` to write.
        method: "remove" drops the predictors, which fine-tuning then starts anew (fsod); "randinit" keeps the rows of
            base classes and of the background, and draws those of other classes (gfsod).
        base: names of the classes of the base network; in label order, where the file does not name them.
        classes: names of the classes of the new network, in label order.
        seed: of the new rows; the same seed gives the same file.
        overwrite: replace a target that exists.

    Raises:
        UserError: no base network in the file, one of other classes, base classes that the new network lacks
            ("randinit"), or a target that exists.
    """
    weights = in_our_names(read_weights(source))
    start, lines = after_surgery(weights, method=method, base=base, classes=classes, seed=seed)
    write_new(source, target, start.arrays, start.metadata, overwrite)
    print("\n".join(lines))
    print(target)


def after_surgery(
    weights: NamedWeights, *, method: Method, base: Sequence[str], classes: Sequence[str], seed: int
) -> tuple[WeightFile, list[str]]:
    """The same in memory: what fine-tuning starts from, under our names, and lines that tell of it.

    Args and errors are those of `surgery`.
    """
    known = _base_classes(weights, base)
    if method == "remove":
        arrays, lines = remove(weights.arrays), _removed(weights.arrays, classes)
    else:
        rows = row_map(known, classes, weights.path)
        arrays, lines = randinit(weights.arrays, rows, seed), _moved(rows, known, classes)
    kept = {name: array for name, array in arrays.items() if name.startswith(_PARTS)}
    start = WeightFile(kept, _metadata(weights, method, classes, seed), weights.format, weights.path)
    title = f"{weights.path}: {weights.source.name}, {len(known)} base classes; {method} for {len(classes)} classes"
    return start, [title, *(f"  {line}" for line in lines)]


def remove(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of a base network without its predictors."""
    return {name: array for name, array in arrays.items() if not name.startswith(PREDICTOR)}


def randinit(arrays: Mapping[str, np.ndarray], rows: Rows, seed: int) -> dict[str, np.ndarray]:
    """The weights of a base network with predictors for other classes.

    Args:
        arrays: of the base network, under our names.
        rows: from `row_map`.
        seed: of the new rows: weights from N(0, 0.01), biases 0. The background keeps its last row.
    """
    rng = np.random.default_rng(seed)
    background = len(arrays[f"{CLASSIFIER}bias"]) - 1
    changed = dict(arrays)
    for layer, order, size in ((CLASSIFIER, (*rows, background), 1), (BOXES, rows, 4)):
        weight, bias = arrays[f"{layer}weight"], arrays[f"{layer}bias"]
        new = rng.normal(0, NEW_STD, (len(order), size, weight.shape[1])).astype(np.float32)
        zero = np.zeros((len(order), size), np.float32)
        changed[f"{layer}weight"] = _placed(weight.reshape(-1, *new.shape[1:]), new, order)
        changed[f"{layer}bias"] = _placed(bias.reshape(-1, size), zero, order)
    return changed


def _placed(base: np.ndarray, new: np.ndarray, order: Rows) -> np.ndarray:
    """`new` [N, size, ...] with the rows of `base` in their places, as [N * size, ...]."""
    for row, label in enumerate(order):
        if label is not None:
            new[row] = base[label]
    return new.reshape(-1, *new.shape[2:])


def row_map(base: Sequence[str], classes: Sequence[str], source: Path) -> Rows:
    """Where each class of the new network was in the base network.

    Raises:
        UserError: the new network lacks a class of the base network, so that its row would be lost.
    """
    lost = [name for name in base if name not in classes]
    if lost:
        raise UserError(
            f"{source}: base class '{lost[0]}' is not among the classes of the new network ({', '.join(classes[:5])}"
            f"{', ...' if len(classes) > 5 else ''}). Use --method remove for novel classes only, or name all classes."
        )
    labels = {name: label for label, name in enumerate(base)}
    return tuple(labels.get(name) for name in classes)


def _base_classes(weights: NamedWeights, base: Sequence[str]) -> tuple[str, ...]:
    """Classes of the base network in label order; what the file says of them must agree with `base`."""
    arrays, count = weights.arrays, num_classes_of(weights)
    wanted = [f"{layer}{leaf}" for layer in (CLASSIFIER, BOXES) for leaf in ("weight", "bias")]
    if count is None or any(name not in arrays for name in wanted):
        raise UserError(
            f"{weights.path}: holds no predictors of base classes ({PREDICTOR}*). Give the checkpoint of a base "
            "training."
        )
    shapes, features = [arrays[name].shape for name in wanted], arrays[wanted[0]].shape[1:]
    if shapes != [(count + 1, *features), (count + 1,), (4 * count, *features), (4 * count,)]:
        raise UserError(f"{weights.path}: {PREDICTOR}*: shapes {shapes} do not fit together. Get it again.")
    if len(base) != count:
        raise UserError(
            f"{weights.path}: was trained for {count} classes, {len(base)} base classes are named. Name those of its "
            "training (--fewshot.base-classes or --fewshot.split)."
        )
    stated = classes_of(weights)
    if stated is not None and (others := sorted(set(base) - set(stated))):
        raise UserError(
            f"{weights.path}: was not trained for base class '{others[0]}' but for {', '.join(stated[:8])}"
            f"{', ...' if len(stated) > 8 else ''}. Name the base classes of its training."
        )
    return tuple(stated or base)


def _metadata(weights: NamedWeights, method: Method, classes: Sequence[str], seed: int) -> dict[str, Any]:
    model = model_of(weights)
    if model is None:
        raise UserError(
            f"{weights.path}: holds no network of this package. Give the checkpoint of a base training."
        )
    return {
        "model": model,
        **{key: list(value) for key, value in anchor_options_of(weights).items()},
        "num_classes": len(classes),
        "background": False,
        "classes": list(classes),
        "surgery": method if method == "remove" else f"{method}, seed {seed}",
    }


def _removed(arrays: Mapping[str, np.ndarray], classes: Sequence[str]) -> list[str]:
    dropped = [f"{name} {list(arrays[name].shape)}" for name in arrays if name.startswith(PREDICTOR)]
    return [f"dropped: {', '.join(dropped)}", f"fine-tuning starts them anew for: {', '.join(classes)}"]


def _moved(rows: Rows, base: Sequence[str], classes: Sequence[str]) -> list[str]:
    """`rows 9-13: base rows 1-5 (traffic light, ...)`: neighbours that stay neighbours are one line."""

    def run(entry: tuple[int, int | None]) -> int | None:
        row, label = entry
        return None if label is None else row - label

    entries = [*enumerate(rows), (len(rows), len(base))]
    names = (*classes, "background")
    lines = []
    for shift, group in groupby(entries, run):
        places = [row for row, _ in group]
        where = "new" if shift is None else f"base {_span([row - shift for row in places])}"
        lines.append(f"{_span(places)}: {where} ({', '.join(names[row] for row in places)})")
    return lines


def _span(places: Sequence[int]) -> str:
    return f"row {places[0]}" if len(places) == 1 else f"rows {places[0]}-{places[-1]}"
