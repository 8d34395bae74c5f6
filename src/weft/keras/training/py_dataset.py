"""PyDataset: batches made by Python code, in threads or processes if asked."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft import random
from weft.errors import ArgumentError


class PyDataset:
    """The base of datasets that make each batch by its number.

    Subclasses define `__getitem__(index)`, which gives a batch `(x, y)`, and `__len__`, the
    number of batches (or `num_batches = None` for data without end).

    Args:
        workers: how many threads (or processes) make batches ahead.
        use_multiprocessing: whether the workers are processes.
        max_queue_size: how many batches may wait.

    Example:
        >>> import numpy as np
        >>> from weft.keras.training.py_dataset import PyDataset
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 4
        ...     def __getitem__(self, index):
        ...         x = np.full((2, 1), index, "float32")
        ...         return x, x * x
        >>> len(Squares())
        4
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self._settings = (workers, use_multiprocessing, max_queue_size)

    def _setting(self, position: int) -> Any:
        # Subclasses may not have called super().__init__().
        return getattr(self, "_settings", (1, False, 10))[position]

    @property
    def workers(self) -> int:
        """How many workers make batches ahead."""
        return self._setting(0)

    @property
    def use_multiprocessing(self) -> bool:
        """Whether workers are processes."""
        return self._setting(1)

    @property
    def max_queue_size(self) -> int:
        """How many batches may wait."""
        return self._setting(2)

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None for data without end."""
        if not hasattr(self, "__len__"):
            raise ArgumentError(
                f"{type(self).__name__}: define __len__, the number of batches, or the "
                "property num_batches"
            )
        return len(self)  # type: ignore[arg-type]

    def on_epoch_begin(self) -> None:
        """Called before every epoch."""

    def on_epoch_end(self) -> None:
        """Called after every epoch."""

    def epochs(self, shuffle: bool) -> Any:
        """Something that gives the batches of an epoch whenever it is iterated over."""
        return _Epochs(self, shuffle)


class _Epochs:
    def __init__(self, dataset: PyDataset, shuffle: bool) -> None:
        self._dataset, self._shuffle = dataset, shuffle
        self._random = np.random.default_rng(random.make_default_seed())

    def __iter__(self) -> Iterator[Any]:
        dataset = self._dataset
        indices = self._indices()
        if dataset.workers <= 1 and not dataset.use_multiprocessing:
            for index in indices:
                yield dataset[index]
            return
        import concurrent.futures as pools

        pool_type: Any = (
            pools.ProcessPoolExecutor
            if dataset.use_multiprocessing
            else pools.ThreadPoolExecutor
        )
        waiting: collections.deque = collections.deque()
        with pool_type(dataset.workers) as pool:
            for index in indices:
                waiting.append(pool.submit(_item, dataset, index))
                if len(waiting) >= max(dataset.max_queue_size, dataset.workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _indices(self) -> Iterator[int]:
        count = self._dataset.num_batches
        if count is None:
            index = 0
            while True:
                yield index
                index += 1
        elif self._shuffle:
            yield from (int(index) for index in self._random.permutation(count))
        else:
            yield from range(count)


Sequence = PyDataset
"""The older name of `PyDataset`."""


def _item(dataset: PyDataset, index: int) -> Any:
    return dataset[index]
