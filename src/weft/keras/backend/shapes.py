"""Shapes as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.errors import ArgumentError


def standardize_shape(shape: Any, who: str = "shape") -> tuple[int | None, ...]:
    """A shape as a tuple of ints and None.

    Raises:
        ArgumentError: if it is none.
    """
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        shape = (shape,)
    try:
        extents = tuple(shape)
    except TypeError:
        raise ArgumentError(
            f"{who}: a shape must be a tuple of ints (None where unknown); received "
            f"{shape!r}"
        ) from None
    return tuple([_extent(extent, shape, who) for extent in extents])


def _extent(extent: Any, shape: Any, who: str) -> int | None:
    if extent is None:
        return None
    is_int = hasattr(extent, "__index__") and not isinstance(extent, bool)
    if not is_int or extent.__index__() < 0:
        raise ArgumentError(
            f"{who}: every entry of a shape must be None or an int that is not negative; "
            f"received {shape!r}"
        )
    return extent.__index__()
