"""Event files: the log that TensorBoard reads.

    scalar, histogram, image, text ──► Event message ──► record with checksums ──► file

A record is a length, its checksum, the bytes of a message and their checksum (CRC-32C,
rotated by 15 bits and shifted by a constant). Messages are protocol buffers: numbered
fields, of which only the few that TensorBoard needs are written here.
"""

from __future__ import annotations

import functools
import itertools
import os
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from weft.errors import ShapeError

# -- checksums ---------------------------------------------------------------------------


@functools.cache
def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        rows.append(byte)
    return tuple(rows)


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    rotated = (value >> 15 | value << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """The bytes of a message as they stand in the file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


# -- protocol buffers ------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def whole(field: int, number: int) -> bytes:
    """A field with a whole number."""
    return _varint(field << 3) + _varint(int(number))


def double(field: int, number: float) -> bytes:
    """A field with a float64."""
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def block(field: int, *parts: bytes | str) -> bytes:
    """A field with bytes, a text or a message inside."""
    joined = b"".join(p.encode("utf-8") if isinstance(p, str) else p for p in parts)
    return _varint(field << 3 | 2) + _varint(len(joined)) + joined


# DataType and DataClass of TensorFlow's messages.
_FLOAT, _DOUBLE, _STRING = 1, 2, 7
_SCALAR, _TENSOR, _BLOBS = 1, 2, 3


def _shape(shape: tuple[int, ...]) -> bytes:
    return block(2, *[block(2, whole(1, size)) for size in shape])


def _numbers(array: np.ndarray, kind: int) -> bytes:
    dtype = "<f4" if kind == _FLOAT else "<f8"
    content = np.ascontiguousarray(array, dtype).tobytes()
    return whole(1, kind) + _shape(array.shape) + block(4, content)


def _strings(values: list[bytes], shape: tuple[int, ...]) -> bytes:
    return whole(1, _STRING) + _shape(shape) + b"".join([block(8, one) for one in values])


def _value(
    tag: str, plugin: str, data_class: int, tensor: bytes, content: str = ""
) -> bytes:
    plugin_data = block(1, plugin) + (block(2, content) if content else b"")
    metadata = block(1, plugin_data) + whole(4, data_class)
    return block(1, block(1, tag), block(9, metadata), block(8, tensor))


# -- the file ----------------------------------------------------------------------------------


class EventWriter:
    """Writes one event file into a folder; the file is made with the first event.

    Args:
        folder: the folder of one run, such as `logs/train`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer = EventWriter(folder)
        ...     writer.scalar("loss", 0.5, step=1)
        ...     writer.close()
        ...     len(list(Path(folder).iterdir()))
        1
    """

    _numbers_of_files = itertools.count()

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._file: Any = None
        self._lock = threading.Lock()

    def _write(self, *fields: bytes) -> None:
        with self._lock:
            if self._file is None:
                self._open()
            self._file.write(record(double(1, time.time()) + b"".join(fields)))

    def _open(self) -> None:
        import socket  # it takes long to load

        self.folder.mkdir(parents=True, exist_ok=True)
        number = next(self._numbers_of_files)
        host = socket.gethostname() or "localhost"
        name = f"events.out.tfevents.{int(time.time())}.{host}.{os.getpid()}.{number}.v2"
        self._file = open(self.folder / name, "ab")  # noqa: SIM115  (`close` closes it)
        self._file.write(record(double(1, time.time()) + block(3, "brain.Event:2")))

    def _summary(self, step: int, value: bytes) -> None:
        self._write(whole(2, step), block(5, value))

    def scalar(self, name: str, data: Any, step: int) -> None:
        """A number at a step."""
        tensor = _numbers(np.asarray(data, np.float64).reshape(()), _FLOAT)
        self._summary(step, _value(name, "scalars", _SCALAR, tensor))

    def histogram(self, name: str, data: Any, step: int, buckets: int = 30) -> None:
        """How the numbers of an array are spread, at a step; NaN and infinity are left out."""
        values = np.asarray(data, np.float64).ravel()
        counts, edges = _spread(values[np.isfinite(values)], buckets)
        rows = np.stack([edges[:-1], edges[1:], counts], axis=1) if len(counts) else (
            np.zeros((0, 3)))  # fmt: skip
        self._summary(step, _value(name, "histograms", _TENSOR, _numbers(rows, _DOUBLE)))

    def image(self, name: str, data: Any, step: int) -> None:
        """Pictures (count, height, width, channels), floats from 0 to 1 or uint8."""
        pictures = np.asarray(data)
        if pictures.ndim != 4 or pictures.shape[-1] not in _COLOURS:
            raise ShapeError(
                "EventWriter.image: pictures must be (count, height, width, 1, 2, 3 or 4 "
                f"channels); received {pictures.shape}"
            )
        if pictures.dtype != np.uint8:
            pictures = np.clip(np.nan_to_num(pictures) * 255.0 + 0.5, 0, 255).astype(
                np.uint8
            )
        height, width = pictures.shape[1:3]
        parts = [str(width).encode(), str(height).encode(), *map(png, pictures)]
        tensor = _strings(parts, (len(parts),))
        self._summary(step, _value(name, "images", _BLOBS, tensor))

    def text(self, name: str, data: Any, step: int) -> None:
        """A text (Markdown), or an array of texts, at a step."""
        array = np.asarray(data, object)
        texts = [one.encode() if isinstance(one, str) else one for one in array.ravel()]
        tensor = _strings(texts, array.shape)
        self._summary(step, _value(name, "text", _TENSOR, tensor))

    def keras_model(self, name: str, model_json: str, step: int) -> None:
        """A model's settings, of which TensorBoard draws the layers."""
        tensor = _strings([model_json.encode("utf-8")], ())
        self._summary(step, _value(name, "graph_keras_model", _TENSOR, tensor, "1"))

    def flush(self) -> None:
        """Let readers see what was written."""
        with self._lock:
            if self._file is not None:
                self._file.flush()

    def close(self) -> None:
        """Close the file; a later event makes another one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _spread(values: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.zeros(0), np.zeros(1)
    low, high = values.min(), values.max()
    if low == high:
        # One value: a single bucket around it.
        return np.array([len(values)], float), np.array([low - 0.5, low + 0.5])
    counts, edges = np.histogram(values, buckets, (low, high))
    return counts.astype(float), edges


_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's number of each count of channels: grey, grey and alpha, colours, and alpha."""


def png(picture: np.ndarray) -> bytes:
    """A picture (height, width, channels) of uint8 as a PNG file."""
    height, width, channels = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    found = [b"\x89PNG\r\n\x1a\n"]
    for kind, content in chunks:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        found.append(struct.pack(">I", len(content)) + kind + content + checksum)
    return b"".join(found)
