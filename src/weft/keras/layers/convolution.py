"""Convolution layers: plain, transposed, depthwise and separable, in 1, 2 and 3 dimensions."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.layers.dense import known_extent
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, settings_of, take


def standardize_tuple(value: Any, count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """`count` ints, all the same where one is given.

    Raises:
        ArgumentError: for other things, and ints below `least`.
    """
    is_one = hasattr(value, "__index__") and not isinstance(value, bool)
    try:
        found = (int(value),) * count if is_one else tuple([int(n) for n in value])
    except (TypeError, ValueError):
        found = ()
    if len(found) != count:
        raise ArgumentError(
            f"The `{name}` argument must be a tuple of {count} integers. Received "
            f"{name}={value!r}"
        )
    if min(found) < least:
        raise ArgumentError(
            f"The `{name}` argument must be a tuple of {count} integers >= {least}. "
            f"Received {name}={value!r}"
        )
    return found


def standardize_padding(padding: Any, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """The padding's name in small letters.

    Raises:
        ArgumentError: for a name that is not allowed.
    """
    found = padding.lower() if isinstance(padding, str) else padding
    if found not in allowed:
        raise ArgumentError(
            f"The `padding` argument must be one of {', '.join(map(repr, allowed))}. "
            f"Received: padding={padding!r}"
        )
    return found


def _positive(name: str, value: Any) -> int:
    if not hasattr(value, "__index__") or value <= 0:
        raise ArgumentError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. "
            f"Received {name}={value}."
        )
    return int(value)


class _Convolution(Layer):
    """What the convolution layers have in common. `rank` is the number of spatial axes."""

    rank = 2
    paddings: tuple[str, ...] = ("valid", "same")

    filters: int
    groups: int
    depth_multiplier: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    output_padding: tuple[int, ...] | None
    padding: str
    data_format: str
    activation: Any
    use_bias: bool

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(
            activity_regularizer=given["activity_regularizer"], **given["kwargs"]
        )
        take(self, given)
        for name in ("kernel_size", "strides", "dilation_rate"):
            setattr(self, name, standardize_tuple(given[name], self.rank, name))
        self.padding = standardize_padding(given["padding"], self.paddings)
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=self.rank + 2, max_ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        for name in ("filters", "depth_multiplier"):
            if name in given:
                setattr(self, name, _positive(name, given[name]))

    def _channels(self, input_shape: Any) -> int:
        """The number of input channels, which must not change any more."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = known_extent(self, input_shape, axis)
        rank = self.rank + 2
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={axis: channels})
        return channels

    def _add_bias(self, count: int) -> None:
        if self.use_bias:
            self.bias = add_weight(self, "bias", (count,))

    def _settings(self) -> dict[str, Any]:
        return {
            "strides": self.strides, "padding": self.padding,
            "dilation_rate": self.dilation_rate, "data_format": self.data_format,
        }  # fmt: skip

    def _finish(self, x: Tensor) -> Tensor:
        """The bias and the activation."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            x = ops.add(x, bias)
        return self.activation(x)


# -- plain -------------------------------------------------------------------------------


class _Conv(_Convolution):
    """activation(conv(inputs, kernel) + bias).

    Args:
        filters: the number of output channels.
        kernel_size: the extents of a window: an int, or one for each spatial axis.
        strides: steps between windows.
        padding: "valid", or "same" (in one dimension also "causal").
        data_format: "channels_last" or "channels_first".
        dilation_rate: steps between the elements of a window.
        groups: of channels; filters see only their own group's.
        activation: a name, a function or None.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer, activity_regularizer: costs.
        kernel_constraint, bias_constraint: what weights must satisfy.

    Raises:
        ArgumentError: if `groups` does not divide channels and filters.
        ShapeError: if the kernel is larger than the padded inputs.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Conv2D(32, 3)(keras.ops.ones((4, 28, 28, 1))).shape
        (4, 26, 26, 32)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1,
        activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        if groups < 1:
            raise ArgumentError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        if self.filters % groups:
            raise ArgumentError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ArgumentError(
                "The number of input channels must be evenly divisible by the number of "
                f"groups. Received groups={self.groups}, but the input has {channels} "
                f"channels (full input shape is {tuple(input_shape)})."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = add_weight(self, "kernel", shape)
        self._add_bias(self.filters)

    def convolution_op(self, inputs: Any, kernel: Any) -> Tensor:
        """The convolution itself, to be overridden by layers that change the kernel."""
        return ops.conv(inputs, kernel, **self._settings())

    def call(self, inputs: Any) -> Tensor:
        return self._finish(self.convolution_op(inputs, self.kernel))


class Conv1D(_Conv):
    __doc__ = _Conv.__doc__
    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    __doc__ = _Conv.__doc__
    rank = 2


class Conv3D(_Conv):
    __doc__ = _Conv.__doc__
    rank = 3


# -- transposed --------------------------------------------------------------------------


class _ConvTranspose(_Convolution):
    """activation(conv_transpose(inputs, kernel) + bias): each input spreads the kernel.

    Args:
        filters: the number of output channels.
        kernel_size: the extents of the kernel.
        strides: the outputs are about `strides` times larger than the inputs.
        padding: "valid", or "same" (inputs · strides outputs).
        output_padding: how many outputs to add at the ends, below `strides`.
        data_format: "channels_last" or "channels_first".
        dilation_rate: steps between the elements of the kernel.

    The other arguments are those of Conv2D.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same")
        >>> layer(keras.ops.ones((4, 7, 7, 3))).shape
        (4, 14, 14, 8)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        output_padding: Any = None, data_format: str | None = None,
        dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        self._keep_output_padding(output_padding)

    settings = settings_of(__init__)

    def _keep_output_padding(self, output_padding: Any) -> None:
        if output_padding is None:
            return
        given = standardize_tuple(output_padding, self.rank, "output_padding", least=0)
        if any(more >= step for more, step in zip(given, self.strides)):
            raise ArgumentError(
                "`output_padding` must be strictly less than `strides` for all "
                f"dimensions. Received output_padding={output_padding} and "
                f"strides={self.strides}"
            )
        self.output_padding = given

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, self.filters, channels)
        self.kernel = add_weight(self, "kernel", shape)
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Tensor:
        return self._finish(
            ops.conv_transpose(
                inputs, self.kernel, output_padding=self.output_padding, **self._settings()
            )
        )


class Conv1DTranspose(_ConvTranspose):
    __doc__ = _ConvTranspose.__doc__
    rank = 1


class Conv2DTranspose(_ConvTranspose):
    __doc__ = _ConvTranspose.__doc__
    rank = 2


class Conv3DTranspose(_ConvTranspose):
    __doc__ = _ConvTranspose.__doc__
    rank = 3

    # Here `data_format` comes before `output_padding`.
    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, output_padding: Any = None,
        dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        _Convolution.__init__(self, locals())
        self._keep_output_padding(output_padding)

    settings = settings_of(__init__)


# -- channel by channel ------------------------------------------------------------------


class _DepthwiseConv(_Convolution):
    """activation(depthwise_conv(inputs, kernel) + bias): each channel on its own.

    Args:
        kernel_size: the extents of a window.
        strides: steps between windows.
        padding: "valid" or "same".
        depth_multiplier: how many outputs each channel gives.
        data_format: "channels_last" or "channels_first".
        dilation_rate: steps between the elements of a window.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel.

    The other arguments are those of Conv2D.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.DepthwiseConv2D(3, depth_multiplier=2)
        >>> layer(keras.ops.ones((4, 8, 8, 3))).shape
        (4, 6, 6, 6)
    """

    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        depth_multiplier: int = 1, data_format: str | None = None,
        dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = add_weight(self, "depthwise", shape, name="kernel")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Tensor:
        return self._finish(ops.depthwise_conv(inputs, self.kernel, **self._settings()))


class DepthwiseConv1D(_DepthwiseConv):
    __doc__ = _DepthwiseConv.__doc__
    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    __doc__ = _DepthwiseConv.__doc__
    rank = 2


class _SeparableConv(_Convolution):
    """activation(separable_conv(inputs, depthwise, pointwise) + bias).

    A convolution of each channel on its own, then one over the channels of each place.

    Args:
        filters: the number of output channels.
        kernel_size: the extents of a window.
        depth_multiplier: how many channels the first convolution makes of each.
        depthwise_initializer, pointwise_initializer, …: of the two kernels.

    The other arguments are those of Conv2D.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.SeparableConv2D(16, 3)(keras.ops.ones((4, 8, 8, 3))).shape
        (4, 6, 6, 16)
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1,
        depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        first = (*self.kernel_size, channels, self.depth_multiplier)
        second = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = add_weight(self, "depthwise", first, "depthwise_kernel")
        self.pointwise_kernel = add_weight(self, "pointwise", second, "pointwise_kernel")
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Tensor:
        kernels = self.depthwise_kernel, self.pointwise_kernel
        return self._finish(ops.separable_conv(inputs, *kernels, **self._settings()))


class SeparableConv1D(_SeparableConv):
    __doc__ = _SeparableConv.__doc__
    rank = 1


class SeparableConv2D(_SeparableConv):
    __doc__ = _SeparableConv.__doc__
    rank = 2
