"""Preprocessing inside a model: numbers rescaled, categories encoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft import config, ops
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import ArgumentError
from weft.keras.layers.dense import known_extent
from weft.keras.layers.layer import Layer


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
                shape = batch.shape if batch.ndim == 1 else (None, *batch.shape[1:])
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
        from weft.keras.utils.serialization import serialize_keras_object

        def plain(value: Any) -> Any:
            has_list = hasattr(value, "tolist") and value is not None
            return value.tolist() if has_list else serialize_keras_object(value)

        return {
            **super().get_config(),
            "mean": plain(self.input_mean),
            "variance": plain(self.input_variance),
        }


_OUTPUT_MODES = ("multi_hot", "one_hot", "count")


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
        if output_mode not in _OUTPUT_MODES:
            raise ArgumentError(
                f"Unknown argument for output_mode: {output_mode}; it must be one of "
                f"{_OUTPUT_MODES}"
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
        rows = ops.one_hot(numbers, self.num_tokens, dtype=self.compute_dtype)
        if self.output_mode == "one_hot":
            # A last axis of extent 1 is the number itself.
            single = len(numbers.shape) > 1 and numbers.shape[-1] == 1
            return ops.squeeze(rows, -2) if single else rows
        if self.output_mode == "count" and count_weights is not None:
            weights = ops.cast(count_weights, self.compute_dtype)
            rows = rows * ops.expand_dims(weights, -1)
        if len(numbers.shape) == 0:
            return rows
        reduce = ops.sum if self.output_mode == "count" else ops.max
        return reduce(rows, axis=-2)

    def _require_known(self, numbers: Any) -> None:
        from weft.core.tensor import TracedTensor

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
        if output_mode not in ("int", *_OUTPUT_MODES):
            raise ArgumentError(
                f"Discretization: output_mode must be one of {('int', *_OUTPUT_MODES)}; "
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
        """Choose the limits so that the bins are equally full."""
        if self.num_bins is None:
            raise ArgumentError(
                "Discretization.adapt: the bins are fixed by bin_boundaries; give num_bins "
                "instead"
            )
        seen = []
        for number, batch in enumerate(batches_of(data)):
            if steps is not None and number >= steps:
                break
            seen.append(batch.reshape(-1))
        shares = np.arange(1, self.num_bins) / self.num_bins
        limits = np.quantile(np.concatenate(seen), shares, method="inverted_cdf")
        self.bin_boundaries = [float(limit) for limit in limits]

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
        rows = ops.one_hot(numbers, bins, dtype=self.compute_dtype)
        if self.output_mode == "one_hot" or len(numbers.shape) < 1:
            return rows
        reduce = ops.sum if self.output_mode == "count" else ops.max
        return reduce(rows, axis=-2)
