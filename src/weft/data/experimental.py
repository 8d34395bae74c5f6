"""Names that tf.data keeps under `experimental`."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from weft.core.tensor import Tensor
from weft.data.background import AUTOTUNE
from weft.data.dataset import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
    assert_cardinality,
)
from weft.data.iterator import DatasetIterator, Optional
from weft.data.tables import CsvDataset, make_csv_dataset


def cardinality(dataset: Dataset) -> Tensor:
    """The number of elements of a dataset."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """The only element of a dataset."""
    return dataset.get_single_element()


def get_next_as_optional(iterator: DatasetIterator) -> Optional:
    """The next element of an iterator, or that there is none."""
    return iterator.get_next_as_optional()


def _step(method: str, name: str | None = None) -> Callable[..., Callable]:
    """A step for `apply`, from the method of datasets."""

    def step(*args: Any, **kwargs: Any) -> Callable[[Dataset], Dataset]:
        return lambda dataset: getattr(dataset, method)(*args, **kwargs)

    step.__name__ = step.__qualname__ = name or method
    step.__doc__ = f"A step for `apply`: `dataset.{method}(...)`."
    return step


bucket_by_sequence_length = _step("bucket_by_sequence_length")
enumerate_dataset = _step("enumerate", "enumerate_dataset")
group_by_window = _step("group_by_window")
ignore_errors = _step("ignore_errors")
parallel_interleave = _step("interleave", "parallel_interleave")
scan = _step("scan")
take_while = _step("take_while")
unbatch = _step("unbatch")
unique = _step("unique")

choose_from_datasets = Dataset.choose_from_datasets
sample_from_datasets = Dataset.sample_from_datasets
Counter, RandomDataset = Dataset.counter, Dataset.random


def map_and_batch(
    map_func: Callable, batch_size: int, num_parallel_batches: int | None = None,
    drop_remainder: bool = False, num_parallel_calls: int | None = None,
) -> Callable[[Dataset], Dataset]:  # fmt: skip
    """A step for `apply`: `map`, then `batch`."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(
        batch_size, drop_remainder
    )


def shuffle_and_repeat(
    buffer_size: int, count: int | None = None, seed: int | None = None
) -> Callable[[Dataset], Dataset]:
    """A step for `apply`: `shuffle`, then `repeat`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def snapshot(path: Any, *args: Any, **kwargs: Any) -> Callable[[Dataset], Dataset]:
    """A step for `apply`: elements are kept in a folder when all have passed once."""
    return lambda dataset: dataset.cache(path)


def prefetch_to_device(
    device: Any, buffer_size: int | None = None
) -> Callable[[Dataset], Dataset]:
    """A step for `apply`: `prefetch`; there is one device."""
    return lambda dataset: dataset.prefetch(buffer_size or AUTOTUNE)


class AutoShardPolicy(enum.IntEnum):
    """How files are divided among machines; here there is one."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "AutoShardPolicy", "Counter",
    "CsvDataset", "Optional", "RandomDataset", "assert_cardinality",
    "bucket_by_sequence_length", "cardinality", "choose_from_datasets", "enumerate_dataset",
    "get_next_as_optional", "get_single_element", "group_by_window", "ignore_errors",
    "make_csv_dataset", "map_and_batch", "parallel_interleave", "prefetch_to_device",
    "sample_from_datasets", "scan", "shuffle_and_repeat", "snapshot", "take_while",
    "unbatch", "unique",
]  # fmt: skip
