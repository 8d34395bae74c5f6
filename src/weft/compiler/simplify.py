"""Simplification: the same results from fewer nodes.

    inline      call(x; graph)            →  the graph's nodes
    unroll      scan(…)                   →  while_loop(…) with slices and updates
    expand      conv(x, kernel)           →  dot_general(windows(x), kernel)
    fold        add(constant, constant)   →  constant        (small ones)
    algebra     reshape(reshape(x)), x * 1, cast to the own dtype, …  →  x
    common      two equal nodes           →  one
    dead        what nobody reads         →  nothing

Only rewrites that keep every bit of the result are made: x + 0 stays, since it turns -0 to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft.compiler.expand import expand_conv, expand_scan, expand_window_max
from weft.core.graph import Graph, Node, Value
from weft.core.primitive import REGISTRY

FOLD_LIMIT = 64
NEVER_FOLDED = frozenset({"host_call", "random_bits"})


class _Rewriter:
    """Builds the simplified graph node by node."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node] = []
        self.new: dict[Value, Value] = {value: value for value in graph.inputs}
        self.seen: dict[Any, tuple[Value, ...]] = {}

    def emit(
        self, name: str, inputs: tuple[Value, ...], parameters: dict, source=None
    ) -> tuple[Value, ...]:
        """Add a node, or find the equal one that is there."""
        primitive = REGISTRY[name]
        key = None if primitive.effects else _key(name, inputs, parameters)
        if key is not None and key in self.seen:
            return self.seen[key]
        folded = self._fold(name, inputs, parameters)
        if folded is not None:
            return folded
        found = primitive.spec(*[v.spec for v in inputs], **parameters)
        specs = found if primitive.results else (found,)
        node = Node(primitive, inputs, parameters, specs, source)
        self.nodes.append(node)
        if key is not None:
            self.seen[key] = node.outputs
        return node.outputs

    def constant(self, array: np.ndarray) -> Value:
        return self.emit("constant", (), {"value": array})[0]

    def _fold(self, name, inputs, parameters) -> tuple[Value, ...] | None:
        primitive = REGISTRY[name]
        if not inputs or primitive.effects or primitive.results or name in NEVER_FOLDED:
            return None
        arrays = [constant_of(value) for value in inputs]
        if any(array is None or array.size > FOLD_LIMIT for array in arrays):
            return None
        spec = primitive.spec(*[v.spec for v in inputs], **parameters)
        if spec.size > FOLD_LIMIT:
            return None
        result = np.ascontiguousarray(primitive.evaluate(*arrays, **parameters))
        return (self.constant(result.reshape(spec.shape)),)

    def add(self, node: Node) -> None:
        inputs = tuple([self.new[value] for value in node.inputs])
        name = node.primitive.name
        rule = RULES.get(name)
        found = rule(self, node, inputs) if rule is not None else None
        if found is None:
            found = self.emit(name, inputs, self._parameters(node), node.source)
        elif isinstance(found, Value):
            found = (found,)
        self.new.update(zip(node.outputs, found))

    @staticmethod
    def _parameters(node: Node) -> dict:
        def simplified(parameter: Any) -> Any:
            if isinstance(parameter, Graph):
                return simplify(parameter)
            if isinstance(parameter, tuple) and any(isinstance(p, Graph) for p in parameter):
                return tuple(simplified(p) for p in parameter)
            return parameter

        return {name: simplified(p) for name, p in node.parameters.items()}

    def inline(self, graph: Graph, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        """Add a graph's nodes here, with its inputs bound to `inputs`."""
        outer = {value: self.new.get(value) for value in graph.inputs}
        self.new.update(zip(graph.inputs, inputs))
        for node in graph.nodes:
            self.add(node)
        found = tuple([self.new[value] for value in graph.outputs])
        self.new.update({v: old for v, old in outer.items() if old is not None})
        return found


def _key(name: str, inputs: tuple[Value, ...], parameters: dict) -> Any:
    if name == "constant":
        array = parameters["value"]
        if array.size > FOLD_LIMIT:
            return (name, id(array))
        return (name, array.dtype.str, str(array.dtype), array.shape, array.tobytes())
    try:
        items = tuple(sorted(parameters.items()))
        hash(items)
    except TypeError:
        return None
    return (name, inputs, items)


def constant_of(value: Value) -> np.ndarray | None:
    """The array of a constant value, else None."""
    node = value.node
    if node is None or node.primitive.name != "constant":
        return None
    return node.parameters["value"]


def _uniform(value: Value) -> float | int | bool | None:
    """The number that fills a constant, also through broadcasts and reshapes."""
    while value.node is not None and value.node.primitive.name in ("broadcast", "reshape"):
        value = value.node.inputs[0]
    array = constant_of(value)
    if array is None or array.size != 1:
        return None
    return array.reshape(-1)[0].item()


# -- rules: the value(s) that replace a node, or None ------------------------------------

Rule = Callable[[_Rewriter, Node, tuple[Value, ...]], Any]
RULES: dict[str, Rule] = {}


def rewrites(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = rule
        return rule

    return register


@rewrites("call")
def _call(rewriter, node, inputs):
    return rewriter.inline(node.parameters["graph"], inputs)


@rewrites("scan")
def _scan(rewriter, node, inputs):
    return rewriter.inline(expand_scan(node), inputs)


@rewrites("conv")
def _conv(rewriter, node, inputs):
    return rewriter.inline(expand_conv(node), inputs)


@rewrites("window_max")
def _window_max(rewriter, node, inputs):
    return rewriter.inline(expand_window_max(node), inputs)


@rewrites("windows")
def _windows(rewriter, node, inputs):
    """Windows of one element each, side by side, are the tensor itself."""
    parameters = node.parameters
    steps = {*parameters["sizes"], *parameters["strides"]}
    margins = {*parameters["low"], *parameters["high"], *parameters["interior"]}
    if steps != {1} or margins != {0}:
        return None
    return rewriter.emit("reshape", inputs[:1], {"shape": node.output.shape}, node.source)


@rewrites("stop_gradient")
def _stop_gradient(rewriter, node, inputs):
    return inputs[0]


def _producer(value: Value, name: str) -> Node | None:
    node = value.node
    return node if node is not None and node.primitive.name == name else None


@rewrites("reshape")
def _reshape(rewriter, node, inputs):
    (x,) = inputs
    shape = node.parameters["shape"]
    inner = _producer(x, "reshape")
    if inner is not None:
        x = inner.inputs[0]
    if x.shape == shape:
        return x
    return rewriter.emit("reshape", (x,), {"shape": shape}, node.source)


@rewrites("transpose")
def _transpose(rewriter, node, inputs):
    (x,) = inputs
    permutation = node.parameters["permutation"]
    inner = _producer(x, "transpose")
    if inner is not None:
        first = inner.parameters["permutation"]
        permutation = tuple(first[axis] for axis in permutation)
        x = inner.inputs[0]
    if permutation == tuple(range(len(permutation))):
        return x
    return rewriter.emit("transpose", (x,), {"permutation": permutation}, node.source)


@rewrites("broadcast")
def _broadcast(rewriter, node, inputs):
    (x,) = inputs
    return x if x.shape == node.output.shape else None


@rewrites("cast")
def _cast(rewriter, node, inputs):
    (x,) = inputs
    return x if x.dtype is node.output.dtype else None


@rewrites("slice", "pad", "reverse", "concatenate")
def _moves(rewriter, node, inputs):
    """Slices of all, pads by nothing, reverses of no axes, concatenations of one."""
    parameters = node.parameters
    x = inputs[0]
    name = node.primitive.name
    if name == "slice":
        same = x.shape == node.output.shape and set(parameters["step"]) <= {1}
    elif name == "pad":
        same = x.shape == node.output.shape
    elif name == "reverse":
        same = not parameters["axes"]
    else:
        same = len(inputs) == 1
    return x if same else None


@rewrites("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_any", "reduce_all")
def _reduce(rewriter, node, inputs):
    (x,) = inputs
    axes = node.parameters["axes"]
    if not axes:
        return x
    if all(x.shape[axis] == 1 for axis in axes):
        return rewriter.emit("reshape", (x,), {"shape": node.output.shape}, node.source)
    return None


@rewrites("multiply")
def _multiply(rewriter, node, inputs):
    x, y = inputs
    if _uniform(y) == 1:
        return x
    return y if _uniform(x) == 1 else None


@rewrites("divide")
def _divide(rewriter, node, inputs):
    x, y = inputs
    return x if _uniform(y) == 1 else None


@rewrites("subtract")
def _subtract(rewriter, node, inputs):
    x, y = inputs
    return x if _uniform(y) == 0 and not _is_negative_zero(y) else None


def _is_negative_zero(value: Value) -> bool:
    number = _uniform(value)
    return isinstance(number, float) and bool(np.signbit(number))


@rewrites("power")
def _power(rewriter, node, inputs):
    x, y = inputs
    if _uniform(y) == 1:
        return x
    if _uniform(y) == 2:
        return rewriter.emit("multiply", (x, x), {}, node.source)
    return None


@rewrites("select")
def _select(rewriter, node, inputs):
    condition, x, y = inputs
    if x is y:
        return x
    known = _uniform(condition)
    if known is None:
        return None
    return x if known else y


@rewrites("cond")
def _cond(rewriter, node, inputs):
    known = _uniform(inputs[0])
    if known is None:
        return None
    branch = node.parameters["branches"][0 if known else 1]
    return rewriter.inline(branch, inputs[1:])


# -- the pass ----------------------------------------------------------------------------


def remove_dead(nodes: list[Node], outputs: list[Value]) -> list[Node]:
    """The nodes on which results or effects depend."""
    needed = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if _has_effects(node) or any(value in needed for value in node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    kept.reverse()
    return kept


def _has_effects(node: Node) -> bool:
    if node.primitive.effects:
        return True
    return any(_has_effects(inner) for g in node.subgraphs() for inner in g.nodes)


def simplify(graph: Graph) -> Graph:
    """The simplified graph; its inputs are the same values."""
    rewriter = _Rewriter(graph)
    for node in graph.nodes:
        rewriter.add(node)
    outputs = [rewriter.new[value] for value in graph.outputs]
    return Graph(graph.inputs, remove_dead(rewriter.nodes, outputs), outputs, graph.name)
