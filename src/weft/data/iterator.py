"""DatasetIterator: one pass over a dataset, also taken step by step inside of functions.

A traced function that asks for `next(iterator)` asks anew whenever its program runs:

    step = variable                      how many elements the programs have taken
    step, *element = take(step)          host call
    variable = step
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft.core.spec import Spec
from weft.core.state import STATE, eager, recording
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.data.element import (
    Element,
    leaves,
    map_leaves,
    spec_of,
    to_arrays,
    to_tensors,
)
from weft.data.node import Node, is_peeking
from weft.data.traced import reduce_in_graph
from weft.errors import ArgumentError, TraceError, WeftError
from weft.primitives.effects import host_call
from weft.primitives.elementwise import stop_gradient


class EndOfData(WeftError, StopIteration):
    """A program, or `get_next`, asked for an element after the last."""


class DatasetIterator:
    """One pass over a dataset."""

    def __init__(self, dataset: Any, of_node: Callable) -> None:
        self._dataset, self._of_node = dataset, of_node
        self._elements = dataset._node.elements()
        # Elements that were looked at and not yet taken.
        self._ahead: list[Element] = []
        # How many elements were taken.
        self.position = 0
        # An iterator that a function makes for itself is gone through while tracing.
        self._is_staged = STATE.trace is None
        self._step: Variable | None = None
        self._taken: tuple[int, Element] | None = None

    def __iter__(self) -> DatasetIterator:
        if STATE.trace is not None and self._is_staged:
            raise TraceError(
                "a dataset's iterator: how many elements are left is not known while "
                "tracing, and only a `for` statement in a function that AutoGraph rewrites "
                "can do that; not a comprehension, list() or unpacking"
            )
        return self

    def __next__(self) -> Any:
        if STATE.trace is not None and self._is_staged:
            return self._next_in_graph()
        # Making elements is no part of a graph, or of what a tape records.
        with eager(), recording(()):
            return to_tensors(self._next(), self._of_node)

    def _next(self) -> Element:
        element = self._ahead.pop() if self._ahead else next(self._elements)
        self.position += 1
        return element

    def go_to(self, position: int) -> None:
        """Begin a new pass, and leave out so many elements."""
        self.close()
        self._elements, self._ahead = self._dataset._node.elements(), []
        self.position = 0
        for _ in range(position):
            try:
                self._next()
            except StopIteration:
                break

    def _peek(self) -> Element:
        """The next element, which stays; None at the end."""
        if not self._ahead:
            found = next(self._elements, None)
            if found is None:
                return None
            self._ahead.append(found)
        return self._ahead[-1]

    def get_next(self) -> Any:
        """The next element; raises EndOfData at the end."""
        try:
            return next(self)
        except StopIteration:
            raise EndOfData("get_next: the dataset has no more elements") from None

    def get_next_as_optional(self) -> Optional:
        """The next element, or that there is none."""
        if STATE.trace is not None:
            raise TraceError(
                "get_next_as_optional: whether there is one is not known while tracing; "
                "write `for element in dataset` there"
            )
        found = next(self, _NOTHING)
        return Optional(found, self.element_spec)

    @property
    def element_spec(self) -> Any:
        """The specs of the elements."""
        return self._dataset.element_spec

    def close(self) -> None:
        """End the pass: threads stop, files are closed."""
        close = getattr(self._elements, "close", None)
        if close is not None:
            close()

    # -- inside of traced functions ------------------------------------------------------

    def rest(self) -> Any:
        """What is left of the pass, as a dataset."""
        return self._of_node(_Rest(self))

    def first(self) -> Any:
        """The next element, which stays, as tensors; None at the end."""
        with eager(), recording(()):
            return to_tensors(self._peek(), self._of_node)

    def reduce(self, initial_state: Any, reduce_func: Callable) -> Any:
        """What is left of the pass as one state, by a loop of the graph that is traced."""
        return reduce_in_graph(_Rest(self), initial_state, reduce_func)

    def reduce_while(self, initial: Any, function: Callable, goes_on: Callable) -> Any:
        """`reduce`, as long as `goes_on(state)` holds."""
        return reduce_in_graph(_Rest(self), initial, function, goes_on)

    def _next_in_graph(self) -> Any:
        with eager(), recording(()):
            example = self._peek()
            if example is None:
                raise EndOfData("next: the dataset has no more elements")
            if self._step is None:
                self._step = Variable(np.array(0, np.int32), trainable=False)
        arrays = leaves(example)
        specs = tuple([Spec(array.shape, Tensor(array).dtype) for array in arrays])
        step, *taken = host_call.bind(
            self._step.value, function=self._take, specs=(Spec((), "int32"), *specs)
        )
        self._step.assign(step)
        items = iter([stop_gradient.bind(tensor) for tensor in taken])
        return map_leaves(lambda _: next(items), example)

    def _take(self, step: np.ndarray) -> list[np.ndarray]:
        """The number of the next step, and the element of this one, however often asked."""
        number = int(step)
        if self._taken is None or self._taken[0] != number:
            with eager(), recording(()):
                try:
                    self._taken = number, self._next()
                except StopIteration:
                    raise EndOfData("next: the dataset has no more elements") from None
        element = self._taken[1]
        return [np.array(number + 1, np.int32), *leaves(element)]


_NOTHING: Any = object()


class Optional:
    """An element, or that there is none.

    >>> bool(Optional.empty(None).has_value())
    False
    """

    def __init__(self, value: Any, element_spec: Any) -> None:
        self._value, self.element_spec = value, element_spec

    @staticmethod
    def from_value(value: Any) -> Optional:
        """One that has this value."""
        arrays = to_arrays(value)
        return Optional(to_tensors(arrays, lambda node: node), spec_of(arrays))

    @staticmethod
    def empty(element_spec: Any) -> Optional:
        """One that has none."""
        return Optional(_NOTHING, element_spec)

    def has_value(self, name: str | None = None) -> Tensor:
        """Whether there is one, as a tensor."""
        return Tensor(np.array(self._value is not _NOTHING))

    def get_value(self, name: str | None = None) -> Any:
        """The value.

        Raises:
            ArgumentError: there is none.
        """
        if self._value is _NOTHING:
            raise ArgumentError("Optional: it has no value; ask has_value() first")
        return self._value


class _Rest(Node):
    """What an iterator has not yet given."""

    def __init__(self, iterator: DatasetIterator) -> None:
        self._iterator = iterator

    def elements(self) -> Iterator[Element]:
        while (element := self._iterator._peek()) is not None:
            if not is_peeking():
                self._iterator._next()
            yield element


__all__ = ["DatasetIterator", "EndOfData", "Optional"]
