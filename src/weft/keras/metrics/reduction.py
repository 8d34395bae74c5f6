"""Sum, Mean, and metrics that are the mean of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.keras.losses.loss import (
    each,
    mask_of,
    same_rank,
    weight_and_mask,
    with_function,
)
from weft.keras.metrics.metric import Metric, as_float
from weft.keras.utils.serialization import serialize_keras_object


def samplewise(
    values: Any, sample_weight: Any, dtype: Any, reduce: Callable = ops.mean
) -> tuple[Any, Any]:
    """A value per sample times its weight, and the weight per sample; None without weights."""
    mask = mask_of(values)
    values = as_float(values, dtype)
    weight = weight_and_mask(sample_weight, mask, dtype, "sum")
    if weight is None:
        return _per_sample(values, reduce), None
    if len(weight.shape) > 1 or len(values.shape) <= 1:
        values, weight = same_rank(values, weight)
    # Axes that the weights do not have are averaged (or summed) over.
    extra = tuple(range(len(weight.shape), len(values.shape)))
    if extra:
        values = reduce(values, axis=extra)
    weighted, weight = values * weight, ops.broadcast_to(weight, values.shape)
    return _per_sample(weighted, reduce), _per_sample(weight, reduce)


def _per_sample(x: Any, reduce: Callable) -> Any:
    """`x` reduced over all axes but the first, so that every sample counts once."""
    return reduce(x, axis=tuple(range(1, len(x.shape)))) if len(x.shape) > 1 else x


class Sum(Metric):
    """The (weighted) sum of values.

    Example:
        >>> from weft.keras.metrics import Sum
        >>> float(Sum()([1.0, 2.0, 3.0]))
        6.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = samplewise(values, sample_weight, self._dtype, ops.sum)
        self.total.assign(self.total.value + ops.sum(values))

    def result(self) -> Any:
        return self.total.value


class Mean(Metric):
    """The (weighted) mean of values.

    Example:
        >>> from weft.keras.metrics import Mean
        >>> float(Mean()([1.0, 3.0], sample_weight=[1.0, 0.0]))
        1.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weight = samplewise(values, sample_weight, self._dtype)
        count = float(np.prod(values.shape)) if weight is None else ops.sum(weight)
        self.total.assign(self.total.value + ops.sum(values))
        self.count.assign(self.count.value + count)

    def result(self) -> Any:
        return ops.divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The mean of a function of `(y_true, y_pred, **kwargs)`.

    Example:
        >>> from weft import ops
        >>> from weft.keras.metrics import MeanMetricWrapper
        >>> worst = MeanMetricWrapper(lambda y, p: ops.max(ops.abs(y - p), axis=-1), name="worst")
        >>> float(worst([[0.0, 1.0]], [[0.0, 3.0]]))
        2.0
    """

    keeps_labels = False
    """Whether integer labels stay integers, because they name classes."""

    def __init__(
        self, fn: Callable, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(  # type: ignore[override]  # of two values, where Mean takes one
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        mask = mask_of(y_pred)
        y_true = each(self._converted, y_true)
        y_pred = each(lambda y: as_float(y, self._dtype), y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        weight = weight_and_mask(sample_weight, mask, self._dtype, "sum")
        super().update_state(values, sample_weight=weight)

    def _converted(self, y: Any) -> Any:
        y = ops.convert_to_tensor(y)
        return y if self.keeps_labels and y.dtype.is_integer else ops.cast(y, self._dtype)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        if type(self) is MeanMetricWrapper:
            config["fn"] = serialize_keras_object(self._fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_function(config))
