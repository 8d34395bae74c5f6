"""Images as files and as arrays. Files are read and written with Pillow (optional)."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from weft import config
from weft.dtypes import canonical
from weft.errors import ArgumentError, MissingExtraError, ShapeError
from weft.keras import config as keras_config

# The mode of Pillow that has so many channels.
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
# Modes that are grey already, some with more than 8 bits.
_GREY_MODES = ("L", "I;16", "I")
_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def pillow() -> Any:
    """Pillow's `Image` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            f"keras.utils: image files are read with Pillow, which cannot be imported "
            f"({error}); install it with: pip install pillow"
        ) from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A Pillow image of a file.

    Args:
        path: a name, or a binary file.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        target_size: (height, width) to resize to.
        interpolation: nearest, bilinear, bicubic, hamming, box or lanczos.
        keep_aspect_ratio: cut to the target's aspect ratio first.
    """
    if color_mode not in _MODES:
        raise ArgumentError(
            f"load_img: color_mode must be one of {', '.join(_MODES)}; received {color_mode!r}"
        )
    Image = pillow()
    if isinstance(path, io.IOBase):
        image = Image.open(path)
    elif isinstance(path, str | bytes | os.PathLike):
        data = Path(os.fsdecode(path)).read_bytes()
        image = Image.open(io.BytesIO(data))
    else:
        raise ArgumentError(
            "load_img: path must be the name of a file or a binary file; received "
            f"{type(path).__name__}"
        )
    if color_mode != "grayscale" or image.mode not in _GREY_MODES:
        image = image.convert(_MODES[color_mode])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in _RESAMPLING:
        raise ArgumentError(
            f"load_img: interpolation must be one of {', '.join(_RESAMPLING)}; received "
            f"{interpolation!r}"
        )
    method = Image.Resampling[interpolation.upper()]
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        top, left, tall, wide = centre_box(image.size[1], image.size[0], height, width)
        box = (left, top, left + wide, top + tall)
    return image.resize((width, height), method, box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """An array (height, width, channels) of a Pillow image, or channels first."""
    channels_first = _is_channels_first(data_format, "img_to_array")
    array = np.asarray(img, dtype=canonical(dtype or config.floatx()).numpy)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3:
        raise ShapeError(
            f"img_to_array: an image has 2 or 3 axes; received shape {array.shape}"
        )
    return array.transpose(2, 0, 1) if channels_first else array


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """A Pillow image of an array (height, width, channels), or channels first.

    scale: stretch the values to 0 … 255.
    """
    channels_first = _is_channels_first(data_format, "array_to_img")
    array = np.array(x, canonical(dtype or config.floatx()).numpy)
    if array.ndim != 3:
        raise ShapeError(
            f"array_to_img: expected an array of 3 axes (one image); received {array.shape}"
        )
    if channels_first:
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        largest = array.max()
        if largest != 0:
            array = array / largest
        array = array * 255
    Image = pillow()
    channels = array.shape[2]
    if channels == 1:
        grey = array[..., 0]
        if grey.max(initial=0) > 255:
            return Image.fromarray(grey.astype("int32"))
        return Image.fromarray(grey.astype("uint8"))
    if channels not in (3, 4):
        raise ShapeError(
            f"array_to_img: an image has 1, 3 or 4 channels; received {channels}"
        )
    return Image.fromarray(array.astype("uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image file; its ending, or file_format, names the format."""
    image = array_to_img(x, data_format=data_format, scale=scale)
    name = str(path).lower()
    is_jpeg = file_format in ("jpg", "jpeg") or name.endswith((".jpg", ".jpeg"))
    if image.mode == "RGBA" and is_jpeg:
        image = image.convert("RGB")  # JPEG knows no transparency.
    image.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def _is_channels_first(data_format: str | None, who: str) -> bool:
    given = keras_config.image_data_format() if data_format is None else data_format
    if given not in ("channels_first", "channels_last"):
        raise ArgumentError(
            f"{who}: data_format must be 'channels_first' or 'channels_last'; received "
            f"{data_format!r}"
        )
    return given == "channels_first"


# -- sizes ---------------------------------------------------------------------------------


def centre_box(tall: int, wide: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest centred box with the target's shape."""
    box_tall = max(1, min(tall, int(wide * height / width)))
    box_wide = max(1, min(wide, int(tall * width / height)))
    return (tall - box_tall) // 2, (wide - box_wide) // 2, box_tall, box_wide


def smart_resize(
    x: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> np.ndarray:
    """Images resized without distortion: what does not fit the target's shape is cut off.

    x: (height, width, channels) or a batch of such.
    """
    if len(size) != 2:
        raise ArgumentError(
            f"smart_resize: size must be (height, width); received {size!r}"
        )
    array = np.asarray(x)
    if array.ndim not in (3, 4):
        raise ShapeError(
            "smart_resize: expected an image (height, width, channels) or a batch of them; "
            f"received shape {array.shape}"
        )
    channels_first = _is_channels_first(data_format, "smart_resize")
    if channels_first:
        array = np.moveaxis(array, -3, -1)
    height, width = size
    tall, wide = array.shape[-3:-1]
    top, left, tall, wide = centre_box(tall, wide, height, width)
    cut = array[..., top : top + tall, left : left + wide, :]
    resized = resize(cut, size, interpolation)
    return np.moveaxis(resized, -1, -3) if channels_first else resized


def resize(images: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """Images (…, height, width, channels) at another size, as float32.

    'nearest' and 'bilinear' take pixels' centres as positions and do not smooth; the other
    methods are Pillow's.
    """
    images = np.asarray(images, np.float32)
    height, width = size
    if images.shape[-3:-1] == (height, width):
        return images
    if interpolation == "nearest":
        rows = _nearest(images.shape[-3], height)
        columns = _nearest(images.shape[-2], width)
        return images[..., rows[:, None], columns, :]
    if interpolation == "bilinear":
        low, high, part = _neighbours(images.shape[-3], height)
        part = part[:, None, None]
        images = images[..., low, :, :] * (1 - part) + images[..., high, :, :] * part
        low, high, part = _neighbours(images.shape[-2], width)
        part = part[:, None]
        return images[..., low, :] * (1 - part) + images[..., high, :] * part
    if interpolation not in _RESAMPLING:
        raise ArgumentError(
            f"resize: interpolation must be one of {', '.join(_RESAMPLING)}; received "
            f"{interpolation!r}"
        )
    return _resized_by_pillow(images, size, interpolation)


def _nearest(extent: int, wanted: int) -> np.ndarray:
    places = ((np.arange(wanted) + 0.5) * extent / wanted).astype(int)
    return np.minimum(places, extent - 1)


def _neighbours(extent: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each place of the result: the pixels on both sides, and the share of the second."""
    places = np.maximum((np.arange(wanted) + 0.5) * (extent / wanted) - 0.5, 0)
    low = np.minimum(places.astype(int), extent - 1)
    high = np.minimum(low + 1, extent - 1)
    return low, high, (places - low).astype(np.float32)


def _resized_by_pillow(
    images: np.ndarray, size: tuple[int, int], method: str
) -> np.ndarray:
    Image = pillow()
    planes = np.moveaxis(images, -1, -3).reshape(-1, *images.shape[-3:-1])
    filters = Image.Resampling[method.upper()]
    resized = [
        np.asarray(Image.fromarray(plane, "F").resize(size[::-1], filters))
        for plane in planes
    ]
    shape = (*images.shape[:-3], images.shape[-1], *size)
    return np.moveaxis(np.stack(resized).reshape(shape), -3, -1)


__all__ = [
    "array_to_img", "img_to_array", "load_img", "resize", "save_img", "smart_resize",
]  # fmt: skip
