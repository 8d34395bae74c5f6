"""Tracing the arms of an `if` and the bodies of loops into sub-graphs.

Built on `weft.function.staging`, which knows about captured tensors and variables. What is
added here is the state: the names of the user's function, read and written by two functions
that the rewriting has made, and joined one by one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from weft import tree
from weft.autodiff.keeping import bind_keeping
from weft.core.graph import Graph
from weft.core.spec import Spec
from weft.core.state import STATE, recording, tracing
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import Trace, replay
from weft.errors import ArgumentError, ShapeError, TraceError
from weft.function.autograph.jumps import FLAGS, RETURN_VALUE
from weft.function.autograph.values import (
    Joined,
    Kept,
    Late,
    Place,
    Sides,
    Undefined,
    as_tensor,
    can_be_tensor,
    certain,
    common_dtype,
    is_number,
    is_same,
    join,
    join_leaf,
    leaving,
    spec_of,
    traced,
    zeros,
)
from weft.function.staging import Staged, assign, shared
from weft.ops.convert import cast
from weft.primitives import control
from weft.primitives.shape import reshape

State = tuple[Any, ...]


class ArmRaised(BaseException):
    """Ends the tracing of an arm at its `raise`; the graph holds the error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class _Depth(threading.local):
    """How many arms and loop bodies are being traced around this one."""

    def __init__(self) -> None:
        self.arms = 0


_DEPTH = _Depth()


@contextlib.contextmanager
def _inside(trace: Trace) -> Iterator[None]:
    _DEPTH.arms += 1
    try:
        with tracing(trace), recording(()):
            yield
    finally:
        _DEPTH.arms -= 1


def always_raises(error: BaseException) -> BaseException:
    """What to raise where every way ends in an error: outside of all arms, the error."""
    return ArmRaised(error) if _DEPTH.arms else error


def truth(x: Any, what: str, place: Place) -> Tensor:
    """A condition as one bool.

    Raises:
        ShapeError: if it has several elements.
    """
    tensor = traced(x)
    assert tensor is not None
    if tensor.size != 1:
        raise ShapeError(
            f"{place}: the condition of {what} must be one value; received {tensor.spec}; "
            "reduce it with weft.ops.any or weft.ops.all, or choose element by element "
            "with weft.where"
        )
    if tensor.shape:
        tensor = reshape.bind(tensor, shape=())
    return tensor if tensor.dtype.is_bool else cast(tensor, "bool")


# -- taking back -------------------------------------------------------------------------


class Mark:
    """A point of the current trace that can be returned to.

    A condition has to be evaluated to see whether it is a tensor. If it is, what that
    added is taken back, because the staged loop evaluates it again.
    """

    def __init__(self) -> None:
        self.trace: Trace | None = STATE.trace
        if self.trace is not None:
            self._nodes = len(self.trace.nodes)
            self._constants = dict(self.trace._constants)
            self._current = dict(self.trace._current)
            self._written = dict(self.trace._written)

    def go_back(self) -> None:
        trace = self.trace
        assert trace is not None
        del trace.nodes[self._nodes :]
        trace._constants = self._constants
        trace._current = self._current
        trace._written = self._written


# -- if ----------------------------------------------------------------------------------


def inline(arm: Arm, value: Tensor) -> Tensor:
    """Do what an arm does here and now; its tensor `value` in the current graph."""
    (graph,), variables, _, captures = shared([arm.staged], [[value]])
    return replay(graph, [*[variable.value for variable in variables], *captures])[0]


class Arm:
    """One way of a condition: its trace, and the values that it leaves.

    `values` is None where it ends in an error, which is then `error`.
    """

    def __init__(self, name: str, place: Place, function: Callable[[], State]) -> None:
        self.staged = Staged(name)
        self.values: State | None = None
        self.error: BaseException | None = None
        with _inside(self.staged.trace):
            try:
                self.values = leaving(function(), self.staged.trace)
            except ArmRaised as raised:
                self.error = raised.error
            except RecursionError:
                raise TraceError(
                    f"{place}: a function calls itself without end while it is traced, "
                    "because a tensor decides when it stops, and both ways are traced; "
                    "write it as a loop, or let a Python value count down"
                ) from None

    def is_left(self, names: Sequence[str]) -> bool:
        """Whether it surely ends in a jump, so that what follows is not for its values."""
        if self.values is None:
            return True
        return any(
            value is True and name.startswith(FLAGS)
            for name, value in zip(names, self.values)
        )

    def outputs(self, joined: Sequence[Joined]) -> list[Tensor]:
        """The tensors that this arm gives for what has to be chosen."""
        values = [None] * len(joined) if self.values is None else self.values
        with tracing(self.staged.trace), recording(()):
            return [
                tensor
                for one, value in zip(joined, values)
                for tensor in _chosen(one, value)
            ]


def _chosen(joined: Joined, value: Any) -> list[Tensor]:
    specs = [leaf for leaf in joined.leaves if isinstance(leaf, Spec)]
    if value is None or isinstance(value, Undefined):
        # Never read: this way ends in an error, or a flag guards the readers.
        return [zeros(spec) for spec in specs]
    pairs = zip(tree.leaves(value), joined.leaves)
    return [as_tensor(leaf, spec.dtype) for leaf, spec in pairs if isinstance(spec, Spec)]


def stage_cond(
    predicate: Tensor, true: Arm, false: Arm, names: Sequence[str], sides: Sides
) -> State | None:
    """Two arms, each with a value per name, as a `cond`: the values of `names` after it.

    None if both arms end in an error.
    """
    joined = [
        _join_arms(names, position, true, false, sides) for position in range(len(names))
    ]
    outputs = [arm.outputs(joined) for arm in (true, false)]
    graphs, variables, written, captures = shared([true.staged, false.staged], outputs)
    if any(graph.nodes or graph.outputs for graph in graphs):
        operands = [predicate, *[variable.value for variable in variables], *captures]
        found = bind_keeping(control.cond, operands, {"branches": tuple(graphs)})
        assign(written, found[len(outputs[0]) : len(outputs[0]) + len(written)])
    else:
        found = ()
    if true.values is None and false.values is None:
        return None
    results = iter(found)
    return tuple([_filled(one, results) for one in joined])


def _join_arms(
    names: Sequence[str], position: int, true: Arm, false: Arm, sides: Sides
) -> Joined:
    name = names[position]
    if true.values is not None and false.values is not None:
        is_left = (true.is_left(names), false.is_left(names))
        values = true.values[position], false.values[position]
        return join(name, *values, sides, is_left)
    arm = true if false.values is None else false
    value = None if arm.values is None else arm.values[position]
    leaves, structure = tree.flatten(value)
    # The other arm raises: the value is this arm's, and must come out of its graph.
    specs = [
        spec_of(leaf)
        if isinstance(leaf, TracedTensor) and leaf.trace is arm.staged.trace
        else Kept(leaf)
        for leaf in leaves
    ]
    return Joined(structure, specs)


def _filled(joined: Joined, results: Any) -> Any:
    leaves = [
        leaf.value if isinstance(leaf, Kept) else next(results) for leaf in joined.leaves
    ]
    return tree.unflatten(joined.structure, leaves)


# -- loops -------------------------------------------------------------------------------


class _Slot:
    """A name that a loop carries: its first value, and what each of its leaves becomes.

    A leaf is carried as a tensor (`specs[i]` says which) or must stay what it is (None).
    """

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.adopt(value)

    def adopt(self, value: Any) -> None:
        """Take this first value."""
        self.value = value = certain(value)
        self.is_undefined = isinstance(value, Undefined)
        self.leaves, self.structure = tree.flatten(value)
        self.specs = [
            spec_of(leaf) if can_be_tensor(leaf) else None for leaf in self.leaves
        ]
        self.unchanged = [False] * len(self.leaves)

    @property
    def carried(self) -> list[Spec]:
        return [spec for spec in self.specs if spec is not None]

    def initial(self) -> list[Tensor]:
        return [
            as_tensor(leaf, spec.dtype)
            for leaf, spec in zip(self.leaves, self.specs)
            if spec is not None
        ]

    def filled(self, tensors: Any) -> Any:
        """The value with the next of these tensors in the places of carried leaves."""
        leaves = [
            leaf if spec is None else next(tensors)
            for leaf, spec in zip(self.leaves, self.specs)
        ]
        return tree.unflatten(self.structure, leaves)

    def result(self, tensors: Any) -> Any:
        """The value after the loop; what no step changes is what it was before."""
        leaves = []
        for leaf, spec, unchanged in zip(self.leaves, self.specs, self.unchanged):
            found = leaf if spec is None else next(tensors)
            leaves.append(leaf if unchanged else found)
        return tree.unflatten(self.structure, leaves)

    def outputs(self, value: Any) -> list[Tensor]:
        """What a step leaves, as carried."""
        return [
            as_tensor(leaf, spec.dtype)
            for leaf, spec in zip(tree.leaves(value), self.specs)
            if spec is not None
        ]

    def fit(self, entered: Any, left: Any, sides: Sides) -> bool:
        """Whether a step's value fits; else the slot has changed, and the step is redone.

        Raises where they cannot fit.
        """
        if self.is_undefined:
            if isinstance(left, Undefined):
                self.value = left
                self.leaves = [left]
                return True
            self._adopt_stand_ins(left)
            return False
        leaves, structure = tree.flatten(left)
        if isinstance(left, Undefined) or structure != self.structure:
            join(self.name, self.value, left, sides)
            raise TraceError(
                f"{sides.where}: {self.name!r} has a value before the loop and none after "
                "a step; do not delete it in the loop"
            )
        before = tree.leaves(entered)
        self.unchanged = [a is b for a, b in zip(before, leaves)]
        fits = True
        for position, leaf in enumerate(leaves):
            if not self.unchanged[position]:
                fits = self._fit_leaf(position, leaf, sides) and fits
        return fits

    def _adopt_stand_ins(self, value: Any) -> None:
        """A name that the loop defines: the carry needs something to begin with."""
        leaves, structure = tree.flatten(value)
        held = [zeros(spec_of(x)) if isinstance(x, Tensor) else x for x in leaves]
        self.adopt(tree.unflatten(structure, held))

    def _fit_leaf(self, position: int, leaf: Any, sides: Sides) -> bool:
        first, spec = self.leaves[position], self.specs[position]
        if spec is None:
            if not is_same(first, leaf):
                join_leaf(self.name, first, leaf, sides)
            return True
        if can_be_tensor(leaf):
            if spec_of(leaf) == spec:
                return True
            wanted = self._wider(first, spec, leaf)
            if wanted is spec:
                return True
            if wanted is not None:
                self.specs[position] = wanted
                return False
        # They cannot fit: this raises.
        join_leaf(self.name, first if is_number(first) else zeros(spec), leaf, sides)
        return True

    def _wider(self, first: Any, spec: Spec, leaf: Any) -> Spec | None:
        """The spec that first value and step can share; `spec` itself if it will do."""
        if spec_of(leaf).shape != spec.shape:
            return None
        if not is_number(first):
            dtype = common_dtype(zeros(spec), leaf)
            return spec if dtype is spec.dtype else None
        dtype = common_dtype(first, leaf)
        if dtype is None or dtype is spec.dtype:
            return None if dtype is None else spec
        # Another number may already have widened it.
        if spec.dtype.is_floating and not dtype.is_floating:
            return spec
        return Spec(spec.shape, dtype)


class LoopTrace:
    """A loop being traced: what it carries, and how its body and its test run.

    Args:
        names: the names that are carried.
        values: what they hold before the loop.
        set_state: gives the names these values.
        get_state: their values now.
        sides: words for errors.
    """

    def __init__(
        self,
        names: Sequence[str],
        values: State,
        get_state: Callable[[], State],
        set_state: Callable[[State], None],
        sides: Sides,
    ) -> None:
        self.slots = [_Slot(name, value) for name, value in zip(names, values)]
        self.before = values
        self.get_state, self.set_state, self.sides = get_state, set_state, sides
        # Names that only a step gives a value: reading them needs one step at least.
        self.late: list[str] = []

    @property
    def specs(self) -> list[Spec]:
        return [spec for slot in self.slots for spec in slot.carried]

    def initial(self) -> list[Tensor]:
        return [tensor for slot in self.slots for tensor in slot.initial()]

    def enter(self, tensors: Sequence[Tensor]) -> list[Any]:
        """Give the names what a step begins with."""
        items = iter(tensors)
        entered = [slot.filled(items) for slot in self.slots]
        self.set_state((*entered, *self.before[len(entered) :]))
        return entered

    def stage_body(
        self, extra: Sequence[Spec], step: Callable[[list[TracedTensor]], None]
    ) -> tuple[Staged, list[Tensor]]:
        """Trace `step(extra inputs)` until the carried types have settled.

        The inputs are the carry and then the extra ones; the outputs are the carry.
        """
        undefined = [slot.name for slot in self.slots if slot.is_undefined]
        while True:
            staged = Staged("loop_body")
            with _inside(staged.trace):
                carry = [staged.trace.new_input(spec) for spec in self.specs]
                more = [staged.trace.new_input(spec) for spec in extra]
                staged.inputs = [*carry, *more]
                entered = self.enter(carry)
                try:
                    step(more)
                    left = leaving(self.get_state(), staged.trace)
                except ArmRaised:
                    left = (*entered, *self.before[len(entered) :])
            fits = [
                slot.fit(value, now, self.sides)
                for slot, value, now in zip(self.slots, entered, left)
            ]
            if all(fits):
                break
        with tracing(staged.trace), recording(()):
            outputs = [
                tensor
                for slot, now in zip(self.slots, left)
                for tensor in slot.outputs(now)
            ]
        self.late = [
            slot.name
            for slot in self.slots
            if slot.name in undefined
            and not slot.is_undefined
            and not slot.name.startswith(RETURN_VALUE)
        ]
        return staged, outputs

    def stage_test(
        self, extra: Sequence[Spec], test: Callable[[list[TracedTensor]], Tensor]
    ) -> tuple[Staged, list[Tensor]]:
        """Trace the condition, which takes the same inputs."""
        staged = Staged("loop_test")
        with tracing(staged.trace), recording(()):
            carry = [staged.trace.new_input(spec) for spec in self.specs]
            more = [staged.trace.new_input(spec) for spec in extra]
            staged.inputs = [*carry, *more]
            self.enter(carry)
            outputs = [test(more)]
        if staged.trace.written:
            raise ArgumentError(
                f"{self.sides.where}: the condition of a loop must not assign variables; "
                f"it assigns {staged.trace.written[0].name!r}; do it in the loop"
            )
        return staged, outputs

    def finish(self, tensors: Sequence[Tensor]) -> None:
        """Give the names what they hold after the loop."""
        items = iter(tensors)
        after = [slot.result(items) for slot in self.slots]
        self.set_state((*after, *self.before[len(after) :]))

    def doubt(self, ran: Tensor, message: str) -> None:
        """Names that only a step gives a value have one if `ran`: reading them checks it.

        `message` is a template in which `{name!r}` stands for the name.
        """
        state = list(self.get_state())
        for position, slot in enumerate(self.slots):
            if slot.name in self.late:
                said = message.replace("{name!r}", repr(slot.name))
                state[position] = Late(state[position], ran, said)
        self.set_state(tuple(state))

    # -- kinds of loops ------------------------------------------------------------

    def run_while(
        self,
        extra: Sequence[Tensor],
        test: Callable[[list[TracedTensor]], Tensor],
        step: Callable[[list[TracedTensor]], list[Tensor]],
    ) -> None:
        """As a `while_loop`; `extra` tensors are carried too, `step` gives their next."""
        specs = [tensor.spec for tensor in extra]
        following: list[Tensor] = []

        def run(inputs: list[TracedTensor]) -> None:
            following[:] = step(inputs)

        body, outputs = self.stage_body(specs, run)
        condition, predicate = self.stage_test(specs, test)
        # One order for both: names, extra, and then the variables that the body assigns.
        outputs = [*outputs, *following]
        graphs, variables, written, captures = shared(
            [condition, body], [predicate, outputs]
        )
        goes_on, once = graphs
        goes_on.outputs = goes_on.outputs[:1]
        initial = [*self.initial(), *extra]
        carried = len(initial) + len(written)
        operands = [*initial, *[variable.value for variable in variables], *captures]
        parameters = {"condition": goes_on, "body": once, "carries": carried}
        found = bind_keeping(control.while_loop, operands, parameters)
        assign(written, found[len(initial) : carried])
        self.finish(found[: len(initial)])

    def run_scan(
        self, sequences: Sequence[Tensor], length: int, step: Callable[[list], None]
    ) -> None:
        """As a `scan` along the first axis of the sequences, each of `length` steps."""
        specs = [tensor.spec.with_shape(tensor.shape[1:]) for tensor in sequences]
        body, outputs = self.stage_body(specs, step)
        (graph,), variables, written, captures = shared([body], [outputs])
        initial = self.initial()
        graph = _with_slices_last(graph, len(initial), len(specs))
        carries = len(initial) + len(written)
        steady = [variable.value for variable in variables]
        operands = [*initial, *steady, *captures, *sequences]
        captured = len(operands) - carries - len(sequences)
        parameters = {
            "body": graph,
            "carries": carries,
            "captures": captured,
            "length": length,
            "reverse": False,
        }
        found = bind_keeping(control.scan, operands, parameters)
        assign(written, found[len(initial) : carries])
        self.finish(found[: len(initial)])


def _with_slices_last(graph: Graph, carries: int, slices: int) -> Graph:
    inputs = graph.inputs
    carry, sliced, rest = (
        inputs[:carries],
        inputs[carries : carries + slices],
        inputs[carries + slices :],
    )
    return Graph([*carry, *rest, *sliced], graph.nodes, graph.outputs, graph.name)
