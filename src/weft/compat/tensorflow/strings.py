"""tf.strings: text in tensors, as bytes; evaluated by Python where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import dtypes
from weft.compat.arithmetic import _objects
from weft.compat.conversion import as_dtype, known_int, tensor
from weft.core.tensor import Tensor, TracedTensor
from weft.errors import ArgumentError, TraceError
from weft.keras.utils.fingerprints import bucket


def _text(who: str, value: Any) -> np.ndarray:
    return _known(who, tensor(who, value, dtypes.string))


def _known(who: str, found: Tensor) -> np.ndarray:
    """The array of a tensor that is known now."""
    if isinstance(found, TracedTensor):
        raise TraceError(
            f"{who}: no program holds text, and {found.spec} has no values while a function "
            "is traced; call it outside of the tf.function, or in tf.py_function"
        )
    return found._array


def _each(array: np.ndarray, function: Callable) -> Tensor:
    """`function` of each text, as text."""
    return Tensor(_objects(np.frompyfunc(function, 1, 1)(array)))


def _numbers(array: np.ndarray, function: Callable, dtype: Any) -> Tensor:
    """`function` of each text, as numbers."""
    found = np.frompyfunc(function, 1, 1)(array)
    return Tensor(np.asarray(found, as_dtype(dtype).numpy))


def _require_unit(who: str, unit: str) -> bool:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise ArgumentError(f"{who}: unit must be 'BYTE' or 'UTF8_CHAR'; received {unit!r}")
    return unit == "UTF8_CHAR"


def _bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """The number of bytes (or characters) of each text.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.strings.length(["abc", "가"]).numpy().tolist()
        [3, 3]
    """
    is_text = _require_unit("tf.strings.length", unit)
    array = _text("tf.strings.length", input)
    return _numbers(
        array, lambda b: len(b.decode(errors="replace")) if is_text else len(b), "int32"
    )


def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Small letters; those of ASCII only, unless encoding is "utf-8"."""
    return _each(_text("tf.strings.lower", input), _cased(bytes.lower, str.lower, encoding))


def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Capital letters; those of ASCII only, unless encoding is "utf-8"."""
    return _each(_text("tf.strings.upper", input), _cased(bytes.upper, str.upper, encoding))


def _cased(of_bytes: Callable, of_text: Callable, encoding: str) -> Callable:
    if not encoding:
        return of_bytes
    return lambda b: of_text(b.decode(encoding)).encode(encoding)


def strip(input: Any, name: str | None = None) -> Tensor:
    """Without white space at both ends."""
    return _each(_text("tf.strings.strip", input), bytes.strip)


def join(inputs: Any, separator: Any = "", name: str | None = None) -> Tensor:
    """Text of several tensors put together, element by element; one text goes with all."""
    between = _bytes(separator)
    arrays = np.broadcast_arrays(*[_text("tf.strings.join", one) for one in inputs])
    together = np.frompyfunc(lambda *parts: between.join(parts), len(arrays), 1)
    return Tensor(_objects(together(*arrays)))


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: Any = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """All texts along axes put together."""
    array, between = _text("tf.strings.reduce_join", inputs), _bytes(separator)
    axes = list(range(array.ndim)) if axis is None else [
        one % array.ndim for one in (axis if isinstance(axis, list | tuple) else [axis])
    ]  # fmt: skip
    rest = [one for one in range(array.ndim) if one not in axes]
    moved = array.transpose([*rest, *axes]).reshape(
        [array.shape[one] for one in rest] + [-1]
    )
    out = np.empty(moved.shape[:-1], np.object_)
    for place in np.ndindex(*out.shape):
        out[place] = between.join(moved[place])
    if keepdims:
        out = out.reshape([1 if one in axes else n for one, n in enumerate(array.shape)])
    return Tensor(out)


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The words of a text, as a vector; of several texts, a list of vectors.

    Rows of unequal length are no tensor, so that several texts give a `RaggedWords` list:
    it has `to_list()` and `to_tensor(default_value)`.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.strings.split("to be").numpy().tolist()
        [b'to', b'be']
    """
    array = _text("tf.strings.split", input)
    by = None if sep in (None, "", b"") else _bytes(sep)
    words = [text.split(by, maxsplit) for text in array.reshape(-1)]
    rows = [_vector(row) for row in words]
    return rows[0] if not array.ndim else RaggedWords(rows)


def _vector(words: list) -> Tensor:
    array = np.empty(len(words), np.object_)
    array[:] = words
    return Tensor(array)


class RaggedWords(list):
    """Vectors of text of unequal lengths."""

    @property
    def values(self) -> Tensor:
        """All words in one vector."""
        return _vector([word for row in self for word in row._array])

    def to_list(self) -> list:
        """Nested lists of bytes."""
        return [row._array.tolist() for row in self]

    def row_lengths(self) -> Tensor:
        """How many words each row has."""
        return Tensor(np.array([len(row) for row in self], np.int64))

    def to_tensor(self, default_value: Any = "", shape: Any = None) -> Tensor:
        """A matrix whose short rows are filled up."""
        width = max(map(len, self), default=0)
        if shape is not None and shape[-1] is not None:
            width = int(shape[-1])
        out = np.full((len(self), width), _bytes(default_value), np.object_)
        for place, row in enumerate(self):
            out[place, : len(row)] = row._array[:width]
        return Tensor(out)


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    r"""Each match of a pattern replaced; `\1` in the rewrite stands for the first group."""
    expression, new = re.compile(_bytes(pattern)), _bytes(rewrite)
    new = re.sub(rb"\\0", rb"\\g<0>", new)
    count = 0 if replace_global else 1
    return _each(
        _text("tf.strings.regex_replace", input), lambda b: expression.sub(new, b, count)
    )


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether the whole text matches a pattern."""
    expression = re.compile(_bytes(pattern))
    array = _text("tf.strings.regex_full_match", input)
    return _numbers(array, lambda b: expression.fullmatch(b) is not None, "bool")


def substr(
    input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None
) -> Tensor:
    """The part of each text that begins at `pos` and has `len` bytes (or characters)."""
    is_text = _require_unit("tf.strings.substr", unit)
    starts, sizes = tensor("pos", pos)._array, tensor("len", len)._array

    def cut(text: bytes, start: int, size: int) -> bytes:
        whole: Any = text.decode(errors="replace") if is_text else text
        count = whole.__len__()
        if not -count <= start <= count:
            raise ArgumentError(
                f"tf.strings.substr: pos must be inside of the text; received {start} for "
                f"{text!r}"
            )
        start = start + count if start < 0 else start
        part = whole[start : start + size]
        return part.encode() if is_text else part

    array = _text("tf.strings.substr", input)
    return Tensor(_objects(np.frompyfunc(cut, 3, 1)(array, starts, sizes)))


def to_number(
    input: Any, out_type: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Each text read as a number.

    Raises:
        ArgumentError: for text that is none.
    """
    kind = as_dtype(out_type)
    read = float if kind.is_floating else int

    def number(text: bytes) -> Any:
        try:
            return read(text.decode())
        except ValueError:
            raise ArgumentError(
                f"tf.strings.to_number: {text!r} is no {kind.name}"
            ) from None

    return _numbers(_text("tf.strings.to_number", input), number, kind)


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False,
    width: int = -1, fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Each number written as text."""
    x = tensor("tf.strings.as_string", input)
    array = _known("tf.strings.as_string", x)
    if x.dtype.is_bool:
        return _each(array, lambda v: b"true" if v else b"false")
    flags = "" if width < 0 else f"{fill}{width}"
    if x.dtype.is_integer:
        return _each(array, lambda v: f"%{flags}d".__mod__(int(v)).encode())
    letter = "e" if scientific else "g" if shortest else "f"
    digits = "" if precision < 0 else f".{precision}"
    return _each(array, lambda v: f"%{flags}{digits}{letter}".__mod__(float(v)).encode())


def format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A text with tensors in the places of `{}`, as `tf.print` shows them."""
    from weft.compat.tensorflow._printing import shown

    values = inputs if isinstance(inputs, list | tuple) else [inputs]
    parts = template.split(placeholder)
    if len(parts) != len(values) + 1:
        raise ArgumentError(
            f"tf.strings.format: {len(parts) - 1} places in the template and "
            f"{len(values)} inputs"
        )
    texts = [
        shown(_known("tf.strings.format", tensor("tf.strings.format", value)), summarize)
        for value in values
    ]
    pieces = [piece for pair in zip(parts, [*texts, ""]) for piece in pair]
    return tensor("tf.strings.format", "".join(pieces))


def to_hash_bucket_fast(input: Any, num_buckets: Any, name: str | None = None) -> Tensor:
    """A number below `num_buckets` for each text, always the same for the same text."""
    return _buckets(input, num_buckets, None)


def to_hash_bucket_strong(
    input: Any, num_buckets: Any, key: Any, name: str | None = None
) -> Tensor:
    """Likewise, by a secret key of two ints."""
    return _buckets(input, num_buckets, key)


def _buckets(input: Any, num_buckets: Any, key: Any) -> Tensor:
    count = known_int("num_buckets", num_buckets)
    texts = _text("tf.strings.to_hash_bucket", input)
    return _numbers(texts, lambda text: bucket(text, count, key), "int64")


to_hash_bucket = to_hash_bucket_fast


def bytes_split(input: Any, name: str | None = None) -> Any:
    """The bytes of each text."""
    return _split_characters(input, lambda b: [b[i : i + 1] for i in range(b.__len__())])


def unicode_split(
    input: Any, input_encoding: str = "UTF-8", errors: str = "replace",
    replacement_char: int = 65533, name: str | None = None,
) -> Any:  # fmt: skip
    """The characters of each text."""
    return _split_characters(
        input, lambda b: [c.encode() for c in b.decode(input_encoding, errors)]
    )


def _split_characters(input: Any, cut: Callable) -> Any:
    array = _text("tf.strings.split", input)
    rows = [_vector(cut(text)) for text in array.reshape(-1)]
    return rows[0] if not array.ndim else RaggedWords(rows)


def unicode_decode(
    input: Any, input_encoding: str = "UTF-8", errors: str = "replace",
    replacement_char: int = 65533, replace_control_characters: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The code points of the characters of one text."""
    (text,) = _text("tf.strings.unicode_decode", input).reshape(-1)
    points = [ord(character) for character in text.decode(input_encoding, errors)]
    return Tensor(np.array(points, np.int32))


def unicode_encode(
    input: Any, output_encoding: str = "UTF-8", errors: str = "replace",
    replacement_char: int = 65533, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The text of code points along the last axis."""
    points = tensor("tf.strings.unicode_encode", input)._array
    out = np.empty(points.shape[:-1], np.object_)
    for place in np.ndindex(*out.shape):
        out[place] = "".join(map(chr, points[place])).encode(output_encoding)
    return Tensor(out)


def unicode_transcode(
    input: Any, input_encoding: str, output_encoding: str, errors: str = "replace",
    replacement_char: int = 65533, replace_control_characters: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Each text in another encoding."""
    array = _text("tf.strings.unicode_transcode", input)
    return _each(array, lambda b: b.decode(input_encoding, errors).encode(output_encoding))


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: Any = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The texts of each segment put together."""
    texts = _text("tf.strings.unsorted_segment_join", inputs).reshape(-1)
    ids = tensor("segment_ids", segment_ids)._array.reshape(-1)
    count = known_int("num_segments", num_segments)
    rows = [
        [text for text, one in zip(texts, ids) if one == number] for number in range(count)
    ]
    return _vector([_bytes(separator).join(row) for row in rows])
