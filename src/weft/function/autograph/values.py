"""Values that go through staged statements: names without a value, and how two values join.

A Python value that both sides share stays a Python value. Everything else must be tensors
of one shape and dtype; Python numbers are weak and take the dtype of the tensor they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from weft import tree
from weft.core.spec import Spec
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import Trace, user_source
from weft.core.variable import Variable
from weft.dtypes import DType, result_type
from weft.errors import DTypeError, ShapeError, TraceError, WeftError
from weft.function.autograph.jumps import RETURN_VALUE
from weft.ops.convert import cast, convert_to_tensor
from weft.primitives.effects import check

_NUMBERS = (bool, int, float)


class UndefinedError(WeftError, UnboundLocalError):
    """A name is read that has no value, or that has one in one arm only."""


class Undefined:
    """What a name holds that has no value yet; `why`, if any, is said to who reads it."""

    __slots__ = ("name", "why")

    def __init__(self, name: str, why: str = "") -> None:
        self.name, self.why = name, why

    def __repr__(self) -> str:
        return f"<{self.name} is undefined>"


class NoReturn(Undefined):
    """The result of a function that has not returned; a flag guards its readers."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("the return value")


class Late:
    """The value of a name that only the steps of a staged loop give: none without steps.

    Reading it adds a check to the graph.
    """

    __slots__ = ("message", "ran", "value")

    def __init__(self, value: Any, ran: Tensor, message: str) -> None:
        self.value, self.ran, self.message = value, ran, message


def certain(value: Any) -> Any:
    """The value without the doubt whether a loop has given it."""
    return value.value if isinstance(value, Late) else value


def _is_of(tensor: Tensor, trace: Trace) -> bool:
    return isinstance(tensor, TracedTensor) and tensor.trace is trace


def leaving(values: Sequence[Any], trace: Trace) -> tuple[Any, ...]:
    """Values that leave the graph they were made in: doubts of that graph stay behind."""
    return tuple(
        [
            value.value if isinstance(value, Late) and _is_of(value.ran, trace) else value
            for value in values
        ]
    )


def defined(value: Any) -> Any:
    """The value, unless the name has none."""
    if isinstance(value, Late):
        check.bind(value.ran, message=value.message)
        return value.value
    if isinstance(value, Undefined):
        if value.why:
            raise UndefinedError(value.why)
        raise UndefinedError(
            f"the name {value.name!r} is read before it has a value; give it one first"
        )
    return value


# -- kinds of values ---------------------------------------------------------------------


def traced(x: Any) -> TracedTensor | None:
    """The traced tensor that `x` is or holds; None for all that has its value now."""
    if isinstance(x, TracedTensor):
        return x
    if isinstance(x, Variable):
        value = x.value
        return value if isinstance(value, TracedTensor) else None
    return None


def is_number(x: Any) -> bool:
    """Whether `x` is a Python number, whose dtype gives way to others'."""
    return type(x) in _NUMBERS


def can_be_tensor(x: Any) -> bool:
    """Whether `x` can go through a staged statement as a tensor."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.kind in "biufV"
    return is_number(x) or isinstance(x, Tensor | Variable)


def spec_of(x: Any) -> Spec:
    """The spec that `x` has as a tensor."""
    if isinstance(x, Tensor | Variable):
        return x.spec
    return convert_to_tensor(x).spec


def as_tensor(x: Any, dtype: DType) -> Tensor:
    """`x` as a tensor of this dtype."""
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype is dtype else cast(tensor, dtype)


def zeros(spec: Spec) -> Tensor:
    """A stand-in for a value that is never read."""
    return Tensor(np.zeros(spec.shape, spec.dtype.numpy))


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one Python value."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Tensor | Variable | np.ndarray):
        return False
    if isinstance(one, float):
        # 0.0 is not -0.0.
        return repr(one) == repr(other)
    try:
        return bool(one == other)
    except Exception:
        return False


def shown(x: Any) -> str:
    """A value as it stands in messages."""
    if isinstance(x, Undefined):
        return "no value"
    if is_number(x):
        return f"the Python {type(x).__name__} {x!r}"
    if isinstance(x, tuple | list | dict):
        leaves, structure = tree.flatten(x)
        return f"a {type(x).__name__} of {len(leaves)}: {structure!r}"
    if can_be_tensor(x):
        return str(spec_of(x))
    return "None" if x is None else f"the {type(x).__name__} {str(x)[:40]!r}"


# -- where -------------------------------------------------------------------------------


class Place(NamedTuple):
    """A line of the user's file."""

    filename: str
    line: int

    def __str__(self) -> str:
        return f"{self.filename}, line {self.line}"


def place_of(function: Callable) -> Place:
    """Where the statement stands that this local function was made of."""
    code = function.__code__
    return Place(code.co_filename, code.co_firstlineno)


def here() -> Place:
    """The user's line that runs now."""
    found = user_source()
    return Place(*found) if found else Place("<unknown>", 0)


# -- joining two values ------------------------------------------------------------------


class Joined(NamedTuple):
    """How a value looks after one of two ways was taken.

    `leaves` holds a Spec where a tensor must be chosen, and a Kept where none has to.
    """

    structure: Any
    leaves: list


class Kept(NamedTuple):
    """A value that is the same either way."""

    value: Any


class Sides(NamedTuple):
    """Words for the two values of a name: where they meet, and where each comes from."""

    where: str
    first: str
    second: str


def join(
    name: str, one: Any, other: Any, sides: Sides, is_left: Sequence[bool] = (False, False)
) -> Joined:
    """How `name` looks after a statement that leaves either value.

    `is_left` says of each side whether a jump leaves it, so that nobody reads what it left
    undefined.

    Raises:
        TraceError, DTypeError, ShapeError: naming the variable, where they don't fit.
    """
    if one is not other:
        one, other = certain(one), certain(other)
    if isinstance(one, Undefined) or isinstance(other, Undefined):
        return _join_undefined(name, one, other, sides, is_left)
    first, structure = tree.flatten(one)
    second, its_structure = tree.flatten(other)
    if structure != its_structure:
        raise TraceError(
            f"{sides.where}: {_subject(name)} must have one structure; received "
            f"{shown(one)} {sides.first}, and {shown(other)} {sides.second}; "
            "keep its length and keys"
        )
    leaves = [join_leaf(name, a, b, sides) for a, b in zip(first, second)]
    return Joined(structure, leaves)


def _join_undefined(
    name: str, one: Any, other: Any, sides: Sides, is_left: Sequence[bool]
) -> Joined:
    value = other if isinstance(one, Undefined) else one
    is_unread = is_left[0] if isinstance(one, Undefined) else is_left[1]
    if isinstance(value, Undefined):
        return Joined(tree.LEAF, [Kept(one if one.why else other)])
    if is_unread or isinstance(one, NoReturn) or isinstance(other, NoReturn):
        leaves, structure = tree.flatten(value)
        return Joined(structure, [_stand_in(leaf) for leaf in leaves])
    given, missing = sides.first, sides.second
    if isinstance(one, Undefined):
        given, missing = missing, given
    why = (
        f"{sides.where}: {name!r} gets a value {given} ({shown(value)}) but none "
        f"{missing}, and is read afterwards; give it a value before, or in both"
    )
    return Joined(tree.LEAF, [Kept(Undefined(name, why))])


def _stand_in(leaf: Any) -> Any:
    return (
        spec_of(leaf) if isinstance(leaf, Tensor | np.ndarray | np.generic) else Kept(leaf)
    )


def _subject(name: str) -> str:
    return "the return value" if name.startswith(RETURN_VALUE) else repr(name)


def join_leaf(name: str, one: Any, other: Any, sides: Sides) -> Spec | Kept:
    """The spec that both sides can have, or the value that they share."""
    if is_same(one, other):
        return Kept(one)
    subject = _subject(name)
    if not (can_be_tensor(one) and can_be_tensor(other)):
        raise TraceError(
            f"{sides.where}: {subject} is {shown(one)} {sides.first}, and {shown(other)} "
            f"{sides.second}; which way is taken depends on a tensor, and only tensors can "
            f"be chosen by one: {_remedy(one, other)}"
        )
    first, second = spec_of(one), spec_of(other)
    if first.shape != second.shape:
        raise ShapeError(
            f"{sides.where}: {subject} must keep one shape; received {shown(one)} "
            f"{sides.first}, and {shown(other)} {sides.second}; {_shape_remedy(one, other)}"
        )
    dtype = common_dtype(one, other)
    if dtype is None:
        wanted = second if is_number(one) else first
        raise DTypeError(
            f"{sides.where}: {subject} must keep one dtype; received {shown(one)} "
            f"{sides.first}, and {shown(other)} {sides.second}; cast one of them, for "
            f"example with weft.cast(…, {wanted.dtype.name!r})"
        )
    return Spec(first.shape, dtype)


def _remedy(one: Any, other: Any) -> str:
    if one is None or other is None:
        return "give it a tensor of the same shape and dtype instead of None"
    return "make both tensors, or let a Python value decide"


def _shape_remedy(one: Any, other: Any) -> str:
    if is_number(one) or is_number(other):
        spec = spec_of(other if is_number(one) else one)
        return f"begin with a tensor: weft.ops.zeros({spec.shape}, {spec.dtype.name!r})"
    return "reshape or pad one of them"


def common_dtype(one: Any, other: Any) -> DType | None:
    """The dtype that both can take; only Python numbers give way. None if there is none."""
    first, second = spec_of(one).dtype, spec_of(other).dtype
    if first is second:
        return first
    weak = [type(x) for x in (one, other) if is_number(x)]
    if not weak or bool in weak or first.is_bool or second.is_bool:
        return None
    common = result_type(
        *[type(x) if is_number(x) else spec_of(x).dtype for x in (one, other)]
    )
    strong = [spec_of(x).dtype for x in (one, other) if not is_number(x)]
    return common if all(dtype is common for dtype in strong) else None
