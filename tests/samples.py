"""Samples of every primitive, from which the tests of primitives and targets are derived.

A `Row` says which inputs (shapes, value ranges, memory layouts), parameters and dtypes
to try. `all_samples()` makes them concrete; a target's test evaluates each `Sample` and
compares it with NumPy:

    for sample in all_samples():
        [expected] = sample.expected()
        assert not mismatch(sample, found, expected)

`gradient_samples()` gives those, in float64, at which derivatives are tested. The rows are
data and stand in `samples_elementwise.py`, `samples_reduction.py`, …; a primitive without a
row fails by name in `primitives/test_tables.py`.
"""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import ml_dtypes
import numpy as np

import weft.core.trace  # defines `constant`
import weft.primitives  # noqa: F401  (defines all others)
from weft.core.primitive import REGISTRY, Primitive
from weft.core.spec import Spec, spec_of_array
from weft.dtypes import canonical

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int32", "int64", "int8", "int16", "uint8", "uint16", "uint32", "uint64")
BOOL = ("bool",)
NUMBERS = FLOATS + INTEGERS
BITS = INTEGERS + BOOL
REALS = NUMBERS + BOOL

# Modules that hold `ROWS`.
TABLES = (
    "samples_elementwise", "samples_reduction", "samples_random", "samples_structure",
    "samples_window",
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """One tensor of a row.

    Args:
        shape: its shape.
        low, high: the range of its random values; from 0 for unsigned dtypes.
        dtype: its dtype; None for the row's.
        values: its values instead of random ones (any array-like of `shape`).
        layout: how it lies in memory, a name in `LAYOUTS`.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: str | None = None
    values: Any = None
    layout: str = "plain"


@dataclass(frozen=True)
class Row:
    """Inputs and parameters at which a primitive is tried, for each of some dtypes.

    Args:
        primitive: its name.
        inputs: its tensors.
        parameters: its keyword parameters.
        dtypes: the dtypes of the inputs that name none themselves.
        ulp: how far a target may be from NumPy, in units in the last place of the result.
        absolute: what is allowed besides, in multiples of the dtype's epsilon: for sums,
            about the largest sum of absolute values.
        gradient: whether derivatives are tested here; only in smooth points.
        note: a word for the sample's name.
    """

    primitive: str
    inputs: tuple[Input, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ("float32",)
    ulp: float = 0.0
    absolute: float = 0.0
    gradient: bool = True
    note: str = ""

    @property
    def name(self) -> str:
        shapes = "-".join("x".join(map(str, i.shape)) or "scalar" for i in self.inputs)
        layouts = [i.layout for i in self.inputs]
        layout = "-".join(layouts) if set(layouts) - {"plain"} else ""
        facts = ",".join(f"{k}={v}" for k, v in self.parameters.items() if v is not None)
        parts = [self.primitive, shapes, layout, self.note, facts[:80]]
        return "/".join(part for part in parts if part)


@dataclass(frozen=True)
class Sample:
    """A primitive at concrete inputs; see `Row` for the tolerances."""

    id: str
    primitive: Primitive
    arrays: tuple[np.ndarray, ...]
    parameters: dict[str, Any]
    ulp: float
    absolute: float

    @property
    def specs(self) -> tuple[Spec, ...]:
        return tuple(spec_of_array(array) for array in self.arrays)

    def expected(self) -> tuple[np.ndarray, ...]:
        """What NumPy says: always a tuple of arrays."""
        found = self.primitive.evaluate(*self.arrays, **self.parameters)
        found = found if self.primitive.results else (found,)
        return tuple(np.asarray(array) for array in found)

    def tolerance(self, expected: np.ndarray) -> np.ndarray:
        """The allowed difference for each element of a result, as float64."""
        dtype = expected.dtype
        if not canonical(dtype).is_floating:
            return np.zeros(expected.shape)
        epsilon = float(ml_dtypes.finfo(dtype).eps)
        size = np.abs(expected.astype(np.float64))
        smallest = float(ml_dtypes.finfo(dtype).tiny)
        with np.errstate(all="ignore"):
            unit = epsilon * np.maximum(size, smallest)
        return self.ulp * unit + self.absolute * epsilon


def mismatch(sample: Sample, found: np.ndarray, expected: np.ndarray) -> str:
    """A text that says where `found` is not what is allowed; empty if all is well."""
    found = np.asarray(found)
    if found.shape != expected.shape or found.dtype != expected.dtype:
        facts = f"{found.dtype}{found.shape} is not {expected.dtype}{expected.shape}"
        return f"{sample.id}: {facts}"
    if not canonical(expected.dtype).is_floating:
        wrong = found != expected
    else:
        a, b = found.astype(np.float64), expected.astype(np.float64)
        with np.errstate(all="ignore"):
            near = np.isfinite(b) & (np.abs(a - b) <= sample.tolerance(expected))
        wrong = ~(near | (a == b) | (np.isnan(a) & np.isnan(b)))
    if not wrong.any():
        return ""
    first = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
    a, b = np.atleast_1d(found)[first], np.atleast_1d(expected)[first]
    return f"{sample.id}: {int(wrong.sum())} wrong; at {first}: {a!r} is not {b!r}"


# -- from rows to arrays -----------------------------------------------------------------


def _strided(array: np.ndarray) -> np.ndarray:
    """Every second element of a longer array, in the last axis."""
    room = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    room[..., ::2] = array
    return room[..., ::2]


def _transposed(array: np.ndarray) -> np.ndarray:
    return np.asfortranarray(array)


def _reversed(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def _offset(array: np.ndarray) -> np.ndarray:
    """Begins one element after the start of its memory."""
    room = np.zeros(array.size + 1, array.dtype)
    room[1:] = array.ravel()
    return room[1:].reshape(array.shape)


def _repeated(array: np.ndarray) -> np.ndarray:
    """The first row again and again, with a stride of zero."""
    return np.broadcast_to(array[:1], array.shape)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "plain": lambda array: array,
    "strided": _strided,
    "transposed": _transposed,
    "reversed": _reversed,
    "offset": _offset,
    "repeated": _repeated,
}


def make_array(item: Input, dtype: str, generator: np.random.Generator) -> np.ndarray:
    """The array of an input."""
    found = canonical(item.dtype or dtype)
    if item.values is not None:
        values = np.asarray(item.values)
        with np.errstate(all="ignore"):
            array = values.astype(found.numpy).reshape(item.shape)
    elif found.is_bool:
        array = generator.random(item.shape) < 0.5
    elif found.is_floating:
        values = generator.uniform(item.low, item.high, item.shape)
        array = np.asarray(values).astype(found.numpy)
    else:
        least = 0 if found.kind == "uint" else -(2 ** (8 * found.size - 1))
        low, high = max(int(item.low), least), max(int(item.high), 1)
        numbers = generator.integers(low, high, item.shape, np.int64, endpoint=True)
        array = np.asarray(numbers).astype(found.numpy)
    return LAYOUTS[item.layout](np.asarray(array))


def _sample(row: Row, dtype: str) -> Sample:
    name = f"{row.name}/{dtype}"
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    arrays = tuple(make_array(item, dtype, generator) for item in row.inputs)
    primitive = REGISTRY[row.primitive]
    return Sample(name, primitive, arrays, row.parameters, row.ulp, row.absolute)


@functools.cache
def all_rows() -> tuple[Row, ...]:
    """The rows of all tables."""
    tables = [importlib.import_module(f"tests.{table}") for table in TABLES]
    return tuple(row for table in tables for row in table.ROWS)


def all_samples(*names: str) -> Iterator[Sample]:
    """Every row for each of its dtypes; of the primitives named only, if any are."""
    for row in all_rows():
        if not names or row.primitive in names:
            for dtype in row.dtypes:
                yield _sample(row, dtype)


def gradient_samples(*names: str, dtype: str = "float64") -> Iterator[Sample]:
    """The rows at which derivatives are tested, all floats in one dtype."""
    for row in all_rows():
        if not row.gradient or (names and row.primitive not in names):
            continue
        floats = [dtype for dtype in row.dtypes if dtype in FLOATS]
        if floats and REGISTRY[row.primitive].vjp_rule is not None:
            yield _sample(_in_dtype(row, dtype), dtype)


def _in_dtype(row: Row, dtype: str) -> Row:
    """The same row with all its floating inputs in this dtype."""
    inputs = [
        replace(item, dtype=dtype) if item.dtype in FLOATS else item for item in row.inputs
    ]
    return replace(row, inputs=tuple(inputs))
