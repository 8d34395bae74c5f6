"""Preprocessing inside a model: numbers rescaled, categories encoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft import config, ops
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.errors import ArgumentError
from weft.keras.layers.dense import known_extent
from weft.keras.layers.layer import Layer
from weft.keras.layers.on_host import ENCODINGS, encoded_shape
from weft.keras.utils.serialization import serialize_keras_object


class Rescaling(Layer):
    """inputs · scale + offset.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Rescaling(1 / 255)([255.0, 0.0]).tolist()
        [1.0, 0.0]
    """

    settings = ("scale", "offset")
    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        dtype = self.compute_dtype
        scale, offset = (ops.convert_to_tensor(v, dtype) for v in (self.scale, self.offset))
        return ops.cast(inputs, dtype) * scale + offset


def batches_of(data: Any) -> Iterator[np.ndarray]:
    """The batches of whatever `adapt` is given: one array, or an iterable of batches."""
    if isinstance(data, np.ndarray | Tensor | Variable | list | tuple) or hasattr(
            data, "__array__"):  # fmt: skip
        yield np.asarray(ops.convert_to_numpy(data))
        return
    for batch in data:
        yield np.asarray(ops.convert_to_numpy(batch))


class Normalization(Layer):
    """(inputs - mean) / sqrt(variance), of each feature.

    Args:
        axis: the axis of the features, several, or None for one mean of all values.
        mean, variance: given here, or found by `adapt(data)`.
        invert: computes inputs · sqrt(variance) + mean instead.

    Example:
        >>> import numpy as np
        >>> import weft.keras as keras
        >>> layer = keras.layers.Normalization(axis=None)
        >>> layer.adapt(np.array([1.0, 3.0]))
        >>> layer(np.array([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """

    settings = ("axis", "invert")

    adapt_mean: Variable
    adapt_variance: Variable

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.axis = axis
        self.invert = invert
        if (mean is None) != (variance is None):
            raise ArgumentError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        self.input_mean, self.input_variance = mean, variance

    def build(self, input_shape: Any) -> None:
        ndim = len(input_shape)
        kept = sorted(axis % ndim for axis in self.axis)
        if any(not -ndim <= axis < ndim for axis in self.axis):
            raise ArgumentError(
                "All `axis` values must be in the range [-ndim, ndim). Received inputs "
                f"with ndim={ndim}, while axis={self.axis}"
            )
        shape = tuple([known_extent(self, input_shape, axis) for axis in kept])
        self._along = tuple([input_shape[i] if i in kept else 1 for i in range(ndim)])
        self._others = tuple([i for i in range(ndim) if i not in kept])
        if self.input_mean is not None:
            return
        for name, initializer in (("mean", "zeros"), ("variance", "ones")):
            weight = self.add_weight(
                name=name, shape=shape, initializer=initializer, trainable=False
            )
            setattr(self, f"adapt_{name}", weight)
        self.count = self.add_weight(
            name="count", shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def adapt(self, data: Any) -> None:
        """Find mean and variance from data: an array, or an iterable of batches."""
        if self.input_mean is not None:
            raise ArgumentError(
                "Cannot `adapt` a Normalization layer that is initialized with static "
                f"`mean` and `variance`, you passed mean {self.input_mean} and variance "
                f"{self.input_variance}."
            )
        count, mean, spread = 0.0, 0.0, 0.0
        for batch in batches_of(data):
            if not self.built:
                # The batch has a known extent only where each row has a mean of its own.
                is_whole = batch.ndim == 1 or any(a % batch.ndim == 0 for a in self.axis)
                shape = batch.shape if is_whole else (None, *batch.shape[1:])
                self.build(shape)
            values = batch.astype(np.float64)
            size = math.prod(batch.shape[axis] for axis in self._others)
            batch_mean = values.mean(axis=self._others)
            batch_spread = (values.var(axis=self._others)) * size
            # Chan, Golub and LeVeque (1979): means and sums of squares of two parts.
            total = count + size
            delta = batch_mean - mean
            spread = spread + batch_spread + delta**2 * count * size / total
            mean = mean + delta * (size / total)
            count = total
        if not count:
            raise ArgumentError("Normalization.adapt: there must be data; received none")
        self.adapt_mean.assign(np.asarray(mean, np.float32))
        self.adapt_variance.assign(np.asarray(spread / count, np.float32))

    def _constants(self) -> tuple[Tensor, Tensor]:
        dtype = self.compute_dtype
        if self.input_mean is None:
            mean, variance = self.adapt_mean.value, self.adapt_variance.value
            mean, variance = (ops.reshape(v, self._along) for v in (mean, variance))
        else:
            mean, variance = map(
                ops.convert_to_tensor, (self.input_mean, self.input_variance)
            )
            mean, variance = (
                ops.reshape(v, self._along) if v.size == math.prod(self._along) else v
                for v in (mean, variance)
            )
        return ops.cast(mean, dtype), ops.cast(variance, dtype)

    def call(self, inputs: Any) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        mean, variance = self._constants()
        stddev = ops.maximum(ops.sqrt(variance), config.epsilon())
        return x * stddev + mean if self.invert else (x - mean) / stddev

    def get_config(self) -> dict:
        def plain(value: Any) -> Any:
            has_list = hasattr(value, "tolist") and value is not None
            return value.tolist() if has_list else serialize_keras_object(value)

        return {
            **super().get_config(),
            "mean": plain(self.input_mean),
            "variance": plain(self.input_variance),
        }


def _encoded(
    numbers: Any, size: int, output_mode: str, dtype: Any, count_weights: Any = None
) -> Tensor:
    """Category numbers as vectors of this size."""
    rows = ops.one_hot(numbers, size, dtype=dtype)
    shape = encoded_shape(numbers.shape, size, output_mode)
    if count_weights is not None:
        rows = rows * ops.expand_dims(ops.cast(count_weights, dtype), -1)
    if output_mode != "one_hot" and numbers.shape:
        # Columns of numbers belong together, as do rows.
        axis = -3 if len(numbers.shape) > 2 and numbers.shape[-1] == 1 else -2
        rows = (ops.sum if output_mode == "count" else ops.max)(rows, axis=axis)
    return ops.reshape(rows, shape)


class CategoryEncoding(Layer):
    """Category numbers as vectors of zeros and ones, or counts.

    Args:
        num_tokens: how many categories there are.
        output_mode: 'one_hot' (a vector for each number), 'multi_hot' (one vector for all
            numbers of a sample), 'count' (how often each occurs in a sample).

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.CategoryEncoding(3, output_mode="count")([[0, 2, 2]]).tolist()
        [[1.0, 0.0, 2.0]]
    """

    settings = ("num_tokens", "output_mode")

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot",
        sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if output_mode == "binary":
            output_mode = "multi_hot"
        if output_mode not in ENCODINGS:
            raise ArgumentError(
                f"Unknown argument for output_mode: {output_mode}; it must be one of "
                f"{ENCODINGS}"
            )
        if num_tokens is None or num_tokens < 1:
            raise ArgumentError(
                f"`num_tokens` must be set and positive. Received: num_tokens={num_tokens}"
            )
        if sparse:
            raise ArgumentError(
                "CategoryEncoding: weft has no sparse tensors; leave it out"
            )
        self.num_tokens, self.output_mode = num_tokens, output_mode
        self._build_at_init()

    def call(self, inputs: Any, count_weights: Any = None) -> Tensor:
        if count_weights is not None and self.output_mode != "count":
            raise ArgumentError(
                "`count_weights` is not used when `output_mode` is not `'count'`. Received "
                f"`count_weights={count_weights}`."
            )
        numbers = ops.cast(inputs, "int32")
        self._require_known(numbers)
        return _encoded(
            numbers, self.num_tokens, self.output_mode, self.compute_dtype, count_weights
        )

    def _require_known(self, numbers: Any) -> None:
        if isinstance(numbers, TracedTensor) or not numbers.size:
            return
        values = ops.convert_to_numpy(numbers)
        if values.min() < 0 or values.max() >= self.num_tokens:
            raise ArgumentError(
                "Input values must be in the range 0 <= values < num_tokens with "
                f"num_tokens={self.num_tokens}; received values from {values.min()} to "
                f"{values.max()}"
            )


class Discretization(Layer):
    """Numbers as the number of the bin they fall in.

    Args:
        bin_boundaries: sorted limits; n of them make n + 1 bins.
        num_bins: instead, the number of bins that `adapt(data)` makes equally full.
        output_mode: 'int', or as in CategoryEncoding.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.Discretization(bin_boundaries=[0.0, 1.0])
        >>> layer([-2.0, 0.5, 3.0]).tolist()
        [0, 1, 2]
    """

    settings = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse")

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None,
        epsilon: float = 0.01, output_mode: str = "int", sparse: bool = False,
        dtype: Any = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ArgumentError(
                "Discretization: give bin_boundaries or num_bins, one of the two; received "
                f"bin_boundaries={bin_boundaries}, num_bins={num_bins}"
            )
        if num_bins is not None and num_bins < 1:
            raise ArgumentError(f"`num_bins` must be greater than 0. Received: {num_bins}")
        if output_mode not in ("int", *ENCODINGS):
            raise ArgumentError(
                f"Discretization: output_mode must be one of {('int', *ENCODINGS)}; "
                f"received {output_mode!r}"
            )
        self.bin_boundaries = None if bin_boundaries is None else list(bin_boundaries)
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode, self.sparse = output_mode, sparse
        self._build_at_init()

    def _base_config(self) -> dict:
        # As Keras writes it: this layer takes a name and a dtype only.
        return {"name": self.name, "dtype": self.dtype}

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Choose the limits so that the bins are equally full, up to `epsilon`."""
        if self.num_bins is None:
            raise ArgumentError(
                "Discretization.adapt: the bins are fixed by bin_boundaries; give num_bins "
                "instead"
            )
        seen: _Summary = np.empty(0, np.float32), np.empty(0, np.float32)
        for number, batch in enumerate(batches_of(data)):
            if steps is not None and number >= steps:
                break
            seen = _merged(_summary(np.asarray(batch, np.float32), self.epsilon), seen)
            seen = _compressed(seen, self.epsilon)
        limits, _ = _compressed(seen, 1.0 / self.num_bins)
        self.bin_boundaries = limits[:-1].tolist()

    def call(self, inputs: Any) -> Tensor:
        if self.bin_boundaries is None:
            raise ArgumentError(
                "You need to either pass the `bin_boundaries` argument at construction "
                "time or call `adapt(dataset)` before you can start using the "
                "`Discretization` layer."
            )
        numbers = ops.digitize(inputs, np.asarray(self.bin_boundaries, np.float32))
        if self.output_mode == "int":
            return numbers
        bins = len(self.bin_boundaries) + 1
        return _encoded(numbers, bins, self.output_mode, self.compute_dtype)


# Of data in order, some values and how many values each of them stands for.
_Summary = tuple[np.ndarray, np.ndarray]


def _summary(data: np.ndarray, epsilon: float) -> _Summary:
    """Every so many-th value, so that about 1 / epsilon are left."""
    each = max(data.size / (1.0 / epsilon), 1.0)
    values = np.sort(data, axis=None)[int(each - 1) :: int(each)]
    return values, np.full(values.shape, each, np.float32)


def _merged(first: _Summary, second: _Summary) -> _Summary:
    values, counts = (np.concatenate(pair) for pair in zip(first, second))
    order = np.argsort(values)
    return values[order], counts[order]


def _compressed(summary: _Summary, epsilon: float) -> _Summary:
    """About 1 / epsilon values, each for as many, between those of the summary."""
    values, counts = summary
    if len(values) * epsilon < 1:
        return summary
    passed = counts.cumsum()
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    chosen = np.interp(shares, passed / passed[-1], values)
    passed = np.interp(shares, passed / passed[-1], passed)
    counts = np.diff(passed, prepend=0.0)
    return chosen.astype(np.float32), counts.astype(np.float32)
