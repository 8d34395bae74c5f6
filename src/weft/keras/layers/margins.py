"""Layers that change the extents of images: ZeroPadding, Cropping, UpSampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.keras.backend.settings import standardize_data_format
from weft.keras.layers.convolution import standardize_tuple
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer

Pairs = tuple[tuple[int, int], ...]


def _pairs(value: Any, rank: int, name: str) -> Pairs:
    """(before, after) for each axis: from an int, one int per axis, or one pair per axis."""
    if rank == 1:
        before, after = standardize_tuple(value, 2, name, least=0)
        return ((before, after),)
    if hasattr(value, "__index__"):
        value = (value,) * rank
    if not isinstance(value, tuple | list) or len(value) != rank:
        raise ArgumentError(
            f"`{name}` should be an int, {rank} ints (as much before as after), or {rank} "
            f"pairs of ints (before, after). Received: {name}={value!r}"
        )
    found = [standardize_tuple(item, 2, f"entry of {name}", least=0) for item in value]
    return tuple([(before, after) for before, after in found])


class _Margins(Layer):
    """A layer with (before, after) for each of `rank` spatial axes."""

    rank = 2
    margin_name = "padding"

    def __init__(self, value: Any, data_format: Any, kwargs: dict) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.pairs = _pairs(value, self.rank, self.margin_name)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    @property
    def _first(self) -> int:
        """The first spatial axis."""
        return 1 if self.data_format == "channels_last" else 2

    def _of_all_axes(self) -> list[tuple[int, int]]:
        pairs = [(0, 0)] * (self.rank + 2)
        pairs[self._first : self._first + self.rank] = self.pairs
        return pairs


# -- padding -----------------------------------------------------------------------------


class _ZeroPadding(_Margins):
    """Zeros around the inputs.

    Args:
        padding: an int, one for each spatial axis, or (before, after) for each.
        data_format: "channels_last" or "channels_first".

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.ZeroPadding2D(((1, 0), (2, 2)))
        >>> layer(keras.ops.ones((1, 4, 4, 3))).shape
        (1, 5, 8, 3)
    """

    settings = ("padding", "data_format")
    margin_name = "padding"

    def __init__(
        self, padding: Any = 1, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(padding, data_format, kwargs)
        self.padding = self.pairs[0] if self.rank == 1 else self.pairs

    def call(self, inputs: Any) -> Tensor:
        return ops.pad(inputs, self._of_all_axes())


class ZeroPadding1D(_ZeroPadding):
    __doc__ = _ZeroPadding.__doc__
    rank = 1


class ZeroPadding2D(_ZeroPadding):
    __doc__ = _ZeroPadding.__doc__
    rank = 2


class ZeroPadding3D(_ZeroPadding):
    __doc__ = _ZeroPadding.__doc__
    rank = 3


# -- cropping ----------------------------------------------------------------------------


class _Cropping(_Margins):
    """The inputs without their margins.

    Args:
        cropping: an int, one for each spatial axis, or (before, after) for each.
        data_format: "channels_last" or "channels_first".

    Raises:
        ShapeError: if nothing is left.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Cropping2D(((1, 0), (2, 2)))(keras.ops.ones((1, 8, 8, 3))).shape
        (1, 7, 4, 3)
    """

    settings: tuple[str, ...] = ("cropping", "data_format")
    margin_name = "cropping"

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, kwargs)
        self.cropping = self.pairs[0] if self.rank == 1 else self.pairs

    def call(self, inputs: Any) -> Tensor:
        pairs = self._of_all_axes()
        extents = inputs.shape
        if any(before + after >= n for (before, after), n in zip(pairs, extents) if n):
            raise ShapeError(
                f"{type(self).__name__} {self.name!r}: `cropping` must be smaller than the "
                f"inputs. Received: inputs.shape={tuple(extents)}, cropping={self.cropping}"
            )
        kept = [slice(before, n - after) for (before, after), n in zip(pairs, extents)]
        return inputs[tuple(kept)]


class Cropping1D(_Cropping):
    __doc__ = _Cropping.__doc__
    rank = 1
    settings = ("cropping",)

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    __doc__ = _Cropping.__doc__
    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    __doc__ = _Cropping.__doc__
    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


# -- more samples ------------------------------------------------------------------------


class _UpSampling(Layer):
    """Each element repeated along the spatial axes.

    Args:
        size: how many times: an int, or one for each spatial axis.
        data_format: "channels_last" or "channels_first".

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.UpSampling1D(2)([[[1.0], [2.0]]]).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 2
    settings: tuple[str, ...] = ("size", "data_format")

    def __init__(
        self, size: Any = 2, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        size = standardize_tuple(size, self.rank, "size")
        self.size: Any = size[0] if self.rank == 1 else size
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        first = 1 if self.data_format == "channels_last" else 2
        sizes = (self.size,) if self.rank == 1 else self.size
        for axis, size in enumerate(sizes, first):
            inputs = self._enlarged(inputs, axis, size)
        return inputs

    def _enlarged(self, x: Any, axis: int, size: int) -> Tensor:
        return ops.repeat(x, size, axis=axis)


class UpSampling1D(_UpSampling):
    __doc__ = _UpSampling.__doc__
    rank = 1
    settings = ("size",)

    def __init__(self, size: Any = 2, **kwargs: Any) -> None:
        super().__init__(size, "channels_last", **kwargs)


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - distance)


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -0.5."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    def weight(distance: np.ndarray) -> np.ndarray:
        windowed = np.sinc(distance) * np.sinc(distance / radius)
        return np.where(distance < radius, windowed, 0.0)

    return weight


# name: (reach, the weight of an element at a distance)
_KERNELS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
}


def _interpolated(x: Any, axis: int, size: int, interpolation: str) -> Tensor:
    """`x` with `size` times more elements along `axis`, weighted sums of their neighbours.

    Elements stand for the middles of their cells; beyond the ends there is nothing, and the
    weights of what is there sum to one.
    """
    reach, kernel = _KERNELS[interpolation]
    extent = x.shape[axis]
    middles = (np.arange(extent * size) + 0.5) / size - 0.5
    places = np.floor(middles).astype(np.int32)[:, None] + np.arange(1 - reach, reach + 1)
    weights = kernel(np.abs(middles[:, None] - places))
    weights = np.where((places >= 0) & (places < extent), weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    found = ops.take(x, np.clip(places, 0, extent - 1).astype(np.int32), axis=axis)
    line = (1,) * axis + weights.shape + (1,) * (len(x.shape) - axis - 1)
    shares = ops.cast(weights.reshape(line), x.dtype)
    return ops.sum(ops.multiply(found, shares), axis=axis + 1)


class UpSampling2D(_UpSampling):
    """Images with more pixels: repeated ones, or sums of neighbours.

    Args:
        size: how many times: an int, or (rows, columns).
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.UpSampling2D((2, 3))(keras.ops.ones((1, 4, 4, 3))).shape
        (1, 8, 12, 3)
    """

    settings = ("size", "data_format", "interpolation")

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in ("nearest", *_KERNELS):
            raise ArgumentError(
                f"UpSampling2D: interpolation must be one of {['nearest', *_KERNELS]}; "
                f"received {interpolation!r}"
            )

    def _enlarged(self, x: Any, axis: int, size: int) -> Tensor:
        if self.interpolation == "nearest" or size == 1:
            return super()._enlarged(x, axis, size)
        return _interpolated(x, axis, size, self.interpolation)


class UpSampling3D(_UpSampling):
    __doc__ = _UpSampling.__doc__
    rank = 3
