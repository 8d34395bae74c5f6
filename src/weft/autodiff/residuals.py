"""Graphs that keep what their derivative needs.

    before   graph f(x, w)            → y
    after    graph f(x, w)            → y, kept values
             its derivative           (inputs and kept values, cotangent of y) → cotangents

The graph and its derivative are traced as one, by a replay under a tape and the walk
backwards, and then cut in two. What the second part reads from the first is kept, unless it
is an input, a result, or as cheap to compute as to load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from weft.autodiff.backward import backward, zeros_like
from weft.autodiff.keeping import replay_keeping
from weft.autodiff.tape import GradientTape
from weft.core.graph import Graph, Node, Value
from weft.core.spec import Spec
from weft.core.state import recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace, replay
from weft.primitives.control import trace_closures

INPUT, OUTPUT = "input", "output"

# Computed again rather than kept: they cost a load, or less.
_CHEAP = frozenset(
    {"constant", "iota", "broadcast", "reshape", "transpose", "stop_gradient"}
)


class Derivative(NamedTuple):
    """How to differentiate a graph that keeps values.

    `backward` takes what `kept` names, `("input", i)` or `("output", i)` of the graph, and
    the cotangents of the results listed in `flowing`; it gives the cotangents of the inputs
    listed in `reached`. The graph's outputs from `results` on are kept values.
    """

    results: int
    kept: tuple[tuple[str, int], ...]
    flowing: tuple[int, ...]
    reached: tuple[int, ...]
    backward: Graph

    def residuals(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
    ) -> list[Tensor]:
        """The kept tensors, in the order in which `backward` takes them."""
        places = {INPUT: inputs, OUTPUT: outputs}
        return [places[place][index] for place, index in self.kept]

    def apply(
        self, kept: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> dict[int, Tensor]:
        """Cotangents by input position."""
        found = replay_keeping(self.backward, [*kept, *cotangents])
        return dict(zip(self.reached, found))


# -- making ------------------------------------------------------------------------------


def keep(graph: Graph, needed: Sequence[bool] | None = None, carries: int = 0) -> Graph:
    """The graph with kept values as further outputs, and its `derivative`.

    Args:
        graph: any closed graph.
        needed: which inputs' cotangents are wanted; all floating ones by default.
        carries: of a loop's body, how many of the first inputs and results nobody can
            look at afterwards; where they are needed, they are kept.
    """
    if needed is None:
        needed = [True] * len(graph.inputs)
    trace = Trace(graph.name)
    with tracing(trace), recording(()):
        inputs = [trace.new_input(spec) for spec in graph.input_specs()]
        wanted = [t for t, w in zip(inputs, needed) if w and t.dtype.is_differentiable]
        tape = GradientTape(persistent=True, watch_accessed_variables=False)
        tape.watch(wanted)
        with tape:
            results = replay_keeping(graph, inputs)
        for result in results:
            trace.value_of(result)
        boundary = len(trace.nodes)
        flowing = [i for i, result in enumerate(results) if tape.watches(result)]
        cotangents = [trace.new_input(results[i].spec) for i in flowing]
        seeds = [(results[i], ct) for i, ct in zip(flowing, cotangents)]
        found = backward(tape._records, seeds, [id(tensor) for tensor in wanted])
        gradients = {i: found[id(t)] for i, t in enumerate(inputs) if id(t) in found}
        return split(
            trace, boundary, inputs, results, flowing, cotangents, gradients, carries
        )


def split(
    trace: Trace,
    boundary: int,
    inputs: Sequence[Tensor],
    results: Sequence[Tensor],
    flowing: Sequence[int],
    cotangents: Sequence[Tensor],
    gradients: dict[int, Tensor],
    carries: int = 0,
    is_custom: bool = False,
) -> Graph:
    """Cut a trace at node `boundary` into a graph that keeps values, and its derivative.

    A custom derivative may read a result as it was computed: its own derivative goes the
    way of the computation, and not through the custom rule again. So it is kept apart.
    """
    outputs = [trace.value_of(tensor) for tensor in results]
    wanted = [trace.value_of(tensor) for tensor in gradients.values()]
    ours = [trace.value_of(tensor) for tensor in inputs]
    theirs = [trace.value_of(tensor) for tensor in cotangents]
    first, second = trace.nodes[:boundary], trace.nodes[boundary:]
    second = live_nodes(second, wanted)

    places: dict[Value, tuple[str, int]] = {}
    for index, value in enumerate(outputs):
        if index >= carries and not is_custom:
            places.setdefault(value, (OUTPUT, index))
    for index, value in enumerate(ours):
        if index >= carries:
            places[value] = (INPUT, index)

    made = {value for node in second for value in node.outputs} | set(theirs)
    crossing = dict.fromkeys(v for node in second for v in node.inputs if v not in made)
    crossing.update(dict.fromkeys(v for v in wanted if v not in made))
    again = _computed_again(crossing, places)
    read = dict.fromkeys([*crossing, *(v for node in again for v in node.inputs)])
    remade = {value for node in again for value in node.outputs}
    kept = [value for value in read if value not in remade]
    number = len(outputs)
    for value in kept:
        if value not in places:
            places[value] = (OUTPUT, len(outputs))
            outputs.append(value)

    ordered = [node for node in first if node in again]
    backward_graph = copy_nodes(
        [*kept, *theirs], [*ordered, *second], wanted, f"{trace.name}_backward"
    )
    graph = Graph(ours, live_nodes(first, outputs), outputs, trace.name)
    graph.derivative = Derivative(
        number,
        tuple(places[v] for v in kept),
        tuple(flowing),
        tuple(gradients),
        backward_graph,
    )
    return graph


def _computed_again(values: Iterable[Value], places: dict) -> set[Node]:
    """The cheap nodes behind `values` that the second part repeats for itself."""
    again: set[Node] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        node = value.node
        if value in places or node is None or node in again:
            continue
        if node.primitive.name in _CHEAP:
            again.add(node)
            waiting.extend(node.inputs)
    return again


def live_nodes(nodes: Sequence[Node], outputs: Iterable[Value]) -> list[Node]:
    """The nodes that outputs or effects depend on, in order."""
    wanted = set(outputs)
    live = []
    for node in reversed(nodes):
        if has_effects(node) or any(value in wanted for value in node.outputs):
            wanted.update(node.inputs)
            live.append(node)
    return live[::-1]


def has_effects(node: Node) -> bool:
    """Whether the node, or a graph inside it, must run even if nobody reads its results."""
    if node.primitive.effects:
        return True
    return any(inner.primitive.effects for g in node.subgraphs() for inner in g.all_nodes())


def _same(parameters: dict[str, Any]) -> dict[str, Any]:
    return parameters


def copy_nodes(
    inputs: Sequence[Value],
    nodes: Sequence[Node],
    outputs: Sequence[Value],
    name: str,
    change: Callable[[dict[str, Any]], dict[str, Any]] = _same,
) -> Graph:
    """A graph of its own values, made of copies of `nodes` with changed parameters."""
    values = {value: Value(value.spec, name=value.name) for value in inputs}
    new_inputs = [values[value] for value in inputs]
    copies = []
    for node in nodes:
        specs = [value.spec for value in node.outputs]
        operands = [values[value] for value in node.inputs]
        copy = Node(node.primitive, operands, change(node.parameters), specs, node.source)
        values.update(zip(node.outputs, copy.outputs))
        copies.append(copy)
    return Graph(new_inputs, copies, [values[value] for value in outputs], name)


def without_effects(graph: Graph) -> Graph:
    """The graph without its prints and checks, for computing it a second time."""
    if not any(node.primitive.effects for node in graph.all_nodes()):
        return graph

    def silenced(value: Any) -> Any:
        if isinstance(value, Graph):
            return without_effects(value)
        return tuple(map(silenced, value)) if isinstance(value, tuple) else value

    def change(parameters: dict[str, Any]) -> dict[str, Any]:
        return {key: silenced(value) for key, value in parameters.items()}

    nodes = [node for node in graph.nodes if not node.primitive.effects]
    return copy_nodes(graph.inputs, nodes, graph.outputs, graph.name, change)


def forget(graph: Graph, outputs: Sequence[Value] | None = None) -> Graph:
    """The graph as a plain one, whose kept values are results like others."""
    return Graph(graph.inputs, graph.nodes, outputs or graph.outputs, graph.name)


def vjp_graph(graph: Graph, needed: Sequence[bool] | None = None) -> Graph:
    """The graph of `(*inputs, *cotangents of the outputs) -> cotangents of the inputs`.

    Cotangents are taken for floating outputs and given for the floating inputs among the
    `needed`; where nothing flows they are zeros.
    """
    made = keep(forget(graph), needed)
    derivative = made.derivative
    inputs = list(graph.input_specs())
    floating = [i for i, s in enumerate(graph.output_specs()) if s.dtype.is_differentiable]
    cotangents: list[Spec] = [graph.outputs[i].spec for i in floating]
    wanted = [
        i for i, spec in enumerate(inputs)
        if spec.dtype.is_differentiable and (needed is None or needed[i])
    ]  # fmt: skip

    def run(*tensors: Tensor) -> list[Tensor]:
        operands, given = (
            tensors[: len(inputs)],
            dict(zip(floating, tensors[len(inputs) :])),
        )
        outputs = replay(made, operands)
        kept = derivative.residuals(operands, outputs)
        found = derivative.apply(kept, [given[i] for i in derivative.flowing])
        return [found[i] if i in found else zeros_like(inputs[i]) for i in wanted]

    graphs, _ = trace_closures([run], [[*inputs, *cotangents]], f"{graph.name}_vjp")
    traced = graphs[0]
    return Graph(
        traced.inputs, live_nodes(traced.nodes, traced.outputs), traced.outputs, traced.name
    )
