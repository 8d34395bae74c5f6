"""`Dataset.reduce` inside of a traced function: a loop of the graph that takes elements.

    run = open(…)                      host call: a new pass, when the program runs
    step, state = 0, initial
    while has(run, step):              host call, where it goes on
        element = take(run, step)      host call
        state = function(state, element)
        step = step + 1
    if it ended at a shorter batch:    its shape is known from the number of rows
        state = function(state, the shorter one)

Calls of the host may be repeated: element `step` of a run stays until the next one is
asked for. A gradient goes through the loop again, so where a tape watches, all elements stay.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft.core.spec import Spec
from weft.core.state import STATE, eager, recording
from weft.core.tensor import Tensor
from weft.data.element import (
    Element,
    describe,
    leaves,
    map_leaves,
    to_traced_leaf,
    unpack_list,
)
from weft.data.node import Batch, Node, peeking
from weft.errors import ShapeError
from weft.function.control import cond, while_loop
from weft.ops.convert import convert_to_tensor
from weft.primitives.effects import check, host_call
from weft.primitives.elementwise import stop_gradient

_BOOL, _INT = Spec((), "bool"), Spec((), "int32")


class _Feed:
    """The passes of one dataset that programs are making, by their numbers."""

    def __init__(self, node: Node, keeps_all: bool) -> None:
        self.node, self.keeps_all = node, keeps_all
        self._numbers = itertools.count()
        self._runs: dict[int, _Run] = {}
        with eager(), recording(()), peeking():
            elements = node.elements()
            self.example = next(elements, None)
        self.shape = None if self.example is None else _shapes(self.example)

    def open(self, *_: np.ndarray) -> np.ndarray:
        number = next(self._numbers)
        # A program that was left by an error leaves its pass behind: one, not many.
        self._runs = {k: run for k, run in self._runs.items() if k >= number - 1}
        self._runs[number] = _Run(self.node.elements(), self.keeps_all)
        return np.array(number, np.int32)

    def has(self, number: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Whether there is an element `step` that has the shape of the first."""
        element = self._at(number, step)
        return np.array(element is not None and _shapes(element) == self.shape)

    def take(self, number: np.ndarray, step: np.ndarray) -> list[np.ndarray]:
        return leaves(self._at(number, step))

    def has_shorter(self, number: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Whether a last element of another shape is there."""
        return np.array(self._at(number, step) is not None)

    def ended(self, number: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Checks that nothing is left."""
        element = self._at(number, step)
        if element is not None:
            raise ShapeError(
                "reduce: inside of a traced function the elements of a dataset must have "
                f"one shape; received {describe(self.example)} first, and "
                f"{describe(element)} for element {int(step)}; use batch(…, "
                "drop_remainder=True), or loop over the dataset outside of the function"
            )
        return np.array(True)

    def _at(self, number: np.ndarray, step: np.ndarray) -> Element | None:
        with eager(), recording(()):
            return self._runs[int(number)].at(int(step))


class _Run:
    """One pass: its element `step`; earlier ones only if they are kept."""

    def __init__(self, elements: Iterator[Element], keeps_all: bool) -> None:
        self._elements, self._step = elements, -1
        self._current: Element | None = None
        self._kept: list[Element | None] | None = [] if keeps_all else None

    def at(self, step: int) -> Element | None:
        while self._step < step:
            self._current = next(self._elements, None)
            self._step += 1
            if self._kept is not None:
                self._kept.append(self._current)
        return self._current if self._kept is None else self._kept[step]


def _shapes(element: Element) -> list[tuple]:
    return [(array.shape, array.dtype) for array in leaves(element)]


def _shorter(node: Node, example: Element) -> Element | None:
    """An example of the last, shorter batch, where one is known to come."""
    inner = node
    while not isinstance(inner, Batch) and hasattr(inner, "source"):
        inner = inner.source
    if not isinstance(inner, Batch) or inner.drop_remainder or node is not inner:
        return None
    known = inner.source.cardinality()
    rest = known % inner.size if known > inner.size else 0
    return map_leaves(lambda array: array[:rest], example) if rest else None


def reduce_in_graph(
    node: Node, initial: Any, function: Callable, goes_on: Callable | None = None
) -> Any:
    """`reduce` as a loop of the graph that is being traced.

    `goes_on(state)`, a bool tensor, ends it before the elements do; none is taken then.
    """
    state = map_leaves(to_traced_leaf, unpack_list(initial))
    is_watched = bool(STATE.tapes or STATE.trace.watchers)
    feed = _Feed(node, is_watched)
    if feed.example is None:
        return state
    run = host_call.bind(function=feed.open, specs=(_INT,))[0]

    def step(number: Tensor, current: Any, example: Element) -> Any:
        specs = tuple(
            Spec(array.shape, str(Tensor(array).dtype)) for array in leaves(example)
        )
        taken = host_call.bind(run, number, function=feed.take, specs=specs)
        items = iter([stop_gradient.bind(tensor) for tensor in taken])
        element = map_leaves(lambda _: next(items), example)
        return map_leaves(to_traced_leaf, unpack_list(function(current, element)))

    def ask(question: Callable, number: Tensor, current: Any, otherwise: bool) -> Tensor:
        def asked() -> Tensor:
            return host_call.bind(run, number, function=question, specs=(_BOOL,))[0]

        if goes_on is None:
            return asked()
        return cond(goes_on(current), asked, lambda: convert_to_tensor(otherwise))

    def has(number: Tensor, current: Any) -> Tensor:
        return ask(feed.has, number, current, otherwise=False)

    def body(number: Tensor, current: Any) -> tuple:
        return number + 1, step(number, current, feed.example)

    number, state = while_loop(has, body, (convert_to_tensor(0), state))
    shorter = _shorter(node, feed.example)
    if shorter is not None:
        more = ask(feed.has_shorter, number, state, otherwise=False)
        return cond(more, lambda: step(number, state, shorter), lambda: state)
    ended = ask(feed.ended, number, state, otherwise=True)
    check.bind(ended, message="reduce: the elements have ended")
    return state


__all__ = ["reduce_in_graph"]
