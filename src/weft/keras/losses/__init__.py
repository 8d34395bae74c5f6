"""Losses as functions, classes and names.

`get("mse")`, `get("MeanSquaredError")` and `MeanSquaredError()` all find a loss; functions
give one number per sample, classes reduce them to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.keras.losses.classes import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
from weft.keras.losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
from weft.keras.losses.loss import Loss, LossFunctionWrapper
from weft.keras.utils import older
from weft.keras.utils.families import Family

CLASSES = (
    CTC, BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
    CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle,
    CosineSimilarity, Dice, Hinge, Huber, KLDivergence, LogCosh, Loss, LossFunctionWrapper,
    MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy, SquaredHinge, Tversky,
)  # fmt: skip

FUNCTIONS = (
    binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy,
    categorical_focal_crossentropy, categorical_generalized_cross_entropy, categorical_hinge,
    circle, cosine_similarity, ctc, dice, hinge, huber, kl_divergence, log_cosh,
    mean_absolute_error, mean_absolute_percentage_error, mean_squared_error,
    mean_squared_logarithmic_error, poisson, sparse_categorical_crossentropy, squared_hinge,
    tversky,
)  # fmt: skip

bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
mse = MSE = mean_squared_error
msle = MSLE = mean_squared_logarithmic_error
logcosh = log_cosh

ALIASES = {
    "bce": bce, "BCE": bce, "kld": kld, "KLD": kld, "mae": mae, "MAE": mae, "mape": mape,
    "MAPE": mape, "mse": mse, "MSE": mse, "msle": msle, "MSLE": msle, "logcosh": log_cosh,
    "kullback_leibler_divergence": kl_divergence, "huber_loss": huber,
}  # fmt: skip

# Names in snake case find functions, as in Keras.
FAMILY = Family("loss", "keras.losses", (*CLASSES, *FUNCTIONS), ALIASES)


def get(identifier: Any) -> Any:
    """A loss out of a name, a config, a class, a function or a loss; None stays None.

    Raises:
        ArgumentError: for unknown names; the message names the nearest.

    Example:
        >>> from weft.keras import losses
        >>> losses.get("mse").__name__
        'mean_squared_error'
    """
    return FAMILY.get(identifier)


def serialize(loss: Any) -> Any:
    """A config out of a loss."""
    return FAMILY.serialize(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A loss out of what `serialize` gave."""
    return FAMILY.deserialize(name, custom_objects)


__all__ = [*(thing.__name__ for thing in (*CLASSES, *FUNCTIONS))]
__all__ += [name for name in ALIASES if name in globals()]
__all__ += ["get", "serialize", "deserialize"]
__dir__ = __all__.copy

older.accept(__name__)
