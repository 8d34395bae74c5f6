"""Windows over a time series."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import ops
from weft.data import AUTOTUNE, Dataset
from weft.errors import ArgumentError, ArgumentTypeError
from weft.ops import convert_to_tensor
from weft.random import make_default_seed

_WHO = "timeseries_dataset_from_array"


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows over an array whose first axis is time, as a Dataset of batches.

    Window i holds steps i, i + r, i + 2r, … (r: sampling_rate), its target is
    `targets[i]`; without targets elements are the windows alone.

    Args:
        sequence_length: steps of a window.
        sequence_stride: how far a window starts after the one before.
        sampling_rate: how far steps of a window lie apart.
        batch_size: None for single windows.
        start_index, end_index: the part of the data that is used.

    Example:
        >>> from weft.keras.utils import timeseries_dataset_from_array
        >>> windows = timeseries_dataset_from_array([1, 2, 3, 4], None, sequence_length=2)
        >>> [batch.numpy().tolist() for batch in windows]
        [[[1, 2], [2, 3], [3, 4]]]
    """
    if format != "tf":
        raise ArgumentError(f"{_WHO}: format must be 'tf', a Dataset; received {format!r}")
    data = np.asarray(data)
    start, end = _bounds(len(data), start_index, end_index)
    for name, value in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ArgumentTypeError(f"{_WHO}: {name} must be an int; received {value!r}")
        if value <= 0 or (name != "sampling_rate" and value >= len(data) > 0):
            raise ArgumentError(
                f"{_WHO}: {name} must be from 1 to less than the length of the data "
                f"({len(data)}); received {value}"
            )
    count = end - start - (sequence_length - 1) * sampling_rate
    series = convert_to_tensor(data[start:end])
    goals = None
    if targets is not None:
        goals = convert_to_tensor(np.asarray(targets)[start:end])
        count = min(count, len(targets))
    positions = np.arange(0, max(count, 0), sequence_stride, dtype="int32")
    seed = make_default_seed() % 1_000_000 if seed is None else int(seed)
    if shuffle:
        np.random.RandomState(seed).shuffle(positions)
    steps = np.arange(0, sequence_length * sampling_rate, sampling_rate, dtype="int32")

    def window(position: Any) -> Any:
        places = ops.expand_dims(position, -1) + steps
        found = ops.take(series, places, axis=0)
        return found if goals is None else (found, ops.take(goals, position, axis=0))

    dataset = Dataset.from_tensor_slices(positions)
    if shuffle:
        dataset = dataset.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
    if batch_size is not None:
        # Windows are cut a batch at a time.
        dataset = dataset.batch(batch_size)
    return dataset.map(window).prefetch(AUTOTUNE)


def _bounds(length: int, start: int | None, end: int | None) -> tuple[int, int]:
    for name, bound in (("start_index", start), ("end_index", end)):
        if bound is not None and not 0 <= bound <= length:
            raise ArgumentError(
                f"{_WHO}: {name} must be from 0 to {length}, the length of the data; "
                f"received {bound}"
            )
    start, end = start or 0, length if end is None else end
    if start >= end > 0:
        raise ArgumentError(
            f"{_WHO}: start_index must be less than end_index; received {start} and {end}"
        )
    return start, end


__all__ = ["timeseries_dataset_from_array"]
