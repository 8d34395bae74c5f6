"""The losses as classes: a function with its arguments, a name and a reduction."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.keras.losses import functions as f
from weft.keras.losses.loss import LossFunctionWrapper, arguments_of


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels 0 and 1."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.binary_crossentropy, **arguments_of(locals()))


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of labels 0 and 1 that weighs easy samples less."""

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25,
        gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
        axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.binary_focal_crossentropy, **arguments_of(locals()))


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.categorical_crossentropy, **arguments_of(locals()))


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels that weighs easy samples less."""

    def __init__(
        self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.categorical_focal_crossentropy, **arguments_of(locals()))


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Cross-entropy of integer labels, robust against wrong ones."""

    def __init__(
        self, q: float = 0.5, reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        q = f.require_q(q)
        super().__init__(f.categorical_generalized_cross_entropy, **arguments_of(locals()))


class CategoricalHinge(LossFunctionWrapper):
    """max(best wrong score - right score + 1, 0) of one-hot labels."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.categorical_hinge, **arguments_of(locals()))


class Circle(LossFunctionWrapper):
    """The circle loss of embeddings of unit length (see `UnitNormalization`)."""

    def __init__(
        self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size", name: str | None = "circle",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.circle, **arguments_of(locals()))

    def mask(self, y_true: Any, y_pred: Any, losses: Any) -> Any:
        """Only samples with a positive loss count."""
        return losses > 0


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between label and prediction."""

    def __init__(
        self, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.cosine_similarity, **arguments_of(locals()))


class Dice(LossFunctionWrapper):
    """1 - the Dice overlap, for segmentation."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "dice",
        axis: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.dice, **arguments_of(locals()))


class Hinge(LossFunctionWrapper):
    """max(1 - y_true y_pred, 0) of labels -1 and 1."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.hinge, **arguments_of(locals()))


class Huber(LossFunctionWrapper):
    """Squares for small errors, straight lines for those beyond `delta`."""

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.huber, **arguments_of(locals()))


class KLDivergence(LossFunctionWrapper):
    """sum(y_true log(y_true / y_pred)) of distributions."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.kl_divergence, **arguments_of(locals()))


class LogCosh(LossFunctionWrapper):
    """log(cosh(error))."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.log_cosh, **arguments_of(locals()))


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of absolute errors."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.mean_absolute_error, **arguments_of(locals()))


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of errors relative to the label, in percent."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.mean_absolute_percentage_error, **arguments_of(locals()))


class MeanSquaredError(LossFunctionWrapper):
    """The mean of squared errors."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.mean_squared_error, **arguments_of(locals()))


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of squared differences of log(y + 1)."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.mean_squared_logarithmic_error, **arguments_of(locals()))


class Poisson(LossFunctionWrapper):
    """y_pred - y_true log(y_pred): counts with the predicted rate."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.poisson, **arguments_of(locals()))


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer labels."""

    keeps_labels = True

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size", axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.sparse_categorical_crossentropy, **arguments_of(locals()))
        self.ignore_class = ignore_class

    def mask(self, y_true: Any, y_pred: Any, losses: Any) -> Any:
        """Which samples are not of the class to ignore."""
        if self.ignore_class is None:
            return None
        return ops.reshape(f.is_counted(y_true, self.ignore_class), losses.shape)


class SquaredHinge(LossFunctionWrapper):
    """max(1 - y_true y_pred, 0)² of labels -1 and 1."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.squared_hinge, **arguments_of(locals()))


class Tversky(LossFunctionWrapper):
    """Dice whose two kinds of mistakes weigh `alpha` and `beta`."""

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size", name: str | None = "tversky",
        axis: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.tversky, **arguments_of(locals()))


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification of sequences without alignment."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(f.ctc, **arguments_of(locals()))
