"""Building a package's networks by name."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.networks.initial import initialise
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant


def build_single_shot(
    models: Mapping[str, Callable[..., SingleShotNetwork]],
    name: str,
    num_classes: int,
    *,
    variant: Variant,
    padding: Padding,
    seed: int,
    **options: Any,
) -> SingleShotNetwork:
    """One of `models` with initial weights.

    Args:
        models: name -> builder(num_classes, variant, padding, **options).
        name: one of `models`.
        num_classes: K, background (class 0) included, so at least 2.
        variant: see `Variant`.
        padding: see `Padding`.
        seed: the same seed gives the same initial weights.
        options: of the one network that has them.

    Raises:
        UserError: unknown name, variant or padding, or fewer than 2 classes.
    """
    check_choice("model", name, models)
    check_choice("variant", variant, get_args(Variant))
    check_choice("padding", padding, get_args(Padding))
    if num_classes < 2:
        raise UserError(f"num_classes={num_classes}: needs at least 2. Count the background as a class.")
    network = models[name](num_classes, variant, padding, **options)
    network.options = options
    initialise(network, seed)
    return network


def check_choice(what: str, value: str, choices: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise UserError, with the nearest name, where `value` is none of `choices`."""
    if value in choices:
        return
    hint = did_you_mean(value, choices) or f" Choose one of: {', '.join(choices)}."
    raise UserError(f"unknown {what} {value!r}.{hint}")
