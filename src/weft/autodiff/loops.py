"""The derivative of while_loop, whose number of steps nobody knows beforehand.

    forward     while condition: keep the carry every `stride` steps; step
                (when all CHECKPOINTS places are taken, every second one is dropped and
                the stride doubles)
    backward    for each segment between two checkpoints, last first:
                    step through it again, keeping its carries
                    for each of its steps, last first: the derivative of the step

Shapes stay fixed: the places are buffers of CHECKPOINTS carries. Up to CHECKPOINTS² steps
are computed twice; of longer loops a segment keeps every n-th carry in its turn, and steps
from there. Both directions are while_loops themselves, and can be differentiated again.
After Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse
automatic differentiation" (1992), with two levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from weft.autodiff.backward import full, zeros_like
from weft.autodiff.keeping import KEEPING, Cotangents, Tensors, bind_keeping
from weft.autodiff.residuals import forget, vjp_graph, without_effects
from weft.core.graph import Graph
from weft.core.tensor import Tensor
from weft.core.trace import replay
from weft.primitives import elementwise as e
from weft.primitives.control import trace_closures, while_loop
from weft.primitives.indexing import dynamic_slice, dynamic_update_slice
from weft.primitives.shape import broadcast, concatenate, reshape
from weft.primitives.shape import slice as slice_

CHECKPOINTS = 64

State = Sequence[Tensor]
Step = Callable[[State, State], Any]


class LoopDerivative(NamedTuple):
    """What a while_loop that keeps checkpoints was before: its body, and its carry."""

    body: Graph
    carries: int


# -- integers and places -----------------------------------------------------------------


def _int(value: int) -> Tensor:
    return Tensor(np.array(value, np.int32))


def _plus(x: Tensor, y: Tensor) -> Tensor:
    return e.add.bind(x, y)


def _minus(x: Tensor, y: Tensor) -> Tensor:
    return e.subtract.bind(x, y)


def _over(x: Tensor, y: Tensor) -> Tensor:
    return e.floor_divide.bind(x, y)


def _buffer(like: Tensor) -> Tensor:
    return full((CHECKPOINTS, *like.shape), like.dtype, 0)


def _starts(slot: Tensor, rank: int) -> list[Tensor]:
    return [slot, *[_int(0)] * rank]


def _load(buffer: Tensor, slot: Tensor) -> Tensor:
    sizes = (1, *buffer.shape[1:])
    row = dynamic_slice.bind(buffer, *_starts(slot, buffer.ndim - 1), sizes=sizes)
    return reshape.bind(row, shape=buffer.shape[1:])


def _store(buffer: Tensor, slot: Tensor, tensor: Tensor, where: Tensor) -> Tensor:
    """The buffer with `tensor` at `slot` if `where` holds."""
    starts = _starts(slot, tensor.ndim)
    row = reshape.bind(tensor, shape=(1, *tensor.shape))
    old = dynamic_slice.bind(buffer, *starts, sizes=row.shape)
    mask = broadcast.bind(reshape.bind(where, shape=(1,) * row.ndim), shape=row.shape)
    return dynamic_update_slice.bind(buffer, e.select.bind(mask, row, old), *starts)


def _every_second(buffer: Tensor) -> Tensor:
    rank = buffer.ndim
    half = slice_.bind(
        buffer, start=(0,) * rank, stop=buffer.shape, step=(2, *[1] * (rank - 1))
    )
    return concatenate.bind(half, half, axis=0)


def _traced(
    condition: Step, body: Step, carry: State, captured: State, name: str
) -> tuple[list[Tensor], dict[str, Any]]:
    """Operands and parameters of `while condition(carry, captured): carry = body(…)`."""
    number = len(carry)
    specs = [tensor.spec for tensor in (*carry, *captured)]
    functions = [
        lambda *tensors: [condition(tensors[:number], tensors[number:])],
        lambda *tensors: body(tensors[:number], tensors[number:]),
    ]
    graphs, inner = trace_closures(functions, [specs, specs], name)
    parameters = {"condition": graphs[0], "body": graphs[1], "carries": number}
    return [*carry, *captured, *inner], parameters


def _loop(condition: Step, body: Step, carry: State, captured: State) -> list[Tensor]:
    """The carry at the end of a loop that can be differentiated where a tape watches."""
    operands, parameters = _traced(condition, body, carry, captured, "loop")
    return list(bind_keeping(while_loop, operands, parameters)[: len(carry)])


# -- forward -----------------------------------------------------------------------------


def _while_keeping(inputs: Tensors, parameters: dict, needed: list[bool]) -> Tensors:
    if isinstance(parameters["body"].derivative, LoopDerivative):
        return while_loop.bind(*inputs, **parameters)
    return _with_checkpoints(inputs, parameters)


KEEPING[while_loop] = _while_keeping


def _with_checkpoints(inputs: Sequence[Tensor], parameters: dict) -> tuple[Tensor, ...]:
    """The loop that carries `(*carry, *buffers, count, stride)`.

    Two loops, one in the other: the inner one ends when the buffers are full, so that
    thinning them out needs no branch in each step.
    """
    condition, body, carries = (parameters[k] for k in ("condition", "body", "carries"))
    carry, captured = inputs[:carries], inputs[carries:]

    def goes_on(state: State, captured: State) -> Tensor:
        return replay(condition, [*state[:carries], *captured])[0]

    def has_room(state: State, captured: State) -> Tensor:
        count, stride = state[-2:]
        room = e.less.bind(count, e.multiply.bind(stride, _int(CHECKPOINTS)))
        return e.bitwise_and.bind(room, goes_on(state, captured))

    def step(state: State, captured: State) -> list[Tensor]:
        now, buffers, (count, stride) = state[:carries], state[carries:-2], state[-2:]
        slot = _over(count, stride)
        is_kept = e.equal.bind(e.multiply.bind(slot, stride), count)
        buffers = [_store(b, slot, t, is_kept) for b, t in zip(buffers, now)]
        later = replay(body, [*now, *captured])
        return [*later, *buffers, _plus(count, _int(1)), stride]

    def epoch(state: State, captured: State) -> list[Tensor]:
        now, buffers, (count, stride) = state[:carries], state[carries:-2], state[-2:]
        # At the start there is nothing to drop; later an epoch begins with full buffers.
        is_full = e.greater.bind(count, _int(0))
        stride = e.select.bind(is_full, _plus(stride, stride), stride)
        thinned = [_every_second(buffer) for buffer in buffers]
        state = [*now, *thinned, count, stride]
        operands, inner = _traced(has_room, step, state, captured, "steps")
        return list(while_loop.bind(*operands, **inner))

    state = [*carry, *[_buffer(tensor) for tensor in carry], _int(0), _int(1)]
    operands, outer = _traced(goes_on, epoch, state, captured, body.name)
    outer["body"].derivative = LoopDerivative(body, carries)
    return while_loop.bind(*operands, **outer)


# -- backward ----------------------------------------------------------------------------


@while_loop.selective_vjp
def _(
    cts: Cotangents, outs: Tensors, inputs: Tensors, needed: list[bool], parameters: dict
) -> Cotangents:
    made = parameters["body"].derivative
    kept_flows = made is not None and any(ct is not None for ct in cts[made.carries :])
    if made is None or kept_flows:
        carries, body = parameters["carries"], forget(parameters["body"])
        outs = _with_checkpoints(inputs, {**parameters, "body": body})
    else:
        body, carries = made
    operands = inputs
    if made is not None and not kept_flows:
        # Inputs are (*carry, *buffers, count, stride, *captured): the derivative is that
        # of the loop as it was written.
        number = parameters["carries"]
        operands = (*inputs[:carries], *inputs[number:])
        needed = [*needed[:carries], *needed[number:]]
    found = _undo(cts[:carries], outs, operands, needed, without_effects(body), carries)
    if len(operands) == len(inputs):
        return found
    skipped = len(inputs) - len(operands)
    return [*found[:carries], *[None] * skipped, *found[carries:]]


def _undo(
    cts: Sequence[Tensor | None],
    outs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    needed: Sequence[bool],
    body: Graph,
    carries: int,
) -> list[Tensor | None]:
    """Cotangents of `inputs` (carry and captured) from those of the carry at the end."""
    floating = [i for i in range(carries) if inputs[i].dtype.is_differentiable]
    summed = [
        i for i in range(carries, len(inputs))
        if needed[i] and inputs[i].dtype.is_differentiable
    ]  # fmt: skip
    wanted = [i in floating or i in summed for i in range(len(inputs))]
    step_back = vjp_graph(body, wanted)
    buffers, (count, stride) = outs[carries:-2], outs[-2:]
    captured = inputs[carries:]
    own, places = len(captured), len(buffers)
    # Steps between two carries that a segment keeps.
    thin = _over(_minus(_plus(stride, _int(CHECKPOINTS)), _int(1)), _int(CHECKPOINTS))

    def again(state: State, captured: State) -> list[Tensor]:
        """(step, last step, *carry): the carry one step later."""
        step, last, *carry = state
        return [_plus(step, _int(1)), last, *replay(body, [*carry, *captured[:own]])]

    def before_last(state: State, captured: State) -> Tensor:
        return e.less.bind(state[0], state[1])

    def fill(state: State, captured: State) -> list[Tensor]:
        step, last, *rest = state
        carry, kept = rest[:carries], rest[carries:]
        thin = captured[-1]
        slot = _over(step, thin)
        is_kept = e.equal.bind(e.multiply.bind(slot, thin), step)
        kept = [_store(b, slot, t, is_kept) for b, t in zip(kept, carry)]
        return [*again([step, last, *carry], captured), *kept]

    def undo_step(state: State, captured: State) -> list[Tensor]:
        step, *flowing = state
        kept, thin = captured[own : own + places], captured[-1]
        step = _minus(step, _int(1))
        slot = _over(step, thin)
        carry = [_load(buffer, slot) for buffer in kept]
        start = e.multiply.bind(slot, thin)
        _, _, *carry = _loop(before_last, again, [start, step, *carry], captured[:own])
        seeds, sums = flowing[: len(floating)], flowing[len(floating) :]
        found = replay(step_back, [*carry, *captured[:own], *seeds])
        more = [_plus(x, y) for x, y in zip(sums, found[len(floating) :])]
        return [step, *found[: len(floating)], *more]

    def undo_segment(state: State, captured: State) -> list[Tensor]:
        remaining, *flowing = state
        thin, stride = captured[-2:]
        segment = _over(_minus(remaining, _int(1)), stride)
        start = e.multiply.bind(segment, stride)
        length = _minus(remaining, start)
        carry = [_load(b, segment) for b in captured[own : own + places]]
        state = [_int(0), length, *carry, *[_buffer(tensor) for tensor in carry]]
        filled = _loop(before_last, fill, state, [*captured[:own], thin])
        kept = filled[2 + carries : 2 + carries + places]
        inner = [*captured[:own], *kept, thin]
        _, *flowing = _loop(_remains, undo_step, [length, *flowing], inner)
        return [start, *flowing]

    flowing = [zeros_like(inputs[i]) if (ct := cts[i]) is None else ct for i in floating]
    sums = [zeros_like(inputs[i]) for i in summed]
    outer = [*captured, *buffers, thin, stride]
    _, *results = _loop(_remains, undo_segment, [count, *flowing, *sums], outer)
    found: list[Tensor | None] = [None] * len(inputs)
    for index, result in zip([*floating, *summed], results):
        found[index] = result
    return found


def _remains(state: State, captured: State) -> Tensor:
    return e.greater.bind(state[0], _int(0))
