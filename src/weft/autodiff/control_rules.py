"""Derivatives of call, cond and scan, made of the derivatives of their graphs.

Each has a variant that keeps what its derivative needs (a row of KEEPING); it is bound in
place of the plain one where a tape watches. A plain one that must be differentiated all the
same is computed a second time, in that variant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft.autodiff.backward import zeros_like
from weft.autodiff.keeping import KEEPING, Cotangents, Tensors, bind_keeping
from weft.autodiff.residuals import INPUT, OUTPUT, Derivative, forget, keep
from weft.core.graph import Graph
from weft.core.spec import Spec
from weft.core.state import recording, tracing
from weft.core.tensor import Tensor
from weft.core.trace import Trace, replay
from weft.primitives import elementwise
from weft.primitives.control import call, cond, scan, trace_closures


def _is_floating(spec: Any) -> bool:
    return spec.dtype.is_differentiable


def _flows(cotangents: Sequence[Tensor | None]) -> bool:
    return any(cotangent is not None for cotangent in cotangents)


def _padded(cotangents: Sequence[Tensor | None], number: int) -> Cotangents:
    return [*cotangents, *[None] * (number - len(cotangents))]


def _filled(cotangent: Tensor | None, like: Any) -> Tensor:
    return zeros_like(like) if cotangent is None else cotangent


def _accumulated(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return elementwise.add.bind(one, other)


# -- call --------------------------------------------------------------------------------


def _call_keeping(inputs: Tensors, parameters: dict, needed: list[bool]) -> Tensors:
    graph = parameters["graph"]
    if graph.derivative is None:
        graph = keep(graph, needed)
    return call.bind(*inputs, graph=graph)


KEEPING[call] = _call_keeping


@call.selective_vjp
def _(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    graph = parameters["graph"]
    if graph.derivative is None:
        graph = keep(graph, needed)
        outs = call.bind(*inputs, graph=graph)
        cts = _padded(cts, len(outs))
    derivative: Derivative = graph.derivative
    found: Cotangents = [None] * len(inputs)
    if _flows(cts[: derivative.results]):
        given = [_filled(cts[i], outs[i]) for i in derivative.flowing]
        kept = derivative.residuals(inputs, outs)
        for index, cotangent in derivative.apply(kept, given).items():
            found[index] = cotangent
    rest = cts[derivative.results :]
    if _flows(rest):
        # A derivative of higher order: gradients flow through the kept values too.
        tail = forget(graph, graph.outputs[derivative.results :])
        rule = call.vjp_rule
        more = rule(rest, outs[derivative.results :], inputs, needed, {"graph": tail})  # type: ignore[misc]
        found = [_accumulated(one, other) for one, other in zip(found, more)]
    return found


# -- cond --------------------------------------------------------------------------------


def _sharing(kept: Sequence[Graph]) -> list[list[int]]:
    """For each branch the slots of its kept values; branches share slots of one spec."""
    slots: list[Spec] = []
    places = []
    for graph in kept:
        free = list(range(len(slots)))
        mine = []
        for value in graph.outputs[graph.derivative.results :]:
            slot = next((s for s in free if slots[s] == value.spec), None)
            if slot is None:
                slot = len(slots)
                slots.append(value.spec)
            else:
                free.remove(slot)
            mine.append(slot)
        places.append(mine)
    return places


def _branches_keeping(
    branches: Sequence[Graph], needed: Sequence[bool]
) -> tuple[Graph, ...]:
    """Branches whose kept values stand in the same slots, zeros where a slot is unused."""
    kept = [keep(branch, needed) for branch in branches]
    places = _sharing(kept)
    specs: dict[int, Spec] = {}
    for graph, mine in zip(kept, places):
        values = graph.outputs[graph.derivative.results :]
        specs.update({slot: value.spec for slot, value in zip(mine, values)})
    return tuple([_with_slots(graph, mine, specs) for graph, mine in zip(kept, places)])


def _with_slots(graph: Graph, mine: Sequence[int], specs: dict[int, Spec]) -> Graph:
    number = graph.derivative.results
    trace = Trace(graph.name)
    with tracing(trace), recording(()):
        inputs = [trace.new_input(spec) for spec in graph.input_specs()]
        outputs = replay(graph, inputs)
        given = dict(zip(mine, outputs[number:]))
        slots = [given.get(s) for s in range(len(specs))]
        filled = [_filled(tensor, specs[s]) for s, tensor in enumerate(slots)]
        made = trace.finish(inputs, [*outputs[:number], *filled])

    def place(kept: tuple[str, int]) -> tuple[str, int]:
        where, index = kept
        moved = where == OUTPUT and index >= number
        return (OUTPUT, number + mine[index - number]) if moved else kept

    kept = tuple([place(item) for item in graph.derivative.kept])
    made.derivative = graph.derivative._replace(kept=kept)
    return made


def _cond_keeping(inputs: Tensors, parameters: dict, needed: list[bool]) -> Tensors:
    branches = parameters["branches"]
    if any(branch.derivative is None for branch in branches):
        branches = _branches_keeping(branches, needed[1:])
    return cond.bind(*inputs, branches=branches)


KEEPING[cond] = _cond_keeping


@cond.selective_vjp
def _(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    branches = parameters["branches"]
    derivatives = [branch.derivative for branch in branches]
    if None in derivatives or _flows(cts[derivatives[0].results :]):
        branches = _branches_keeping([forget(branch) for branch in branches], needed[1:])
        derivatives = [branch.derivative for branch in branches]
        outs = cond.bind(*inputs, branches=branches)
        cts = _padded(cts, len(outs))
    predicate, *operands = inputs
    flowing = [i for i in range(derivatives[0].results) if cts[i] is not None]
    reached = sorted(
        {i for derivative in derivatives for i in derivative.reached if needed[i + 1]}
    )

    places = list(dict.fromkeys(place for d in derivatives for place in d.kept))
    kept = [(operands if where == INPUT else outs)[index] for where, index in places]
    given = [*kept, *(cts[i] for i in flowing)]

    def backward_of(derivative: Derivative) -> Callable:
        def run(*tensors: Tensor) -> list[Tensor]:
            known = dict(zip(places, tensors))
            seeds = dict(zip(flowing, tensors[len(places) :]))
            found = {}
            if any(i in seeds for i in derivative.flowing):
                residuals = [known[place] for place in derivative.kept]
                cotangents = [_filled(seeds.get(i), outs[i]) for i in derivative.flowing]
                found = derivative.apply(residuals, cotangents)
            return [_filled(found.get(i), operands[i]) for i in reached]

        return run

    functions = [backward_of(derivative) for derivative in derivatives]
    specs = [tensor.spec for tensor in given]
    graphs, _ = trace_closures(functions, [specs, specs], "cond_backward")
    results = bind_keeping(cond, [predicate, *given], {"branches": tuple(graphs)})
    found: Cotangents = [None] * len(inputs)
    for index, result in zip(reached, results):
        found[index + 1] = result
    return found


# -- scan --------------------------------------------------------------------------------


def _scan_keeping(inputs: Tensors, parameters: dict, needed: list[bool]) -> Tensors:
    body = parameters["body"]
    if body.derivative is None:
        body = _body_keeping(body, parameters, needed)
    return scan.bind(*inputs, **{**parameters, "body": body})


def _body_keeping(body: Graph, parameters: dict, needed: Sequence[bool]) -> Graph:
    carries = parameters["carries"]
    # A carry that starts as a constant may depend on what is wanted a step later.
    inner = [i < carries or wanted for i, wanted in enumerate(needed)]
    return keep(body, inner, carries)


KEEPING[scan] = _scan_keeping


@scan.selective_vjp
def _(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    body = parameters["body"]
    if body.derivative is None or _flows(cts[body.derivative.results :]):
        parameters = {**parameters, "body": _body_keeping(forget(body), parameters, needed)}
        outs = scan.bind(*inputs, **parameters)
        cts = _padded(cts, len(outs))
    return _scan_backward(cts, outs, inputs, needed, parameters)


def _scan_backward(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    """The scan in the other direction.

    It carries the cotangents of the carry and sums for what the body captured; it walks
    along the sequences, the kept values and the cotangents of the stacked results.
    """
    derivative: Derivative = parameters["body"].derivative
    carries, steady = parameters["carries"], parameters["carries"] + parameters["captures"]
    floating = [i for i in range(carries) if _is_floating(inputs[i])]
    summed = [i for i in derivative.reached if carries <= i < steady and needed[i]]
    sliced = [i for i in derivative.reached if i >= steady and needed[i]]
    stacked = [i for i in derivative.flowing if i >= carries and cts[i] is not None]

    fixed = [item for item in derivative.kept if item[0] == INPUT and item[1] < steady]
    along = [item for item in derivative.kept if item not in fixed]
    carried = [_filled(cts[i], inputs[i]) for i in floating]
    carried += [zeros_like(inputs[i]) for i in summed]
    captured = [inputs[index] for _, index in fixed]
    walked = [(inputs if where == INPUT else outs)[index] for where, index in along]
    walked += [cts[i] for i in stacked]  # type: ignore[misc]

    def step(*tensors: Tensor) -> list[Tensor]:
        given = iter(tensors)
        seeds = {i: next(given) for i in floating}
        sums = {i: next(given) for i in summed}
        known = {item: next(given) for item in [*fixed, *along]}
        seeds.update({i: next(given) for i in stacked})
        residuals = [known[item] for item in derivative.kept]
        body = parameters["body"]
        cotangents = [
            _filled(seeds.get(i), body.outputs[i].spec) for i in derivative.flowing
        ]
        found = derivative.apply(residuals, cotangents)
        return [
            *[_filled(found.get(i), inputs[i]) for i in floating],
            *[elementwise.add.bind(sums[i], found[i]) for i in summed],
            *[found[i] for i in sliced],
        ]

    slices = [tensor.spec.with_shape(tensor.shape[1:]) for tensor in walked]
    specs = [*[tensor.spec for tensor in (*carried, *captured)], *slices]
    graphs, _ = trace_closures([step], [specs], "scan_backward")
    results = bind_keeping(
        scan,
        [*carried, *captured, *walked],
        {
            "body": graphs[0],
            "carries": len(carried),
            "captures": len(captured),
            "length": parameters["length"],
            "reverse": not parameters["reverse"],
        },
    )
    found: Cotangents = [None] * len(inputs)
    for index, result in zip([*floating, *summed, *sliced], results):
        found[index] = result
    return found
