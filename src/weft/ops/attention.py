"""Attention, and operations that cut tensors into blocks or windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops import reduce
from weft.ops.activations import softmax
from weft.ops.convert import as_tensor, cast, integer
from weft.ops.creation import index_grid
from weft.ops.indexing import take
from weft.ops.layout import expand_dims, repeat, reshape, transpose
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


# -- blocks and windows ------------------------------------------------------------------


def cdist(x: Any, y: Any) -> Tensor:
    """The distances between the rows of x and the rows of y.

    Example:
        >>> from weft import ops
        >>> ops.cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
        [[5.0]]
    """
    x, y = promote(x, y, also=(float,))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"cdist: rows of one size are needed; received {x.spec} and {y.spec}"
        )
    difference = expand_dims(x, -2) - expand_dims(y, -3)
    return e.sqrt(reduce.sum(difference * difference, -1))


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Windows of the last axis: [..., windows, sequence_length].

    Example:
        >>> from weft import ops
        >>> ops.extract_sequences([1, 2, 3, 4], 2, 1).tolist()
        [[1, 2], [2, 3], [3, 4]]
    """
    x = as_tensor(x)
    length = integer(sequence_length, "extract_sequences", "sequence_length")
    stride = integer(sequence_stride, "extract_sequences", "sequence_stride")
    if not x.ndim or length < 1 or stride < 1 or length > x.shape[-1]:
        raise ArgumentError(
            "extract_sequences: lengths and strides must be >= 1, and a window must fit "
            f"the last axis; received length {length}, stride {stride} for {x.spec}"
        )
    count = (x.shape[-1] - length) // stride + 1
    places = np.arange(count)[:, None] * stride + np.arange(length)[None, :]
    return take(x, places, axis=-1)


def _block_size(who: str, x: Tensor, block_size: int, data_format: str) -> int:
    if data_format not in ("channels_last", "channels_first") or x.ndim != 4:
        raise ArgumentError(
            f"{who}: a batch of images in 'channels_last' or 'channels_first' is needed; "
            f"received {x.spec}, data_format={data_format!r}"
        )
    size = integer(block_size, who, "block_size")
    if size < 1:
        raise ArgumentError(f"{who}: block_size must be >= 1; received {block_size}")
    return size


def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels laid out as blocks of pixels: [n, h, w, b b c] → [n, h b, w b, c].

    With channels first: [n, c b b, h, w] → [n, c, h b, w b].
    """
    x = as_tensor(x)
    b = _block_size("depth_to_space", x, block_size, data_format)
    first = data_format == "channels_first"
    n, h, w, c = [x.shape[axis] for axis in ((0, 2, 3, 1) if first else (0, 1, 2, 3))]
    c, rest = divmod(c, b * b)
    if rest:
        raise ShapeError(
            "depth_to_space: channels must divide by block_size²; received "
            f"{x.spec}, block_size={b}"
        )
    if first:
        x = transpose(reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))
        return reshape(x, (n, c, h * b, w * b))
    x = transpose(reshape(x, (n, h, w, b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(x, (n, h * b, w * b, c))


def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of pixels laid out as channels: [n, h b, w b, c] → [n, h, w, b b c].

    With channels first: [n, c, h b, w b] → [n, c b b, h, w].
    """
    x = as_tensor(x)
    b = _block_size("space_to_depth", x, block_size, data_format)
    first = data_format == "channels_first"
    n, h, w, c = [x.shape[axis] for axis in ((0, 2, 3, 1) if first else (0, 1, 2, 3))]
    if h % b or w % b:
        raise ShapeError(
            "space_to_depth: height and width must divide by block_size; received "
            f"{x.spec}, block_size={b}"
        )
    h, w = h // b, w // b
    if first:
        x = transpose(reshape(x, (n, c, h, b, w, b)), (0, 1, 3, 5, 2, 4))
        return reshape(x, (n, c * b * b, h, w))
    x = transpose(reshape(x, (n, h, b, w, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(x, (n, h, w, b * b * c))
