"""keras.preprocessing.sequence: sequences of unequal lengths; windows, as Keras 2 had them."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.errors import ArgumentError
from weft.keras.training.py_dataset import PyDataset
from weft.keras.utils.sequences import pad_sequences
from weft.random import make_default_seed


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a series, and the target after each window.

    Newer code uses `keras.utils.timeseries_dataset_from_array`, whose targets stand at the
    windows' first steps.

    Args:
        length: steps of a window, before sampling.
        sampling_rate: every so manyth step is used.
        stride: how far a window starts after the one before.
        reverse: whether windows run backwards in time.

    Example:
        >>> import numpy as np
        >>> windows = TimeseriesGenerator(np.arange(6), np.arange(6), length=3, batch_size=2)
        >>> x, y = windows[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        if len(data) != len(targets):
            raise ArgumentError(
                "TimeseriesGenerator: data and targets must have one length; received "
                f"{len(data)} and {len(targets)}"
            )
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ArgumentError(
                "TimeseriesGenerator: a window must fit between start_index and end_index; "
                f"received start_index + length = {self.start_index} > {self.end_index}"
            )
        self._random = np.random.default_rng(make_default_seed())

    def __len__(self) -> int:
        steps = self.end_index - self.start_index + self.stride
        return -(-(steps // self.stride) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            ends = self._random.integers(
                self.start_index, self.end_index + 1, self.batch_size
            )
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            ends = np.arange(first, last, self.stride)
        steps = np.arange(-self.length, 0, self.sampling_rate)
        windows = self.data[ends[:, None] + steps]
        return (windows[:, ::-1] if self.reverse else windows), self.targets[ends]


__all__ = ["TimeseriesGenerator", "pad_sequences"]
__dir__ = __all__.copy
