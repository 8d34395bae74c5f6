"""Metrics that are the mean of a loss function, of a correlation, and R²."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import ops
from weft.errors import ArgumentError, ShapeError
from weft.keras.losses import functions as f
from weft.keras.losses.loss import arguments_of, same_rank
from weft.keras.metrics.metric import Metric, as_float
from weft.keras.metrics.reduction import Mean, MeanMetricWrapper


class _LossMean(MeanMetricWrapper):
    """The mean of a loss function that takes no more arguments."""

    function: Any = None

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(type(self).function, name=name, dtype=dtype)
        self._direction = "down"


def _mean_of(kind: str, function: Any, name: str, doc: str) -> type:
    """A metric class that is the mean of a loss function."""

    def __init__(self: Any, name: str | None = name, dtype: Any = None) -> None:
        _LossMean.__init__(self, name=name, dtype=dtype)

    body = {
        "__init__": __init__, "__doc__": doc, "__module__": __name__,
        "function": staticmethod(function),
    }  # fmt: skip
    return type(kind, (_LossMean,), body)


MeanSquaredError = _mean_of(
    "MeanSquaredError", f.mean_squared_error, "mean_squared_error",
    "The mean of squared errors.",
)  # fmt: skip
MeanAbsoluteError = _mean_of(
    "MeanAbsoluteError", f.mean_absolute_error, "mean_absolute_error",
    "The mean of absolute errors.",
)  # fmt: skip
MeanAbsolutePercentageError = _mean_of(
    "MeanAbsolutePercentageError", f.mean_absolute_percentage_error,
    "mean_absolute_percentage_error", "The mean of errors relative to the label, in percent.",
)  # fmt: skip
MeanSquaredLogarithmicError = _mean_of(
    "MeanSquaredLogarithmicError", f.mean_squared_logarithmic_error,
    "mean_squared_logarithmic_error", "The mean of squared differences of log(y + 1).",
)  # fmt: skip
LogCoshError = _mean_of(
    "LogCoshError", f.log_cosh, "logcosh", "The mean of log(cosh(error))."
)  # fmt: skip
KLDivergence = _mean_of(
    "KLDivergence", f.kl_divergence, "kl_divergence",
    "The mean of sum(y_true log(y_true / y_pred)).",
)  # fmt: skip
Poisson = _mean_of(
    "Poisson", f.poisson, "poisson", "The mean of y_pred - y_true log(y_pred)."
)  # fmt: skip
Hinge = _mean_of("Hinge", f.hinge, "hinge", "The mean of max(1 - y_true y_pred, 0).")
SquaredHinge = _mean_of(
    "SquaredHinge", f.squared_hinge, "squared_hinge", "The mean of max(1 - y_true y_pred, 0)²."
)  # fmt: skip
CategoricalHinge = _mean_of(
    "CategoricalHinge", f.categorical_hinge, "categorical_hinge",
    "The mean of max(best wrong score - right score + 1, 0).",
)  # fmt: skip


class RootMeanSquaredError(Mean):
    """The root of the mean of squared errors.

    Example:
        >>> from weft.keras.metrics import RootMeanSquaredError
        >>> float(RootMeanSquaredError()([[0.0]], [[3.0]]))
        3.0
    """

    def __init__(
        self, name: str | None = "root_mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "down"

    def update_state(  # type: ignore[override]  # of two values, where Mean takes one
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = as_float(y_true, self._dtype), as_float(y_pred, self._dtype)
        y_true, y_pred = same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between label and prediction: 1 where they point alike."""

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, **arguments_of(locals()))
        self._direction = "up"


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between the vectors (the loss of this name is its negative)."""
    return -f.cosine_similarity(y_true, y_pred, axis=axis)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of labels 0 and 1."""

    def __init__(
        self, name: str | None = "binary_crossentropy", dtype: Any = None,
        from_logits: bool = False, label_smoothing: float = 0,
    ) -> None:  # fmt: skip
        super().__init__(f.binary_crossentropy, **arguments_of(locals()))
        self._direction = "down"


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot labels."""

    def __init__(
        self, name: str | None = "categorical_crossentropy", dtype: Any = None,
        from_logits: bool = False, label_smoothing: float = 0, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(f.categorical_crossentropy, **arguments_of(locals()))
        self._direction = "down"


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of integer labels."""

    keeps_labels = True

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None,
        from_logits: bool = False, ignore_class: int | None = None, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(f.sparse_categorical_crossentropy, **arguments_of(locals()))
        self.ignore_class = ignore_class
        self._direction = "down"

    def update_state(  # type: ignore[override]  # of two values, where Mean takes one
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        if self.ignore_class is None:
            super().update_state(y_true, y_pred, sample_weight)
            return
        labels, pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if len(labels.shape) == len(pred.shape) and labels.shape[-1] == 1:
            labels = ops.squeeze(labels, -1)
        counts = ops.cast(f.is_counted(labels, self.ignore_class), self._dtype)
        if sample_weight is not None:
            counts, weight = same_rank(counts, as_float(sample_weight, self._dtype))
            counts = counts * weight
        super().update_state(labels, pred, counts)


# -- correlations ------------------------------------------------------------------------


def _centred(y: Any, axis: Any) -> tuple[Any, Any]:
    mean = ops.mean(y, axis=axis, keepdims=True)
    return y - mean, mean


def pearson_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """The correlation of labels and predictions along an axis, in -1 … 1.

    It is NaN where one of them is constant: it has no value there.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    y_true, y_pred = same_rank(y_true, y_pred)
    y_true, _ = _centred(y_true, axis)
    y_pred, _ = _centred(y_pred, axis)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """How well predictions agree with labels, also in size and place (Lin, 1989)."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    y_true, y_pred = same_rank(y_true, y_pred)
    true, true_mean = _centred(y_true, axis)
    pred, pred_mean = _centred(y_pred, axis)
    common = ops.mean(true * pred, axis=axis, keepdims=True)
    spread = ops.mean(ops.square(true), axis=axis, keepdims=True)
    spread = spread + ops.mean(ops.square(pred), axis=axis, keepdims=True)
    apart = ops.square(true_mean - pred_mean)
    out = 2.0 * common / (spread + apart + 1e-7)
    return ops.squeeze(out, axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean correlation of labels and predictions."""

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: Any = -1
    ) -> None:
        super().__init__(pearson_correlation, **arguments_of(locals()))
        self.axis = axis
        self._direction = "up"


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean concordance of labels and predictions."""

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: Any = None,
        axis: Any = -1,
    ) -> None:
        super().__init__(concordance_correlation, **arguments_of(locals()))
        self.axis = axis
        self._direction = "up"


class R2Score(Metric):
    """1 - (squared errors) / (squared distances of labels from their mean).

    Args:
        class_aggregation: "uniform_average", "variance_weighted_average", or None for a
            score per output.
        num_regressors: if given, the score is adjusted for so many regressors.
        name: its name.
        dtype: in which to compute.

    Example:
        >>> from weft.keras.metrics import R2Score
        >>> float(R2Score()([[1.0], [2.0]], [[1.0], [2.0]]))
        1.0
    """

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
        name: str | None = "r2_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ArgumentError(
                f"R2Score: class_aggregation must be one of {known}; received "
                f"{class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ArgumentError(
                f"R2Score: num_regressors must not be negative; received {num_regressors}"
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", "int32", name="num_samples")
        self._sums: list[Any] = []
        self._direction = "up"

    def _build(self, outputs: int) -> None:
        names = ("squared_sum", "sum", "total_mse", "count")
        self._sums = [self.add_variable((outputs,), "zeros", name=name) for name in names]

    def update_state(  # type: ignore[override]  # of two values, where Mean takes one
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = as_float(y_true, self._dtype), as_float(y_pred, self._dtype)
        y_true, y_pred = same_rank(y_true, y_pred)
        if len(y_true.shape) < 2:
            raise ArgumentError(
                "R2Score: expected labels and predictions of shape (samples, outputs); "
                f"received {y_true.shape}"
            )
        if y_true.shape != y_pred.shape:
            raise ShapeError(
                "R2Score: the shapes of y_true and y_pred must be equal; received "
                f"y_true {y_true.spec} and y_pred {y_pred.spec}; the last layer needs one "
                "unit per label"
            )
        if not self._sums:
            self._build(y_true.shape[-1])
        weight: Any = 1.0 if sample_weight is None else as_float(sample_weight, self._dtype)
        if sample_weight is not None and len(weight.shape) == 1:
            weight = ops.expand_dims(weight, 1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = y_true * weight
        added = (
            weighted * y_true, weighted, ops.square(y_true - y_pred) * weight, weight,
        )  # fmt: skip
        for variable, values in zip(self._sums, added):
            variable.assign(variable.value + ops.sum(values, axis=0))
        self.num_samples.assign(self.num_samples.value + int(np.prod(y_true.shape)))

    def result(self) -> Any:
        if not self._sums:
            return ops.zeros((), self._dtype)
        squares, total, errors, count = (variable.value for variable in self._sums)
        mean = total / count
        spread = squares - total * mean
        scores = ops.where(ops.equal(spread, 0.0), 0.0, 1.0 - errors / spread)
        if self.class_aggregation is None:
            return self._adjusted(scores)
        if self.class_aggregation == "uniform_average":
            return self._adjusted(ops.mean(scores))
        return self._adjusted(ops.sum(scores * spread) / ops.sum(spread))

    def _adjusted(self, score: Any) -> Any:
        if self.num_regressors == 0:
            return score
        samples = ops.cast(self.num_samples.value, self._dtype)
        left = samples - float(self.num_regressors) - 1.0
        return 1.0 - (1.0 - score) * (samples - 1.0) / left

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
