"""Pooling layers: the largest or the mean of windows, of all places, of even parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.keras.backend.settings import standardize_data_format
from weft.keras.layers.convolution import standardize_padding, standardize_tuple
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer

# -- windows -----------------------------------------------------------------------------


class _Pooling(Layer):
    """One number for each window, channel by channel.

    Args:
        pool_size: the extents of a window: an int, or one for each spatial axis.
        strides: steps between windows; None for windows side by side.
        padding: "valid" or "same"; what is padded does not count.
        data_format: "channels_last" or "channels_first".

    Raises:
        ShapeError: if a window is larger than the inputs, with padding "valid".

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.MaxPooling2D(2)(keras.ops.ones((4, 26, 26, 32))).shape
        (4, 13, 13, 32)
    """

    rank = 2
    pool: Callable[..., Tensor]
    settings = ("pool_size", "padding", "strides", "data_format")

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = standardize_tuple(pool_size, self.rank, "pool_size")
        given = pool_size if strides is None else strides
        self.strides = standardize_tuple(given, self.rank, "strides")
        self.padding = standardize_padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return type(self).pool(
            inputs, self.pool_size, self.strides, self.padding, self.data_format
        )


class _MaxPooling(_Pooling):
    pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(_MaxPooling):
    __doc__ = _Pooling.__doc__
    rank = 1


class MaxPooling2D(_MaxPooling):
    __doc__ = _Pooling.__doc__
    rank = 2


class MaxPooling3D(_MaxPooling):
    __doc__ = _Pooling.__doc__
    rank = 3


class AveragePooling1D(_Pooling):
    __doc__ = _Pooling.__doc__
    rank = 1
    pool = staticmethod(ops.average_pool)


class AveragePooling2D(_Pooling):
    __doc__ = _Pooling.__doc__
    rank = 2
    pool = staticmethod(ops.average_pool)


class AveragePooling3D(_Pooling):
    __doc__ = _Pooling.__doc__
    rank = 3
    pool = staticmethod(ops.average_pool)


# -- all places --------------------------------------------------------------------------


class _GlobalPooling(Layer):
    """One number for each channel: (batch, …, channels) → (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the spatial axes, with extent 1.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.GlobalAveragePooling2D()(keras.ops.ones((4, 7, 7, 32))).shape
        (4, 32)
    """

    rank = 2
    reduce: Callable[..., Tensor]
    settings = ("data_format", "keepdims")

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs: Any) -> Tensor:
        return type(self).reduce(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all steps, of those that a mask keeps: (batch, steps, features) →
    (batch, features).

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.GlobalAveragePooling1D()
        >>> layer([[[1.0], [3.0], [8.0]]], mask=[[True, True, False]]).tolist()
        [[2.0]]
    """

    rank = 1
    supports_masking = True
    reduce = staticmethod(ops.mean)

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        (axis,) = self._axes
        other = 2 if self.data_format == "channels_last" else 1
        kept = ops.cast(ops.expand_dims(ops.cast(mask, "bool"), other), inputs.dtype)
        chosen = ops.where(ops.cast(kept, "bool"), inputs, 0)
        total = ops.sum(chosen, axis=axis, keepdims=self.keepdims)
        return ops.divide(total, ops.sum(kept, axis=axis, keepdims=self.keepdims))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__
    rank = 2
    reduce = staticmethod(ops.mean)


class GlobalAveragePooling3D(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__
    rank = 3
    reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__
    rank = 1
    reduce = staticmethod(ops.max)


class GlobalMaxPooling2D(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__
    rank = 2
    reduce = staticmethod(ops.max)


class GlobalMaxPooling3D(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__
    rank = 3
    reduce = staticmethod(ops.max)


# -- even parts --------------------------------------------------------------------------


class _AdaptivePooling(Layer):
    """One number for each of `output_size` even parts of the spatial axes.

    Args:
        output_size: the extents of the result: an int, or one for each spatial axis.
        data_format: "channels_last" or "channels_first".

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.AdaptiveAveragePooling2D(3)(keras.ops.ones((4, 8, 7, 2))).shape
        (4, 3, 3, 2)
    """

    rank = 2
    pool: Callable[..., Tensor]
    settings = ("output_size", "data_format")

    def __init__(
        self, output_size: Any, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.output_size = standardize_tuple(output_size, self.rank, "output_size")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return type(self).pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 1
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 2
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 3
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 1
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 2
    pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    rank = 3
    pool = staticmethod(ops.adaptive_max_pool)
