"""Data of every kind as batches: arrays in memory, datasets, generators.

An adapter knows its number of steps where it can be known, and gives batches `(x,)`,
`(x, y)` or `(x, y, sample_weight)`. Arrays in memory stay whole: training runs over them in
one program, which gathers the rows of each batch.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from weft import config, dtypes, random, tree
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, DTypeError, warn
from weft.keras.training.py_dataset import PyDataset
from weft.ops.convert import convert_to_tensor


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of a batch; None where something is missing.

    Example:
        >>> from weft.keras.training.data_adapters import unpack_x_y_sample_weight
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ArgumentError(
            "data: a batch must be x, (x,), (x, y) or (x, y, sample_weight); received "
            f"{len(data)} items"
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The inverse of `unpack_x_y_sample_weight`."""
    if y is None:
        return x if not isinstance(x, tuple | list) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


# -- values ------------------------------------------------------------------------------


def as_array(value: Any, who: str, takes_text: bool = False) -> np.ndarray:
    """Anything with numbers as a contiguous native array, floats as `floatx()`.

    Arrays that are so already are not copied. Text is an array of bytes, if it is taken.

    Raises:
        ArgumentTypeError, DTypeError: for what holds no numbers, by name.
    """
    array = _raw_array(value, who)
    kind = array.dtype.kind
    if kind == "c":
        raise DTypeError(
            f"{who}: expected real numbers; received an array with dtype {array.dtype}; give "
            "its real and imaginary parts (x.real, x.imag), or np.abs(x)"
        )
    if takes_text and kind in "OSU" and _is_text(array):
        return convert_to_tensor(array)._array
    if kind in "OSUM":
        array = _numbers_of_objects(array, who)
        kind = array.dtype.kind
    wanted = array.dtype.newbyteorder("=")
    # ml_dtypes' floats have the kind "V".
    if kind == "f" or (kind == "V" and canonical(array.dtype).is_floating):
        wanted = canonical(config.floatx()).numpy
    if array.dtype != wanted:
        array = array.astype(wanted)
    canonical(array.dtype)
    return np.ascontiguousarray(array) if array.ndim else array


def _raw_array(value: Any, who: str) -> np.ndarray:
    if type(value) is np.ndarray:
        return value
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, Variable):
        return value.value._array
    if hasattr(value, "to_numpy"):  # pandas and polars
        return value.to_numpy()
    if hasattr(value, "toarray"):  # scipy.sparse
        return value.toarray()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.VisibleDeprecationWarning)
            return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"{who}: expected arrays of numbers; received {type(value).__name__}, which "
            f"could not become one: {error}"
        ) from error


def _is_text(array: np.ndarray) -> bool:
    is_text = all(isinstance(x, str | bytes) for x in array.reshape(-1))
    return array.dtype.kind in "SU" or (is_text and array.size > 0)


def holds_text(data: Any) -> bool:
    """Whether there is text among the tensors of a structure."""
    return any(getattr(x, "dtype", None) is dtypes.string for x in tree.leaves(data))


def require_numbers(data: Any, who: str) -> None:
    """Raise DTypeError for the first text of a structure of tensors."""
    for leaf in tree.leaves(data):
        if getattr(leaf, "dtype", None) is dtypes.string:
            _numbers_of_objects(leaf._array, who)


def _numbers_of_objects(array: np.ndarray, who: str) -> np.ndarray:
    odd = next(
        (x for x in array.reshape(-1) if not isinstance(x, int | float | np.number)), None
    )
    if odd is None and array.dtype.kind == "O":
        return np.array(array.tolist())
    raise DTypeError(
        f"{who}: expected numbers; received an array with dtype {array.dtype} that holds "
        f"{type(odd).__name__} values, such as {str(odd)[:40]!r}; turn text into numbers "
        "first, and rows of unequal lengths into rows of one length"
    )


def is_array_like(value: Any) -> bool:
    """Whether a value is data in memory, and no container or source of batches."""
    if isinstance(value, np.ndarray | np.generic | Tensor | Variable):
        return True
    is_frame = hasattr(value, "to_numpy") or hasattr(value, "toarray")
    return is_frame or (hasattr(value, "__array__") and hasattr(value, "shape"))


def _is_numbers(value: Any) -> bool:
    """Whether a list is (nested) numbers or text, in place of a list of inputs."""
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_numbers(item) for item in value[:4])
    return isinstance(value, bool | int | float | np.number | str | bytes)


def data_leaves(data: Any, who: str) -> tuple[list[np.ndarray], Any]:
    """The arrays of a structure, and the structure; lists of numbers are one array.

    Text stays text: which models take it is for `Running` to say.
    """
    prepared = _gather_numbers(data, who)
    leaves, structure = tree.flatten(prepared)
    return [as_array(leaf, who, takes_text=True) for leaf in leaves], structure


def _gather_numbers(data: Any, who: str) -> Any:
    if isinstance(data, dict):
        return {name: _gather_numbers(value, who) for name, value in data.items()}
    if isinstance(data, list | tuple) and not hasattr(data, "_fields"):
        if _is_numbers(data):
            return _array_of_numbers(data, who)
        return type(data)(_gather_numbers(value, who) for value in data)
    return data


def _array_of_numbers(data: Any, who: str) -> np.ndarray:
    try:
        return np.asarray(data)
    except ValueError as error:
        raise ArgumentError(
            f"{who}: rows of numbers must have one length; received lists of unequal "
            "lengths; cut or fill them, such as with keras.utils.pad_sequences"
        ) from error


def to_tensors(data: Any, who: str) -> Any:
    """A structure of data as a structure of tensors; arrays are taken over, not copied."""
    arrays, structure = data_leaves(data, who)
    return tree.unflatten(structure, [Tensor(array) for array in arrays])


# -- class weights -----------------------------------------------------------------------


def class_weights_of(y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """The weight of each sample by its class; classes that are not named weigh 1.

    Raises:
        ArgumentError: if `y` is a structure of several outputs.
    """
    if not isinstance(class_weight, dict):
        raise ArgumentTypeError(
            "class_weight: expected a dict of class numbers to weights, such as "
            f"{{0: 1.0, 1: 5.0}}; received {class_weight!r} ({type(class_weight).__name__})"
        )
    if isinstance(y, dict | list | tuple):
        raise ArgumentError(
            "class_weight: it works with a single output only; give sample_weight for "
            f"several; received y of type {type(y).__name__}"
        )
    y = as_array(y, "y")
    if y.ndim >= 2:
        y = y.argmax(axis=-1) if y.shape[-1] > 1 else y.reshape(y.shape[:-1])
    classes = np.round(y).astype(np.int64)
    weights = np.ones(classes.shape, canonical(config.floatx()).numpy)
    for label, weight in class_weight.items():
        weights[classes == int(label)] = weight
    return weights


# -- adapters ----------------------------------------------------------------------------


# Orders of rows are drawn for several epochs at once, when epochs are tiny.
_MOST_DRAWN, _DRAWN_ROWS = 256, 8192


class ArrayAdapter:
    """Arrays in memory, cut into batches of rows."""

    is_used_up = False

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool = False,
        class_weight: dict | None = None,
        steps: int | None = None,
        who: str = "fit",
    ) -> None:
        if class_weight is not None:
            if sample_weight is not None:
                raise ArgumentError(
                    f"{who}: You cannot `class_weight` and `sample_weight` at the same time; "
                    "multiply them into one sample_weight"
                )
            sample_weight = class_weights_of(y, class_weight)
        self.leaves, self.names = [], []
        parts: list[Any] = []
        for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight)):
            if part is None:
                parts.append(None)
                continue
            arrays, structure = data_leaves(part, f"{who}: {name}")
            self.leaves += arrays
            self.names += [name] * len(arrays)
            parts.append(structure)
        self._parts = parts
        self.rows = _count_rows(self.leaves, self.names, who)
        self.batch_size = _checked_batch_size(batch_size, who)
        whole = -(-self.rows // self.batch_size)
        self.steps = whole if steps is None else steps
        self._all_steps = whole
        self._is_partial = steps is not None and steps != whole
        self._cursor = 0
        self.shuffle = shuffle
        self._random = (
            np.random.default_rng(random.make_default_seed()) if shuffle else None
        )
        self._order: np.ndarray | None = None
        self._drawn: list[np.ndarray] = []
        self.order_tensor = Tensor(np.zeros(0, np.int32))
        self.tensors = [Tensor(array) for array in self.leaves]
        self.structure = self._structure()

    def _structure(self) -> Any:
        x, y, weight = self._parts
        parts = [part for part in (x, y, weight) if part is not None]
        if y is None and weight is not None:
            raise ArgumentError("data: sample_weight was given without y")
        return tree.Structure(tuple, None, tuple(parts))

    def part(self, name: str) -> Any:
        """x, y or sample_weight as a structure of whole arrays; None if it was not given."""
        structure = self._parts[("x", "y", "sample_weight").index(name)]
        if structure is None:
            return None
        mine = [leaf for leaf, owner in zip(self.leaves, self.names) if owner == name]
        return tree.unflatten(structure, mine)

    def begin_epoch(self) -> int:
        """The number of the first step of an epoch in this round through the data."""
        if not self._is_partial or self._cursor >= self._all_steps:
            self._cursor = 0
        if self._cursor == 0:
            self._draw_order()
        first = self._cursor
        if first + self.steps > self._all_steps and not self._is_partial:
            self.steps = self._all_steps - first
        return first

    def steps_left(self, step: int) -> int:
        """How many steps there are from this one to the end of the data."""
        return self._all_steps - step

    def end_epoch(self, step: int) -> None:
        """Remember where the next epoch begins, if epochs are shorter than the data."""
        self._cursor = step

    def _draw_order(self) -> None:
        if self._random is None:
            return
        if self._order is not None and self._drawn:
            # The same array: the program of a tiny epoch finds everything where it was.
            np.copyto(self._order, self._drawn.pop())
            return
        several = min(_MOST_DRAWN, _DRAWN_ROWS // max(1, self.rows))
        if several <= 1:
            self._order = self._random.permutation(self.rows).astype(np.int32)
        else:
            rows = np.arange(self.rows, dtype=np.int32)
            drawn = self._random.permuted(np.tile(rows, (several, 1)), axis=1)
            self._drawn = list(drawn[:0:-1])
            self._order = drawn[0].copy()
        self.order_tensor = Tensor(self._order)

    @property
    def order(self) -> np.ndarray | None:
        """The row that stands at each place of this epoch; None if they stay in order."""
        return self._order

    def rows_of(self, step: int) -> slice:
        """The places of a step's rows."""
        return slice(step * self.batch_size, min((step + 1) * self.batch_size, self.rows))

    def batches(self) -> Iterator[Any]:
        """One batch after the other, as structures of arrays."""
        first = self.begin_epoch()
        for step in range(first, self._all_steps):
            rows: Any = self.rows_of(step)
            if self._order is not None:
                rows = self._order[rows]
            yield tree.unflatten(self.structure, [leaf[rows] for leaf in self.leaves])


class RowsAdapter(ArrayAdapter):
    """A dataset whose batches are rows of arrays in memory, in an order of its own.

    Args:
        rows: the arrays, and where each pass takes the numbers of its rows from.
        size: rows per batch.
        drop_remainder: whether a smaller last batch is left out.
    """

    def __init__(self, rows: Any, size: int, drop_remainder: bool, who: str) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(rows.arrays)
        super().__init__(x, y, sample_weight, size, who=who)
        self._blocks = rows.blocks
        self.shuffle = True
        # Counting the rows takes the first pass, which the first epoch then uses.
        self._order = self._next_order()
        self._is_fresh = True
        self.order_tensor = Tensor(self._order)
        self.rows = len(self._order)
        if drop_remainder:
            self.rows -= self.rows % size
        self.steps = self._all_steps = -(-self.rows // size)

    def _next_order(self) -> np.ndarray:
        blocks = [np.asarray(block, np.int32) for block in self._blocks()]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int32)

    def _draw_order(self) -> None:
        if self._is_fresh:
            self._is_fresh = False
            return
        order = self._next_order()
        if self._order is None or order.shape != self._order.shape:
            raise ArgumentError(
                f"a dataset: all its passes must have the same number of rows; received "
                f"{len(order)} rows after a pass of {self.rows}"
            )
        self._order, self.order_tensor = order, Tensor(order)


def _rows_adapter(dataset: Any, who: str) -> RowsAdapter | None:
    """The adapter for a dataset that only picks rows of arrays; None for any other."""
    ask = getattr(dataset, "_row_batches", None)
    found = ask() if ask is not None else None
    if found is None:
        return None
    rows, size, drop_remainder = found
    leaves = tree.leaves(rows.arrays)
    if rows.functions or not all(_is_ready(leaf) for leaf in leaves):
        return None
    adapter = RowsAdapter(rows, size, drop_remainder, who)
    return adapter if adapter.rows else None


def _is_ready(leaf: Any) -> bool:
    """Whether an array can be given to programs as it is."""
    if type(leaf) is not np.ndarray or not leaf.ndim or not leaf.flags.c_contiguous:
        return False
    is_number = leaf.dtype.kind in "biu" and leaf.dtype.isnative
    return is_number or leaf.dtype == canonical(config.floatx()).numpy


class BatchAdapter:
    """A source of batches: a dataset, anything iterable, a generator.

    Args:
        source: gives batches when it is iterated over.
        steps: how many batches make an epoch; None: all there are.
        once: whether the source can be gone through a single time only.
        length: how many batches there are, if that is known.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None = None,
        class_weight: dict | None = None,
        once: bool = False,
        length: int | None = None,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
    ) -> None:
        self._source, self._once = source, once
        self._class_weight = class_weight
        self._limit = steps
        self._length = length
        self._iterator: Iterator | None = None
        self._has_given = self._has_warned = False
        self.is_used_up = False
        self._on_begin, self._on_end = on_epoch_begin, on_epoch_end
        self.batch_size: int | None = None

    @property
    def steps(self) -> int | None:
        """How many steps an epoch has; None if that is not known yet."""
        return self._limit if self._limit is not None else self._length

    def batches(self) -> Iterator[Any]:
        """The batches of one epoch."""
        if self._on_begin is not None:
            self._on_begin()
        if self._iterator is None:
            self._iterator = iter(self._source)
        iterator = self._iterator
        limit = self._limit
        count = 0
        for batch in itertools.islice(iterator, limit):
            count += 1
            yield self._weighted(batch)
        if limit is None or count < limit:
            if not self._once:
                self._iterator = None
            if count:
                self._length = count
            # A generator that an earlier epoch went through has nothing left for this one.
            self.is_used_up = self._has_given and not count
            if (limit is not None or self.is_used_up) and not self._has_warned:
                warn_ran_out()
                self._has_warned = True
        self._has_given = self._has_given or count > 0
        if self._on_end is not None:
            self._on_end()

    def _weighted(self, batch: Any) -> Any:
        if self._class_weight is None:
            return batch
        x, y, weight = unpack_x_y_sample_weight(batch)
        if weight is not None:
            raise ArgumentError(
                "fit: You cannot `class_weight` and `sample_weight` at the same time; the "
                "batches have sample weights already"
            )
        return x, y, class_weights_of(y, self._class_weight)


def warn_ran_out() -> None:
    """Say that the data ended before the epoch."""
    warn(
        "Your input ran out of data; interrupting training. Make sure that your dataset or "
        "generator can generate at least `steps_per_epoch * epochs` batches. You may need to "
        "use the `.repeat()` function when building your dataset.",
    )


def adapter_for(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    class_weight: dict | None = None,
    who: str = "fit",
) -> Any:
    """The adapter for data of this kind.

    Raises:
        ArgumentError, ArgumentTypeError: for data that is none, or arguments that do not
            go together.
    """
    if x is None:
        raise ArgumentError(
            f"{who}: expected data; received x=None; give arrays, a dataset or a generator"
        )
    if steps is not None and steps <= 0:
        raise ArgumentError(
            f"{who}: the number of steps must be positive; received {steps}"
        )
    if _is_in_memory(x):
        return ArrayAdapter(
            x, y, sample_weight, batch_size, bool(shuffle), class_weight, steps, who
        )
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ArgumentError(
                f"{who}: `{name}` must not be given where x gives whole batches; received x "
                f"of type {type(x).__name__}; let it give (x, y, sample_weight)"
            )
    if isinstance(x, PyDataset):
        source = x.epochs(shuffle and who == "fit")
        return BatchAdapter(
            source,
            steps,
            class_weight,
            False,
            x.num_batches,
            x.on_epoch_begin,
            x.on_epoch_end,
        )
    if not isinstance(x, Iterable) or isinstance(x, str | bytes):
        raise ArgumentTypeError(
            f"{who}: Unrecognized data type: x={str(x)[:60]!r} (of type "
            f"{type(x).__name__}); give arrays, a dataset or a generator of batches"
        )
    if steps is None and class_weight is None:
        adapter = _rows_adapter(x, who)
        if adapter is not None:
            return adapter
    return BatchAdapter(x, steps, class_weight, isinstance(x, Iterator), _length_of(x))


def _length_of(source: Any) -> int | None:
    try:
        length = len(source)
    except TypeError:
        return None
    return length if length >= 0 else None


def _is_in_memory(x: Any) -> bool:
    if isinstance(x, dict):
        return all(_is_in_memory(value) for value in x.values())
    if isinstance(x, list | tuple):
        if not x:
            return True
        return _is_numbers(x) or all(_is_in_memory(value) for value in x)
    if isinstance(x, str | bytes):
        return True
    return is_array_like(x) and not isinstance(x, PyDataset)


_SHOWN_SIZES = 6
_LIST_OF_SAMPLES = (
    "; a list of arrays is a list of inputs: make one array of samples with np.array(…)"
)


def _sizes(sizes: list[int]) -> str:
    if len(sizes) <= _SHOWN_SIZES:
        return str(sizes)
    return f"[{sizes[0]}, {sizes[1]}, … {len(sizes)} in all]"


def _count_rows(leaves: list[np.ndarray], names: list[str], who: str) -> int:
    for leaf, name in zip(leaves, names):
        if leaf.ndim == 0:
            raise ArgumentError(
                f"{who}: {name} needs a first axis of samples; received a single number; put "
                "it into a list"
            )
    counts = {len(leaf) for leaf in leaves} or {0}
    if len(counts) > 1:
        sizes = "; ".join(
            f"{name!r} sizes: {_sizes([len(x) for x, o in zip(leaves, names) if o == name])}"
            for name in dict.fromkeys(names)
        )
        raise ArgumentError(
            f"{who}: Data cardinality is ambiguous. Make sure all arrays contain the same "
            f"number of samples. Received {sizes}"
            + _LIST_OF_SAMPLES
            * (len(leaves) > _SHOWN_SIZES)
        )
    rows = counts.pop()
    if rows == 0:
        raise ArgumentError(
            f"{who}: expected at least one sample; received "
            f"{', '.join(f'{n} of shape {x.shape}' for x, n in zip(leaves, names)) or 'none'}"
        )
    return rows


def _checked_batch_size(batch_size: Any, who: str) -> int:
    if batch_size is None:
        return 32
    is_int = hasattr(batch_size, "__index__") and not isinstance(batch_size, bool)
    if not is_int or batch_size.__index__() < 1:
        raise ArgumentError(
            f"{who}: batch_size must be a positive int, or None for 32; received "
            f"{batch_size!r}"
        )
    return batch_size.__index__()


def split_validation(
    data: tuple[Any, Any, Any], validation_split: float
) -> tuple[tuple, tuple]:
    """Data in memory in two: all but the last part, and the last part.

    Raises:
        ArgumentError: if a part would be empty, or the data is no arrays.
    """
    if not 0 < validation_split < 1:
        raise ArgumentError(
            "fit: validation_split must be between 0 and 1 (both left out); received "
            f"{validation_split}"
        )
    if not all(part is None or _is_in_memory(part) for part in data):
        raise ArgumentError(
            "fit: validation_split needs data in memory (arrays or tensors); received x of "
            f"type {type(data[0]).__name__}; give validation_data"
        )
    arrays = [None if p is None else data_leaves(p, "fit: validation_split") for p in data]
    rows = min(len(leaf) for part in arrays if part for leaf in part[0])
    at = int(np.floor(rows * (1.0 - validation_split)))
    if at == 0 or at == rows:
        raise ArgumentError(
            f"fit: Training data contains {rows} samples, which is not sufficient to split "
            "it into a validation and training set as specified by `validation_split="
            f"{validation_split}`. Either provide more data, or a different value"
        )

    def cut(rows: slice) -> tuple:
        return tuple(
            None if p is None else tree.unflatten(p[1], [leaf[rows] for leaf in p[0]])
            for p in arrays
        )

    return cut(slice(None, at)), cut(slice(at, None))


__all__ = [
    "ArrayAdapter", "BatchAdapter", "adapter_for", "as_array",
    "pack_x_y_sample_weight", "split_validation", "to_tensors", "unpack_x_y_sample_weight",
]  # fmt: skip
