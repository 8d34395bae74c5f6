"""Operations that cut tensors into windows and blocks, and put them together again."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops.convert import as_tensor, cast, integer, numbers
from weft.ops.elementwise import add
from weft.ops.indexing import take
from weft.ops.layout import reshape, stack, transpose
from weft.primitives import shape as p

# -- windows -----------------------------------------------------------------------------


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


class _Windows:
    """How windows lie on images [batch, channels, height, width]."""

    def __init__(
        self, who: str, size: tuple[int, int], kernel: Any, dilation: Any, padding: Any,
        stride: Any,
    ) -> None:  # fmt: skip
        self.kernel = _pair(who, kernel, "kernel_size")
        self.dilation = _pair(who, dilation, "dilation")
        self.padding = _pair(who, padding, "padding")
        self.stride = _pair(who, stride, "stride")
        self.padded = tuple([n + 2 * margin for n, margin in zip(size, self.padding)])
        reach = [by * (n - 1) + 1 for by, n in zip(self.dilation, self.kernel)]
        positive = min(*self.kernel, *self.dilation, *self.stride) >= 1
        if not positive or any(r > n for r, n in zip(reach, self.padded)):
            raise ArgumentError(
                f"{who}: kernel, dilation and stride must be >= 1, and the kernel must "
                f"fit; received kernel {self.kernel}, dilation {self.dilation}, stride "
                f"{self.stride}, padding {self.padding} for images of {size}"
            )
        room = [n - r for n, r in zip(self.padded, reach)]
        self.counts = tuple([free // by + 1 for free, by in zip(room, self.stride)])

    def starts(self) -> list[tuple[int, int]]:
        """Where the first window has each of its elements."""
        places = itertools.product(range(self.kernel[0]), range(self.kernel[1]))
        return [(i * self.dilation[0], j * self.dilation[1]) for i, j in places]

    def stop(self, start: tuple[int, int]) -> tuple[int, ...]:
        """Behind the same element of the last window."""
        steps = zip(start, self.counts, self.stride)
        return tuple([first + (count - 1) * by + 1 for first, count, by in steps])


def _pair(who: str, x: Any, what: str) -> tuple[int, int]:
    given = numbers(x, who, what)
    pair = given * 2 if len(given) == 1 else given
    if len(pair) != 2 or min(pair) < 0:
        raise ArgumentError(f"{who}: {what} must be one or two ints >= 0; received {x}")
    return pair[0], pair[1]


def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The windows of images as columns: [n, c, h, w] → [n, c kh kw, windows].

    Example:
        >>> from weft import ops
        >>> ops.unfold(ops.zeros((2, 3, 4, 5)), kernel_size=2).shape
        (2, 12, 12)
    """
    x = as_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"unfold: images [n, c, h, w] are needed; received {x.spec}")
    n, c, h, w = x.shape
    windows = _Windows("unfold", (h, w), kernel_size, dilation, padding, stride)
    margin = (0, 0, *windows.padding)
    zero = cast(0, x.dtype)
    x = p.pad.bind(x, zero, low=margin, high=margin, interior=(0,) * 4)
    step = (1, 1, *windows.stride)
    parts = [
        p.slice.bind(x, start=(0, 0, *start), stop=(n, c, *windows.stop(start)), step=step)
        for start in windows.starts()
    ]
    return reshape(stack(parts, axis=2), (n, c * len(parts), -1))


def fold(
    x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> Tensor:  # fmt: skip
    """Columns added up as windows of images: [n, c kh kw, windows] → [n, c, h, w].

    Example:
        >>> from weft import ops
        >>> ops.fold(ops.ones((1, 4, 4)), output_size=3, kernel_size=2).tolist()[0][0]
        [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    x = as_tensor(x)
    size = _pair("fold", output_size, "output_size")
    windows = _Windows("fold", size, kernel_size, dilation, padding, stride)
    starts = windows.starts()
    rows, columns = windows.counts
    if x.ndim != 3 or x.shape[1] % len(starts) or x.shape[2] != rows * columns:
        raise ShapeError(
            f"fold: columns [n, channels * {len(starts)}, {rows * columns}] are needed; "
            f"received {x.spec}"
        )
    n, c = x.shape[0], x.shape[1] // len(starts)
    parts = reshape(x, (n, c, len(starts), rows, columns))
    zero = cast(0, x.dtype)
    padded = []
    interior = (0, 0, *[by - 1 for by in windows.stride])
    for number, start in enumerate(starts):
        ends = zip(windows.padded, windows.stop(start))
        high = (0, 0, *[extent - end for extent, end in ends])
        padded.append(
            p.pad.bind(
                parts[:, :, number], zero, low=(0, 0, *start), high=high, interior=interior
            )
        )
    total = functools.reduce(add, padded)
    top, left = windows.padding
    return total[:, :, top : top + size[0], left : left + size[1]]


# -- blocks ------------------------------------------------------------------------------


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
