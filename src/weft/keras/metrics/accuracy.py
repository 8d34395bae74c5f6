"""Accuracies: shares of samples that are right."""

from __future__ import annotations

from typing import Any

from weft import config, ops
from weft.errors import ShapeError
from weft.keras.losses.loss import same_rank
from weft.keras.metrics.reduction import MeanMetricWrapper


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where labels and predicted labels are equal, else 0."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    y_true, y_pred = same_rank(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where (y_pred > threshold) equals the label, else 0.

    Example:
        >>> from weft.keras.metrics import binary_accuracy
        >>> binary_accuracy([1, 0], [0.9, 0.6]).tolist()
        [1.0, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    y_true, y_pred = same_rank(y_true, y_pred)
    chosen = ops.cast(y_pred > threshold, y_true.dtype)
    return ops.cast(ops.equal(y_true, chosen), config.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest probability is that of the one-hot label, else 0.

    Example:
        >>> from weft.keras.metrics import categorical_accuracy
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) < len(ops.shape(y_pred)):
        raise ShapeError(
            "categorical_accuracy: labels must be one-hot, with the shape of y_pred; received "
            f"y_true {y_true.spec} and y_pred of shape {tuple(ops.shape(y_pred))}; class "
            "numbers go with 'sparse_categorical_accuracy', or say 'accuracy'"
        )
    label = ops.argmax(y_true, axis=-1)
    return _matches(label, y_pred, y_true.shape[:-1])


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest probability is that of the integer label, else 0."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    shape = y_true.shape
    if len(shape) == len(y_pred.shape) and shape[-1:] == (1,):
        y_true = ops.squeeze(y_true, -1)
    return _matches(y_true, y_pred, y_true.shape)


def _matches(label: Any, y_pred: Any, shape: tuple[int, ...]) -> Any:
    best = ops.cast(ops.argmax(ops.convert_to_tensor(y_pred), axis=-1), label.dtype)
    matches = ops.cast(ops.equal(label, best), config.floatx())
    return ops.reshape(matches, shape)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the one-hot label is among the `k` largest probabilities, else 0."""
    y_true = ops.convert_to_tensor(y_true)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where the integer label is among the `k` largest probabilities, else 0.

    Args:
        from_sorted_ids: whether `y_pred` are class ids, the best first, in place of
            probabilities.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    shape = y_true.shape
    flat = ops.reshape(y_true, (-1,))
    rows = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    if from_sorted_ids:
        first = ops.cast(rows[:, :k], flat.dtype)
        found = ops.any(ops.equal(first, ops.expand_dims(flat, -1)), axis=-1)
    else:
        found = ops.in_top_k(ops.cast(flat, "int32"), rows, k=k)
    return ops.reshape(ops.cast(found, config.floatx()), shape)


class Accuracy(MeanMetricWrapper):
    """How often labels and predicted labels are equal."""

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(fn=accuracy, name=name, dtype=dtype)
        self._direction = "up"


class BinaryAccuracy(MeanMetricWrapper):
    """How often a probability lies on the right side of the threshold.

    Example:
        >>> from weft.keras.metrics import BinaryAccuracy
        >>> float(BinaryAccuracy()([[1], [0]], [[0.9], [0.6]]))
        0.5
    """

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: Any = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(fn=binary_accuracy, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold
        self._direction = "up"


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest probability is that of the one-hot label."""

    def __init__(
        self, name: str | None = "categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(fn=categorical_accuracy, name=name, dtype=dtype)
        self._direction = "up"


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest probability is that of the integer label."""

    keeps_labels = True

    def __init__(
        self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(fn=sparse_categorical_accuracy, name=name, dtype=dtype)
        self._direction = "up"


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label is among the `k` largest probabilities."""

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(fn=top_k_categorical_accuracy, name=name, dtype=dtype, k=k)
        self.k = k
        self._direction = "up"


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the `k` largest probabilities."""

    keeps_labels = True

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None, from_sorted_ids: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            fn=sparse_top_k_categorical_accuracy, name=name, dtype=dtype, k=k,
            from_sorted_ids=from_sorted_ids,
        )  # fmt: skip
        self.k, self.from_sorted_ids = k, from_sorted_ids
        self._direction = "up"
