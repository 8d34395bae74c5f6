"""The functions that people give to a pipeline: traced and compiled once, or run as Python.

A function is traced for the specs of an element, at most a few times. Where that cannot be
done (it asks for values, reads files, works on text) it runs as plain Python on tensors.
"""

from __future__ import annotations

import dis
import functools
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from weft.core.graph import Graph
from weft.core.state import eager, recording
from weft.core.tensor import Tensor
from weft.data.element import (
    Element,
    describe,
    leaves,
    map_leaves,
    merge_specs,
    rows_of,
    stack,
    to_tensors,
    to_traced_leaf,
    unpack_list,
)
from weft.errors import ArgumentTypeError, WeftError
from weft.function.control import map as map_rows
from weft.function.function import Function, TracedFunction, functions_run_eagerly
from weft.function.signature import TensorSpec

# More shapes than this are not worth a program each.
_MOST_TRACES = 6


class DataError(WeftError, RuntimeError):
    """A function of a pipeline failed."""


class Traced:
    """A traced function on elements: its program and the structure of its results."""

    __slots__ = ("program", "structure")

    def __init__(self, function: Callable, arguments: Element, label: str) -> None:
        def call(*tensors: Tensor) -> Any:
            self.structure = function(*tensors)
            found = leaves(self.structure)
            if not all(
                isinstance(leaf, Tensor) and leaf.dtype != "string" for leaf in found
            ):
                raise TypeError("datasets and text are no results of a program")
            return found

        with eager(), recording(()):
            traced = Function(call, autograph=False, name=label)
            tensors = [Tensor(array) for array in leaves(arguments)]
            self.program: TracedFunction = traced.traced(*tensors)

    def __call__(self, element: Element) -> Element:
        found = iter(self.program([Tensor(array) for array in leaves(element)]))
        return map_leaves(lambda _: next(found)._array, self.structure)

    def spec(self) -> Any:
        """The specs of the results."""
        specs = iter(self.program.graph.output_specs())

        def leaf(_: Any) -> TensorSpec:
            one = next(specs)
            return TensorSpec(one.shape, one.dtype)

        return map_leaves(leaf, self.structure)

    @property
    def is_pure(self) -> bool:
        """Whether it does nothing but compute."""
        return not self.program.written and not _has_effects(self.program.graph)


class UserFunction:
    """A function on elements. Tuples are spread over its parameters, as in tf.data.

    Args:
        function: as the user gave it.
        who: the step that it belongs to, for messages.
        of_node: makes what the user sees of a dataset inside of an element.
        makes_datasets: whether its results are datasets, which no program can make.
    """

    def __init__(
        self, function: Callable, who: str, of_node: Callable, makes_datasets: bool = False
    ) -> None:
        if not callable(function):
            raise ArgumentTypeError(
                f"{who}: expected a function; received {type(function).__name__}: "
                f"{str(function)[:60]}"
            )
        self._given, self.who, self._of_node = function, who, of_node
        # As tf.data, which traces at once: what names mean now is what they mean later.
        self._surroundings = _Surroundings(function)
        self.label = getattr(function, "__name__", type(function).__name__)
        self._programs: dict[tuple, Traced] = {}
        self._row_programs: dict[tuple, Traced] = {}
        self._is_plain = makes_datasets
        self._lock = threading.Lock()

    @functools.cached_property
    def function(self) -> Callable:
        """The user's function, whose names mean what they meant when it was given."""
        return self._surroundings.around(self._given)

    @functools.cached_property
    def _inner(self) -> Any:
        return _traceable(self.function)

    # -- calling -----------------------------------------------------------------------

    def __call__(self, element: Element, number: int) -> Element:
        """The function's result for element `number`, as arrays."""
        try:
            program = self.program(element)
            if program is None:
                return self._run_plain(element)
            try:
                return program(element)
            except Exception:
                if program.program.written:
                    raise
                # The plain function raises the user's own error, at his line.
                return self._run_plain(element)
        except Exception as error:
            raise self._named(error, element, number) from error

    def truth(self, element: Element, number: int) -> bool:
        """The function's result as one bool."""
        result = self(element, number)
        if not isinstance(result, np.ndarray) or result.ndim or result.dtype != np.bool_:
            raise ArgumentTypeError(
                f"{self.who}: {self.label} must give one bool; received "
                f"{describe(result)} for element {number}"
            )
        return bool(result)

    def _run_plain(self, element: Element) -> Element:
        with eager(), recording(()):
            result = self._apply(self.function, to_tensors(element, self._of_node))
            return map_leaves(_array_of, result)

    def _apply(self, function: Callable, element: Any) -> Any:
        found = function(*element) if type(element) is tuple else function(element)
        return map_leaves(to_traced_leaf, unpack_list(found))

    def _named(self, error: Exception, element: Element, number: int) -> Exception:
        """The same kind of error with the function and the element in its message."""
        text = (
            f"{self.who}: the function {self.label!r} failed on element {number} "
            f"({describe(element)}): {type(error).__name__}: {error}"
        )
        if isinstance(error, StopIteration):  # It would end the generator that it rises in.
            return DataError(text)
        try:
            named = type(error)(text)
        except Exception:
            return DataError(text)
        return named if text in str(named) else DataError(text)

    # -- tracing -----------------------------------------------------------------------

    def program(self, element: Element) -> Traced | None:
        """The traced function for elements like this one; None: it runs as Python."""
        if self._is_plain or self._inner is None or functions_run_eagerly():
            return None
        key = _key(element)
        program = self._programs.get(key)
        if program is None:
            with self._lock:
                program = self._programs.get(key) or self._trace(element, key)
        return program

    def _trace(self, element: Element, key: tuple) -> Traced | None:
        if len(self._programs) >= _MOST_TRACES or not _has_numbers_only(element):
            return None
        try:
            program = self._traced_for(element)
        except Exception:
            # Either it needs values, or it is wrong: the plain run will tell.
            self._is_plain = not self._programs
            return None
        self._programs[key] = program
        return program

    def _traced_for(self, element: Element) -> Traced:
        def call(*tensors: Tensor) -> Any:
            items = iter(tensors)
            return self._apply(self._inner, map_leaves(lambda _: next(items), element))

        return Traced(call, element, self.label)

    def output_spec(self, spec: Any) -> Any:
        """The specs of results for elements of `spec`; None where it cannot be traced.

        Unknown extents are tried with two numbers, to see which of the result's follow.
        """
        if self._is_plain or self._inner is None:
            return None
        try:
            found = self._spec_with(spec, 2)
            if any(None in (one.shape or ()) for one in leaves(spec)):
                found = merge_specs(found, self._spec_with(spec, 3))
        except Exception:
            return None
        return found

    def _spec_with(self, spec: Any, extent: int) -> Any:
        def example(one: TensorSpec) -> np.ndarray:
            if one.shape is None:
                raise TypeError("the rank is not known")
            shape = [extent if size is None else size for size in one.shape]
            return np.broadcast_to(np.zeros((), one.dtype.numpy), shape)

        element = map_leaves(example, spec)
        if not _has_numbers_only(element):
            raise TypeError
        key = _key(element)
        program = self._programs.get(key)
        if program is None:
            program = self._traced_for(element)
            if all(None not in one.shape for one in leaves(spec)):
                self._programs[key] = program
        return program.spec()

    # -- many rows at once ---------------------------------------------------------------

    def is_pure(self, element: Element) -> bool:
        """Whether it can be traced for such elements, and does nothing but compute."""
        program = self.program(element)
        return program is not None and program.is_pure

    def over_rows(self, batch: Element, count: int, done: int) -> Element:
        """The results for the rows of a batch, stacked; `done` rows came before."""
        key = _key(batch)
        program = self._row_programs.get(key)
        if program is None:
            if len(self._row_programs) >= _MOST_TRACES:
                return self._row_by_row(batch, count, done)
            program = self._row_programs[key] = self._traced_over_rows(batch)
        try:
            return program(batch)
        except Exception:
            return self._row_by_row(batch, count, done)  # It knows which one failed.

    def _row_by_row(self, batch: Element, count: int, done: int) -> Element:
        rows = enumerate(rows_of(batch, count), done)
        return stack([self(row, number) for number, row in rows])

    def _traced_over_rows(self, batch: Element) -> Traced:
        def call(*tensors: Tensor) -> Any:
            def one(row: Any) -> Any:
                items = iter(row)
                return self._apply(self._inner, map_leaves(lambda _: next(items), batch))

            return map_rows(one, tensors)

        return Traced(call, batch, f"{self.label}_over_rows")


class _Surroundings:
    """What the global and enclosing names of a function mean at one moment.

    Names that the function itself assigns stay open.
    """

    def __init__(self, function: Any) -> None:
        self._globals: dict[str, Any] = {}
        self._cells: dict[str, Any] = {}
        if not isinstance(function, types.FunctionType):
            return
        read, written = _names_of(function.__code__)
        around = function.__globals__
        self._globals = {n: around[n] for n in (read - written) & around.keys()}
        free = zip(function.__code__.co_freevars, function.__closure__ or ())
        self._cells = {n: _content(cell) for n, cell in free if n not in written}

    def _cell(self, name: str, cell: types.CellType) -> types.CellType:
        meant = self._cells.get(name, _EMPTY)
        is_same = meant is _EMPTY or meant is _content(cell)
        return cell if is_same else types.CellType(meant)

    def around(self, function: Any) -> Any:
        """The function; a copy of it, where a name means something else by now."""
        if not isinstance(function, types.FunctionType):
            return function
        now = function.__globals__
        changed = {n: x for n, x in self._globals.items() if now.get(n, _EMPTY) is not x}
        free, own = function.__code__.co_freevars, function.__closure__ or ()
        cells = [self._cell(name, cell) for name, cell in zip(free, own)]
        if not changed and all(a is b for a, b in zip(cells, own)):
            return function
        copy = types.FunctionType(
            function.__code__, {**now, **changed} if changed else now, function.__name__,
            function.__defaults__, tuple(cells),
        )  # fmt: skip
        copy.__kwdefaults__, copy.__qualname__ = (
            function.__kwdefaults__,
            function.__qualname__,
        )
        copy.__dict__.update(function.__dict__)
        return copy


_EMPTY = object()


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # It has no value yet.
        return _EMPTY


def _names_of(code: types.CodeType) -> tuple[set[str], set[str]]:
    """The global names that code may read, and the outer names that it assigns."""
    read, written = set(code.co_names), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_GLOBAL", "STORE_DEREF"):
            written.add(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            more_read, more_written = _names_of(inner)
            read, written = read | more_read, written | more_written
    return read, written


def _array_of(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value


def _key(element: Element) -> tuple:
    return tuple([(array.shape, array.dtype) for array in leaves(element)])


def _has_numbers_only(element: Element) -> bool:
    """Text and datasets are for Python."""
    return all(
        isinstance(array, np.ndarray | np.generic) and array.dtype != np.object_
        for array in leaves(element)
    )


def _traceable(function: Callable) -> Callable | None:
    """The function as something that can be traced; None for what has no signature."""
    if isinstance(function, Function):
        return function
    try:
        return Function(function)
    except (TypeError, ValueError, AttributeError):
        return None


def _has_effects(graph: Graph) -> bool:
    return any(
        node.primitive.effects or any(map(_has_effects, node.subgraphs()))
        for node in graph.nodes
    )


__all__ = ["DataError", "UserFunction"]
