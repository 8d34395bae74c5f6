"""Operations in terms of simpler ones: the compiler knows one kind of loop, and windows.

    conv(x, kernel)      →  dot_general(windows(x), kernel)
    window_max(x)        →  reduce_max(windows(x))
    scan(carry, captured, xs; body, length)   →
    while_loop((step, carry, stacks), (captured, xs); step < length, {
        slices = xs[step]; carry, outputs = body(carry, captured, slices)
        stacks = stacks with row `step` replaced by outputs; step + 1 })
"""

from __future__ import annotations

import numpy as np

from weft.core.graph import Graph, Node
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.core.trace import constant, replay, trace_function
from weft.primitives import (
    constants,
    control,
    convolution,
    elementwise,
    indexing,
    reduction,
    shape,
    window,
)


def _number(value: int) -> Tensor:
    return constant.bind(value=np.asarray(value, np.int32))


def expand_scan(node: Node) -> Graph:
    """A graph that computes the scan `node` from the same inputs with a while_loop."""
    parameters = node.parameters
    body, length, reverse = parameters["body"], parameters["length"], parameters["reverse"]
    carries, captures = parameters["carries"], parameters["captures"]
    stacked = body.output_specs()[carries:]
    step_spec = Spec((), "int32")
    operands = [value.spec for value in node.inputs]
    held = operands[carries:]
    carried = [
        step_spec,
        *operands[:carries],
        *[s.with_shape((length, *s.shape)) for s in stacked],
    ]

    def condition(step: Tensor, *rest: Tensor) -> Tensor:
        return elementwise.less.bind(step, _number(length))

    def one_step(step: Tensor, *rest: Tensor) -> list[Tensor]:
        carry, stacks = rest[:carries], rest[carries : carries + len(stacked)]
        captured = rest[carries + len(stacked) :][:captures]
        sequences = rest[carries + len(stacked) + captures :]
        row = elementwise.subtract.bind(_number(length - 1), step) if reverse else step
        slices = [_row(sequence, row) for sequence in sequences]
        results = replay(body, [*carry, *captured, *slices])
        new_stacks = [_put(s, row, r) for s, r in zip(stacks, results[carries:])]
        return [elementwise.add.bind(step, _number(1)), *results[:carries], *new_stacks]

    loop_specs = [*carried, *held]
    def none(*inputs: Tensor) -> tuple[Tensor, ...]:
        empty = [
            constant.bind(value=np.empty(s.shape, s.dtype.numpy)) for s in carried[1 + carries :]
        ]
        return (*inputs[:carries], *empty)

    if length == 0:
        return trace_function(none, operands, "scan")[0]

    condition_graph, _ = trace_function(condition, loop_specs, "condition")
    body_graph, _ = trace_function(one_step, loop_specs, "step")

    def whole(*inputs: Tensor) -> tuple[Tensor, ...]:
        stacks = [_zeros(spec) for spec in carried[1 + carries :]]
        results = control.while_loop.bind(
            _number(0), *inputs[:carries], *stacks, *inputs[carries:],
            condition=condition_graph, body=body_graph, carries=len(carried),
        )  # fmt: skip
        return results[1:]

    return trace_function(whole, operands, "scan")[0]


def _zeros(spec: Spec) -> Tensor:
    zero = constant.bind(value=np.zeros((1,) * len(spec.shape), spec.dtype.numpy))
    return shape.broadcast.bind(zero, shape=spec.shape)


def _starts(tensor: Tensor, row: Tensor) -> list[Tensor]:
    return [row, *[_number(0) for _ in tensor.shape[1:]]]


def _row(sequence: Tensor, row: Tensor) -> Tensor:
    sizes = (1, *sequence.shape[1:])
    taken = indexing.dynamic_slice.bind(sequence, *_starts(sequence, row), sizes=sizes)
    return shape.reshape.bind(taken, shape=sequence.shape[1:])


def _put(stack: Tensor, row: Tensor, value: Tensor) -> Tensor:
    update = shape.reshape.bind(value, shape=(1, *value.shape))
    return indexing.dynamic_update_slice.bind(stack, update, *_starts(stack, row))


def expand_conv(node: Node) -> Graph:
    """A graph that computes the convolution `node` as a product over windows."""

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        return convolution.conv_as_product(x, kernel, **node.parameters)

    return trace_function(product, [value.spec for value in node.inputs], "conv")[0]


def expand_window_max(node: Node) -> Graph:
    """A graph that computes the `window_max` node as a reduction over windows."""
    axes = node.parameters["axes"]
    parameters = window.plain_windows(**node.parameters)
    elements = tuple([axes[-1] + 1 + i for i in range(len(axes))])

    def largest(x: Tensor) -> Tensor:
        lowest = constants.full((), x.dtype, reduction.lowest(x.dtype))
        found = window.windows.bind(x, lowest, **parameters)
        return reduction.reduce_max.bind(found, axes=elements)

    return trace_function(largest, [node.inputs[0].spec], "window_max")[0]
