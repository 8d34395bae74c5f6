"""tf.compat: text and bytes; TensorFlow 1 is not here."""

from __future__ import annotations

import os
from typing import Any

from weft.errors import ArgumentTypeError


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text)
    raise ArgumentTypeError(
        f"tf.compat.as_bytes: text or bytes are needed; received {type(bytes_or_text).__name__}"
    )


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text."""
    return as_bytes(bytes_or_text, encoding).decode(encoding)


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Anything as text."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> str:
    """A path as text."""
    return os.fspath(path)


def __getattr__(name: str) -> Any:
    if name == "v1":
        raise AttributeError(
            "module 'tf.compat' has no attribute 'v1': TensorFlow 1 is not part of weft: use "
            "TensorFlow 2's names (eager tensors, tf.function)"
        )
    if name == "v2":
        import weft.compat.tensorflow

        return weft.compat.tensorflow
    raise AttributeError(f"module 'tf.compat' has no attribute {name!r}")
