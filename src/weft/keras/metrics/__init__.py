"""Metrics as functions, classes and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.keras import losses
from weft.keras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from weft.keras.metrics.functional import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from weft.keras.metrics.metric import Metric
from weft.keras.metrics.reduction import Mean, MeanMetricWrapper, Sum
from weft.keras.training.identifiers import Family, snake_case

CLASSES = (
    Accuracy, BinaryAccuracy, CategoricalAccuracy, Mean, MeanMetricWrapper, Metric,
    SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy, Sum, TopKCategoricalAccuracy,
)  # fmt: skip

FAMILY = Family("metric", "keras.metrics", {
    **{snake_case(kind.__name__): kind for kind in CLASSES},
    **{kind.__name__: kind for kind in CLASSES},
})  # fmt: skip


def get(identifier: Any) -> Any:
    """A metric."""
    return FAMILY.get(identifier)
