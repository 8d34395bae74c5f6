"""Metrics as functions, classes and names.

`get("mse")`, `get("MeanSquaredError")`, `get("mean_squared_error")` and `MeanSquaredError()`
all find a metric; `compile` takes 'accuracy' (or 'acc') for the one that fits the labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.keras.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
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
)
from weft.keras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from weft.keras.metrics.confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from weft.keras.metrics.functional import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    concordance_correlation,
    pearson_correlation,
)
from weft.keras.metrics.metric import Metric
from weft.keras.metrics.overlap import (
    BinaryIoU,
    F1Score,
    FBetaScore,
    IoU,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
)
from weft.keras.metrics.reduction import (
    Mean,
    MeanMetricWrapper,
    Sum,
)
from weft.keras.utils import older
from weft.keras.utils.families import Family

CLASSES = (
    AUC, Accuracy, BinaryAccuracy, BinaryCrossentropy, BinaryIoU, CategoricalAccuracy,
    CategoricalCrossentropy, CategoricalHinge, ConcordanceCorrelation, CosineSimilarity,
    F1Score, FBetaScore, FalseNegatives, FalsePositives, Hinge, IoU, KLDivergence,
    LogCoshError, Mean, MeanAbsoluteError, MeanAbsolutePercentageError, MeanIoU,
    MeanMetricWrapper, MeanSquaredError, MeanSquaredLogarithmicError, Metric, OneHotIoU,
    OneHotMeanIoU, PearsonCorrelation, Poisson, Precision, PrecisionAtRecall, R2Score,
    Recall, RecallAtPrecision, RootMeanSquaredError, SensitivityAtSpecificity,
    SparseCategoricalAccuracy, SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy, SpecificityAtSensitivity, SquaredHinge, Sum,
    TopKCategoricalAccuracy, TrueNegatives, TruePositives,
)  # fmt: skip

FUNCTIONS = (
    binary_accuracy, binary_crossentropy, binary_focal_crossentropy, categorical_accuracy,
    categorical_crossentropy, categorical_focal_crossentropy, categorical_hinge,
    concordance_correlation, hinge, huber, kl_divergence, log_cosh, mean_absolute_error,
    mean_absolute_percentage_error, mean_squared_error, mean_squared_logarithmic_error,
    pearson_correlation, poisson, sparse_categorical_accuracy,
    sparse_categorical_crossentropy, sparse_top_k_categorical_accuracy, squared_hinge,
    top_k_categorical_accuracy,
)  # fmt: skip

ALIASES = {
    "MSE": MeanSquaredError, "mse": MeanSquaredError, "MAE": MeanAbsoluteError,
    "mae": MeanAbsoluteError, "MAPE": MeanAbsolutePercentageError,
    "mape": MeanAbsolutePercentageError, "MSLE": MeanSquaredLogarithmicError,
    "msle": MeanSquaredLogarithmicError, "bce": BinaryCrossentropy, "BCE": BinaryCrossentropy,
    "kld": KLDivergence, "KLD": KLDivergence, "rmse": RootMeanSquaredError,
    "f1_score": F1Score, "r2_score": R2Score, "auc": AUC, "logcosh": LogCoshError,
}  # fmt: skip

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence
bce = BCE = binary_crossentropy

# Names in snake case find classes, as in Keras; functions of other names follow.
FAMILY = Family("metric", "keras.metrics", (*FUNCTIONS, *CLASSES), ALIASES)


def get(identifier: Any) -> Any:
    """A metric out of a name, a config, a class, a function or a metric; None stays None.

    Raises:
        ArgumentError: for unknown names; the message names the nearest.

    Example:
        >>> from weft.keras import metrics
        >>> metrics.get("mse").name
        'mean_squared_error'
    """
    return FAMILY.get(identifier)


def serialize(metric: Any) -> Any:
    """A config out of a metric."""
    return FAMILY.serialize(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A metric out of what `serialize` gave."""
    return FAMILY.deserialize(config, custom_objects)


__all__ = [*(thing.__name__ for thing in (*CLASSES, *FUNCTIONS))]
__all__ += [name for name in ALIASES if name in globals()]
__all__ += ["get", "serialize", "deserialize"]
__dir__ = __all__.copy

older.accept(__name__)
