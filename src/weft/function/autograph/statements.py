"""What rewritten statements and conditions call: Python, or staged where a tensor decides.

A condition that is a traced tensor stages its statement; any other condition is Python's.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace
from weft.errors import TraceError
from weft.function.autograph.iteration import Steps, is_staged_dataset, steps_of
from weft.function.autograph.notes import unrolled
from weft.function.autograph.staging import (
    Arm,
    ArmRaised,
    LoopTrace,
    Mark,
    always_raises,
    inline,
    stage_cond,
    truth,
)
from weft.function.autograph.values import (
    Place,
    Sides,
    Undefined,
    can_be_tensor,
    here,
    place_of,
    traced,
)
from weft.ops import elementwise, reduce
from weft.ops.convert import convert_to_tensor
from weft.primitives import effects
from weft.primitives.elementwise import bitwise_and, bitwise_not, bitwise_or, less

State = tuple[Any, ...]


def _nothing() -> State:
    return ()


def _ignore(values: State) -> None:
    pass


class Assigned(NamedTuple):
    """The names that a statement assigns; the first `live` of them are read later."""

    get: Callable[[], State] = _nothing
    set: Callable[[State], None] = _ignore
    names: Sequence[str] = ()
    live: int = 0

    def loop(self, before: State, place: Place) -> LoopTrace:
        """The trace of a loop that carries the live names from step to step."""
        sides = Sides(f"{place}: in this loop", "before it", "after a step")
        return LoopTrace(self.names[: self.live], before, self.get, self.set, sides)

    @contextlib.contextmanager
    def restored(self, before: State) -> Iterator[None]:
        """Inside, an error leaves the names as they were before."""
        try:
            yield
        except BaseException:
            self.set(before)
            raise


# -- if ----------------------------------------------------------------------------------


def if_stmt(
    condition: Any, true: Callable[[], None], false: Callable[[], None], *assigned: Any
) -> None:
    """An `if` of two arms; `assigned` are the items of `Assigned`."""
    if traced(condition) is None:
        if condition:
            true()
        else:
            false()
        return
    _staged_if(condition, true, false, Assigned(*assigned), place_of(true))


def _staged_if(
    condition: Any,
    true: Callable[[], None],
    false: Callable[[], None],
    assigned: Assigned,
    place: Place,
) -> None:
    predicate = truth(condition, "this `if`", place)
    before, live = assigned.get(), assigned.live

    def run(arm: Callable[[], None]) -> State:
        assigned.set(before)
        arm()
        return assigned.get()[:live]

    sides = Sides(f"{place}: after this `if`", "where it holds", "where it does not")
    try:
        arms = (
            Arm("if_true", place, lambda: run(true)),
            Arm("if_false", place, lambda: run(false)),
        )
        after = stage_cond(predicate, *arms, assigned.names[:live], sides)
    finally:
        assigned.set(before)
    if after is None:
        raise always_raises(arms[0].error)  # type: ignore[arg-type]
    assigned.set((*after, *before[live:]))


# -- while -------------------------------------------------------------------------------


def while_stmt(test: Callable[[], Any], body: Callable[[], None], *items: Any) -> None:
    """A `while`; `items` are those of `Assigned`."""
    assigned = Assigned(*items)
    steps = 0
    while True:
        if STATE.trace is None:
            if not test():
                return
        else:
            mark, before = Mark(), assigned.get()
            condition = test()
            if traced(condition) is not None:
                mark.go_back()
                assigned.set(before)
                break
            if not condition:
                return
        body()
        steps += 1
        unrolled(steps)
    place = place_of(body)
    loop = assigned.loop(before, place)

    def holds(_: Any) -> Tensor:
        return _as_condition(test(), place)

    def step(_: Any) -> list[Tensor]:
        body()
        return []

    with assigned.restored(before):
        loop.run_while([], holds, step)
    if loop.late:
        after = assigned.get()
        assigned.set(before)
        ran = truth(test(), "this loop", place)
        assigned.set(after)
        loop.doubt(ran, _no_step(place))


def _as_condition(x: Any, place: Place) -> Tensor:
    if traced(x) is None:
        return Tensor(np.array(bool(x)))
    return truth(x, "this loop", place)


def _no_step(place: Place) -> str:
    return _quoted(f"{place}: this loop must run at least once to give ") + (
        "{name!r} a value, which is read after it"
    )


def _quoted(text: str) -> str:
    """Text for a template: braces stand for themselves."""
    return text.replace("{", "{{").replace("}", "}}")


# -- for ---------------------------------------------------------------------------------


def for_stmt(
    iterable: Any,
    goes_on: Callable[[], Any] | None,
    body: Callable[[Any], None],
    *items: Any,
) -> None:
    """A `for`; `goes_on`, if any, tells after each step whether flags allow another."""
    assigned = Assigned(*items)
    steps = steps_of(iterable)
    if steps is not None:
        _staged_for(steps, goes_on, body, assigned)
    elif is_staged_dataset(iterable):
        _dataset_for(iterable, goes_on, body, assigned)
    else:
        _python_for(iterable, goes_on, body, assigned)


def _python_for(
    iterable: Iterable[Any],
    goes_on: Callable[[], Any] | None,
    body: Callable[[Any], None],
    assigned: Assigned,
) -> None:
    more = True
    for steps, item in enumerate(iterable, 1):
        if more is True:
            body(item)
        else:
            # A `break` depends on a tensor: the steps that are left are guarded by it.
            step = functools.partial(body, item)
            _staged_if(more, step, lambda: None, assigned, place_of(body))
        unrolled(steps)
        if goes_on is not None:
            more = goes_on()
            if traced(more) is None:
                if not more:
                    break
                more = True


def _staged_for(
    steps: Steps,
    goes_on: Callable[[], Any] | None,
    body: Callable[[Any], None],
    assigned: Assigned,
) -> None:
    place = place_of(body)
    before = assigned.get()
    loop = assigned.loop(before, place)
    with assigned.restored(before):
        if goes_on is None and isinstance(steps.length, int):
            loop.run_scan(
                steps.sequences(),
                steps.length,
                lambda inputs: body(steps.from_slices(inputs)),
            )
        else:
            _counted_while(loop, steps, goes_on, body, place)
    if loop.late:
        if not isinstance(steps.length, int):
            loop.doubt(elementwise.greater(steps.length, 0), _no_step(place))
        elif not steps.length:
            assigned.set(before)


def _int(value: int) -> Tensor:
    return Tensor(np.array(value, np.int32))


def _counted_while(
    loop: LoopTrace,
    steps: Steps,
    goes_on: Callable[[], Any] | None,
    body: Callable[[Any], None],
    place: Place,
) -> None:
    """A `for` as a `while` with a counter."""
    length = _int(steps.length) if isinstance(steps.length, int) else steps.length

    def holds(inputs: Sequence[Tensor]) -> Tensor:
        more = less.bind(inputs[0], length)
        if goes_on is None:
            return more
        return bitwise_and.bind(more, _as_condition(goes_on(), place))

    def step(inputs: Sequence[Tensor]) -> list[Tensor]:
        body(steps.item(inputs[0]))
        return [elementwise.add(inputs[0], _int(1))]

    loop.run_while([_int(0)], holds, step)


# -- datasets ----------------------------------------------------------------------------


def _dataset_for(
    dataset: Any,
    goes_on: Callable[[], Any] | None,
    body: Callable[[Any], None],
    assigned: Assigned,
) -> None:
    """A `for` over a dataset as its `reduce`: the state is a tuple of tensors.

    The first element is looked at to learn the types of what is carried.
    """
    place = place_of(body)
    before = assigned.get()
    example = dataset.first()
    if example is None:
        return
    loop = assigned.loop(before, place)
    # Traced aside: it only tells what the names become.
    with tracing(Trace("dataset")), recording(()):
        loop.stage_body([], lambda _: body(example))
    assigned.set(before)

    def step(state: Sequence[Tensor], item: Any) -> tuple[Tensor, ...]:
        entered = loop.enter(state)
        body(item)
        left = assigned.get()
        for slot, value, now in zip(loop.slots, entered, left):
            # A shorter last batch is another step: both must leave a value alone.
            unchanged = slot.unchanged
            slot.fit(value, now, loop.sides)
            slot.unchanged = [a and b for a, b in zip(unchanged, slot.unchanged)]
        return tuple(
            [tensor for slot, now in zip(loop.slots, left) for tensor in slot.outputs(now)]
        )

    def more(state: Sequence[Tensor]) -> Tensor:
        loop.enter(state)
        return _as_condition(goes_on(), place)  # type: ignore[misc]

    with assigned.restored(before):
        if not loop.specs:
            # Nothing is carried: something must be.
            dataset.reduce(_int(0), lambda count, item: (step((), item), count)[1])
            found: Sequence[Tensor] = ()
        elif goes_on is None:
            found = dataset.reduce(tuple(loop.initial()), step)
        else:
            found = dataset.reduce_while(tuple(loop.initial()), step, more)
    loop.finish(list(found))


# -- conditions in expressions -----------------------------------------------------------


def if_exp(condition: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    """`true() if condition else false()`."""
    if traced(condition) is None:
        return true() if condition else false()
    place = here()
    predicate = truth(condition, "this conditional expression", place)
    sides = Sides(
        f"{place}: in this conditional expression", "where it holds", "where it does not"
    )
    arms = (
        Arm("if_true", place, lambda: (true(),)),
        Arm("if_false", place, lambda: (false(),)),
    )
    found = stage_cond(predicate, *arms, ["the value"], sides)
    assert found is not None  # Expressions do not raise.
    return found[0]


def not_(x: Any) -> Any:
    """`not x`."""
    if traced(x) is None:
        return not x
    return bitwise_not.bind(truth(x, "this `not`", here()))


def and_(first: Any, *others: Callable[[], Any]) -> Any:
    """`first and others[0]() and …`."""
    for other in others:
        if traced(first) is not None:
            first = _both(first, other, "and")
        elif not first:
            return first
        else:
            first = other()
    return first


def or_(first: Any, *others: Callable[[], Any]) -> Any:
    """`first or others[0]() or …`."""
    for other in others:
        if traced(first) is not None:
            first = _both(first, other, "or")
        elif first:
            return first
        else:
            first = other()
    return first


def _both(first: Any, other: Callable[[], Any], word: str) -> Any:
    """`and` and `or` where the first operand is a traced tensor.

    What the second one computes is done always if that is cheap and does nothing else;
    otherwise only where it is asked for.
    """
    place = here()
    predicate = truth(first, f"this `{word}`", place)
    left = Arm("left", place, lambda: (first,))
    right = Arm("right", place, lambda: (other(),))
    value = right.values[0] if right.values is not None else None
    is_condition = isinstance(value, bool) or (
        isinstance(value, Tensor) and value.dtype.is_bool and value.shape == ()
    )
    if is_condition and traced(first).dtype.is_bool:  # type: ignore[union-attr]
        if _is_harmless(right.staged.trace):
            second = inline(right, convert_to_tensor(value))
            combine = bitwise_and if word == "and" else bitwise_or
            return combine.bind(predicate, second)
    sides = Sides(f"{place}: in this `{word}`", "on the right", "on the left")
    if word == "and":
        found = stage_cond(predicate, right, left, ["the value"], sides)
    else:
        sides = Sides(sides.where, sides.second, sides.first)
        found = stage_cond(predicate, left, right, ["the value"], sides)
    assert found is not None  # Expressions do not raise.
    return found[0]


_COSTLY = frozenset(
    ("cond", "while_loop", "scan", "call", "host_call", "dot_general", "conv")
)
_CHEAP_SIZE = 64


def _is_harmless(trace: Trace) -> bool:
    """Whether the operations may as well be done where nobody asks for them."""
    if trace.written:
        return False
    for node in trace.nodes:
        if node.primitive.effects or node.primitive.name in _COSTLY:
            return False
        # A division of integers by zero is what a condition may guard against.
        if node.primitive.name in ("floor_divide", "remainder") and not (
            node.output.dtype.is_floating
        ):
            return False
        if any(value.spec.size > _CHEAP_SIZE for value in node.outputs):
            return False
    return True


# -- comparisons -------------------------------------------------------------------------

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
}


def compared(left: Any, sign: str, right: Any) -> Any:
    """`left sign right`, also `in` and `not in` where tensors are concerned."""
    if sign not in ("in", "not in"):
        return _COMPARISONS[sign](left, right)
    found = _is_in(left, right)
    return found if sign == "in" else not_(found)


def _is_in(item: Any, container: Any) -> Any:
    if traced(container) is not None or (
        isinstance(container, Tensor) and traced(item) is not None
    ):
        return reduce.any(elementwise.equal(item, container))
    if traced(item) is None or not isinstance(container, tuple | list | set | range):
        return item in container
    found: Any = False
    for one in container:
        if can_be_tensor(one):
            same = elementwise.equal(item, one)
            found = same if found is False else bitwise_or.bind(found, same)
    return found


def chain(left: Any, sign: str, middle: Any, *rest: Any) -> Any:
    """`left sign middle sign2 right …`: each operand is evaluated once.

    Python's stops at the first comparison that fails; tensors are all compared.
    """
    found = compared(left, sign, middle)
    for following_sign, following in zip(rest[::2], rest[1::2]):
        if traced(found) is None and not found:
            return found
        left, middle = middle, following()
        link = compared(left, following_sign, middle)
        if traced(found) is None:
            found = link
        else:
            found = _both(found, functools.partial(_identity, link), "and")
    return found


def _identity(x: Any) -> Any:
    return x


def filtered(condition: Any) -> Any:
    """The condition of a comprehension, which tensors can't decide."""
    if traced(condition) is None:
        return condition
    raise TraceError(
        f"{here()}: the `if` of a comprehension depends on a traced tensor "
        f"({traced(condition).spec}), and how many items there are must be known "  # type: ignore
        "while tracing; use weft.where, or a `for` statement that sums up"
    )


# -- assert and raise --------------------------------------------------------------------


def asserted(condition: Any, text: str, message: Callable[[], Any] | None = None) -> Any:
    """The condition of an `assert`; a tensor is checked when the program runs."""
    if traced(condition) is None:
        return condition
    place = here()
    ok = truth(condition, "this `assert`", place)
    shown, tensors = _as_template(message() if message is not None else "")
    what = f"{place}: assert {_quoted(text)}" + (f": {shown}" if shown else "")
    effects.check.bind(ok, *tensors, message=what)
    return True


def _as_template(message: Any) -> tuple[str, list[Tensor]]:
    """A message as a template, and the tensors that it shows."""
    parts = message if isinstance(message, tuple) else (message,)
    tensors = [traced(part) for part in parts]
    texts = [
        _quoted(str(part)) if tensor is None else "{}"
        for part, tensor in zip(parts, tensors)
    ]
    return " ".join(texts), [tensor for tensor in tensors if tensor is not None]


def entry() -> Trace | None:
    """The graph that is being traced when a function begins."""
    return STATE.trace


def raised(began_in: Trace | None, error: Any) -> BaseException:
    """What a `raise` inside of a statement raises.

    Where a tensor decides whether it is reached, the graph raises a CheckError when it is,
    and the rest of the arm is not traced.
    """
    if STATE.trace is began_in:
        return error
    made = error() if isinstance(error, type) else error
    kind = type(made).__name__
    shown, tensors = _as_template(made.args if made.args else "")
    never = Tensor(np.array(False))
    text = f"{here()}: {kind}" + (f": {shown}" if shown else "")
    effects.check.bind(never, *tensors, message=text)
    return ArmRaised(made)


# -- attributes and items ----------------------------------------------------------------

_MISSING = (AttributeError, KeyError, IndexError, TypeError, NameError)


def peek(read: Callable[[], Any]) -> Any:
    """An attribute or item, Undefined if there is none."""
    try:
        return read()
    except _MISSING:
        return Undefined("attribute or item")


def put_attribute(owner: Any, name: str, value: Any) -> None:
    """Set an attribute to what a statement left in it."""
    if isinstance(owner, Undefined):
        return
    now = getattr(owner, name, _MISSING)
    if isinstance(value, Undefined):
        if now is not _MISSING and not value.why:
            delattr(owner, name)
    elif now is not value:
        setattr(owner, name, value)


def put_item(owner: Any, key: Any, value: Any) -> None:
    """Set an item to what a statement left in it."""
    if isinstance(owner, Undefined | Tensor):
        return
    now = peek(lambda: owner[key])
    if isinstance(value, Undefined):
        if not isinstance(now, Undefined) and not value.why and isinstance(owner, dict):
            del owner[key]
    elif now is not value:
        owner[key] = value


__all__ = [
    "and_", "asserted", "chain", "compared", "entry", "filtered", "for_stmt", "if_exp",
    "if_stmt", "not_", "or_", "peek", "put_attribute", "put_item", "raised",
    "while_stmt",
]  # fmt: skip
