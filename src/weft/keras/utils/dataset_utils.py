"""Splitting data in two."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import tree
from weft.data import Dataset
from weft.errors import ArgumentError, ArgumentTypeError
from weft.random import make_default_seed

_WHO = "split_dataset"


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Two Datasets: the first samples, and the others.

    Args:
        dataset: a Dataset, arrays (one, or a tuple, list or dict of them), or a list of
            samples. A Dataset of batches is split by its samples, and batched again.
        left_size, right_size: shares from 0 to 1, or numbers of samples; one is enough.
        shuffle: whether samples are drawn at random.

    Raises:
        ArgumentError: sizes that do not fit.

    Example:
        >>> from weft.keras.utils import split_dataset
        >>> left, right = split_dataset(list(range(10)), left_size=0.8)
        >>> len(left), [int(sample) for sample in right]
        (8, [8, 9])
    """
    batch_size = getattr(dataset, "batch_size", None)
    arrays = _arrays_of(dataset, batch_size)
    count = len(tree.leaves(arrays)[0]) if tree.leaves(arrays) else 0
    left, right = _sizes(count, left_size, right_size)
    order = np.arange(count)
    if shuffle:
        seed = make_default_seed() if seed is None else seed
        order = np.random.default_rng(seed).permutation(count)
    parts = (order[:left], order[count - right :])
    datasets = [
        Dataset.from_tensor_slices(tree.map(lambda array: array[part], arrays))
        for part in parts
    ]
    if batch_size is not None:
        datasets = [part.batch(batch_size) for part in datasets]
    return datasets[0], datasets[1]


def _arrays_of(dataset: Any, batch_size: int | None) -> Any:
    """All samples, stacked: a structure of arrays."""
    if isinstance(dataset, np.ndarray | dict):
        return tree.map(np.asarray, dataset)
    if isinstance(dataset, tuple | list):
        if not dataset:
            raise ArgumentError(f"{_WHO}: expected data; received an empty {type(dataset)}")
        if isinstance(dataset, tuple) or _are_arrays(dataset):
            return tree.map(np.asarray, tuple(dataset))
        return np.asarray(dataset)
    if not hasattr(dataset, "__iter__"):
        raise ArgumentTypeError(
            f"{_WHO}: expected a Dataset, arrays or samples; received "
            f"{type(dataset).__name__}"
        )
    samples = dataset.unbatch() if batch_size is not None else dataset
    rows = [tree.map(np.asarray, sample) for sample in samples]
    if not rows:
        raise ArgumentError(f"{_WHO}: the dataset has no samples")
    return tree.map(lambda *leaves: np.stack(leaves), *rows)


def _are_arrays(items: list) -> bool:
    arrays = [item for item in items if isinstance(item, np.ndarray) and item.ndim]
    return len(arrays) == len(items) and len({len(array) for array in arrays}) == 1


def _sizes(count: int, left: Any, right: Any) -> tuple[int, int]:
    if left is None and right is None:
        raise ArgumentError(f"{_WHO}: give left_size or right_size; received neither")
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, int | float | np.number):
            raise ArgumentTypeError(
                f"{_WHO}: {name} must be a share or a number of samples; received {size!r}"
            )
        is_share = isinstance(size, float | np.floating)
        if (is_share and not 0 < size < 1) or (not is_share and not 0 < size < count):
            raise ArgumentError(
                f"{_WHO}: {name} must be between 0 and 1, or from 1 to {count - 1} samples; "
                f"received {size}"
            )
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ArgumentError(
            f"{_WHO}: the sizes must not exceed the data; received {left} + {right} > 1"
        )
    first = None if left is None else _samples(left, count)
    second = None if right is None else _samples(right, count)
    if first is None:
        return count - (second or 0), second or 0
    if second is None:
        return first, count - first
    if first + second > count:
        raise ArgumentError(
            f"{_WHO}: the sizes must not exceed the {count} samples; received {first} and "
            f"{second}"
        )
    return first, second


def _samples(size: float | int, count: int) -> int:
    return round(size * count) if isinstance(size, float) else int(size)


__all__ = ["split_dataset"]
