"""Python's own functions on traced tensors: print, int, len and the like.

Each falls back to Python's where no traced tensor is concerned.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.errors import TraceError
from weft.function.autograph import iteration
from weft.function.autograph.notes import say_once
from weft.function.autograph.staging import truth
from weft.function.autograph.statements import and_, or_
from weft.function.autograph.values import here, traced
from weft.ops import elementwise, reduce, sorting
from weft.ops.convert import cast
from weft.primitives import effects

SETTINGS = {"values_are_printed": True}
"""Whether `print` of a traced tensor is part of the program; TensorFlow shows a symbol."""


def _is_traced(*values: Any) -> bool:
    return any(traced(value) is not None for value in values)


def print_(
    *values: Any,
    sep: str | None = " ",
    end: str | None = "\n",
    file: Any = None,
    flush: bool = False,
) -> None:
    """`print`; tensors are printed by the program, each time that it runs."""
    if not SETTINGS["values_are_printed"]:
        builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    if not _is_traced(*values):
        if STATE.trace is not None:
            say_once(
                "print",
                "print() of Python values runs once, while the function is traced; print a "
                "tensor to have it printed at every call",
            )
        builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    streams = {None: "stdout", sys.stdout: "stdout", sys.stderr: "stderr"}
    if file not in streams:
        raise TraceError(
            f"{here()}: print of a traced tensor goes to sys.stdout or sys.stderr; "
            f"received file={file!r}; leave `file` out"
        )
    separator = " " if sep is None else sep
    tensors = [traced(value) for value in values]
    texts = [_braced(str(v)) if t is None else "{}" for v, t in zip(values, tensors)]
    parameters = {"template": _braced(separator).join(texts)}
    if end not in (None, "\n"):
        parameters["end"] = end
    if streams[file] != "stdout":
        parameters["stream"] = streams[file]
    effects.print_values.bind(*[t for t in tensors if t is not None], **parameters)


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _converting(python: type, dtype: str) -> Callable:
    @functools.wraps(python, updated=())
    def convert(*arguments: Any, **keywords: Any) -> Any:
        if len(arguments) == 1 and _is_traced(*arguments):
            return cast(traced(arguments[0]), dtype)
        return python(*arguments, **keywords)

    return convert


def bool_(x: Any = False) -> Any:
    """`bool`; a bool tensor of a traced tensor."""
    return bool(x) if traced(x) is None else truth(x, "bool()", here())


def _extreme(python: Callable, of_two: Callable, of_axis: Callable) -> Callable:
    @functools.wraps(python)
    def extreme(*values: Any, **keywords: Any) -> Any:
        if keywords or not _holds_traced(values):
            return python(*values, **keywords)
        if len(values) == 1:
            if isinstance(values[0], Tensor):
                return of_axis(values[0], axis=0)
            values = tuple(values[0])
        return functools.reduce(of_two, values)

    return extreme


def _holds_traced(values: tuple) -> bool:
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = tuple(values[0])
    return _is_traced(*values)


def sum_(values: Any, start: Any = 0) -> Any:
    """`sum`; of a traced tensor, along its first axis."""
    if traced(values) is None:
        return sum(values, start)
    total = reduce.sum(values, axis=0)
    return total if isinstance(start, int) and start == 0 else total + start


def any_(values: Any) -> Any:
    """`any`; of a traced tensor, or of several conditions among which are some."""
    if traced(values) is not None:
        return reduce.any(values)
    return _combined(values, or_, False)


def all_(values: Any) -> Any:
    """`all`; of a traced tensor, or of several conditions among which are some."""
    if traced(values) is not None:
        return reduce.all(values)
    return _combined(values, and_, True)


def _combined(values: Iterable, combine: Callable, empty: bool) -> Any:
    found: Any = empty
    for value in values:
        if traced(value) is None:
            # As Python: stop as soon as it is decided.
            if bool(value) is not empty:
                return not empty
            continue
        found = value if found is empty else combine(found, lambda value=value: value)
    return found


def sorted_(values: Any, **keywords: Any) -> Any:
    """`sorted`; a sorted tensor of a traced one."""
    if traced(values) is None or keywords.get("key") is not None:
        return sorted(values, **keywords)
    ordered = sorting.sort(values, axis=0)
    return ordered[::-1] if keywords.get("reverse") else ordered


TABLE: dict[Any, Callable] = {
    print: print_,
    int: _converting(int, "int32"),
    float: _converting(float, "float32"),
    bool: bool_,
    max: _extreme(max, elementwise.maximum, reduce.amax),
    min: _extreme(min, elementwise.minimum, reduce.amin),
    sum: sum_,
    any: any_,
    all: all_,
    sorted: sorted_,
    range: iteration.range_,
    enumerate: iteration.enumerate_,
    zip: iteration.zip_,
    reversed: iteration.reversed_,
}
"""What rewritten code calls in place of a builtin while tracing."""
