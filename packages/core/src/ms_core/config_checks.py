"""Checks of single values, for `__post_init__` of configurations: the reader puts a ValueError into words."""

from __future__ import annotations


def check_within_one(**values: float) -> None:
    """Raise ValueError, naming the field, for a value outside 0-1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name}: {value} is not within 0-1.")


def check_at_least_one(**values: int) -> None:
    """Raise ValueError, naming the field, for a value below 1."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name}: {value} is below 1.")
