"""tf.image: images (height, width, channels) and batches of them, channels last.

Files are read and written with Pillow (optional); all else is made of weft's operations, so
that it is traced and has gradients.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.compat.conversion import as_dtype, constant, tensor
from weft.compat.tensorflow import random as _random
from weft.compat.tensorflow._arrays import saturate_cast
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.keras.utils.image_utils import pillow
from weft.ops.convolution import same_padding


def _image(who: str, value: Any) -> Tensor:
    x = tensor(f"tf.image.{who}", value)
    if len(x.shape) not in (3, 4):
        raise ShapeError(
            f"tf.image.{who}: expected an image (height, width, channels) or a batch of "
            f"them; received {x.spec}"
        )
    return x


def _require_rgb(who: str, x: Tensor) -> None:
    if x.shape[-1] != 3:
        raise ShapeError(
            f"tf.image.{who}: the last axis must be red, green, blue; received {x.spec}"
        )


# -- files ---------------------------------------------------------------------------------

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_CHANNELS = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "P": 3, "CMYK": 3, "YCbCr": 3}


def decode_image(
    contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:  # fmt: skip
    """The pixels of a PNG, JPEG, BMP or GIF file's content: (height, width, channels).

    A GIF has its frames as a first axis, unless expand_animations=False.

    Args:
        contents: text, as `tf.io.read_file` gives it.
        channels: 1 grey, 3 colour, 4 with opacity; 0 for as many as the file has.

    Raises:
        ArgumentError: for what is no image.
    """
    raw = tensor("tf.image.decode_image", contents, dtypes.string)._array.item()
    try:
        picture = pillow().open(io.BytesIO(raw))
        frames = _frames(picture, channels, expand_animations)
    except OSError as error:
        raise ArgumentError(
            f"tf.image.decode_image: expected a PNG, JPEG, BMP or GIF file; received "
            f"{len(raw)} bytes that are none ({error})"
        ) from error
    is_film = picture.format == "GIF" and expand_animations
    found = constant(np.stack(frames) if is_film else frames[0])
    return convert_image_dtype(found, dtype)


def _frames(picture: Any, channels: int, all_of_them: bool) -> list[np.ndarray]:
    count = getattr(picture, "n_frames", 1) if all_of_them else 1
    frames = []
    for number in range(count):
        picture.seek(number)
        width = 3 if picture.format == "GIF" else _CHANNELS.get(picture.mode, 1)
        pixels = picture.convert(_MODES[channels or width])
        frames.append(np.asarray(pixels, np.uint8).reshape(*pixels.size[::-1], -1))
    return frames


def decode_png(
    contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None
) -> Tensor:
    """`decode_image` of one frame."""
    return decode_image(contents, channels, dtype, expand_animations=False)


def decode_jpeg(contents: Any, channels: int = 0, **ignored: Any) -> Tensor:
    """`decode_image` of one frame; options of the decoder are taken and change nothing."""
    return decode_image(contents, channels, expand_animations=False)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """`decode_image` of one frame."""
    return decode_image(contents, channels, expand_animations=False)


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """All frames: (frames, height, width, 3)."""
    found = decode_image(contents, 3)
    return found if len(found.shape) == 4 else ops.expand_dims(found, 0)


def _encoded(who: str, image: Any, form: str, **options: Any) -> Tensor:
    x = tensor(f"tf.image.{who}", image)
    if x.dtype is not dtypes.uint8 or len(x.shape) != 3 or x.shape[-1] not in _MODES:
        raise ShapeError(
            f"tf.image.{who}: expected uint8 (height, width, 1 to 4 channels); received "
            f"{x.spec}; convert_image_dtype(image, tf.uint8) first?"
        )
    array = x._array[..., 0] if x.shape[-1] == 1 else x._array
    buffer = io.BytesIO()
    pillow().fromarray(np.ascontiguousarray(array)).save(buffer, form, **options)
    return constant(buffer.getvalue())


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """The content of a PNG file of a uint8 image."""
    return _encoded("encode_png", image, "PNG")


def encode_jpeg(image: Any, format: str = "", quality: int = 95, **ignored: Any) -> Tensor:
    """The content of a JPEG file of a uint8 image."""
    return _encoded("encode_jpeg", image, "JPEG", quality=quality)


# -- dtypes --------------------------------------------------------------------------------


def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Tensor:
    """Another dtype for the same picture: floats are 0 to 1, integers use their range.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.image.convert_image_dtype(tf.constant([0, 255], tf.uint8), tf.float32)
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0., 1.], dtype=float32)>
    """
    x = tensor("tf.image.convert_image_dtype", image)
    old, new = x.dtype, as_dtype(dtype)
    if old is new:
        return x
    to_new: Callable = saturate_cast if saturate else ops.cast
    if old.is_floating and new.is_floating:
        return ops.cast(x, new)
    if old.is_floating:
        return to_new(x * (np.iinfo(new.numpy).max + 0.5), new)
    most = np.iinfo(old.numpy).max
    if new.is_floating:
        return ops.cast(x, new) * (1.0 / most)
    wide = np.iinfo(new.numpy).max
    if most > wide:
        return to_new(x // ((most + 1) // (wide + 1)), new)
    return to_new(x, new) * ((wide + 1) // (most + 1))


def _in_floats(who: str, image: Any, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`change` of the picture in floats, given back in its own dtype."""
    x = _image(who, image)
    changed = change(x if x.dtype.is_floating else convert_image_dtype(x, dtypes.float32))
    return convert_image_dtype(changed, x.dtype, saturate=True)


# -- turning -------------------------------------------------------------------------------


def flip_left_right(image: Any) -> Tensor:
    """Mirrored: left is right."""
    return ops.flip(_image("flip_left_right", image), axis=-2)


def flip_up_down(image: Any) -> Tensor:
    """Mirrored: up is down."""
    return ops.flip(_image("flip_up_down", image), axis=-3)


def transpose(image: Any, name: str | None = None) -> Tensor:
    """Rows become columns."""
    return ops.swapaxes(_image("transpose", image), -3, -2)


def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Turned by k quarters, against the clock."""
    x = _image("rot90", image)
    axis = len(x.shape) - 3
    return ops.rot90(x, k=k, axes=(axis, axis + 1))


# -- cutting and padding -------------------------------------------------------------------


def crop_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """A box of the image.

    Raises:
        ShapeError: the box reaches out of the image.
    """
    x = _image("crop_to_bounding_box", image)
    bottom, right = offset_height + target_height, offset_width + target_width
    fits = bottom <= x.shape[-3] and right <= x.shape[-2]
    if not fits or min(offset_height, offset_width) < 0:
        raise ShapeError(
            f"tf.image.crop_to_bounding_box: rows {offset_height} to {bottom} and columns "
            f"{offset_width} to {right} must lie in the image; received {x.spec}"
        )
    return x[..., offset_height:bottom, offset_width:right, :]


def pad_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """The image in a larger one of zeros.

    Raises:
        ShapeError: it does not fit into the larger one.
    """
    x = _image("pad_to_bounding_box", image)
    below = target_height - offset_height - x.shape[-3]
    beside = target_width - offset_width - x.shape[-2]
    if min(below, beside, offset_height, offset_width) < 0:
        raise ShapeError(
            f"tf.image.pad_to_bounding_box: the image must fit into ({target_height}, "
            f"{target_width}) at ({offset_height}, {offset_width}); received {x.spec}"
        )
    batch = [(0, 0)] * (len(x.shape) - 3)
    return ops.pad(x, [*batch, (offset_height, below), (offset_width, beside), (0, 0)])


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of the image, `central_fraction` of its height and width."""
    x = _image("central_crop", image)
    if not 0 < central_fraction <= 1:
        raise ArgumentError(
            "tf.image.central_crop: central_fraction must be in (0, 1]; received "
            f"{central_fraction}"
        )
    tall, wide = x.shape[-3:-1]
    top = int((tall - tall * central_fraction) / 2)
    left = int((wide - wide * central_fraction) / 2)
    return x[..., top : tall - top, left : wide - left, :]


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Tensor:
    """The middle of the image, or the image in the middle of zeros."""
    x = _image("resize_with_crop_or_pad", image)
    tall, wide = x.shape[-3:-1]
    height, width = min(tall, target_height), min(wide, target_width)
    x = crop_to_bounding_box(x, (tall - height) // 2, (wide - width) // 2, height, width)
    top, left = (target_height - height) // 2, (target_width - width) // 2
    return pad_to_bounding_box(x, top, left, target_height, target_width)


# -- sizes ---------------------------------------------------------------------------------


class ResizeMethod:
    """The methods of `resize`."""

    BILINEAR, NEAREST_NEIGHBOR, BICUBIC, AREA = "bilinear", "nearest", "bicubic", "area"
    LANCZOS3, LANCZOS5 = "lanczos3", "lanczos5"
    GAUSSIAN, MITCHELLCUBIC = "gaussian", "mitchellcubic"


def _cubic(b: float, c: float) -> Callable[[np.ndarray], np.ndarray]:
    """The cubic filters of Mitchell and Netravali, "Reconstruction filters" (1988)."""

    def kernel(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x
        far += 8 * b + 24 * c
        return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6

    return kernel


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 1.5, np.exp(-(x**2) / (2 * 0.5**2)), 0)


_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear": lambda x: np.maximum(1 - np.abs(x), 0),
    "bicubic": _cubic(0, 0.5),
    "mitchellcubic": _cubic(1 / 3, 1 / 3),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "gaussian": _gaussian,
}


def _weights(extent: int, wanted: int, method: str, antialias: bool) -> np.ndarray:
    """What each place of the result takes of each pixel: [wanted, extent]."""
    scale = extent / wanted
    pixels = np.arange(extent)
    if method == "area":
        edges = np.arange(wanted + 1)[:, None] * scale
        covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
        weights = np.maximum(covered, 0)
    else:
        centres = (np.arange(wanted)[:, None] + 0.5) * scale
        stretch = max(scale, 1) if antialias else 1
        weights = _KERNELS[method]((pixels + 0.5 - centres) / stretch)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def resize(
    images: Any, size: Any, method: str = "bilinear", preserve_aspect_ratio: bool = False,
    antialias: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Images at another size (height, width), as float32; 'nearest' keeps the dtype.

    Args:
        method: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or
            mitchellcubic; Lanczos and Gauss filters smooth where an image shrinks, the
            others only with antialias=True.
        preserve_aspect_ratio: the largest size of the image's own shape that fits.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.image.resize(tf.constant([[[0.0], [4.0]]]), (1, 4)).numpy().ravel().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    x = _image("resize", images)
    tall, wide = x.shape[-3:-1]
    height, width = (int(extent) for extent in size)
    if preserve_aspect_ratio:
        scale = min(height / tall, width / wide)
        height, width = round(tall * scale), round(wide * scale)
    if (height, width) == (tall, wide):
        return x
    method = str(method).lower()
    if method == "nearest":
        rows, columns = _nearest(tall, height), _nearest(wide, width)
        return ops.take(ops.take(x, rows, axis=-3), columns, axis=-2)
    if method != "area" and method not in _KERNELS:
        raise ArgumentError(
            f"tf.image.resize: method must be nearest, area, {', '.join(_KERNELS)}; "
            f"received {method!r}"
        )
    antialias = antialias or method in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")
    x = ops.cast(x, dtypes.float32)
    x = ops.einsum("yh,...hwc->...ywc", _weights(tall, height, method, antialias), x)
    return ops.einsum("xw,...hwc->...hxc", _weights(wide, width, method, antialias), x)


def _nearest(extent: int, wanted: int) -> np.ndarray:
    places = np.floor((np.arange(wanted) + 0.5) * (extent / wanted))
    return np.minimum(places, extent - 1).astype(np.int32)


def resize_with_pad(
    image: Any, target_height: int, target_width: int, method: str = "bilinear",
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """The whole image at the largest size that fits, in the middle of zeros."""
    x = _image("resize_with_pad", image)
    tall, wide = x.shape[-3:-1]
    ratio = max(wide / target_width, tall / target_height)
    height, width = math.floor(tall / ratio), math.floor(wide / ratio)
    x = resize(x, (height, width), method, antialias=antialias)
    top = max(0, math.floor((target_height - tall / ratio) / 2))
    left = max(0, math.floor((target_width - wide / ratio) / 2))
    return pad_to_bounding_box(x, top, left, target_height, target_width)


# -- colours -------------------------------------------------------------------------------


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """The brightness of colours, in one channel."""

    def grey(x: Tensor) -> Tensor:
        _require_rgb("rgb_to_grayscale", x)
        shares = np.array([0.2989, 0.587, 0.114], x.dtype.numpy)
        return ops.expand_dims(ops.tensordot(x, shares, axes=1), -1)

    return _in_floats("rgb_to_grayscale", images, grey)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """One channel, three times."""
    return ops.repeat(_image("grayscale_to_rgb", images), 3, axis=-1)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, each from 0 to 1, of colours from 0 to 1."""
    x = tensor("tf.image.rgb_to_hsv", images)
    _require_rgb("rgb_to_hsv", x)
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    value = ops.amax(x, axis=-1)
    spread = value - ops.amin(x, axis=-1)
    is_grey = spread <= 0
    sixth = 1 / (6 * ops.where(is_grey, 1.0, spread))
    hue = ops.where(
        red == value,
        sixth * (green - blue),
        ops.where(
            green == value,
            sixth * (blue - red) + 2 / 6,
            sixth * (red - green) + 4 / 6,
        ),
    )
    hue = ops.where(is_grey, 0.0, ops.where(hue < 0, hue + 1, hue))
    saturation = ops.where(value > 0, spread / ops.where(value > 0, value, 1.0), 0.0)
    return ops.stack([hue, saturation, value], axis=-1)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Colours of hue, saturation and value, all from 0 to 1."""
    x = tensor("tf.image.hsv_to_rgb", images)
    _require_rgb("hsv_to_rgb", x)
    turn, saturation, value = x[..., 0] * 6, x[..., 1], x[..., 2]
    parts = (ops.abs(turn - 3) - 1, 2 - ops.abs(turn - 2), 2 - ops.abs(turn - 4))
    colours = [
        ((1 - saturation) + saturation * ops.clip(part, 0, 1)) * value for part in parts
    ]
    return ops.stack(colours, axis=-1)


def _in_hsv(who: str, image: Any, change: Callable) -> Tensor:
    def changed(x: Tensor) -> Tensor:
        hsv = rgb_to_hsv(x)
        hue, saturation = change(hsv[..., 0], hsv[..., 1])
        return hsv_to_rgb(ops.stack([hue, saturation, hsv[..., 2]], axis=-1))

    return _in_floats(who, image, changed)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """Colours turned by `delta` of the whole circle."""
    return _in_hsv("adjust_hue", image, lambda h, s: (ops.mod(h + delta, 1), s))


def adjust_saturation(
    image: Any, saturation_factor: Any, name: str | None = None
) -> Tensor:
    """Colours that are so many times as strong."""
    return _in_hsv(
        "adjust_saturation",
        image,
        lambda h, s: (h, ops.clip(s * saturation_factor, 0, 1)),
    )


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """`delta`, a share of the range of colours, added to all."""
    return _in_floats("adjust_brightness", image, lambda x: x + delta)


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Distances from each channel's mean, so many times as large."""

    def change(x: Tensor) -> Tensor:
        mean = ops.mean(x, axis=(-3, -2), keepdims=True)
        return (x - mean) * contrast_factor + mean

    return _in_floats("adjust_contrast", images, change)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """`gain * image ** gamma`."""
    return _in_floats("adjust_gamma", image, lambda x: gain * x**gamma)


def per_image_standardization(image: Any) -> Tensor:
    """Each image with the mean 0 and the variance 1."""
    x = ops.cast(_image("per_image_standardization", image), dtypes.float32)
    axes = (-3, -2, -1)
    least = 1 / math.sqrt(math.prod(x.shape[-3:]))
    spread = ops.maximum(ops.std(x, axis=axes, keepdims=True), least)
    return (x - ops.mean(x, axis=axes, keepdims=True)) / spread


# -- at random -----------------------------------------------------------------------------


def _drawn(seed: Any, shape: Any = (), low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform numbers; a seed of two numbers gives the same at every call."""
    if isinstance(seed, tuple | list | np.ndarray | Tensor):
        return _random.stateless_uniform(shape, seed, low, high)
    return _random.uniform(shape, low, high, seed=seed)


def _flipping(who: str, flip: Callable) -> Callable:
    def flipped(image: Any, seed: Any = None) -> Tensor:
        x = _image(who, image)
        drawn = _drawn(seed, (*x.shape[:-3], 1, 1, 1))
        return ops.where(drawn < 0.5, flip(x), x)

    flipped.__doc__ = f"`{flip.__name__}` of one image in two, at random."
    return flipped


def _ranging(adjust: Callable) -> Callable:
    def adjusted(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
        return adjust(image, _drawn(seed, (), lower, upper))

    adjusted.__doc__ = f"`{adjust.__name__}` by a factor from `lower` to `upper`."
    return adjusted


def _around(adjust: Callable) -> Callable:
    def adjusted(image: Any, max_delta: float, seed: Any = None) -> Tensor:
        return adjust(image, _drawn(seed, (), -max_delta, max_delta))

    adjusted.__doc__ = f"`{adjust.__name__}` by up to `max_delta`, either way."
    return adjusted


random_flip_left_right = _flipping("random_flip_left_right", flip_left_right)
random_flip_up_down = _flipping("random_flip_up_down", flip_up_down)
random_contrast = _ranging(adjust_contrast)
random_saturation = _ranging(adjust_saturation)
random_brightness = _around(adjust_brightness)
random_hue = _around(adjust_hue)
stateless_random_flip_left_right = random_flip_left_right
stateless_random_flip_up_down = random_flip_up_down
stateless_random_contrast = random_contrast
stateless_random_saturation = random_saturation
stateless_random_brightness = random_brightness
stateless_random_hue = random_hue


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """A box of `size` (one number for each axis) at a random place.

    Raises:
        ShapeError: the value is smaller than the box.
    """
    x = tensor("tf.image.random_crop", value)
    sizes = [int(extent) for extent in size]
    room = [extent - wanted for extent, wanted in zip(x.shape, sizes)]
    if len(sizes) != len(x.shape) or min(room, default=0) < 0:
        raise ShapeError(
            f"tf.image.random_crop: size must be one number for each axis, none larger than "
            f"it; received {sizes} for {x.spec}"
        )
    places = np.array(room, np.float32) + 1
    starts = ops.cast(_drawn(seed, (len(sizes),)) * places, dtypes.int32)
    return ops.slice(x, starts, sizes)


stateless_random_crop = random_crop


# -- measures ------------------------------------------------------------------------------


def psnr(a: Any, b: Any, max_val: float, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio of images, in decibels."""
    a, b = _image("psnr", a), _image("psnr", b)
    error = ops.mean(ops.square(a - b), axis=(-3, -2, -1))
    return 20 * math.log10(max_val) - 10 * ops.log10(error)


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the differences of neighbouring pixels."""
    x = _image("total_variation", images)
    down = ops.abs(x[..., 1:, :, :] - x[..., :-1, :, :])
    across = ops.abs(x[..., 1:, :] - x[..., :-1, :])
    axes = (-3, -2, -1)
    return ops.sum(down, axis=axes) + ops.sum(across, axis=axes)


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """The differences to the pixels below and to the right; zeros at the edge."""
    x = _image("image_gradients", image)
    batch = [(0, 0)] * (len(x.shape) - 3)
    down = x[..., 1:, :, :] - x[..., :-1, :, :]
    across = x[..., 1:, :] - x[..., :-1, :]
    return (
        ops.pad(down, [*batch, (0, 1), (0, 0), (0, 0)]),
        ops.pad(across, [*batch, (0, 0), (0, 1), (0, 0)]),
    )


# -- patches -------------------------------------------------------------------------------


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Tensor:
    """The pixels under a window at each of its places, side by side in the last axis.

    Args:
        images: (batch, height, width, channels).
        sizes: (1, height, width, 1) of the window; `strides` its steps, `rates` the steps
            inside of it.
        padding: 'VALID', or 'SAME' for zeros around.
    """
    x = tensor("tf.image.extract_patches", images)
    if len(x.shape) != 4 or padding.upper() not in ("VALID", "SAME"):
        raise ShapeError(
            "tf.image.extract_patches: expected (batch, height, width, channels) and a "
            f"padding 'VALID' or 'SAME'; received {x.spec} and {padding!r}"
        )
    places = []
    for axis in (1, 2):
        extent, size, stride, rate = (
            int(one) for one in (x.shape[axis], sizes[axis], strides[axis], rates[axis])
        )
        reach = (size - 1) * rate + 1
        if padding.upper() == "SAME":
            around = [(0, 0)] * 4
            around[axis] = same_padding(extent, reach, stride)
            x = ops.pad(x, around)
            extent += sum(around[axis])
        last = (extent - reach) // stride * stride
        offsets = range(0, size * rate, rate)
        places.append([slice(start, start + last + 1, stride) for start in offsets])
    rows, columns = places
    parts = [x[:, row, column] for row in rows for column in columns]
    return ops.concatenate(parts, axis=-1)
