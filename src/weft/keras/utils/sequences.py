"""Sequences of unequal lengths in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weft.errors import ArgumentError, ArgumentTypeError, ShapeError

_ENDS = ("pre", "post")


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """An array (samples, maxlen, …) of sequences that are cut and padded to one length.

    Args:
        sequences: lists or arrays; the first axis is time.
        maxlen: the length; by default that of the longest.
        padding: whether `value` is put before ('pre') or after ('post') a sequence.
        truncating: at which end a longer sequence is cut.

    Raises:
        ArgumentError: for other ends, and sequences that are none.
        ShapeError: for elements of different shapes.

    Example:
        >>> from weft.keras.utils import pad_sequences
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
        [[0, 1], [3, 4]]
    """
    if not hasattr(sequences, "__len__"):
        raise ArgumentError(
            f"pad_sequences: expected a list of sequences; received {type(sequences).__name__}"
        )
    for name, end in (("padding", padding), ("truncating", truncating)):
        if end not in _ENDS:
            raise ArgumentError(
                f"pad_sequences: {name} must be 'pre' or 'post'; received {end!r}"
            )
    rows = [_row(sequence, number) for number, sequence in enumerate(sequences)]
    length = max([len(row) for row in rows], default=0) if maxlen is None else int(maxlen)
    inner = next((row.shape[1:] for row in rows if len(row)), ())
    _check_text(dtype, value)
    padded = np.full((len(rows), length, *inner), value, dtype=dtype)
    for target, row in zip(padded, rows):
        if not len(row) or not length:
            continue
        cut = row[-length:] if truncating == "pre" else row[:length]
        if cut.shape[1:] != inner:
            raise ShapeError(
                "pad_sequences: the elements of all sequences must have one shape; received "
                f"{cut.shape[1:]} and {inner}"
            )
        place = slice(length - len(cut), None) if padding == "pre" else slice(len(cut))
        target[place] = cut
    return padded


def _row(sequence: Any, number: int) -> np.ndarray:
    if not hasattr(sequence, "__len__"):
        raise ArgumentError(
            "pad_sequences: each element must be a sequence; received "
            f"{str(sequence)[:40]!r} for element {number}"
        )
    return np.asarray(sequence)


def _check_text(dtype: Any, value: Any) -> None:
    is_text = np.issubdtype(np.dtype(dtype), np.str_)
    if isinstance(value, str) and dtype is not object and not is_text:
        raise ArgumentTypeError(
            f"pad_sequences: text cannot fill an array of {dtype}; received value={value!r}; "
            "give dtype=object"
        )


__all__ = ["pad_sequences"]
