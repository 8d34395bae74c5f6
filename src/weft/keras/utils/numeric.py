"""Helpers on arrays: one-hot labels, normalisation; and the seed of everything."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as rows with a single one.

    Args:
        x: class numbers 0 … num_classes - 1; a last axis of extent 1 is dropped.
        num_classes: the highest number plus one, if left out.

    Returns:
        float32 of shape x.shape + (num_classes,): an array, or a tensor if x is one.

    Raises:
        ArgumentError: for numbers that are no class.

    Example:
        >>> import weft.keras as keras
        >>> keras.utils.to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    if isinstance(x, Tensor) and num_classes is not None:
        shape = x.shape[:-1] if len(x.shape) > 1 and x.shape[-1] == 1 else x.shape
        return ops.one_hot(ops.reshape(x, shape), num_classes)
    try:
        labels = np.array(x, dtype="int64")
    except ValueError as error:
        raise ArgumentError(
            f"to_categorical: class numbers must be ints ({error}); for text, number the "
            "classes first: names, labels = np.unique(labels, return_inverse=True)"
        ) from error
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    flat = labels.reshape(-1)
    if not num_classes:
        num_classes = int(flat.max()) + 1 if flat.size else 0
    wrong = flat[(flat < 0) | (flat >= num_classes)]
    if wrong.size:
        raise ArgumentError(
            f"to_categorical: class numbers must be 0 … {num_classes - 1} for num_classes="
            f"{num_classes}; received {int(wrong[0])}; give a larger num_classes, or "
            "subtract what numbering starts from"
        )
    rows = np.zeros((flat.size, num_classes), np.float32)
    rows[np.arange(flat.size), flat] = 1.0
    return rows.reshape(*shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x` divided by its norm along `axis`; zeros stay zeros.

    Example:
        >>> import weft.keras as keras
        >>> keras.utils.normalize([[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    if isinstance(x, Tensor):
        return ops.normalize(x, axis=axis, order=order)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return np.asarray(x) / np.expand_dims(norm, axis)


def set_random_seed(seed: int) -> None:
    """Make a program repeatable: seeds Python's `random`, NumPy and weft.

    Example:
        >>> import weft.keras as keras
        >>> keras.utils.set_random_seed(42)
    """
    import weft.random as weft_random

    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentError(
            "Expected `seed` argument to be an integer. "
            f"Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    random.seed(seed)
    np.random.seed(int(seed) & 0xFFFFFFFF)
    weft_random.set_seed(seed)
