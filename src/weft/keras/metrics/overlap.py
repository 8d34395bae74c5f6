"""Intersection over union, and F scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft import config, ops
from weft.core.variable import Variable
from weft.errors import ArgumentError, ShapeError, warn
from weft.keras.metrics.metric import Metric


class IoU(Metric):
    """|A ∩ B| / |A ∪ B| of labels and predictions, the mean over some classes.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to look at.
        name: its name.
        dtype: of the counts; int32 by default.
        ignore_class: a label whose samples do not count.
        sparse_y_true: whether labels are class numbers, in place of one-hot.
        sparse_y_pred: whether predictions are class numbers, in place of probabilities.
        axis: of classes, where they are not sparse.

    Example:
        >>> from weft.keras.metrics import IoU
        >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None,
        dtype: Any = None, ignore_class: int | None = None, sparse_y_true: bool = True,
        sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype or "int32")
        if max(target_class_ids) >= num_classes:
            raise ArgumentError(
                f"{type(self).__name__}: target_class_ids must be in 0 … {num_classes - 1}; "
                f"received {max(target_class_ids)}"
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true, y_pred = (
            ops.reshape(ops.cast(y, "int32"), (-1,)) for y in (y_true, y_pred)
        )
        weight = self._weights(sample_weight, y_true.shape)
        valid = (y_true >= 0) & (y_true < self.num_classes)
        valid = valid & (y_pred >= 0) & (y_pred < self.num_classes)
        if self.ignore_class is not None:
            valid = valid & ops.not_equal(y_true, self.ignore_class)
        place = ops.where(valid, y_true * self.num_classes + y_pred, 0)
        weight = ops.where(valid, weight, ops.zeros_like(weight))
        counts = ops.segment_sum(weight, place, self.num_classes**2)
        added = ops.reshape(counts, (self.num_classes, self.num_classes))
        self.total_cm.assign(self.total_cm.value + added)

    def _weights(self, sample_weight: Any, shape: tuple[int, ...]) -> Any:
        if sample_weight is None:
            return ops.ones(shape, self._dtype)
        weight = ops.convert_to_tensor(sample_weight)
        if weight.dtype.is_floating and self._dtype.is_integer:
            warn(
                f"{type(self).__name__}: weights are floats, but counts are {self.dtype}: "
                "fractions are cut off; use integer weights, or dtype='float32'",
            )
        weight = ops.cast(weight, self._dtype)
        if len(weight.shape) > 1:
            weight = ops.reshape(weight, (-1,))
        return ops.broadcast_to(weight, shape)

    def result(self) -> Any:
        table = self.total_cm.value
        both = ops.diag(table)
        either = ops.sum(table, axis=0) + ops.sum(table, axis=1) - both
        places = ops.convert_to_tensor(self.target_class_ids, "int32")
        both, either = (ops.cast(ops.take(x, places), "float32") for x in (both, either))
        # Classes that never came do not count.
        seen = ops.cast(either > 1e-9, "float32")
        shares = seen * (both / (either + config.epsilon()))
        return ops.sum(shares) / (ops.sum(seen) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes, "target_class_ids": self.target_class_ids,
            **super().get_config(), "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true, "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }  # fmt: skip

    def _without(self, *names: str) -> dict[str, Any]:
        config = IoU.get_config(self)
        return {name: value for name, value in config.items() if name not in names}


class BinaryIoU(IoU):
    """`IoU` of two classes, told apart by a threshold on probabilities."""

    def __init__(
        self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        above = ops.cast(y_pred, "float32") >= self.threshold
        super().update_state(y_true, ops.cast(above, "int32"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name, "dtype": self.dtype,
            "target_class_ids": self.target_class_ids, "threshold": self.threshold,
        }  # fmt: skip


class MeanIoU(IoU):
    """`IoU`, the mean over all classes."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True,
        sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true,
            sparse_y_pred, axis,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return self._without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` of one-hot labels."""

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None,
        dtype: Any = None, ignore_class: int | None = None, sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred,
            axis,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return self._without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels."""

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return self._without("target_class_ids", "sparse_y_true")


# -- F scores ----------------------------------------------------------------------------


class FBetaScore(Metric):
    """(1 + beta²) · precision · recall / (beta² · precision + recall), class by class.

    Args:
        average: None for a score per class; "micro" counts all classes together, "macro"
            is their mean, "weighted" their mean by how often they occur.
        beta: how much more recall counts than precision.
        threshold: above which a class is predicted; None: the largest one.
        name: its name.
        dtype: in which to compute.
    """

    _direction = "up"

    # Made by the first batch, which says how many classes there are.
    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
        name: str | None = "fbeta_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        who = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ArgumentError(
                f"{who}: average must be None, 'micro', 'macro' or 'weighted'; received "
                f"{average!r}"
            )
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError(f"{who}: beta must be a float > 0; received {beta!r}")
        if threshold is not None and not (
            isinstance(threshold, float) and 0 < threshold <= 1
        ):
            raise ArgumentError(
                f"{who}: threshold must be a float in (0, 1], or None; received {threshold!r}"
            )
        self.average, self.beta, self.threshold = average, beta, threshold
        self._is_built = False

    def _build(self, y_true: Any, y_pred: Any) -> None:
        if len(y_true.shape) != 2 or len(y_pred.shape) != 2:
            raise ShapeError(
                f"{type(self).__name__} expects 2D inputs with shape (samples, classes); "
                f"received y_true {y_true.spec} and y_pred {y_pred.spec}"
            )
        shape = () if self.average == "micro" else (y_pred.shape[-1],)
        names = (
            "true_positives",
            "false_positives",
            "false_negatives",
            "intermediate_weights",
        )
        for name in names:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))
        self._is_built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true = ops.cast(ops.convert_to_tensor(y_true), self._dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), self._dtype)
        if not self._is_built:
            self._build(y_true, y_pred)
        if self.threshold is None:
            best = ops.max(y_pred, axis=-1, keepdims=True)
            chosen = (y_pred >= best) & (ops.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        chosen = ops.cast(chosen, self._dtype)
        axis = None if self.average == "micro" else 0
        weight: Any = 1.0
        if sample_weight is not None:
            weight = ops.cast(ops.convert_to_tensor(sample_weight), self._dtype)
            weight = ops.reshape(weight, (-1, 1))
        added = (
            (self.true_positives, chosen * y_true),
            (self.false_positives, chosen * (1.0 - y_true)),
            (self.false_negatives, (1.0 - chosen) * y_true),
            (self.intermediate_weights, y_true),
        )
        for variable, values in added:
            variable.assign(variable.value + ops.sum(values * weight, axis=axis))

    def result(self) -> Any:
        if not self._is_built:
            return ops.zeros((), self._dtype)
        found, small = self.true_positives.value, config.epsilon()
        precision = found / (found + self.false_positives.value + small)
        recall = found / (found + self.false_negatives.value + small)
        squared = self.beta**2
        score = (1 + squared) * (
            precision * recall / (squared * precision + recall + small)
        )
        if self.average == "weighted":
            weights = self.intermediate_weights.value
            return ops.sum(score * weights / (ops.sum(weights) + small))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "average": self.average, "beta": self.beta,
            "threshold": self.threshold,
        }  # fmt: skip


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `FBetaScore` with beta 1."""

    def __init__(
        self, average: str | None = None, threshold: float | None = None,
        name: str | None = "f1_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
