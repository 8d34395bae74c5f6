"""Loss functions: `(y_true, y_pred)` to one number per sample, the mean over the last axis."""

from __future__ import annotations

import math
from typing import Any

from weft import config, ops
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError, warn
from weft.keras.losses.loss import same_rank


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as tensors of the prediction's dtype and of one rank."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    return same_rank(y_true, y_pred)


def _probabilities(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as tensors of the prediction's dtype."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.cast(y_true, y_pred.dtype), y_pred


# -- errors of regression ----------------------------------------------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred)²).

    Example:
        >>> from weft.keras.losses import mean_squared_error
        >>> mean_squared_error([[0.0, 2.0]], [[1.0, 0.0]]).tolist()
        [2.5]
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|)."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 mean(|y_true - y_pred| / |y_true|), in percent."""
    y_true, y_pred = _pair(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / size), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(y_true + 1) - log(y_pred + 1))²); negative values count as epsilon."""
    y_true, y_pred = _pair(y_true, y_pred)
    logs = [ops.log(ops.maximum(y, config.epsilon()) + 1.0) for y in (y_pred, y_true)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Squares for errors up to `delta`, straight lines beyond: less moved by outliers."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    square, line = 0.5 * ops.square(error), delta * error - 0.5 * delta * delta
    return ops.mean(ops.where(error <= delta, square, line), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true))): about squares near 0, absolute errors far away."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    # log(cosh(x)) = x + softplus(-2x) - log(2) does not overflow.
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between the vectors: -1 where they point alike."""
    y_true, y_pred = _pair(y_true, y_pred)
    return -ops.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x: Any, axis: int) -> Any:
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(square, config.epsilon() ** 2))


def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(y_pred - y_true log(y_pred)): counts with the predicted rate."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


# -- hinges ------------------------------------------------------------------------------


def _signs(y_true: Any) -> Any:
    """Labels 0 and 1 as -1 and 1; others as they are."""
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0)) for labels -1 and 1 (0 and 1 are turned into them)."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0)²)."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(best wrong score - right score + 1, 0) for one-hot labels."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


# -- cross-entropies ---------------------------------------------------------------------


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(y_true log(y_true / y_pred)) of distributions."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def _require_axis(who: str, axis: Any) -> None:
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise ArgumentTypeError(
            f"{who}: axis must be an int; received {axis!r} ({type(axis).__name__})"
        )


def _require_classes(who: str, y_true: Any, y_pred: Any) -> None:
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        if not values.shape:
            raise ShapeError(
                f"{who}: {name} needs a last axis of classes; received a single number; "
                "give a vector of probabilities"
            )
    if y_pred.shape[-1] == 1:
        warn(
            f"{who}: y_pred needs a last axis of more than one class; received the shape "
            f"{y_pred.shape}; use 'binary_crossentropy' for two classes with one output",
            SyntaxWarning,
        )


def _smoothed(y_true: Any, label_smoothing: float, classes: int) -> Any:
    """Labels moved towards the uniform distribution."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:  # fmt: skip
    """-sum(y_true log(y_pred)) for one-hot labels.

    Args:
        from_logits: whether `y_pred` are logits, to which softmax is still to be applied.
        label_smoothing: how far labels are moved towards 1 / classes.
        axis: the axis of classes.

    Raises:
        ShapeError: if the shapes differ, as with integer labels.
    """
    _require_axis("categorical_crossentropy", axis)
    y_true, y_pred = _probabilities(y_true, y_pred)
    _require_classes("categorical_crossentropy", y_true, y_pred)
    _require_one_hot("categorical_crossentropy", y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, y_true.shape[-1])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def _require_one_hot(who: str, y_true: Any, y_pred: Any) -> None:
    if y_true.shape == y_pred.shape:
        return
    is_sparse = len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1:] == (1,)
    remedy = (
        f"integer labels go with 'sparse_{who}', or make them one-hot with "
        "keras.utils.to_categorical"
        if is_sparse
        else "the last layer needs one unit per class"
    )
    raise ShapeError(
        f"{who}: the shapes of y_true and y_pred must be equal; received "
        f"y_true {y_true.spec} and y_pred {y_pred.spec}; {remedy}"
    )


def is_counted(y_true: Any, ignore_class: int) -> Any:
    """Whether integer labels are not of the class to ignore."""
    # In int32: uint8 labels have no -1 to be compared with.
    return ops.not_equal(ops.cast(y_true, "int32"), ignore_class)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None,
    axis: int = -1,
) -> Any:  # fmt: skip
    """-log(y_pred of the class y_true) for integer labels.

    Args:
        from_logits: whether `y_pred` are logits.
        ignore_class: a label whose samples have loss 0.
        axis: the axis of classes.

    Raises:
        ShapeError: if `y_true` does not have the shape of `y_pred` without its classes.
    """
    _require_axis("sparse_categorical_crossentropy", axis)
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    axis = axis % max(len(y_pred.shape), 1)
    expected = y_pred.shape[:axis] + y_pred.shape[axis + 1 :]
    if y_true.shape != expected:
        is_one_hot = y_true.shape == y_pred.shape
        remedy = "one-hot labels go with 'categorical_crossentropy'" if is_one_hot else ""
        raise ShapeError(
            "sparse_categorical_crossentropy: y_true must have the shape of y_pred without "
            f"its classes, {expected}; received y_true {y_true.spec} and y_pred "
            f"{y_pred.spec}" + (f"; {remedy}" if remedy else "")
        )
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = is_counted(y_true, ignore_class)
    y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
    # Ignored rows become harmless, so that not even their gradient is NaN.
    y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, ops.zeros_like(y_pred))
    losses = ops.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits=from_logits, axis=axis
    )
    return ops.where(valid, losses, ops.zeros_like(losses))


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:  # fmt: skip
    """-mean(y_true log(y_pred) + (1 - y_true) log(1 - y_pred)).

    Args:
        from_logits: whether `y_pred` are logits, to which sigmoid is still to be applied.
        label_smoothing: how far labels are moved towards 0.5.
        axis: the axis of the mean.
    """
    y_true, y_pred = _probabilities(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            "binary_crossentropy: the shapes of y_true and y_pred must be equal; received "
            f"y_true {y_true.spec} and y_pred {y_pred.spec}; the last layer needs one unit "
            "per label"
        )
    y_true = _smoothed(y_true, label_smoothing, 2)
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(losses, axis=axis)


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25,
    gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:  # fmt: skip
    """Binary cross-entropy that weighs well classified samples less (Lin et al., 2018).

    Each loss is multiplied by (1 - p)^gamma, where p is the probability of the true label;
    with `apply_class_balancing` by alpha for label 1 and 1 - alpha for label 0 too.
    """
    y_true, y_pred = _probabilities(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, 2)
    y_pred = ops.sigmoid(y_pred) if from_logits else y_pred
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    losses = ops.power(1.0 - p, gamma) * losses
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: Any = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Cross-entropy of one-hot labels times alpha (1 - p)^gamma (Lin et al., 2018)."""
    _require_axis("categorical_focal_crossentropy", axis)
    y_true, y_pred = _probabilities(y_true, y_pred)
    _require_classes("categorical_focal_crossentropy", y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, y_true.shape[-1])
    y_pred = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    losses = -y_true * ops.log(p) * alpha * ops.power(1.0 - p, gamma)
    return ops.sum(losses, axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p^q) / q of integer labels: robust against wrong ones (Zhang, Sabuncu, 2018)."""
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(y_pred * labels, axis=-1)
    return (1.0 - ops.power(p, q)) / q


# -- overlap and similarity --------------------------------------------------------------


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 |A ∩ B| / (|A| + |B|), for segmentation."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    common = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * common / (total + config.epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Any:
    """Dice whose two kinds of mistakes weigh `alpha` and `beta` (Salehi et al., 2017)."""
    y_true, y_pred = _probabilities(y_true, y_pred)
    common = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    invented = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    total = common + alpha * missed + beta * invented
    return 1.0 - common / (total + config.epsilon())


def circle(
    y_true: Any, y_pred: Any, ref_labels: Any = None, ref_embeddings: Any = None,
    remove_diagonal: bool = True, gamma: float = 80, margin: float = 0.4,
) -> Any:  # fmt: skip
    """The circle loss of embeddings of unit length (Sun et al., 2020).

    Args:
        y_true: labels, `[n]`.
        y_pred: embeddings, `[n, d]`.
        ref_labels: labels to compare with; `y_true` by default.
        ref_embeddings: embeddings to compare with; `y_pred` by default.
        remove_diagonal: whether a sample is not compared with itself.
        gamma: the scale of similarities.
        margin: the relaxation of the margin.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
    others = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = y_true if ref_labels is None else ops.cast(ref_labels, "int32")
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(others)), 0.0)
    positive = ops.equal(ops.expand_dims(y_true, 1), ops.reshape(labels, (1, -1)))
    negative = ops.logical_not(positive)
    if remove_diagonal:
        rows = ops.expand_dims(ops.arange(positive.shape[0]), 1)
        columns = ops.expand_dims(ops.arange(positive.shape[1]), 0)
        positive = ops.logical_and(positive, ops.not_equal(rows, columns))
    near = -gamma * (margin + distance) * (margin - distance)
    far_weight = ops.maximum(1.0 + margin - distance, 0.0)
    far = gamma * far_weight * (1.0 - margin - distance)
    pull = ops.logsumexp(ops.where(positive, near, -math.inf), axis=1)
    push = ops.logsumexp(ops.where(negative, far, -math.inf), axis=1)
    return ops.softplus(pull + push)


def require_q(q: float) -> float:
    """`q` of the generalized cross-entropy, checked."""
    if not 0 < q < 1:
        raise ArgumentError(
            f"CategoricalGeneralizedCrossEntropy: q must be between 0 and 1; received {q}"
        )
    return q


def ctc(y_true: Any, y_pred: Any) -> Any:
    """-log of the probability of the labels, over all alignments with the steps.

    Labels are int[batch, labels], padded with 0, the class of the blank; predictions are
    scores float[batch, steps, classes].
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    counted = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    steps = ops.full((y_pred.shape[0],), y_pred.shape[1], "int32")
    return ops.ctc_loss(y_true, y_pred, counted, steps, mask_index=0)
