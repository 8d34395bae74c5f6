"""Element types and their promotion.

A `DType` is a string with facts: it compares equal to its name and to NumPy's dtype, can
stand wherever Keras wants a dtype's name, and knows its size and kind. Promotion follows
Keras 3: a lattice in which Python's own numbers are weak.
"""

from __future__ import annotations

import functools
from typing import Any

import ml_dtypes
import numpy as np

from weft import config
from weft.errors import DTypeError, did_you_mean

_NUMPY: dict[str, Any] = {
    "bool": np.bool_,
    **{name: getattr(np, name) for name in
       ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64", "complex64", "complex128")},
    **{name: getattr(ml_dtypes, name) for name in
       ("bfloat16", "float8_e4m3fn", "float8_e5m2")},
    "string": np.object_,
}  # fmt: skip

_SHORT = {
    "bool": "bool", "bfloat16": "bf16", "string": "str",
    "float8_e4m3fn": "f8e4m3", "float8_e5m2": "f8e5m2",
}  # fmt: skip


class DType(str):
    """One element type, such as `weft.float32`.

    Example:
        >>> import weft
        >>> weft.float32 == "float32", weft.float32.size
        (True, 4)
    """

    numpy: np.dtype
    size: int
    kind: str

    def __new__(cls, name: str) -> DType:
        self = super().__new__(cls, name)
        self.numpy = np.dtype(_NUMPY[name])
        self.size = self.numpy.itemsize
        self.kind = _kind(name)
        return self

    @property
    def name(self) -> str:
        """The plain name, as Keras spells it."""
        return str.__str__(self)

    @property
    def is_floating(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def is_bool(self) -> bool:
        return self.kind == "bool"

    @property
    def is_differentiable(self) -> bool:
        return self.kind in ("float", "complex")

    @property
    def as_numpy_dtype(self) -> type:
        """NumPy's scalar type of this dtype."""
        return self.numpy.type

    @property
    def short(self) -> str:
        """The spelling in graph text: f32, i64, bool, …"""
        name = self.name
        return _SHORT.get(name) or name[0] + name.lstrip("abcdefghijklmnopqrstuvwxyz")

    def __repr__(self) -> str:
        return f"weft.{self.name}"

    def __str__(self) -> str:
        return str.__str__(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, str):
            return str.__eq__(self, other)
        if other is None:  # canonical would take it for the default.
            return False
        try:
            return canonical(other) is self
        except DTypeError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self):
        return (canonical, (self.name,))


def _kind(name: str) -> str:
    if name.startswith(("float", "bfloat")):
        return "float"
    return name.rstrip("0123456789")


ALL: dict[str, DType] = {name: DType(name) for name in _NUMPY}
_BY_NUMPY: dict[Any, DType] = {dtype.numpy: dtype for dtype in ALL.values()}
_BY_PYTHON = {bool: "bool", int: "int32", complex: "complex64", str: "string"}

bool_ = ALL["bool"]
int8, int16, int32, int64 = (ALL[f"int{bits}"] for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (ALL[f"uint{bits}"] for bits in (8, 16, 32, 64))
float16, bfloat16, float32, float64 = (
    ALL[name] for name in ("float16", "bfloat16", "float32", "float64")
)
string = ALL["string"]

FLOATING = (float16, bfloat16, float32, float64)
INTEGER = (int8, int16, int32, int64, uint8, uint16, uint32, uint64)


def from_numpy(dtype: np.dtype) -> DType:
    """The DType of a NumPy dtype in native byte order; text is `string`."""
    found = _BY_NUMPY.get(dtype)
    if found is not None:
        return found
    if dtype.kind in "USO":
        return string
    native = _BY_NUMPY.get(dtype.newbyteorder("="))
    if native is None:
        raise DTypeError(
            f"dtype: weft has no element type for NumPy's {dtype!r}; "
            f"convert the data first, for example with .astype('float32')"
        )
    return native


def canonical(dtype: Any) -> DType:
    """The DType meant by a name, a NumPy dtype or type, a Python type, or a DType.

    None and 'float' mean `floatx()`; 'int' means int32.

    Raises:
        DTypeError: if nothing of that name is known.
    """
    if type(dtype) is DType:
        return dtype
    if isinstance(dtype, np.dtype):
        return from_numpy(dtype)
    if dtype is None or dtype is float or dtype == "float":
        return ALL[config.floatx()]
    if isinstance(dtype, str):
        name = "int32" if dtype == "int" else dtype
        name = name.rpartition(".")[2]
        if name in ALL:
            return ALL[name]
    elif isinstance(dtype, type) and dtype in _BY_PYTHON:
        return ALL[_BY_PYTHON[dtype]]
    elif isinstance(getattr(dtype, "name", None), str) and dtype.name in ALL:
        return ALL[dtype.name]
    if not (isinstance(dtype, str) and dtype.startswith("float8")):
        try:
            return from_numpy(np.dtype(dtype))
        except TypeError:
            pass
    raise DTypeError(
        f"dtype: expected the name of an element type; received {dtype!r}."
        + (did_you_mean(dtype, ALL) or f" Known: {', '.join(ALL)}")
    )


# Promotion: a type may become any type that can be reached along the arrows. `int` and
# `float` stand for Python's numbers, which take the other operand's type if they can.
_ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("uint16", "int16"),
    "uint16": ("uint32", "int32"),
    "uint32": ("uint64", "int64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("float8_e4m3fn", "float8_e5m2", "bfloat16", "float16"),
    "float8_e4m3fn": ("bfloat16",),
    "float8_e5m2": ("bfloat16",),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
    "string": (),
}


@functools.cache
def _reachable(name: str) -> frozenset[str]:
    return frozenset({name}).union(*(_reachable(above) for above in _ABOVE[name]))


@functools.cache
def _join(names: frozenset[str]) -> str:
    common = frozenset.intersection(*(_reachable(name) for name in names))
    least = [c for c in common if common <= _reachable(c)]
    if not least:
        raise DTypeError(
            f"dtype promotion: no common type of {', '.join(sorted(names))}; cast one of them"
        )
    return least[0]


def result_type(*dtypes: Any) -> DType:
    """The dtype of an operation on operands of these dtypes, as Keras 3 promotes.

    Python's `int`, `float` and `bool` (types or values) are weak.

    Example:
        >>> from weft.dtypes import result_type
        >>> str(result_type("int64", "float32")), str(result_type("float16", 1.5))
        ('float32', 'float16')
    """
    names = set()
    for dtype in dtypes:
        if dtype is int or type(dtype) is int:
            names.add("int")
        elif dtype is float or type(dtype) is float:
            names.add("float")
        elif type(dtype) is bool:
            names.add("bool")
        else:
            names.add(canonical(dtype).name)
    joined = _join(frozenset(names)) if len(names) > 1 else next(iter(names), "float")
    if joined == "float":
        return ALL[config.floatx()]
    return ALL["int32" if joined == "int" else joined]
