"""Nodes that change a part of a buffer, as loop nests that write only that part.

    dynamic_update_slice(x, update, starts)    x[starts + i] = update[i]
    scatter(x, indices, updates)               for each row of indices, in order:
                                                   x[row, …] = combine(x[row, …], updates)

The buffer that is changed already holds the operand: the program copies it there first, or
the operand's own buffer is given up for it.
"""

from __future__ import annotations

from weft.compiler.index import ZERO, Dynamic, Index, Var, linear, of_var
from weft.compiler.indexed import Builder
from weft.compiler.loops import Apply, Expression, Literal, Load, Nest, Stage, Store
from weft.compiler.lower import Buffers, collapse
from weft.core.graph import Node, Value
from weft.dtypes import DType, bool_

UPDATES = frozenset({"dynamic_update_slice", "scatter"})

_COMBINE = {"add": "add", "multiply": "multiply", "maximum": "maximum", "minimum": "minimum"}


def can_update(node: Node) -> bool:
    """Whether `lower_update` takes this node."""
    if node.primitive.name == "dynamic_update_slice":
        return True
    if node.primitive.name != "scatter":
        return False
    halves = node.output.dtype.name in ("float16", "bfloat16")
    return node.parameters["combine"] == "set" or not halves


def lower_update(node: Node) -> tuple[Nest, tuple[Value, ...]]:
    """The nest that updates `node.output` in place, and the values of its buffers."""
    buffers = Buffers()
    builder = Builder(lambda _: False, buffers.number)
    rule = _update_slice if node.primitive.name == "dynamic_update_slice" else _scatter
    nest = rule(node, builder, buffers)
    return collapse(nest), buffers.values


def _variables(shape: tuple[int, ...], name: str) -> tuple[Var, ...]:
    return tuple([Var(f"{name}{axis}", extent) for axis, extent in enumerate(shape)])


def _update_slice(node: Node, builder: Builder, buffers: Buffers) -> Nest:
    _, update, *starts = node.inputs
    shape = node.output.shape
    variables = _variables(update.shape, "u")
    own = tuple([of_var(v) for v in variables])
    where = []
    for position, start, extent, size in zip(own, starts, shape, update.shape):
        where.append(position + _dynamic(builder.build(start, ()), extent - size))
    store = Store(
        buffers.number(node.output), linear(tuple(where), shape), builder.build(update, own)
    )
    return Nest(variables, (), [], [store], buffers.dtypes)


def _dynamic(expression: Expression, high: int) -> Index:
    return Index([(Dynamic(expression, 0, high), 1)]) if high > 0 else ZERO


def _scatter(node: Node, builder: Builder, buffers: Buffers) -> Nest:
    x, indices, updates = node.inputs
    axes = node.parameters["axes"]
    batch = indices.shape[:-1]
    inner = _variables(batch, "n")
    outer = _variables(updates.shape[len(batch) :], "r")
    row = tuple([of_var(v) for v in inner])
    rest = iter([of_var(v) for v in outer])
    where: list[Index] = []
    guard: Expression | None = None
    for axis, extent in enumerate(x.shape):
        if axis not in axes:
            where.append(next(rest))
            continue
        number = builder.build(indices, (*row, Index((), axes.index(axis))))
        inside = _inside(number, extent)
        guard = inside if guard is None else Apply("bitwise_and", (guard, inside), bool_)
        where.append(_dynamic(number, extent - 1))
    offset = linear(tuple(where), x.shape)
    update = builder.build(updates, (*row, *[of_var(v) for v in outer]))
    target = buffers.number(node.output)
    combine = node.parameters["combine"]
    if combine != "set":
        old = Load(target, offset, x.dtype, guard)
        update = Apply(_COMBINE[combine], (old, update), x.dtype)
    store = Store(target, offset, update, guard)
    return Nest(outer, inner, [Stage([], [store])], [], buffers.dtypes, ordered=True)


def _inside(number: Expression, extent: int) -> Expression:
    """0 <= number < extent, whatever integer type it has."""
    dtype: DType = number.dtype
    limits = {"int": 2 ** (8 * dtype.size - 1) - 1, "uint": 2 ** (8 * dtype.size) - 1}
    conditions: list[Expression] = []
    if dtype.kind == "int":
        conditions.append(Apply("greater_equal", (number, Literal(0, dtype)), bool_))
    if extent <= limits[dtype.kind]:
        conditions.append(Apply("less", (number, Literal(extent, dtype)), bool_))
    if not conditions:
        return Literal(True, bool_)
    if len(conditions) == 1:
        return conditions[0]
    return Apply("bitwise_and", tuple(conditions), bool_)
