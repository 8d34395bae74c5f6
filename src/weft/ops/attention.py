"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ShapeError
from weft.ops import elementwise as e
from weft.ops.activations import softmax
from weft.ops.convert import cast
from weft.ops.creation import index_grid
from weft.ops.layout import repeat, transpose
from weft.ops.promotion import common_dtype, promote
from weft.primitives.contraction import dot_general

# -- attention ---------------------------------------------------------------------------

_SCORES = {"contract": ((3,), (3,)), "batch": ((0, 2), (0, 2))}
"""[batch, queries, heads, size] and [batch, keys, heads, size] → [batch, heads, queries,
keys]."""

_MIXTURE = {"contract": ((3,), (1,)), "batch": ((0, 1), (0, 2))}
"""[batch, heads, queries, keys] and [batch, keys, heads, size] → [batch, heads, queries,
size]."""


def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None,
    scale: float | None = None, is_causal: bool = False,
    flash_attention: bool | None = None, attn_logits_soft_cap: float | None = None,
) -> Tensor:  # fmt: skip
    """For each query a mixture of the values whose keys resemble it.

    Args:
        query: [batch, queries, heads, size].
        key, value: [batch, keys, heads, size]; fewer heads are shared by several queries'.
        bias: added to the scores [batch, heads, queries, keys].
        mask: bool, broadcast to the scores: which keys a query may see.
        scale: factor of the scores, by default 1 / sqrt(size).
        is_causal: a query sees no later keys.
        flash_attention: accepted for Keras's sake; weft plans by itself.
        attn_logits_soft_cap: scores are kept smoothly within plus or minus this.

    Raises:
        ShapeError: if the shapes do not fit together.
    """
    query, key, value = promote(query, key, value, also=(float,))
    key, value = _for_heads(query, key, value)
    dtype = query.dtype
    wide = common_dtype(dtype, dtypes.float32)
    # Scores and their softmax in float32 at least: halves lose the differences.
    scores = cast(dot_general.bind(query, key, **_SCORES), wide)
    scores = scores * (1.0 / math.sqrt(query.shape[3]) if scale is None else scale)
    if attn_logits_soft_cap is not None:
        scores = e.tanh(scores / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        scores = scores + cast(bias, wide)
    visible = _visible(scores, mask, is_causal)
    if visible is not None:
        # Not -inf: a query that sees nothing must not become NaN.
        scores = e.where(visible, scores, -0.7 * float(np.finfo(wide.numpy).max))
    weights = cast(softmax(scores, axis=-1), dtype)
    return transpose(dot_general.bind(weights, value, **_MIXTURE), (0, 2, 1, 3))


def _for_heads(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values with as many heads as the queries; checks the shapes."""
    ranks = query.ndim == key.ndim == value.ndim == 4
    fits = ranks and (
        query.shape[0] == key.shape[0] == value.shape[0]
        and key.shape[1:3] == value.shape[1:3]
        and query.shape[3] == key.shape[3]
        and key.shape[2] > 0
        and query.shape[2] % key.shape[2] == 0
    )
    if not fits:
        raise ShapeError(
            "dot_product_attention: query must be [batch, queries, heads, size], key and "
            "value [batch, keys, heads, size] with heads that divide the query's; received "
            f"query {query.spec}, key {key.spec}, value {value.spec}"
        )
    groups = query.shape[2] // key.shape[2]
    if groups == 1:
        return key, value
    return repeat(key, groups, axis=2), repeat(value, groups, axis=2)


def _visible(scores: Tensor, mask: Any, is_causal: bool) -> Tensor | None:
    visible = None if mask is None else e.as_bool(mask)
    if is_causal:
        shape = scores.shape[-2:]
        earlier = index_grid(shape, 1) <= index_grid(shape, 0)
        visible = earlier if visible is None else e.logical_and(visible, earlier)
    return visible
