"""Names that tf.data keeps under `experimental`."""

from __future__ import annotations

from typing import Any

from weft.core.tensor import Tensor
from weft.data.background import AUTOTUNE
from weft.data.dataset import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Dataset,
    assert_cardinality,
)


def cardinality(dataset: Dataset) -> Tensor:
    """The number of elements of a dataset."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """The only element of a dataset."""
    return dataset.get_single_element()


def unbatch() -> Any:
    """A step for `apply`: the rows of batches."""
    return lambda dataset: dataset.unbatch()


def ignore_errors(log_warning: bool = False) -> Any:
    """A step for `apply`: leave out elements whose map fails."""
    return lambda dataset: dataset.ignore_errors(log_warning)


__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "assert_cardinality",
    "cardinality", "get_single_element", "ignore_errors", "unbatch",
]  # fmt: skip
