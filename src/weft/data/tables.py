"""Files of comma-separated values: streamed row by row, or read whole into columns."""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.data.background import AUTOTUNE
from weft.data.dataset import Dataset
from weft.data.sources import _texts
from weft.dtypes import ALL, DType, canonical
from weft.errors import ArgumentError, InvalidArgumentError, did_you_mean
from weft.function.signature import TensorSpec
from weft.ops.convert import convert_to_tensor

# What a column may be, the narrowest first.
_INFERRED = ("int32", "int64", "float32", "float64")


class _Column:
    """How the texts of one column become values.

    Args:
        default: a dtype (or its name) if a value must be there, else the value that
            stands for a gap.
    """

    def __init__(self, default: Any) -> None:
        is_dtype = isinstance(default, type) or (
            isinstance(default, str) and default in ALL
        )
        given = None if is_dtype else convert_to_tensor(default)
        self.dtype = canonical(default) if given is None else given.dtype
        self.default: Any = None
        if given is not None and given._array.size:
            self.default = given._array.reshape(-1)[0]

    def value(self, text: str, place: Callable[[], str]) -> Any:
        """The value of a text; an empty text is a gap."""
        if text == "":
            if self.default is None:
                raise ArgumentError(f"{place()} is empty; give the column a default value")
            return self.default
        if self.dtype == "string":
            return text.encode()
        try:
            return _number(text, self.dtype)
        except (ValueError, OverflowError):
            raise ArgumentError(
                f"{place()} must be a number of dtype {self.dtype}; received {text!r}"
            ) from None

    def array(self, values: list[Any]) -> np.ndarray:
        found = np.empty(len(values), self.dtype.numpy)
        found[:] = values
        return found


def _number(text: str, dtype: DType) -> np.ndarray:
    number = float(text) if dtype.is_floating else int(text)
    with np.errstate(over="raise"):
        return np.array(number, dtype.numpy)[()]


class _Format:
    """How the lines of the files are cut, and which columns are wanted."""

    def __init__(
        self, delimiter: str, quotes: bool, na_value: str, header: bool, compression: Any
    ) -> None:
        if compression:
            raise ArgumentError(
                "a CSV dataset: compressed files are not read; received "
                f"compression_type={compression!r}; unpack them first"
            )
        quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
        self._options = {"delimiter": delimiter, "quoting": quoting}
        self._na_value, self._header = na_value, header

    def lines(self, name: str) -> Iterator[list[str]]:
        """The fields of each line of a file, without the header's."""
        with open(name, newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, **self._options)  # type: ignore[arg-type]
            try:
                if self._header:
                    next(rows, None)
                for row in rows:
                    if row:
                        yield ["" if field == self._na_value else field for field in row]
            except csv.Error as error:
                raise ArgumentError(f"{name}, line {rows.line_num}: {error}") from error

    def names(self, file_name: str) -> list[str]:
        """The names in the header of a file."""
        with open(file_name, newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file, **self._options), [])  # type: ignore[arg-type]


def _checked(row: list[str], count: int, name: str, number: int) -> list[str]:
    if len(row) != count:
        raise ArgumentError(
            f"{name}, row {number}: there must be {count} fields; received {len(row)}"
        )
    return row


class CsvDataset(Dataset):
    """The rows of CSV files, one after the other, as tuples.

    Args:
        filenames: one name or several.
        record_defaults: for each wanted column a dtype, if it has no gaps, or what stands
            for a gap.
        header: whether the first line of each file is left out.
        field_delim: between fields.
        use_quote_delim: whether "quotes" keep a delimiter inside a field.
        na_value: a text that is a gap too.
        select_cols: the numbers of the wanted columns; None wants all.
        exclude_cols: the numbers of those that are not.

    Raises:
        ArgumentError: when it is gone through: a row does not fit.

    Example:
        >>> import tempfile
        >>> from weft.data.experimental import CsvDataset
        >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        ...     _ = file.write("1,a\\n2,b\\n")
        ...     file.flush()
        ...     [int(number) for number, _ in CsvDataset(file.name, ["int32", "string"])]
        [1, 2]
    """

    def __init__(
        self, filenames: Any, record_defaults: Sequence[Any], compression_type: Any = None,
        buffer_size: int | None = None, header: bool = False, field_delim: str = ",",
        use_quote_delim: bool = True, na_value: str = "",
        select_cols: Sequence[int] | None = None,
        exclude_cols: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        if select_cols is not None and exclude_cols is not None:
            raise ArgumentError("CsvDataset: give select_cols or exclude_cols, not both")
        names = _texts(filenames)
        columns = [_Column(default) for default in record_defaults]
        form = _Format(field_delim, use_quote_delim, na_value, header, compression_type)
        excluded = set(exclude_cols or ())

        def rows() -> Iterator[tuple]:
            for name in names:
                for number, row in enumerate(form.lines(name), 1 + header):
                    if select_cols is not None:
                        row = [row[index] for index in select_cols if index < len(row)]
                    elif excluded:
                        row = [one for i, one in enumerate(row) if i not in excluded]
                    fields = zip(columns, _checked(row, len(columns), name, number))
                    yield tuple(
                        [
                            column.value(field, lambda: f"{name}, row {number}, a field")
                            for column, field in fields
                        ]
                    )

        specs = tuple([TensorSpec((), column.dtype) for column in columns])
        super().__init__(Dataset.from_generator(rows, output_signature=specs)._node)


def make_csv_dataset(
    file_pattern: Any, batch_size: int, column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None, label_name: str | None = None,
    select_columns: Sequence[Any] | None = None, field_delim: str = ",",
    use_quote_delim: bool = True, na_value: str = "", header: bool = True,
    num_epochs: int | None = None, shuffle: bool = True, shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None, prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None, sloppy: bool = False,
    num_rows_for_inference: int | None = 100, compression_type: Any = None,
    ignore_errors: bool = False, encoding: str = "utf-8",
) -> Dataset:  # fmt: skip
    """Batches of the rows of CSV files, as dicts of columns by name.

    The files are read whole when it is made; `CsvDataset` reads larger ones row by row.

    Args:
        file_pattern: a name with `*`, or several names.
        batch_size: rows in a batch.
        column_names: those of the header by default.
        column_defaults: as `CsvDataset`'s; by default what the first rows look like.
        label_name: this column comes beside the dict: `(columns, label)`.
        select_columns: the wanted columns, by name or number.
        num_epochs: how often the rows come; None repeats them without end.
        shuffle: whether rows are shuffled, `shuffle_buffer_size` at a time.
        num_rows_for_inference: how many rows are looked at for the columns' dtypes.
        ignore_errors: whether rows that do not fit are left out.

    Raises:
        ArgumentError: no file, no such column, or a row that does not fit.
    """
    patterns = _texts(file_pattern)
    files = sorted({name for pattern in patterns for name in glob.glob(pattern)})
    if not files:
        raise ArgumentError(f"make_csv_dataset: no file is named {file_pattern!r}")
    form = _Format(field_delim, use_quote_delim, na_value, header, compression_type)
    if column_names is None:
        if not header:
            raise ArgumentError("make_csv_dataset: without a header, give column_names")
        column_names = form.names(files[0])
    names = list(column_names)
    places = [_place(one, names) for one in (select_columns or names)]
    wanted = [names[place] for place in places]
    if label_name is not None:
        _place(label_name, wanted)
    rows = [
        (name, number, row)
        for name in files
        for number, row in enumerate(form.lines(name), 1 + header)
    ]
    columns = _columns_of(rows, places, column_defaults, num_rows_for_inference)
    kept: list[list[Any]] = []
    for name, number, row in rows:
        try:
            fields = _checked(row, len(names), name, number)
            kept.append(
                [
                    column.value(
                        fields[place],
                        lambda: f"{name}, row {number}, {names[place]!r}",
                    )
                    for place, column in zip(places, columns)
                ]
            )
        except InvalidArgumentError:
            if not ignore_errors:
                raise
    arrays = {
        name: Tensor(column.array(list(values)))
        for name, column, values in zip(
            wanted, columns, zip(*kept) if kept else [()] * len(wanted)
        )
    }
    label = None if label_name is None else arrays.pop(label_name)
    dataset = Dataset.from_tensor_slices(arrays if label is None else (arrays, label))
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    dataset = dataset.repeat(num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None)
    return dataset.prefetch(prefetch_buffer_size or AUTOTUNE)


def _place(column: Any, names: list[str]) -> int:
    if isinstance(column, int) and 0 <= column < len(names):
        return column
    if column not in names:
        raise ArgumentError(
            f"make_csv_dataset: there is no column {column!r}; the columns are {names}."
            f"{did_you_mean(column, names)}"
        )
    return names.index(column)


def _columns_of(
    rows: list, places: list[int], defaults: Sequence[Any] | None, most: int | None
) -> list[_Column]:
    if defaults is not None:
        if len(defaults) != len(places):
            raise ArgumentError(
                f"make_csv_dataset: column_defaults must have one entry per column, "
                f"{len(places)}; received {len(defaults)}"
            )
        return [_Column(default) for default in defaults]
    looked_at = [row for _, _, row in rows[:most]]
    return [
        _inferred([row[place] for row in looked_at if place < len(row)]) for place in places
    ]


def _inferred(texts: list[str]) -> _Column:
    """The narrowest column that takes all texts; gaps are 0, or an empty text."""
    given = [text for text in texts if text]
    for name in _INFERRED:
        column = _Column(Tensor(np.zeros((), canonical(name).numpy)))
        try:
            for text in given:
                _number(text, column.dtype)
        except (ValueError, OverflowError, FloatingPointError):
            continue
        return column
    return _Column(b"")


__all__ = ["CsvDataset", "make_csv_dataset"]
