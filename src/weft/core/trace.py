"""Trace: a graph under construction.

Every operation adds a node, also those on constants, so that what a function says is what
its graph does. A trace may stand inside another one (the body of a loop inside a function):
values of the outer trace that the inner one uses become its captures, and a variable that
the inner trace assigns becomes one of its results.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from weft.core.graph import Graph, Node, Value
from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.state import STATE, tracing
from weft.core.tensor import Tensor, TracedTensor
from weft.dtypes import from_numpy
from weft.errors import TextError, TraceError

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def _constant_spec(*, value: np.ndarray) -> Spec:
    return Spec(value.shape, from_numpy(value.dtype))


constant = Primitive("constant", spec=_constant_spec, evaluate=lambda *, value: value)
"""A tensor known while tracing. The array must not change afterwards."""


def user_source() -> tuple[str, int] | None:
    """File and line of the innermost caller outside of weft."""
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(_PACKAGE):
            return filename, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None


class Trace:
    """A graph under construction, with its captures and the state of variables."""

    def __init__(self, name: str = "graph") -> None:
        self.name = name
        self.parent: Trace | None = STATE.trace
        # The tapes that record what this trace becomes: a loop or branch of its parent.
        outer = self.parent.watchers if self.parent is not None else ()
        self.watchers: tuple[Any, ...] = (*outer, *STATE.tapes)
        self.on_creation: Callable[[Any], None] | None = None
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self._captured: dict[int, tuple[Tensor, TracedTensor]] = {}
        self._constants: dict[int, tuple[Tensor, TracedTensor]] = {}
        # Variables in the order of their first use: entry value (None if only written
        # so far), and the value that the variable has now.
        self._entries: dict[Any, TracedTensor] = {}
        self._current: dict[Any, Tensor] = {}
        self._written: dict[Any, None] = {}

    # -- values --------------------------------------------------------------------

    def new_input(self, spec: Spec, name: str = "") -> TracedTensor:
        value = Value(spec, name=name)
        self.inputs.append(value)
        return TracedTensor(value, self)

    def add(self, primitive: Primitive, inputs: Iterable[Tensor], parameters: dict) -> Any:
        """Add a node; its result (or tuple of results) as traced tensors."""
        values = [self.value_of(tensor) for tensor in inputs]
        found = primitive.spec(*[value.spec for value in values], **parameters)
        specs = found if primitive.results else (found,)
        node = Node(primitive, values, parameters, specs, user_source())
        self.nodes.append(node)
        outputs = tuple([TracedTensor(value, self) for value in node.outputs])
        return outputs if primitive.results else outputs[0]

    def value_of(self, tensor: Tensor) -> Value:
        """The graph value of any tensor: own, captured from outside, or a constant."""
        if isinstance(tensor, TracedTensor):
            if tensor.trace is self:
                return tensor.value
            return self._capture(tensor).value
        if self.parent is not None and any(tape.watches(tensor) for tape in self.watchers):
            # As an operand of the loop or branch the tape sees it; as a constant it would not.
            return self._captured_as(tensor).value
        known = self._constants.get(id(tensor))
        if known is None:
            if tensor._array.dtype == object:
                raise TextError(
                    f"no program holds text: {tensor.spec} meets what is known only when "
                    "the traced function runs; compute numbers in the function, and take "
                    "the text by them outside of it"
                )
            made = self.add(constant, (), {"value": tensor._array})
            known = self._constants[id(tensor)] = (tensor, made)
        return known[1].value

    def _capture(self, tensor: TracedTensor) -> TracedTensor:
        if not self._is_inside(tensor.trace):
            raise TraceError(
                f"a traced tensor ({tensor.spec}) is used after its function was traced, "
                "or outside of the `if` or loop that computes it; return it from the function, "
                "or assign it to a weft.Variable, instead of keeping it in a Python object"
            )
        return self._captured_as(tensor)

    def _captured_as(self, tensor: Tensor) -> TracedTensor:
        known = self._captured.get(id(tensor))
        if known is None:
            known = self._captured[id(tensor)] = (tensor, self.new_input(tensor.spec))
        return known[1]

    def _is_inside(self, other: Trace) -> bool:
        trace = self.parent
        while trace is not None and trace is not other:
            trace = trace.parent
        return trace is other

    # -- variables -----------------------------------------------------------------

    def read(self, variable: Any) -> Tensor:
        """The value that `variable` has at this point of the graph."""
        if variable not in self._current:
            self._current[variable] = self._enter(variable)
        return self._current[variable]

    def _enter(self, variable: Any) -> TracedTensor:
        entry = self._entries.get(variable)
        if entry is None:
            entry = self.new_input(variable.spec, variable.name)
            self._entries[variable] = entry
        return entry

    def write(self, variable: Any, tensor: Tensor) -> None:
        """From here on `variable` has this value."""
        self._current[variable] = tensor
        self._written[variable] = None

    @property
    def variables(self) -> list[Any]:
        """All variables read or written, in order of first use."""
        return list(dict.fromkeys([*self._entries, *self._written]))

    @property
    def written(self) -> list[Any]:
        return list(self._written)

    def created(self, variable: Any) -> None:
        """A variable was made while tracing: the outermost trace's owner may object."""
        root = self
        while root.parent is not None:
            root = root.parent
        if root.on_creation is not None:
            root.on_creation(variable)

    def concrete(self, tensor: Tensor) -> Tensor:
        """The value of a traced tensor that depends on no input, such as a first value.

        Raises:
            TraceError: if it depends on arguments or variables, known only at each call.
        """
        if not isinstance(tensor, TracedTensor):
            return tensor
        nodes: dict[Node, None] = {}
        waiting = [tensor.value]
        while waiting:
            value = waiting.pop()
            if value.node is None:
                raise TraceError(
                    f"a value ({tensor.spec}) is needed while tracing, but it depends on the "
                    "function's arguments or on variables; make it from constants, or "
                    "outside of the @weft.function"
                )
            nodes[value.node] = None
            waiting.extend(value.node.inputs)
        ordered = [node for node in tensor.trace.nodes if node in nodes]
        with tracing(None):
            return replay(Graph([], ordered, [tensor.value]), [])[0]

    # -- ending --------------------------------------------------------------------

    def captures(self) -> list[Tensor]:
        """The outer tensors that became inputs, in the order of their inputs."""
        return [outer for outer, _ in self._captured.values()]

    def finish(
        self, arguments: Iterable[TracedTensor], outputs: Iterable[Tensor],
        variables: Iterable[Any] | None = None,
        captures: Iterable[Tensor] | None = None,
    ) -> Graph:  # fmt: skip
        """The graph: inputs are arguments, entry values of `variables`, captures.

        Outputs are `outputs`, then the final values of the written variables. `variables`
        and `captures` may be given to make several traces agree (branches of a `cond`):
        what this one does not use becomes an unused input.
        """
        results = [self.value_of(tensor) for tensor in outputs]
        results += [self.value_of(self._current[v]) for v in self._written]
        variables = self.variables if variables is None else list(variables)
        entries = [self._enter(variable).value for variable in variables]
        outer = self.captures() if captures is None else list(captures)
        captured = [self._captured_as(tensor).value for tensor in outer]
        inputs = [*(tensor.value for tensor in arguments), *entries, *captured]
        return Graph(inputs, self.nodes, results, self.name)

    def include_written(self, variables: Iterable[Any]) -> None:
        """Make each of `variables` a result, unchanged where this trace leaves it alone."""
        for variable in variables:
            if variable not in self._written:
                self.write(variable, self.read(variable))
        self._written = dict.fromkeys(variables)


def trace_function(
    function: Callable, specs: Iterable[Spec], name: str = "graph"
) -> tuple[Graph, Any]:
    """Trace `function(*tensors)`, which uses no variables and captures nothing traced.

    Returns the graph and the function's result as it was returned (its leaves traced).
    """
    from weft import tree

    trace = Trace(name)
    with tracing(trace):
        arguments = [trace.new_input(spec) for spec in specs]
        result = function(*arguments)
        leaves = [leaf for leaf in tree.leaves(result) if leaf is not None]
        graph = trace.finish(arguments, leaves)
    if len(graph.inputs) != len(arguments):
        raise TraceError(f"{name}: a function traced here must not capture traced values")
    return graph, result


def replay(graph: Graph, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Apply the graph's nodes one by one: evaluates now, or inlines while tracing."""
    values: dict[Value, Tensor] = dict(zip(graph.inputs, tensors))
    for node in graph.nodes:
        found = node.primitive.bind(*[values[v] for v in node.inputs], **node.parameters)
        outputs = found if node.primitive.results else (found,)
        values.update(zip(node.outputs, outputs))
    return [values[v] for v in graph.outputs]


_names = itertools.count()


def unique_name(prefix: str) -> str:
    """A name that no other call gives, for graphs and variables."""
    return f"{prefix}_{next(_names)}"
