"""Pipelines of data: shuffle, map, batch, prefetch, in the manner of tf.data.

>>> from weft import data
>>> dataset = data.Dataset.from_tensor_slices(([1, 2, 3], [0, 0, 1])).batch(2)
>>> [(x.tolist(), y.tolist()) for x, y in dataset]
[([1, 2], [0, 0]), ([3], [1])]
"""

from weft.data import experimental as experimental
from weft.data.background import AUTOTUNE
from weft.data.dataset import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
    Options,
    TextLineDataset,
)
from weft.data.element import DatasetSpec
from weft.data.functions import DataError
from weft.data.iterator import DatasetIterator, EndOfData

Iterator = DatasetIterator

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "DataError", "Dataset",
    "DatasetIterator", "DatasetSpec", "EndOfData", "Iterator", "Options", "TextLineDataset",
]  # fmt: skip
