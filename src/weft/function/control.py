"""Control flow for people: cond, switch, while_loop, fori_loop, scan, map.

Eagerly these are Python's own `if` and loops, so that tapes see every operation. While
tracing, the functions become sub-graphs of `cond`, `while_loop` and `scan`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.autodiff.keeping import bind_keeping
from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError
from weft.function.staging import (
    Staged,
    assign,
    common_dtypes,
    is_number,
    is_tensor_like,
    path_names,
    shared,
)
from weft.ops.convert import cast, convert_to_tensor
from weft.primitives import control, elementwise, shape

# -- cond --------------------------------------------------------------------------------


def cond(
    pred: Any,
    true_fn: Callable | None = None,
    false_fn: Callable | None = None,
    name: str | None = None,
    _names: Sequence[str] | None = None,
) -> Any:
    """`true_fn()` where `pred` is true, else `false_fn()`.

    Only the chosen branch runs. While tracing, both must give results of one structure,
    with the same shapes and dtypes; variables that a branch assigns are assigned.

    Args:
        pred: a bool, or a tensor with one element.
        true_fn: takes no arguments.
        false_fn: takes no arguments.
        name: shown in messages.
        _names: AutoGraph's names of the results, for messages.

    Raises:
        ShapeError, DTypeError, ArgumentTypeError: where the results differ, by name.

    Example:
        >>> import weft
        >>> weft.cond(True, lambda: 1, lambda: 2)
        1
    """
    who = name or "cond"
    for branch in (true_fn, false_fn):
        if not callable(branch):
            raise ArgumentTypeError(
                f"{who}: true_fn and false_fn must be functions without arguments; "
                f"received {type(branch).__name__}; write lambda: ..."
            )
    assert true_fn is not None and false_fn is not None
    if isinstance(pred, Variable):
        pred = pred.value
    if not isinstance(pred, TracedTensor):
        return true_fn() if _truth(who, pred) else false_fn()
    return _traced_cond(who, _as_predicate(who, pred), true_fn, false_fn, _names)


def _truth(who: str, pred: Any) -> bool:
    if isinstance(pred, Tensor):
        pred = pred._array
    if np.size(pred) != 1:
        raise ShapeError(
            f"{who}: the condition must be one value; received shape {np.shape(pred)}; "
            "reduce it with weft.ops.any or weft.ops.all"
        )
    return bool(pred)


def _as_predicate(who: str, pred: Any) -> Tensor:
    tensor = convert_to_tensor(pred)
    if tensor.size != 1:
        raise ShapeError(
            f"{who}: the condition must be one value; received {tensor.spec}; "
            "reduce it with weft.ops.any or weft.ops.all"
        )
    if tensor.shape:
        tensor = shape.reshape.bind(tensor, shape=())
    return tensor if tensor.dtype.is_bool else cast(tensor, "bool")


def _traced_cond(
    who: str,
    pred: Tensor,
    true_fn: Callable,
    false_fn: Callable,
    given: Sequence[str] | None,
) -> Any:
    branches = [
        Staged(f"{who}_{side}").run(function, lambda trace: ())
        for side, function in (("true", true_fn), ("false", false_fn))
    ]
    true, false = branches
    if true.structure != false.structure:
        raise ArgumentTypeError(
            f"{who}: both branches must give one structure; received {true.structure!r} "
            f"and {false.structure!r}"
        )
    names = path_names(true.structure, "result", given)
    dtypes = common_dtypes(who, names, true.leaves, false.leaves)
    outputs = [branch.tensors(dtypes) for branch in branches]
    graphs, variables, written, captures = shared(branches, outputs)
    operands = [pred, *[variable.value for variable in variables], *captures]
    found = bind_keeping(control.cond, operands, {"branches": tuple(graphs)})
    number = len(outputs[0])
    assign(written, found[number : number + len(written)])
    return tree.unflatten(true.structure, _merged(true.leaves, dtypes, found))


def _merged(
    leaves: Sequence[Any], dtypes: Sequence[Any], tensors: Sequence[Tensor]
) -> list:
    """Leaves that are no tensors as they were; the others from `tensors`."""
    results = iter(tensors)
    return [leaf if dtype is None else next(results) for leaf, dtype in zip(leaves, dtypes)]


def switch(index: Any, branches: Sequence[Callable], *operands: Any) -> Any:
    """`branches[index](*operands)`; an index outside is clamped into range.

    Example:
        >>> import weft
        >>> weft.switch(1, [lambda x: x, lambda x: -x], 3)
        -3
    """
    branches = list(branches)
    if not branches:
        raise ArgumentError("switch: expected at least one branch; received none")
    if isinstance(index, Variable):
        index = index.value
    if not isinstance(index, TracedTensor):
        number = int(index._array if isinstance(index, Tensor) else index)
        return branches[min(max(number, 0), len(branches) - 1)](*operands)
    return _switch_between(index, branches, 0, operands)


def _switch_between(index: Tensor, branches: list, first: int, operands: tuple) -> Any:
    if len(branches) == 1:
        return branches[0](*operands)
    half = len(branches) // 2
    middle = Tensor(np.array(first + half, index.dtype.numpy))
    return cond(
        elementwise.less.bind(index, middle),
        lambda: _switch_between(index, branches[:half], first, operands),
        lambda: _switch_between(index, branches[half:], first + half, operands),
        name="switch",
    )


# -- while_loop --------------------------------------------------------------------------


def while_loop(
    cond: Callable,
    body: Callable,
    loop_vars: Any,
    maximum_iterations: int | None = None,
    _names: Sequence[str] | None = None,
    **compatible: Any,
) -> Any:
    """While `cond(*loop_vars)` holds, `loop_vars = body(*loop_vars)`.

    Args:
        cond: gives one bool.
        body: gives the new loop variables, of the same structure, shapes and dtypes.
        loop_vars: a tuple or list of anything, or one tensor.
        maximum_iterations: stop after so many steps.
        _names: AutoGraph's names of the loop variables, for messages.
        compatible: TensorFlow's further arguments, which change nothing.

    Returns:
        The loop variables at the end, in the structure of `loop_vars`.

    Example:
        >>> import weft
        >>> weft.while_loop(lambda i: i < 10, lambda i: (i + 3,), (0,))
        (12,)
    """
    is_several = isinstance(loop_vars, tuple | list)
    state = tuple(loop_vars) if is_several else (loop_vars,)
    if STATE.trace is None:
        result = _eager_while(cond, body, state, maximum_iterations)
    else:
        result = _traced_while(cond, body, state, maximum_iterations, _names)
    if not is_several:
        return result[0]
    if hasattr(loop_vars, "_fields"):
        return type(loop_vars)(*result)
    return type(loop_vars)(result)


def _as_state(found: Any, number: int) -> tuple:
    """What a body returned as a tuple of loop variables."""
    if number == 1 and not (isinstance(found, tuple | list) and len(found) == 1):
        return (found,)
    if not isinstance(found, tuple | list) or len(found) != number:
        received = len(found) if isinstance(found, tuple | list) else type(found).__name__
        raise ArgumentError(
            f"while_loop: the body must return {number} loop variables; received {received}"
        )
    return tuple(found)


def _eager_while(condition: Callable, body: Callable, state: tuple, most: Any) -> tuple:
    steps = 0
    limit = None if most is None else int(most)
    while (limit is None or steps < limit) and _truth("while_loop", condition(*state)):
        state = _as_state(body(*state), len(state))
        steps += 1
    return state


def _traced_while(
    condition: Callable,
    body: Callable,
    state: tuple,
    most: Any,
    names: Sequence[str] | None,
) -> tuple:
    number = len(state)
    if most is None:
        return _WhileTrace(condition, body, state, names).run()
    limit = convert_to_tensor(most, "int32")

    def goes_on(count: Tensor, *state: Any) -> Tensor:
        more = _as_predicate("while_loop", condition(*state))
        return elementwise.bitwise_and.bind(elementwise.less.bind(count, limit), more)

    def step(count: Tensor, *state: Any) -> tuple:
        one = Tensor(np.array(1, np.int32))
        return elementwise.add.bind(count, one), *_as_state(body(*state), number)

    zero = Tensor(np.array(0, np.int32))
    names = ("the counter", *names) if names else None
    return _WhileTrace(goes_on, step, (zero, *state), names).run()[1:]


class _Carry:
    """Loop variables: their structure, which leaves are tensors, and the first values."""

    def __init__(self, who: str, state: tuple, names: Sequence[str] | None = None) -> None:
        self.who = who
        self.leaves, self.structure = tree.flatten(state)
        self.names = path_names(self.structure, "loop variable ", names)
        self.is_weak = [is_number(leaf) for leaf in self.leaves]
        self.tensors = [
            convert_to_tensor(leaf) if is_tensor_like(leaf) else None
            for leaf in self.leaves
        ]

    @property
    def specs(self) -> list:
        return [tensor.spec for tensor in self.tensors if tensor is not None]

    @property
    def initial(self) -> list[Tensor]:
        return [tensor for tensor in self.tensors if tensor is not None]

    def filled(self, tensors: Sequence[Tensor]) -> Any:
        """The loop variables with these tensors in their places."""
        new = iter(tensors)
        leaves = [
            leaf if tensor is None else next(new)
            for leaf, tensor in zip(self.leaves, self.tensors)
        ]
        return tree.unflatten(self.structure, leaves)

    def agree(self, leaves: Sequence[Any], structure: Any) -> bool:
        """Whether a step's results fit; else numbers take the dtype that a step gives them.

        Raises where they can't be made to fit.
        """
        if structure != self.structure:
            raise ArgumentTypeError(
                f"{self.who}: the body must return the structure of the loop variables, "
                f"{self.structure!r}; received {structure!r}"
            )
        fits = True
        for i, (tensor, leaf) in enumerate(zip(self.tensors, leaves)):
            known = self.leaves[i] if tensor is None else tensor
            if tensor is not None and self.is_weak[i] and not is_number(leaf):
                given = leaf.dtype if isinstance(leaf, Tensor) else None
                if given is not None and given is not tensor.dtype:
                    self.tensors[i] = cast(tensor, given)
                    self.is_weak[i] = False
                    fits = False
                    continue
            if tensor is not None and self.is_weak[i] and is_number(leaf):
                wanted = convert_to_tensor(leaf).dtype
                if wanted.is_floating and not tensor.dtype.is_floating:
                    self.tensors[i] = cast(tensor, wanted)
                    fits = False
                    continue
            common_dtypes(self.who, [self.names[i]], [known], [leaf])
        return fits

    def dtypes(self) -> list:
        return [None if tensor is None else tensor.dtype for tensor in self.tensors]


class _WhileTrace:
    """A while_loop being traced."""

    def __init__(
        self, condition: Callable, body: Callable, state: tuple, names: Sequence[str] | None
    ) -> None:
        self.condition, self.body, self.number = condition, body, len(state)
        self.carry = _Carry("while_loop", state, names)

    def run(self) -> tuple:
        body = self._stage_body()
        while not self.carry.agree(body.leaves, body.structure):
            body = self._stage_body()
        outputs = body.tensors(self.carry.dtypes())
        condition = self._stage(self.condition, "while_condition")
        condition.leaves = condition.leaves[:1]
        with_predicate = _predicate_of(condition)
        if condition.trace.written:
            raise ArgumentError(
                "while_loop: the condition must not assign variables; it assigns "
                f"{condition.trace.written[0].name}; do it in the body"
            )
        graphs, variables, written, captures = shared(
            [condition, body], [[with_predicate], outputs]
        )
        goes_on, step = graphs
        goes_on.outputs = goes_on.outputs[:1]
        initial = self.carry.initial
        carried = len(initial) + len(written)
        operands = [*initial, *[variable.value for variable in variables], *captures]
        parameters = {"condition": goes_on, "body": step, "carries": carried}
        found = bind_keeping(control.while_loop, operands, parameters)
        assign(written, found[len(initial) : carried])
        return self.carry.filled(found[: len(initial)])

    def _stage_body(self) -> Staged:
        return self._stage(
            lambda *state: _as_state(self.body(*state), self.number), "while_body"
        )

    def _stage(self, function: Callable, name: str) -> Staged:
        staged = Staged(name)

        def arguments(trace: Trace) -> tuple:
            staged.inputs = [trace.new_input(spec) for spec in self.carry.specs]
            return self.carry.filled(staged.inputs)

        return staged.run(function, arguments)


def _predicate_of(staged: Staged) -> Tensor:
    with tracing(staged.trace), recording(()):
        return _as_predicate("while_loop", staged.leaves[0])


# -- scan and its relatives --------------------------------------------------------------


def scan(
    f: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """A loop over the leading axis of `xs` that carries a state and stacks results.

    Args:
        f: `(carry, x) -> (carry, y)`.
        init: the first carry, any structure.
        xs: any structure of tensors with one leading extent, or None (then `length`).
        length: the number of steps.
        reverse: from the last step to the first; results keep the order of `xs`.
        unroll: taken for compatibility.

    Returns:
        The last carry, and the stacked `y`.

    Example:
        >>> import weft
        >>> total, sums = weft.scan(
        ...     lambda c, x: (c + x, c + x), 0.0, weft.ops.arange(4, dtype="float32"))
        >>> float(total), sums.numpy().tolist()
        (6.0, [0.0, 1.0, 3.0, 6.0])
    """
    if not callable(f):
        raise ArgumentTypeError(f"scan: f must be a function; received {type(f).__name__}")
    sequences, structure = tree.flatten(xs)
    present = [sequence is not None for sequence in sequences]
    sequences = [convert_to_tensor(s) for s in sequences if s is not None]
    steps = _number_of_steps("scan", sequences, length)

    def slices(tensors: Sequence[Tensor]) -> Any:
        given = iter(tensors)
        return tree.unflatten(structure, [next(given) if p else None for p in present])

    if steps == 0:
        return _empty_scan(f, init, sequences, slices)
    if STATE.trace is None:
        return _eager_scan(f, init, sequences, slices, steps, reverse)
    return _ScanTrace(f, init, sequences, slices, steps, reverse).run()


def _number_of_steps(who: str, sequences: Sequence[Tensor], length: int | None) -> int:
    lengths = {sequence.shape[0] if sequence.shape else None for sequence in sequences}
    if length is not None:
        lengths.add(int(length))
    if None in lengths:
        raise ShapeError(f"{who}: what is walked along needs an axis; received a scalar")
    if len(lengths) != 1:
        remedy = "give xs or length" if not lengths else "make them equal"
        raise ArgumentError(
            f"{who}: there must be one number of steps; received "
            f"{sorted(filter(None, lengths))}; {remedy}"
        )
    return lengths.pop()  # type: ignore[return-value]


def _pair(found: Any) -> tuple:
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ArgumentTypeError(
            f"scan: f must return (carry, y); received {type(found).__name__}; "
            "y may be None"
        )
    return tuple(found)


def _row(sequence: Tensor, step: int) -> Tensor:
    rest = sequence.shape[1:]
    part = shape.slice.bind(
        sequence,
        start=(step, *[0] * len(rest)),
        stop=(step + 1, *rest),
        step=(1,) * sequence.ndim,
    )
    return shape.reshape.bind(part, shape=rest)


def _stack(rows: Sequence[Tensor]) -> Tensor:
    lines = [shape.reshape.bind(row, shape=(1, *row.shape)) for row in rows]
    return lines[0] if len(lines) == 1 else shape.concatenate.bind(*lines, axis=0)


def _eager_scan(
    f: Callable, init: Any, sequences: list, slices: Callable, steps: int, reverse: bool
) -> tuple:
    carry = tree.map(lambda x: convert_to_tensor(x) if is_tensor_like(x) else x, init)
    rows: list[list] = []
    result = None
    for step in reversed(range(steps)) if reverse else range(steps):
        carry, y = _pair(f(carry, slices([_row(sequence, step) for sequence in sequences])))
        leaves, result = tree.flatten(y)
        rows.append([convert_to_tensor(x) if is_tensor_like(x) else x for x in leaves])
    if reverse:
        rows.reverse()
    columns = [
        _stack(column) if isinstance(column[0], Tensor) else column[0]
        for column in zip(*rows)
    ]
    return carry, tree.unflatten(result, columns)  # type: ignore[arg-type]


def _empty_scan(f: Callable, init: Any, sequences: list, slices: Callable) -> tuple:
    """No step: the carry as it is, and empty results in the shapes of a step's."""
    with recording(()), tracing(Trace("scan")):
        traced = _ScanTrace(f, init, sequences, slices, 0, False)
        traced.stage()
        leaves, result = traced.results
    carry = tree.map(lambda x: convert_to_tensor(x) if is_tensor_like(x) else x, init)
    columns = []
    for leaf in leaves:
        if not is_tensor_like(leaf):
            columns.append(leaf)
            continue
        spec = leaf.spec
        columns.append(Tensor(np.zeros((0, *spec.shape), spec.dtype.numpy)))
    return carry, tree.unflatten(result, columns)


class _ScanTrace:
    """A scan being traced."""

    def __init__(
        self,
        f: Callable,
        init: Any,
        sequences: list,
        slices: Callable,
        steps: int,
        reverse: bool,
    ) -> None:
        self.f, self.sequences, self.slices = f, sequences, slices
        self.steps, self.reverse = steps, reverse
        self.carry = _Carry("scan", (init,))
        self.results: tuple[list, Any] = ([], None)

    def stage(self) -> Staged:
        """Trace the body, until Python numbers in the carry have found their dtype."""
        while True:
            staged = Staged("scan_body")
            staged.run(self._step, functools.partial(self._arguments, staged))
            if self.carry.agree(staged.leaves, staged.structure):
                return staged

    def _arguments(self, staged: Staged, trace: Trace) -> tuple:
        carried = [trace.new_input(spec) for spec in self.carry.specs]
        rows = [trace.new_input(s.spec.with_shape(s.shape[1:])) for s in self.sequences]
        self.inputs = (carried, rows)
        staged.inputs = carried
        return (*self.carry.filled(carried), self.slices(rows))

    def _step(self, carry: Any, x: Any) -> tuple:
        carry, y = _pair(self.f(carry, x))
        leaves, structure = tree.flatten(y)
        leaves = [leaf.value if isinstance(leaf, Variable) else leaf for leaf in leaves]
        leaves = [convert_to_tensor(x) if is_tensor_like(x) else x for x in leaves]
        self.results = (leaves, structure)
        return (carry,)

    def run(self) -> tuple:
        body = self.stage()
        ys, structure = self.results
        stacked = [leaf for leaf in ys if isinstance(leaf, Tensor)]
        carried = body.tensors(self.carry.dtypes())
        graphs, variables, written, captures = shared([body], [[*carried, *stacked]])
        graph = graphs[0]
        number, rows = len(carried), self.inputs[1]
        # Inputs: carry, written variables | read variables, captures | slices. Results:
        # carry, written variables | stacked.
        steady = graph.inputs
        graph.inputs = [*steady, *[row.value for row in rows]]
        ends = graph.outputs[number + len(stacked) :]
        graph.outputs = [
            *graph.outputs[:number], *ends, *graph.outputs[number : number + len(stacked)]
        ]  # fmt: skip
        carries = number + len(written)
        operands = [
            *self.carry.initial,
            *[variable.value for variable in variables],
            *captures,
            *self.sequences,
        ]
        parameters = {
            "body": graph,
            "carries": carries,
            "captures": len(steady) - carries,
            "length": self.steps,
            "reverse": bool(self.reverse),
        }
        found = bind_keeping(control.scan, operands, parameters)
        assign(written, found[number:carries])
        columns = iter(found[carries:])
        leaves = [next(columns) if isinstance(leaf, Tensor) else leaf for leaf in ys]
        return self.carry.filled(found[:number])[0], tree.unflatten(structure, leaves)


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any) -> Any:
    """`for i in range(lower, upper): value = body_fun(i, value)`.

    With Python numbers as bounds the number of steps is known, and the loop is a scan.

    Example:
        >>> import weft
        >>> int(weft.fori_loop(0, 5, lambda i, total: total + i, 0))
        10
    """
    if STATE.trace is None:
        value = init_val
        for i in range(_whole(lower), _whole(upper)):
            value = body_fun(convert_to_tensor(i), value)
        return value
    is_known = not any(isinstance(bound, Tensor | Variable) for bound in (lower, upper))
    if is_known:
        first, last = int(lower), int(upper)
        indices = np.arange(first, max(first, last), dtype=np.int32)
        return scan(lambda value, i: (body_fun(i, value), None), init_val, indices)[0]
    start, stop = (convert_to_tensor(bound) for bound in (lower, upper))
    if start.dtype is not stop.dtype:
        start = cast(start, stop.dtype)
    one = Tensor(np.array(1, stop.dtype.numpy))
    return while_loop(
        lambda i, value: elementwise.less.bind(i, stop),
        lambda i, value: (elementwise.add.bind(i, one), body_fun(i, value)),
        (start, init_val),
    )[1]


def _whole(bound: Any) -> int:
    return int(bound.numpy()) if isinstance(bound, Tensor | Variable) else int(bound)


def map(f: Callable, xs: Any) -> Any:
    """`f` applied to each element along the leading axis, results stacked.

    Example:
        >>> import weft
        >>> weft.map(lambda x: x * x, weft.ops.arange(3)).numpy().tolist()
        [0, 1, 4]
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


def vectorized_map(function: Callable, elements: Any) -> Any:
    """The results of `map`, under Keras' name."""
    return map(function, elements)


def associative_scan(f: Callable, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All prefixes combined by an associative function, in O(log n) rounds.

    Args:
        f: `(a, b) -> c` on trees of tensors; it must work on any number of elements along
            `axis` at once.
        elems: a tree of tensors with one extent along `axis`.
        reverse: suffixes instead of prefixes.
        axis: along which to combine.

    Example:
        >>> import weft
        >>> x = weft.ops.arange(1, 5)
        >>> weft.ops.associative_scan(lambda a, b: a * b, x).numpy().tolist()
        [1, 2, 6, 24]
    """
    leaves, structure = tree.flatten(elems)
    tensors = [convert_to_tensor(leaf) for leaf in leaves]
    axes = [axis % max(tensor.ndim, 1) for tensor in tensors]
    extents = {t.shape[a] if t.shape else None for t, a in zip(tensors, axes)}
    if len(extents) != 1 or None in extents:
        raise ShapeError(
            f"associative_scan: elements must have one extent along axis {axis}; received "
            f"{', '.join(str(tensor.spec) for tensor in tensors)}"
        )

    def combine(one: list, other: list) -> list:
        found = f(tree.unflatten(structure, one), tree.unflatten(structure, other))
        return tree.leaves(found)

    if reverse:
        tensors = [shape.reverse.bind(t, axes=(a,)) for t, a in zip(tensors, axes)]
    result = _prefixes(combine, tensors, axes)
    if reverse:
        result = [shape.reverse.bind(t, axes=(a,)) for t, a in zip(result, axes)]
    return tree.unflatten(structure, result)


def _prefixes(combine: Callable, tensors: list, axes: list) -> list:
    """Pairs first, then the prefixes of the pairs, then what lies between."""
    extent = tensors[0].shape[axes[0]]
    if extent < 2:
        return tensors

    def along(items: list, start: int, stop: int, step: int) -> list:
        return [_cut(t, a, start, stop, step) for t, a in zip(items, axes)]

    pairs = combine(along(tensors, 0, extent - 1, 2), along(tensors, 1, extent, 2))
    odd = _prefixes(combine, pairs, axes)
    first = along(tensors, 0, 1, 1)
    if extent == 2:
        return [shape.concatenate.bind(x, y, axis=a) for x, y, a in zip(first, odd, axes)]
    before = along(odd, 0, (extent - 1) // 2, 1)
    even = combine(before, along(tensors, 2, extent, 2))
    even = [shape.concatenate.bind(x, y, axis=a) for x, y, a in zip(first, even, axes)]
    return [_interleaved(x, y, a) for x, y, a in zip(even, odd, axes)]


def _cut(tensor: Tensor, axis: int, start: int, stop: int, step: int) -> Tensor:
    starts, stops, steps = [0] * tensor.ndim, list(tensor.shape), [1] * tensor.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return shape.slice.bind(
        tensor, start=tuple(starts), stop=tuple(stops), step=tuple(steps)
    )


def _interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even[0], odd[0], even[1], …; `even` may have one more."""
    shared_extent = odd.shape[axis]
    body = _cut(even, axis, 0, shared_extent, 1)
    before, after = odd.shape[: axis + 1], odd.shape[axis + 1 :]
    parts = [shape.reshape.bind(x, shape=(*before, 1, *after)) for x in (body, odd)]
    mixed = shape.concatenate.bind(*parts, axis=axis + 1)
    whole = shape.reshape.bind(mixed, shape=(*before[:-1], 2 * shared_extent, *after))
    if even.shape[axis] == shared_extent:
        return whole
    last = _cut(even, axis, shared_extent, even.shape[axis], 1)
    return shape.concatenate.bind(whole, last, axis=axis)
