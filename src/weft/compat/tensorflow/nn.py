"""tf.nn: activations, losses on logits, normalisation, lookup."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import ops, random
from weft.compat.conversion import (
    floating,
    known_int,
    known_ints,
    matching,
    require,
    tensor,
)
from weft.compat.tensorflow._windows import avg_pool as avg_pool
from weft.compat.tensorflow._windows import avg_pool1d as avg_pool1d
from weft.compat.tensorflow._windows import avg_pool2d as avg_pool2d
from weft.compat.tensorflow._windows import avg_pool3d as avg_pool3d
from weft.compat.tensorflow._windows import conv1d as conv1d
from weft.compat.tensorflow._windows import conv1d_transpose as conv1d_transpose
from weft.compat.tensorflow._windows import conv2d as conv2d
from weft.compat.tensorflow._windows import conv2d_transpose as conv2d_transpose
from weft.compat.tensorflow._windows import conv3d as conv3d
from weft.compat.tensorflow._windows import conv3d_transpose as conv3d_transpose
from weft.compat.tensorflow._windows import convolution as convolution
from weft.compat.tensorflow._windows import depthwise_conv2d as depthwise_conv2d
from weft.compat.tensorflow._windows import max_pool as max_pool
from weft.compat.tensorflow._windows import max_pool1d as max_pool1d
from weft.compat.tensorflow._windows import max_pool2d as max_pool2d
from weft.compat.tensorflow._windows import max_pool3d as max_pool3d
from weft.compat.tensorflow.math import in_top_k as in_top_k
from weft.compat.tensorflow.math import l2_normalize as l2_normalize
from weft.compat.tensorflow.math import log_sigmoid as log_sigmoid
from weft.compat.tensorflow.math import log_softmax as log_softmax
from weft.compat.tensorflow.math import sigmoid as sigmoid
from weft.compat.tensorflow.math import softmax as softmax
from weft.compat.tensorflow.math import softplus as softplus
from weft.compat.tensorflow.math import softsign as softsign
from weft.compat.tensorflow.math import tanh as tanh
from weft.compat.tensorflow.math import top_k as top_k
from weft.compat.tensorflow.math import zero_fraction as zero_fraction
from weft.compat.tensorflow.random import seeded
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops.convert import cast
from weft.ops.promotion import INTEGERS, NUMBERS

# -- activations -------------------------------------------------------------------------


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0)."""
    x = tensor("tf.nn.relu", features)
    require("tf.nn.relu", x, NUMBERS)
    return ops.relu(x)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)."""
    return ops.relu6(tensor("tf.nn.relu6", features))


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """x where it is positive, else alpha * x."""
    x = tensor("tf.nn.leaky_relu", features)
    x = cast(x, "float32") if x.dtype.is_integer else x
    return ops.leaky_relu(x, alpha)


def elu(features: Any, name: str | None = None) -> Tensor:
    """x where it is positive, else exp(x) - 1."""
    return ops.elu(floating("tf.nn.elu", features))


def selu(features: Any, name: str | None = None) -> Tensor:
    """The scaled elu of self-normalising networks."""
    return ops.selu(floating("tf.nn.selu", features))


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the probability that a normal variable is below x."""
    return ops.gelu(floating("tf.nn.gelu", features), approximate)


def silu(features: Any, beta: float = 1.0) -> Tensor:
    """x * sigmoid(beta * x)."""
    x = floating("tf.nn.silu", features)
    return ops.multiply(x, ops.sigmoid(ops.multiply(x, beta)))


def swish(features: Any, beta: float = 1.0) -> Tensor:
    """x * sigmoid(beta * x)."""
    return silu(features, beta)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """relu(x) and relu(-x), one after the other."""
    x = tensor("tf.nn.crelu", features)
    return ops.relu(ops.concatenate([x, ops.negative(x)], axis))


# -- layers ------------------------------------------------------------------------------


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """A vector added along the channels: the last axis, or axis 1 with "NCHW"."""
    x, line = matching("tf.nn.bias_add", value, bias)
    if line.ndim != 1:
        raise ShapeError(f"tf.nn.bias_add: the bias must be a vector; received {line.spec}")
    is_first = data_format is not None and data_format.startswith("NC")
    axis = 1 if is_first else x.ndim - 1
    if x.shape[axis] != line.shape[0]:
        raise ShapeError(
            f"tf.nn.bias_add: the bias must have as many elements as axis {axis}; received "
            f"{line.spec} for {x.spec}"
        )
    return ops.add(x, ops.reshape(line, (-1, *(1,) * (x.ndim - 1 - axis))))


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """x with a share of `rate` set to zero, and the others enlarged to keep the sum."""
    x = floating("tf.nn.dropout", x)
    share = float(rate)
    if not 0 <= share < 1:
        raise ArgumentError(f"tf.nn.dropout: rate must be in [0, 1); received {rate}")
    if not share:
        return x
    shape = None if noise_shape is None else known_ints("noise_shape", noise_shape)
    return random.dropout(x, share, shape, seeded(seed))


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes."""
    x = floating("tf.nn.moments", x)
    return ops.moments(x, known_ints("tf.nn.moments", axes), keepdims)


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The weighted mean and variance over axes."""
    x, weights = matching("tf.nn.weighted_moments", x, frequency_weights)
    axes = known_ints("tf.nn.weighted_moments", axes)
    weights = ops.broadcast_to(weights, x.shape)
    total = ops.sum(weights, axes, keepdims=True)
    mean = ops.divide(ops.sum(ops.multiply(weights, x), axes, keepdims=True), total)
    squares = ops.square(ops.subtract(x, mean))
    variance = ops.divide(
        ops.sum(ops.multiply(weights, squares), axes, keepdims=True), total
    )
    if keepdims:
        return mean, variance
    return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) * scale + offset."""
    x = floating("tf.nn.batch_normalization", x)
    factor = ops.rsqrt(ops.add(tensor("variance", variance), variance_epsilon))
    if scale is not None:
        factor = ops.multiply(factor, scale)
    found = ops.multiply(ops.subtract(x, mean), factor)
    return found if offset is None else ops.add(found, offset)


def embedding_lookup(
    params: Any, ids: Any, max_norm: Any = None, name: str | None = None
) -> Tensor:
    """The rows of `params` at `ids`.

    Raises:
        IndexError: for an id that is no row, where it is known.
    """
    from weft.compat.tensorflow._arrays import gather
    from weft.compat.tensorflow.math import clip_by_norm

    if isinstance(params, list | tuple) and len(params) == 1:
        params = params[0]
    ids = tensor("tf.nn.embedding_lookup", ids)
    require("tf.nn.embedding_lookup", ids, INTEGERS)
    rows = gather(params, ids)
    if max_norm is None:
        return rows
    return clip_by_norm(rows, max_norm, axes=tuple(range(ids.ndim, rows.ndim)))


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Channels laid out as blocks of pixels."""
    x = _channels_last("tf.nn.depth_to_space", input, data_format)
    n, height, width, depth = x.shape
    block, left = block_size, depth // block_size**2
    parts = ops.reshape(x, (n, height, width, block, block, left))
    parts = ops.transpose(parts, (0, 1, 3, 2, 4, 5))
    found = ops.reshape(parts, (n, height * block, width * block, left))
    return ops.moveaxis(found, -1, 1) if data_format == "NCHW" else found


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Blocks of pixels laid out as channels."""
    x = _channels_last("tf.nn.space_to_depth", input, data_format)
    n, height, width, depth = x.shape
    block = block_size
    parts = ops.reshape(x, (n, height // block, block, width // block, block, depth))
    parts = ops.transpose(parts, (0, 1, 3, 2, 4, 5))
    found = ops.reshape(parts, (n, height // block, width // block, block * block * depth))
    return ops.moveaxis(found, -1, 1) if data_format == "NCHW" else found


def _channels_last(who: str, value: Any, data_format: str) -> Tensor:
    x = tensor(who, value)
    if x.ndim != 4 or data_format not in ("NHWC", "NCHW"):
        raise ArgumentError(
            f"{who}: images of rank 4 and data_format NHWC or NCHW are needed; received "
            f"{x.spec} and {data_format!r}"
        )
    return ops.moveaxis(x, 1, -1) if data_format == "NCHW" else x


# -- losses ------------------------------------------------------------------------------


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """sum(t²) / 2."""
    return ops.multiply(ops.sum(ops.square(floating("tf.nn.l2_loss", t))), 0.5)


def _labels_and_logits(who: str, labels: Any, logits: Any) -> list[Tensor]:
    if labels is None or logits is None:
        raise ArgumentError(f"{who}: give both labels= and logits=")
    x = floating(who, logits)
    y = tensor(who, labels)
    if y.dtype is not x.dtype:
        y = cast(y, x.dtype)
    if y.shape != x.shape:
        try:
            y = ops.broadcast_to(y, x.shape)
        except ShapeError as error:
            raise ShapeError(
                f"{who}: labels and logits must have one shape; received {y.spec} and {x.spec}"
            ) from error
    return [y, x]


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """The cross-entropy of yes-or-no decisions, element by element; never overflows."""
    y, x = _labels_and_logits("tf.nn.sigmoid_cross_entropy_with_logits", labels, logits)
    # max(x, 0) - x * y + log(1 + exp(-|x|))
    return ops.subtract(ops.softplus(x), ops.multiply(x, y))


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Tensor:
    """`sigmoid_cross_entropy_with_logits` in which yes counts `pos_weight` times."""
    y, x = _labels_and_logits("tf.nn.weighted_cross_entropy_with_logits", labels, logits)
    weight = ops.add(ops.multiply(y, ops.subtract(pos_weight, 1.0)), 1.0)
    of_no = ops.multiply(ops.subtract(1.0, y), x)
    return ops.add(of_no, ops.multiply(weight, ops.softplus(ops.negative(x))))


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Tensor:
    """The cross-entropy between label distributions and softmax(logits) over an axis."""
    y, x = _labels_and_logits("tf.nn.softmax_cross_entropy_with_logits", labels, logits)
    return ops.negative(ops.sum(ops.multiply(y, ops.log_softmax(x, axis)), axis))


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Tensor:
    """The cross-entropy of classes that are given by their numbers.

    Raises:
        ArgumentError: for a label that is no class, where it is known.
    """
    who = "tf.nn.sparse_softmax_cross_entropy_with_logits"
    x, y = floating(who, logits), tensor(who, labels)
    require(who, y, INTEGERS)
    if y.shape != x.shape[:-1]:
        raise ShapeError(
            f"{who}: labels must have the shape of the logits without the last axis; "
            f"received {y.spec} and {x.spec}"
        )
    from weft.ops.convert import constant_value

    known = constant_value(y)
    classes = x.shape[-1]
    if known is not None and known.size and (known.min() < 0 or known.max() >= classes):
        wrong = known[(known < 0) | (known >= classes)].flat[0]
        raise ArgumentError(f"{who}: labels must be in [0, {classes}); received {wrong}")
    places = ops.expand_dims(y, -1)
    found = ops.take_along_axis(ops.log_softmax(x, -1), places, axis=-1)
    return ops.negative(ops.squeeze(found, -1))


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """exp(log_input) - log_input * targets."""
    y, x = _labels_and_logits("tf.nn.log_poisson_loss", targets, log_input)
    found = ops.subtract(ops.exp(x), ops.multiply(x, y))
    if not compute_full_loss:
        return found
    # Stirling's approximation of log(y!), for y above 1.
    stirling = ops.add(
        ops.subtract(ops.multiply(y, ops.log(y)), y),
        ops.multiply(ops.log(ops.multiply(y, 2.0 * np.pi)), 0.5),
    )
    is_small = ops.logical_and(ops.greater_equal(y, 0.0), ops.less_equal(y, 1.0))
    return ops.add(found, ops.where(is_small, ops.zeros_like(y), stirling))


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Tensor:
    """The sum of losses divided by the size of the batch."""
    losses = floating("tf.nn.compute_average_loss", per_example_loss)
    if sample_weight is not None:
        losses = ops.multiply(losses, ops.cast(sample_weight, losses.dtype))
    count = (
        losses.shape[0]
        if global_batch_size is None
        else known_int("size", global_batch_size)
    )
    return ops.divide(ops.sum(losses), float(count))


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """The sum of the losses: there is one replica."""
    return ops.sum(tensor("tf.nn.scale_regularization_loss", regularization_loss))
