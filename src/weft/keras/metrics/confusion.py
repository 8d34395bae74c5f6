"""Metrics of true and false positives and negatives, at one threshold or at many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weft import config, ops
from weft.errors import ArgumentError, ShapeError
from weft.keras.losses.loss import same_rank
from weft.keras.metrics.metric import Metric, as_float

_KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
# Smaller than any score: classes beyond the first k are never chosen.
_NEVER = -1e10


class _Confusion(Metric):
    """Counts the kinds that a subclass names, for each threshold.

    A prediction is positive where it is larger than the threshold.
    """

    counts: tuple[str, ...] = _KINDS

    def __init__(
        self, thresholds: Sequence[float], name: str | None, dtype: Any,
        top_k: int | None = None, class_id: int | None = None, labels: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        self.top_k, self.class_id = top_k, class_id
        self._levels = np.asarray(thresholds, np.float64)
        self._make_counts(labels)

    def _make_counts(self, labels: int | None) -> None:
        shape = (len(self._levels),) if labels is None else (len(self._levels), labels)
        for kind in self.counts:
            setattr(self, kind, self.add_variable(shape, "zeros", name=kind))

    def _count(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, label_weights: Any = None,
        by_label: bool = False,
    ) -> None:  # fmt: skip
        """Add a batch to the counts."""
        y_true, y_pred = as_float(y_true, self._dtype), as_float(y_pred, self._dtype)
        y_pred, y_true = same_rank(y_pred, y_true)
        if y_true.shape != y_pred.shape:
            raise ShapeError(
                f"{type(self).__name__}: y_true and y_pred must have one shape; received "
                f"y_true {y_true.spec} and y_pred {y_pred.spec}"
            )
        weight: Any = None
        if sample_weight is not None:
            weight = ops.expand_dims(as_float(sample_weight, self._dtype), -1)
            _, weight = same_rank(y_true, weight, expand_rank_1=False)
        if self.top_k is not None:
            y_pred = _only_top(y_pred, self.top_k)
        if self.class_id is not None:
            if len(y_pred.shape) == 1:
                raise ShapeError(
                    f"{type(self).__name__}: class_id needs predictions of shape (samples, "
                    f"classes); received {y_pred.spec}"
                )
            y_true = y_true[..., self.class_id, None]
            y_pred = y_pred[..., self.class_id, None]
        weight = 1.0 if weight is None else weight
        if label_weights is not None:
            weight = weight * ops.expand_dims(label_weights, 0)
        weight = ops.broadcast_to(ops.cast(weight, self._dtype), y_pred.shape)
        columns = y_pred.shape[-1] if by_label else 1
        y_true, y_pred, weight = (
            ops.reshape(a, (-1, columns)) for a in (y_true, y_pred, weight)
        )
        positive = ops.cast(ops.not_equal(y_true, 0), self._dtype) * weight
        negative = weight - positive
        found_true, found_false = self._above(y_pred, positive, negative)
        all_true, all_false = (ops.sum(part, axis=0) for part in (positive, negative))
        values = {
            "true_positives": found_true,
            "false_positives": found_false,
            "true_negatives": all_false - found_false,
            "false_negatives": all_true - found_true,
        }
        for kind in self.counts:
            variable = getattr(self, kind)
            added = ops.reshape(values[kind], variable.shape)
            variable.assign(variable.value + added)

    def _above(self, y_pred: Any, positive: Any, negative: Any) -> tuple[Any, Any]:
        """For each threshold and column the weights of both whose prediction is above."""
        if _are_even(self._levels):
            return self._above_even(y_pred, positive, negative)
        levels = ops.convert_to_tensor(self._levels.reshape(-1, 1, 1), self._dtype)
        above = ops.cast(ops.expand_dims(y_pred, 0) > levels, self._dtype)
        return ops.sum(above * positive, axis=1), ops.sum(above * negative, axis=1)

    def _above_even(self, y_pred: Any, positive: Any, negative: Any) -> tuple[Any, Any]:
        """Likewise for thresholds i / (n - 1): a histogram, added up from above."""
        count, columns = len(self._levels), y_pred.shape[1]
        place = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * float(count - 1)) - 1.0
        if self._levels[0] < 0:
            place = ops.maximum(place, 0.0)
        # A prediction that is above no threshold goes to a place of its own, which is cut off.
        place = ops.cast(ops.where(place < 0, float(count), place), "int32")
        place = ops.reshape(place * columns + ops.arange(columns), (-1,))
        found = []
        for part in (positive, negative):
            sums = ops.segment_sum(ops.reshape(part, (-1,)), place, (count + 1) * columns)
            sums = ops.reshape(sums, (count + 1, columns))[:count]
            found.append(ops.flip(ops.cumsum(ops.flip(sums, 0), axis=0), 0))
        return found[0], found[1]


def _are_even(levels: np.ndarray) -> bool:
    if len(levels) < 3:
        return False
    even = np.arange(len(levels)) / (len(levels) - 1)
    return bool(np.allclose(levels, even, atol=config.epsilon() * 1.01))


def _only_top(y_pred: Any, k: int) -> Any:
    _, best = ops.top_k(y_pred, k)
    chosen = ops.sum(ops.one_hot(best, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
    return y_pred * chosen + _NEVER * (1.0 - chosen)


def _checked(who: str, thresholds: Any, default: float) -> list[float]:
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, list | tuple) else [thresholds]
    wrong = [level for level in found if level is None or not 0 <= level <= 1]
    if wrong:
        raise ArgumentError(f"{who}: thresholds must be in [0, 1]; received {wrong}")
    return found


# -- one kind ----------------------------------------------------------------------------


class _OneKind(_Confusion):
    """The count of one kind; one number per threshold."""

    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        self.init_thresholds = thresholds
        self.thresholds = _checked(type(self).__name__, thresholds, 0.5)
        super().__init__(self.thresholds, name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        value = getattr(self, self.counts[0]).value
        return value[0] if len(self.thresholds) == 1 else value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_OneKind):
    """How many positives were found."""

    counts = ("true_positives",)
    _direction = "up"


class FalsePositives(_OneKind):
    """How many negatives were taken for positives."""

    counts = ("false_positives",)
    _direction = "down"


class TrueNegatives(_OneKind):
    """How many negatives were told."""

    counts = ("true_negatives",)
    _direction = "up"


class FalseNegatives(_OneKind):
    """How many positives were missed."""

    counts = ("false_negatives",)
    _direction = "down"


# -- precision and recall ----------------------------------------------------------------


class _Share(_Confusion):
    """The share of the first kind in both."""

    _direction = "up"

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.init_thresholds = thresholds
        default = 0.5 if top_k is None else _NEVER
        self.thresholds = _checked(type(self).__name__, thresholds, default)
        super().__init__(self.thresholds, name, dtype, top_k, class_id)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        first, second = (getattr(self, kind).value for kind in self.counts)
        value = ops.divide_no_nan(first, first + second)
        return value[0] if len(self.thresholds) == 1 else value

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "thresholds": self.init_thresholds,
            "top_k": self.top_k, "class_id": self.class_id,
        }  # fmt: skip


class Precision(_Share):
    """true positives / (true positives + false positives).

    Args:
        thresholds: one in [0, 1], or a list; 0.5 by default.
        top_k: counts only the `top_k` largest predictions of a row as positive.
        class_id: looks at one class only.
        name: its name.
        dtype: in which to compute.

    Example:
        >>> from weft.keras.metrics import Precision
        >>> float(Precision()([0, 1, 1, 1], [1, 0, 1, 1]))
        0.6666666865348816
    """

    counts = ("true_positives", "false_positives")


class Recall(_Share):
    """true positives / (true positives + false negatives); arguments as in `Precision`."""

    counts = ("true_positives", "false_negatives")


# -- one value where another is large enough ---------------------------------------------


class _AtLeast(_Confusion):
    """The largest value of one share where another is at least as large as asked."""

    _direction = "up"
    argument = ""
    # The shares: (numerator, the other part of the denominator).
    wanted: tuple[str, str] = ("", "")
    required: tuple[str, str] = ("", "")

    def __init__(
        self, value: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if not 0 <= value <= 1:
            raise ArgumentError(
                f"{type(self).__name__}: {self.argument} must be in [0, 1]; received {value}"
            )
        if num_thresholds <= 0:
            raise ArgumentError(
                f"{type(self).__name__}: num_thresholds must be > 0; received {num_thresholds}"
            )
        self.value, self.num_thresholds = value, num_thresholds
        setattr(self, self.argument, value)
        even = np.arange(num_thresholds) / max(num_thresholds - 1, 1)
        self.thresholds = [0.5] if num_thresholds == 1 else even.tolist()
        super().__init__(self.thresholds, name, dtype, class_id=class_id)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def _share(self, kinds: tuple[str, str]) -> Any:
        first, second = (getattr(self, kind).value for kind in kinds)
        return ops.divide_no_nan(first, first + second)

    def result(self) -> Any:
        wanted, required = self._share(self.wanted), self._share(self.required)
        return ops.max(ops.where(required >= self.value, wanted, ops.zeros_like(wanted)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), self.argument: self.value,
            "num_thresholds": self.num_thresholds, "class_id": self.class_id,
        }  # fmt: skip


_SENSITIVITY = _RECALL = ("true_positives", "false_negatives")
_SPECIFICITY = ("true_negatives", "false_positives")
_PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_AtLeast):
    """The best sensitivity where the specificity is at least the one given."""

    argument, wanted, required = "specificity", _SENSITIVITY, _SPECIFICITY

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_AtLeast):
    """The best specificity where the sensitivity is at least the one given."""

    argument, wanted, required = "sensitivity", _SPECIFICITY, _SENSITIVITY

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_AtLeast):
    """The best precision where the recall is at least the one given."""

    argument, wanted, required = "recall", _PRECISION, _RECALL

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_AtLeast):
    """The best recall where the precision is at least the one given."""

    argument, wanted, required = "precision", _RECALL, _PRECISION

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)


# -- area under a curve ------------------------------------------------------------------

_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(_Confusion):
    """The area under the ROC or the precision-recall curve, by a Riemann sum.

    Args:
        num_thresholds: how many points the curve has.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation", "minoring" or "majoring".
        name: its name.
        dtype: in which to compute.
        thresholds: the points, in place of `num_thresholds`.
        multi_label: whether each column has an area of its own; they are averaged.
        num_labels: the number of columns, if it is known.
        label_weights: how much each column counts.
        from_logits: whether predictions are logits.

    Example:
        >>> from weft.keras.metrics import AUC
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    _direction = "up"

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC",
        summation_method: str = "interpolation", name: str | None = None, dtype: Any = None,
        thresholds: Sequence[float] | None = None, multi_label: bool = False,
        num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        self._given_thresholds = thresholds
        if thresholds is None and num_thresholds <= 1:
            raise ArgumentError(
                f"AUC: num_thresholds must be an int > 1; received {num_thresholds}"
            )
        if thresholds is None:
            inner = (np.arange(1, num_thresholds - 1) / (num_thresholds - 1)).tolist()
        else:
            inner = sorted(_checked("AUC", list(thresholds), 0.5))
        # A little outside of [0, 1], so that scores of exactly 0 and 1 are counted.
        levels = [-config.epsilon(), *inner, 1.0 + config.epsilon()]
        self.num_thresholds = len(levels)
        self.curve = _one_of("curve", str(getattr(curve, "value", curve)).upper(), _CURVES)
        method = str(getattr(summation_method, "value", summation_method)).lower()
        self.summation_method = _one_of("summation_method", method, _METHODS)
        if num_labels and not multi_label:
            raise ArgumentError("AUC: num_labels is needed only with multi_label=True")
        self.multi_label, self.num_labels = multi_label, num_labels
        self._from_logits = from_logits
        self._is_built = False
        self._given_weights = label_weights
        super().__init__(levels, name, dtype, labels=num_labels)
        self.label_weights = None
        if label_weights is not None:
            self.label_weights = ops.convert_to_tensor(label_weights, self._dtype)

    def _make_counts(self, labels: int | None) -> None:
        if self.multi_label and labels is None:
            return
        super()._make_counts(labels)
        self._is_built = True

    @property
    def thresholds(self) -> list[float]:
        """The points of the curve."""
        return self._levels.tolist()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._is_built:
            if len(y_pred.shape) != 2:
                raise ShapeError(
                    "AUC: predictions of shape (samples, labels) are needed with "
                    f"multi_label=True; received {y_pred.spec}"
                )
            self._make_counts(y_pred.shape[1])
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        weights = None if self.multi_label else self.label_weights
        self._count(y_true, y_pred, sample_weight, weights, by_label=self.multi_label)

    def result(self) -> Any:
        if not self._is_built:
            return ops.zeros((), self._dtype)
        tp, fp, tn, fn = (getattr(self, kind).value for kind in _KINDS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = _curve_points(self.curve, tp, fp, tn, fn)
        heights = {
            "interpolation": lambda a, b: (a + b) / 2.0,
            "minoring": ops.minimum,
            "majoring": ops.maximum,
        }[self.summation_method](y[:-1], y[1:])
        return self._total((x[:-1] - x[1:]) * heights)

    def interpolate_pr_auc(self) -> Any:
        """The area below the curve of precision and recall, as `result` gives it."""
        tp, fp, _, fn = (getattr(self, kind).value for kind in _KINDS)
        return self._total(_interpolated_precision(tp, fp, fn))

    def _total(self, areas: Any) -> Any:
        if not self.multi_label:
            return ops.sum(areas)
        by_label = ops.sum(areas, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        total = ops.sum(by_label * self.label_weights)
        return ops.divide_no_nan(total, ops.sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(), "num_thresholds": self.num_thresholds,
            "curve": self.curve, "summation_method": self.summation_method,
            "multi_label": self.multi_label, "num_labels": self.num_labels,
            "label_weights": self._given_weights, "from_logits": self._from_logits,
        }  # fmt: skip
        if self._given_thresholds is not None:
            config["thresholds"] = self._levels[1:-1].tolist()
        return config


def _one_of(what: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise ArgumentError(f"AUC: {what} must be one of {known}; received {given!r}")
    return given


def _curve_points(curve: str, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    recall = ops.divide_no_nan(tp, tp + fn)
    if curve == "ROC":
        return ops.divide_no_nan(fp, fp + tn), recall
    if curve == "PR":
        return recall, ops.divide_no_nan(tp, tp + fp)
    # Precision and recall relative to taking everything for positive (Flach, Kull, 2015).
    odds = ops.divide_no_nan(tp + fn, tn + fp)
    none = ops.equal(tp, 0.0)
    recall_gain = ops.where(none, 0.0, 1.0 - odds * ops.divide_no_nan(fn, tp))
    precision_gain = ops.where(none, 1.0, 1.0 - odds * ops.divide_no_nan(fp, tp))
    return ops.maximum(recall_gain, 0.0), precision_gain


def _interpolated_precision(tp: Any, fp: Any, fn: Any) -> Any:
    """Areas between points, true positives being linear in between (Davis, Goadrich, 2006)."""
    chosen = tp + fp
    found = tp[:-1] - tp[1:]
    slope = ops.divide_no_nan(found, ops.maximum(chosen[:-1] - chosen[1:], 0.0))
    intercept = tp[1:] - slope * chosen[1:]
    known = ops.logical_and(chosen[:-1] > 0, chosen[1:] > 0)
    ratio = ops.divide_no_nan(chosen[:-1], ops.maximum(chosen[1:], 0.0))
    ratio = ops.where(known, ratio, 1.0)
    positives = ops.maximum(tp[1:] + fn[1:], 0.0)
    return ops.divide_no_nan(slope * (found + intercept * ops.log(ratio)), positives)
