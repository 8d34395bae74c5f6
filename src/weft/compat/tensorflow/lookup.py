"""tf.lookup: tables from keys to values, kept as dicts of Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from weft.compat.conversion import as_dtype, convert_to_tensor
from weft.compat.tensorflow.errors import FailedPreconditionError
from weft.core.spec import Spec
from weft.core.tensor import Tensor, TracedTensor
from weft.dtypes import DType
from weft.errors import DTypeError, ShapeError, TraceError
from weft.primitives.effects import host_call


def _tensor(values: Any, dtype: Any) -> Tensor:
    return convert_to_tensor(values, None if dtype is None else as_dtype(dtype))


class KeyValueTensorInitializer:
    """Keys and values of a table, side by side.

    Args:
        keys: a row of numbers or texts.
        values: as many.
        key_dtype: of the keys, if they are Python's.
        value_dtype: of the values.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.keys, self.values = _tensor(keys, key_dtype), _tensor(values, value_dtype)
        if self.keys.shape != self.values.shape:
            raise ShapeError(
                "tf.lookup.KeyValueTensorInitializer: there must be as many values as keys; "
                f"received {self.keys.spec} and {self.values.spec}"
            )

    @property
    def key_dtype(self) -> DType:
        """The dtype of the keys."""
        return self.keys.dtype

    @property
    def value_dtype(self) -> DType:
        """The dtype of the values."""
        return self.values.dtype


class TextFileIndex:
    """What of a line of a file a key or a value is, beside the number of a column."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(KeyValueTensorInitializer):
    """Keys and values of a table, from the lines of a text file.

    Args:
        filename: the file, in UTF-8.
        key_dtype: of the keys.
        key_index: a column, or a `TextFileIndex`.
        value_dtype: of the values.
        value_index: as `key_index`.
        vocab_size: how many lines are read; None reads all.
        delimiter: between columns.
        value_index_offset: what is added to line numbers.
    """

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any,
        value_index: int, vocab_size: int | None = None, delimiter: str = "\t",
        name: str | None = None, value_index_offset: int = 0,
    ) -> None:  # fmt: skip
        lines = Path(filename).read_text("utf-8").splitlines()[:vocab_size]

        def column(index: int, dtype: Any, offset: int) -> Tensor:
            if index == TextFileIndex.LINE_NUMBER:
                return _tensor(np.arange(len(lines)) + offset, dtype)
            parts = [
                line if index == TextFileIndex.WHOLE_LINE else line.split(delimiter)[index]
                for line in lines
            ]
            is_text = as_dtype(dtype) == "string"
            found = parts if is_text else np.array(parts).astype(as_dtype(dtype).numpy)
            return _tensor(found, dtype)

        super().__init__(
            column(key_index, key_dtype, 0),
            column(value_index, value_dtype, value_index_offset),
        )


class StaticHashTable:
    """A table that does not change: `table.lookup(keys)`, or `table[keys]`.

    Args:
        initializer: the keys and values.
        default_value: for keys that it does not have.

    Raises:
        FailedPreconditionError: a key has two values.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> table = tf.lookup.StaticHashTable(
        ...     tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1
        ... )
        >>> table.lookup(tf.constant(["b", "z"])).numpy().tolist()
        [2, -1]
    """

    def __init__(
        self, initializer: KeyValueTensorInitializer, default_value: Any,
        name: str | None = None, experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        self.key_dtype, self.value_dtype = initializer.key_dtype, initializer.value_dtype
        self.default_value = _tensor(default_value, self.value_dtype)
        self.name = name or "hash_table"
        if self.default_value.shape != ():
            raise ShapeError(
                "tf.lookup.StaticHashTable: default_value must be one value; received "
                f"{self.default_value.spec}"
            )
        pairs = zip(initializer.keys._array.tolist(), initializer.values._array.tolist())
        self._table: dict[Any, Any] = {}
        for key, value in pairs:
            if self._table.setdefault(key, value) != value:
                raise FailedPreconditionError(
                    f"tf.lookup.StaticHashTable: the key {key!r} has the values "
                    f"{self._table[key]!r} and {value!r}; give each key once"
                )

    def lookup(self, keys: Any, name: str | None = None) -> Tensor:
        """The values of keys, in the shape of the keys.

        Raises:
            DTypeError: the keys are of another dtype than the table's.
        """
        keys = convert_to_tensor(keys)
        if keys.dtype is not self.key_dtype:
            raise DTypeError(
                f"tf.lookup: the keys of {self.name!r} are {self.key_dtype}; received "
                f"{keys.spec}; use tf.cast, or make the table with key_dtype"
            )
        if not isinstance(keys, TracedTensor):
            return Tensor(self._values(keys._array))
        if self.value_dtype == "string":
            raise TraceError(
                f"tf.lookup: the values of {self.name!r} are text, which no program can "
                "hold; look them up outside of the tf.function"
            )
        specs = (Spec(keys.shape, self.value_dtype),)
        return host_call.bind(keys, function=self._values, specs=specs)[0]

    __getitem__ = lookup

    def _values(self, keys: np.ndarray) -> np.ndarray:
        default = self.default_value._array.item()
        found = [self._table.get(key, default) for key in keys.ravel().tolist()]
        array = np.empty(len(found), self.value_dtype.numpy)
        array[:] = found
        return array.reshape(keys.shape)

    def size(self, name: str | None = None) -> Tensor:
        """The number of keys."""
        return Tensor(np.array(len(self._table), np.int64))

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys, and their values."""
        return (
            convert_to_tensor(list(self._table), self.key_dtype),
            convert_to_tensor(list(self._table.values()), self.value_dtype),
        )


__all__ = [
    "KeyValueTensorInitializer", "StaticHashTable", "TextFileIndex", "TextFileInitializer",
]  # fmt: skip
