"""Control flow: call, cond, while_loop, scan. Their bodies are closed sub-graphs.

Operands are positional and flat; what a body captures from outside is among its operands.
Their derivative rules are made of derivatives of graphs and stand in
`weft/autodiff/control_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from weft.core.evaluate import evaluate_graph
from weft.core.graph import Graph
from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.state import recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace
from weft.errors import ArgumentError, DTypeError, ShapeError

Specs = tuple[Spec, ...]


def _listed(specs: Iterable[Spec]) -> str:
    return "(" + ", ".join(map(str, specs)) + ")"


def _require_operands(who: str, graph: Graph, specs: Sequence[Spec]) -> None:
    if graph.input_specs() != tuple(specs):
        raise ShapeError(
            f"{who}: the operands must be what graph {graph.name} takes, "
            f"{_listed(graph.input_specs())}; received {_listed(specs)}"
        )


def _require_predicate(who: str, spec: Spec) -> None:
    if spec.shape != ():
        raise ShapeError(
            f"{who}: the condition must be one value; received {spec}; "
            "reduce it with weft.ops.any or weft.ops.all"
        )
    if not spec.dtype.is_bool:
        raise DTypeError(
            f"{who}: the condition must be a bool; received {spec}; compare it"
        )


# -- call --------------------------------------------------------------------------------


def _call_spec(*specs: Spec, graph: Graph) -> Specs:
    _require_operands("call", graph, specs)
    return graph.output_specs()


def _call_evaluate(*arrays: np.ndarray, graph: Graph) -> list[np.ndarray]:
    return evaluate_graph(graph, arrays)


call = Primitive("call", spec=_call_spec, evaluate=_call_evaluate, results=True)
"""`call(*operands; graph)`: the results of the graph."""


# -- cond --------------------------------------------------------------------------------


def _cond_spec(predicate: Spec, *specs: Spec, branches: tuple[Graph, Graph]) -> Specs:
    _require_predicate("cond", predicate)
    for branch in branches:
        _require_operands("cond", branch, specs)
    true, false = (branch.output_specs() for branch in branches)
    if true != false:
        raise ShapeError(
            f"cond: both branches must give results of the same shapes and dtypes; "
            f"received {_listed(true)} and {_listed(false)}"
        )
    return true


def _cond_evaluate(
    predicate: np.ndarray, *arrays: np.ndarray, branches: tuple[Graph, Graph]
) -> list[np.ndarray]:
    return evaluate_graph(branches[0] if predicate else branches[1], arrays)


cond = Primitive("cond", spec=_cond_spec, evaluate=_cond_evaluate, results=True)
"""`cond(predicate, *operands; branches)`: the first branch's results where true."""


# -- while_loop --------------------------------------------------------------------------


def _while_spec(*specs: Spec, condition: Graph, body: Graph, carries: int) -> Specs:
    _require_operands("while_loop", condition, specs)
    _require_operands("while_loop", body, specs)
    if len(condition.outputs) != 1:
        raise ArgumentError(
            f"while_loop: the condition gives one bool; received {len(condition.outputs)} "
            "results"
        )
    _require_predicate("while_loop", condition.outputs[0].spec)
    carried = tuple(specs[:carries])
    if body.output_specs() != carried:
        raise ShapeError(
            f"while_loop: the body must give what it carries, {_listed(carried)}; "
            f"received {_listed(body.output_specs())}"
        )
    return carried


def _while_evaluate(
    *arrays: np.ndarray, condition: Graph, body: Graph, carries: int
) -> list[np.ndarray]:
    carry, captured = list(arrays[:carries]), arrays[carries:]
    while evaluate_graph(condition, [*carry, *captured])[0]:
        carry = evaluate_graph(body, [*carry, *captured])
    return carry


while_loop = Primitive(
    "while_loop", spec=_while_spec, evaluate=_while_evaluate, results=True
)
"""`while_loop(*carry, *captured; condition, body, carries)`: the carry at the end."""


# -- scan --------------------------------------------------------------------------------


def _scan_spec(
    *specs: Spec, body: Graph, carries: int, captures: int, length: int, reverse: bool
) -> Specs:
    steady = specs[: carries + captures]
    sequences = specs[carries + captures :]
    for sequence in sequences:
        if not sequence.shape or sequence.shape[0] != length:
            raise ShapeError(
                f"scan: every sequence must have {length} steps along its first axis; "
                f"received {sequence}"
            )
    slices = [sequence.with_shape(sequence.shape[1:]) for sequence in sequences]
    _require_operands("scan", body, (*steady, *slices))
    results = body.output_specs()
    carried = tuple(specs[:carries])
    if results[:carries] != carried:
        raise ShapeError(
            f"scan: the body must give what it carries, {_listed(carried)}; "
            f"received {_listed(results[:carries])}"
        )
    stacked = tuple([spec.with_shape((length, *spec.shape)) for spec in results[carries:]])
    return (*carried, *stacked)


def _scan_evaluate(
    *arrays: np.ndarray,
    body: Graph,
    carries: int,
    captures: int,
    length: int,
    reverse: bool,
) -> list[np.ndarray]:
    carry = list(arrays[:carries])
    captured = arrays[carries : carries + captures]
    sequences = arrays[carries + captures :]
    stacked = [
        np.empty((length, *spec.shape), spec.dtype.numpy)
        for spec in body.output_specs()[carries:]
    ]
    for step in reversed(range(length)) if reverse else range(length):
        slices = [sequence[step] for sequence in sequences]
        results = evaluate_graph(body, [*carry, *captured, *map(np.asarray, slices)])
        carry = results[:carries]
        for stack, result in zip(stacked, results[carries:]):
            stack[step] = result
    return [*carry, *stacked]


scan = Primitive("scan", spec=_scan_spec, evaluate=_scan_evaluate, results=True)
"""`scan(*carry, *captured, *sequences; body, carries, captures, length, reverse)`.

The body maps `(*carry, *captured, *slices)` to `(*carry, *outputs of one step)`; the
results are the last carry and the stacked outputs. With `reverse` the last step is the
first.
"""


# -- from Python functions to sub-graphs ---------------------------------------------------


def trace_closures(
    functions: Sequence[Callable], arguments: Sequence[Sequence[Spec]], name: str
) -> tuple[list[Graph], list[Tensor]]:
    """Trace functions that may use outer traced tensors; their captures are shared.

    Each function takes its tensors and gives a list of tensors. Each graph takes the
    function's arguments and then all captures, the same for every graph.
    """
    traces, made = [], []
    for function, specs in zip(functions, arguments):
        trace = Trace(name)
        with tracing(trace), recording(()):
            inputs = [trace.new_input(spec) for spec in specs]
            outputs = list(function(*inputs))
            for output in outputs:
                trace.value_of(output)
        traces.append(trace)
        made.append((inputs, outputs))
    captures = list({id(c): c for trace in traces for c in trace.captures()}.values())
    graphs = [
        trace.finish(inputs, outputs, captures=captures)
        for trace, (inputs, outputs) in zip(traces, made)
    ]
    return graphs, captures


def while_of(
    condition: Callable, body: Callable, carry: Sequence[Tensor], name: str = "loop"
) -> tuple[Tensor, ...]:
    """`while condition(*carry): carry = body(*carry)` as one primitive."""
    specs = [tensor.spec for tensor in carry]
    functions = [lambda *tensors: [condition(*tensors)], body]
    graphs, captures = trace_closures(functions, [specs, specs], name)
    return while_loop.bind(
        *carry, *captures, condition=graphs[0], body=graphs[1], carries=len(carry)
    )
