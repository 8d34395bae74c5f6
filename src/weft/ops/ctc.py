"""Connectionist temporal classification: the loss of unaligned sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import dtypes
from weft.autodiff.keeping import scan_of
from weft.core.tensor import Tensor
from weft.errors import ShapeError
from weft.ops import elementwise as e
from weft.ops.activations import log_softmax
from weft.ops.convert import as_tensor, cast
from weft.ops.creation import full
from weft.ops.indexing import take_along_axis
from weft.ops.layout import concatenate, moveaxis, pad, stack
from weft.ops.layout import reshape as reshaped

# The logarithm of a path that can't be: finite, so that derivatives stay finite.
_NEVER = -1e5


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """-log of the probability of `target`, summed over all alignments with `output`.

    A. Graves et al., "Connectionist Temporal Classification" (2006), equations 5 to 8.

    Args:
        target: labels, int[batch, labels].
        output: unnormalised scores of the classes, float[batch, steps, classes].
        target_length: int[batch], how many of the labels count.
        output_length: int[batch], how many of the steps count.
        mask_index: the class of the blank.

    Returns:
        float[batch].

    Example:
        >>> import numpy as np
        >>> from weft import ops
        >>> loss = ops.ctc_loss([[1]], np.zeros((1, 2, 2), "float32"), [1], [2])
        >>> round(float(loss[0]), 4)       # three of the four equally likely paths
        0.2877
    """
    target, output = as_tensor(target), as_tensor(output)
    if target.ndim != 2 or output.ndim != 3:
        raise ShapeError(
            "ctc_loss: target must be [batch, labels] and output [batch, steps, classes]; "
            f"received {target.spec} and {output.spec}"
        )
    target = cast(target, dtypes.int32)
    target_length = cast(as_tensor(target_length), dtypes.int32)
    output_length = cast(as_tensor(output_length), dtypes.int32)
    batch, labels = target.shape
    steps = output.shape[1]
    # Blanks stand before, between and after the labels: b l b l b.
    blanks = full((batch, labels), mask_index, dtypes.int32)
    paired = reshaped(stack([blanks, target], axis=2), (batch, 2 * labels))
    states = concatenate([paired, full((batch, 1), mask_index, dtypes.int32)], axis=1)
    count = 2 * labels + 1
    before = pad(states, ((0, 0), (2, 0)), constant_values=mask_index)[:, :count]
    may_skip = e.logical_and(e.not_equal(states, mask_index), e.not_equal(states, before))
    indices = e.add(
        reshaped(states, (batch, 1, count)), full((1, steps, 1), 0, dtypes.int32)
    )
    scores = take_along_axis(log_softmax(output), indices, axis=2)
    never = full((), _NEVER, output.dtype)
    is_start = np.arange(count) < 2
    alphas = e.where(is_start, scores[:, 0], never)

    def moved(values: Tensor, places: int) -> Tensor:
        return pad(values, ((0, 0), (places, 0)), constant_values=_NEVER)[:, :count]

    def step(alphas: Tensor, number: Tensor, now: Tensor) -> list[Tensor]:
        skipped = e.where(may_skip, moved(alphas, 2), never)
        reached = e.logaddexp(e.logaddexp(alphas, moved(alphas, 1)), skipped)
        new = e.maximum(reached + now, never)
        lasts = reshaped(number < output_length, (batch, 1))
        return [e.where(lasts, new, alphas)]

    if steps > 1:
        numbers = as_tensor(np.arange(1, steps, dtype=np.int32))
        sequences = [numbers, moveaxis(scores[:, 1:], 1, 0)]
        (alphas,) = scan_of(step, [alphas], sequences, "ctc")
    last_blank = reshaped(2 * target_length, (batch, 1))
    at_blank = take_along_axis(alphas, last_blank, axis=1)
    at_label = take_along_axis(alphas, e.maximum(last_blank - 1, 0), axis=1)
    at_label = e.where(last_blank > 0, at_label, never)
    return -reshaped(e.logaddexp(at_blank, at_label), (batch,))
