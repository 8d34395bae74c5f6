"""The graph of a traced function, forward and backward, as a diagram (SVG)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from weft import tree
from weft.autodiff import GradientTape
from weft.core.graph import Graph, Node, Value
from weft.diagram import Arrow, Box, draw
from weft.errors import ArgumentError
from weft.function.function import Function
from weft.ops.convert import convert_to_tensor
from weft.viz._figure import PathLike

_WHO = "draw_graph"
_INPUT, _VARIABLE, _CONSTANT, _RESULT = "#cfe3f7", "#fde2c0", "#efefef", "#cdeccd"
_FORWARD, _BACKWARD = "#ffffff", "#f9d9dc"
_BACK_ARROW = "#c2636d"

# What makes a larger array out of one number.
_SPREADING = ("reshape", "broadcast", "cast")

# Parameters of a node that say something in a small box.
_TOLD = ("axes", "axis", "permutation", "dtype", "contract")


class Diagram:
    """A diagram: its SVG text, shown in notebooks and written by `save`."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: PathLike) -> None:
        """Write the SVG file."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<weft.viz.Diagram of {len(self.svg)} characters of SVG>"


def draw_graph(
    function: Callable,
    *args: Any,
    backward: bool = False,
    path: PathLike | None = None,
    title: str | None = None,
    limit: int = 300,
) -> Diagram:
    """Draw what a function computes on such arguments; with `backward` its gradient too.

    Operations of the forward pass are white, those of the backward pass red: the gradient
    of the function's (summed) result by its floating-point arguments and the trainable
    variables it uses.

    Raises:
        ArgumentError: a graph of more than `limit` operations.

    >>> import weft
    >>> diagram = draw_graph(lambda x: x * x + 1.0, weft.ops.ones(()), backward=True)
    >>> diagram.svg.startswith("<svg")
    True
    """
    plain = function.python_function if isinstance(function, Function) else function
    name = getattr(plain, "__name__", type(plain).__name__)
    arguments = tree.map(convert_to_tensor, args)
    forward = Function(plain).traced(*arguments)
    graph, variables, count = forward.graph, forward.variables, len(forward.graph.nodes)
    if backward:
        whole = Function(_with_gradient(plain, forward.trainable_variables))
        traced = whole.traced(*arguments)
        graph, variables = traced.graph, traced.variables
    if len(graph.nodes) > limit:
        raise ArgumentError(
            f"{_WHO}: the graph of {name!r} has {len(graph.nodes)} operations, more than "
            f"{limit}; draw a smaller part, or give a larger limit"
        )
    names = _argument_names(plain, arguments)
    gradients: list[str] = []
    if backward:
        floats = zip(names, tree.leaves(arguments))
        gradients = [name for name, x in floats if x.dtype.is_floating]
        gradients += [variable.name for variable in forward.trainable_variables]
    diagram = Diagram(_svg(graph, names, variables, gradients, count, title))
    if path is not None:
        diagram.save(path)
    return diagram


def _with_gradient(function: Callable, variables: list) -> Callable:
    def both(*args: Any) -> Any:
        leaves = [x for x in tree.leaves(args) if x.dtype.is_floating]
        with GradientTape() as tape:
            for leaf in leaves:
                tape.watch(leaf)
            result = function(*args)
        wanted = [*leaves, *variables]
        return result, tape.gradient(result, wanted, unconnected_gradients="zero")

    return both


def _argument_names(function: Callable, arguments: tuple) -> list[str]:
    """A name for each tensor among the arguments."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"input {number}" for number in range(len(names), len(arguments))]
    found = []
    for name, argument in zip(names, arguments):
        count = len(tree.leaves(argument))
        found += [name] if count == 1 else [f"{name}[{i}]" for i in range(count)]
    return found


def _svg(
    graph: Graph, names: list[str], variables: list, gradients: list[str],
    forward_count: int, title: str | None,
) -> str:  # fmt: skip
    used = _used_nodes(graph)
    constants = _spread_constants(used)
    first_variable = len(graph.inputs) - len(variables)
    labels = [*names[:first_variable], *[variable.name for variable in variables]]
    boxes: dict[Any, Box] = {}
    for number, value in enumerate(graph.inputs):
        colour = _VARIABLE if number >= first_variable else _INPUT
        boxes[value] = Box(labels[number], [str(value.spec)], colour, is_round=True)
    backward = set(graph.nodes[forward_count:])
    arrows = []
    for node in used:
        if node in constants:
            continue
        is_back = node in backward
        boxes[node] = _node_box(node, is_back)
        colour = _BACK_ARROW if is_back else "#8a8a8a"
        for value in node.inputs:
            start = _made_by(value)
            if start in constants:  # Each use has its own: fewer long lines.
                array, start = constants[start], (node, value)
                boxes[start] = _constant_box(array, value)
            arrows.append(Arrow(start, node, colour=colour, is_dashed=is_back))
    count = len(graph.outputs) - len(gradients)
    results = ["result" if count == 1 else f"result {number}" for number in range(count)]
    results += [f"gradient of {name}" for name in gradients]
    for number, value in enumerate(graph.outputs):
        start = _made_by(value)
        if start in constants:
            boxes[start] = _constant_box(constants[start], value)
        boxes["result", number] = Box(
            results[number], [str(value.spec)], _RESULT, is_round=True
        )
        arrows.append(Arrow(start, ("result", number)))
    return draw(boxes, arrows, title or "")


def _spread_constants(nodes: Iterable[Node]) -> dict[Node, Any]:
    """Nodes that are one number in some shape, with the array of that number."""
    found: dict[Node, Any] = {}
    for node in nodes:
        if node.primitive.name == "constant":
            found[node] = node.parameters["value"]
        elif node.primitive.name in _SPREADING and node.inputs[0].node in found:
            array = found[node.inputs[0].node]
            if array.size == 1:
                found[node] = array
    return found


def _constant_box(array: Any, value: Value) -> Box:
    is_number = array.size == 1 and array.dtype.kind in "fiub"
    label = f"{array.item():.4g}" if is_number else "constant"
    return Box(label, [str(value.spec)], _CONSTANT, is_round=True)


def _used_nodes(graph: Graph) -> dict[Node, None]:
    """The nodes that a result needs, in order."""
    wanted = {value.node for value in graph.outputs if value.node is not None}
    for node in reversed(graph.nodes):
        if node in wanted or node.primitive.effects:
            wanted.add(node)
            wanted |= {value.node for value in node.inputs if value.node is not None}
    return {node: None for node in graph.nodes if node in wanted}


def _made_by(value: Value) -> Any:
    return value if value.node is None else value.node


def _node_box(node: Node, is_backward: bool) -> Box:
    name = node.primitive.name
    specs = ", ".join(str(value.spec) for value in node.outputs)
    told = [
        f"{key} {node.parameters[key]}"
        for key in _TOLD
        if node.parameters.get(key) is not None
    ]
    inner = list(node.subgraphs())
    told += [f"{len(graph.nodes)} operations inside" for graph in inner[:1]]
    return Box(name, [*told, specs], _BACKWARD if is_backward else _FORWARD)


__all__ = ["Diagram", "draw_graph"]
