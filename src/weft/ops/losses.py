"""Cross-entropies, with the clipping and the order of operations of Keras 3."""

from __future__ import annotations

from typing import Any

from weft import config, dtypes
from weft.core.tensor import Tensor
from weft.errors import ShapeError
from weft.ops import elementwise as e
from weft.ops import reduce
from weft.ops.activations import log_sigmoid, log_softmax
from weft.ops.axes import one_axis
from weft.ops.convert import as_tensor, cast
from weft.ops.indexing import is_class
from weft.ops.layout import squeeze
from weft.ops.promotion import as_float, promote


def _clipped(probabilities: Tensor) -> Tensor:
    """Away from 0 and 1, where logarithms are infinite."""
    epsilon = config.epsilon()
    return e.clip(probabilities, epsilon, 1.0 - epsilon)


def _log_probabilities(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return log_softmax(output, axis)
    return e.log(_clipped(output / reduce.sum(output, axis, keepdims=True)))


def _require_same_shape(who: str, target: Tensor, output: Tensor) -> None:
    if target.shape != output.shape:
        raise ShapeError(
            f"{who}: target and output must have one shape; received target {target.spec} "
            f"and output {output.spec}"
        )


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """The cross-entropy between distributions over an axis.

    Args:
        target: probabilities, such as one-hot codes.
        output: probabilities (they are scaled to sum 1, and clipped), or logits.

    Example:
        >>> from weft import ops
        >>> ops.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
        [0.6931471824645996]
    """
    target, output = promote(target, output, also=(float,))
    _require_same_shape("categorical_crossentropy", target, output)
    if not output.ndim:
        raise ShapeError("categorical_crossentropy: at least one axis is needed")
    axis = one_axis("categorical_crossentropy", axis, output.ndim)
    return -reduce.sum(target * _log_probabilities(output, from_logits, axis), axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """The cross-entropy of classes that are given by their numbers.

    Args:
        target: ints; a last axis of extent 1 is dropped. A number that is no class costs 0.
        output: probabilities (they are scaled to sum 1, and clipped), or logits.

    Example:
        >>> from weft import ops
        >>> ops.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).tolist()
        [0.6931471824645996]
    """
    target, output = cast(as_tensor(target), dtypes.int32), as_float(output)
    if not output.ndim:
        raise ShapeError("sparse_categorical_crossentropy: output needs an axis of classes")
    axis = one_axis("sparse_categorical_crossentropy", axis, output.ndim)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = squeeze(target, -1)
    expected = output.shape[:axis] + output.shape[axis + 1 :]
    if target.shape != expected:
        raise ShapeError(
            "sparse_categorical_crossentropy: target must have the shape of output without "
            f"the axis of classes, {expected}; received target {target.spec} and output "
            f"{output.spec}; one-hot targets go with categorical_crossentropy"
        )
    logarithms = _log_probabilities(output, from_logits, axis)
    chosen = is_class("sparse_categorical_crossentropy", target, output.shape[axis], axis)
    return -reduce.sum(e.where(chosen, logarithms, 0.0), axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """The cross-entropy of yes-or-no decisions, element by element.

    Args:
        output: probabilities of yes (they are clipped), or logits.

    Example:
        >>> from weft import ops
        >>> ops.binary_crossentropy([1.0], [0.5]).tolist()
        [0.6931471824645996]
    """
    target, output = promote(target, output, also=(float,))
    _require_same_shape("binary_crossentropy", target, output)
    if from_logits:
        return -target * log_sigmoid(output) - (1.0 - target) * log_sigmoid(-output)
    output = _clipped(output)
    return -(target * e.log(output) + (1.0 - target) * e.log(1.0 - output))
