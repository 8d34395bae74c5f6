"""Graph values as expressions of an index: what fusion is made of.

    value[index]  →  an expression over elements of other values

`EXPRESS[primitive]` says how one element of a node's result is computed from elements of its
operands. Elementwise primitives apply; views only move the index. A value that has a buffer
is loaded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from weft.compiler.index import (
    ZERO,
    Dynamic,
    Index,
    delinear,
    linear,
)
from weft.compiler.loops import (
    Apply,
    Expression,
    Given,
    Literal,
    Load,
    Position,
    Within,
)
from weft.core.graph import Node, Value
from weft.dtypes import bool_, int32

Where = tuple[Index, ...]

ELEMENTWISE = frozenset(
    """add subtract multiply divide floor_divide remainder power maximum minimum arctan2
    nextafter equal not_equal less less_equal greater greater_equal bitwise_and bitwise_or
    bitwise_xor bitwise_not shift_left shift_right negative absolute sign floor ceil round
    trunc exp expm1 log log1p sqrt rsqrt sin cos tan arcsin arccos arctan sinh cosh tanh
    arcsinh arccosh arctanh sigmoid erf erfc erfinv lgamma digamma relu is_finite is_nan is_inf
    select cast""".split()
)


class Builder:
    """Turns values at indices into expressions.

    Args:
        is_inside: whether a node is computed here; the values of all others are loaded.
        buffer: the number of the buffer that holds a value.
    """

    def __init__(
        self, is_inside: Callable[[Node], bool], buffer: Callable[[Value], int]
    ) -> None:
        self.is_inside, self.buffer = is_inside, buffer
        self.given: dict[Value, tuple[Where, Given]] = {}
        self._memo: dict[tuple[Value, Where], Expression] = {}

    def build(self, value: Value, where: Where) -> Expression:
        """The element of `value` at the index `where`."""
        key = (value, where)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._build(value, where)
        return known

    def _build(self, value: Value, where: Where) -> Expression:
        given = self.given.get(value)
        if given is not None and given[0] == where:
            return given[1]
        node = value.node
        if node is None or not self.is_inside(node):
            return self.load(value, where)
        return EXPRESS[node.primitive.name](self, node, where)

    def load(self, value: Value, where: Where, guard: Expression | None = None) -> Expression:
        return Load(self.buffer(value), linear(where, value.shape), value.dtype, guard)


Rule = Callable[[Builder, Node, Where], Expression]
EXPRESS: dict[str, Rule] = {}


def expresses(name: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        EXPRESS[name] = rule
        return rule

    return register


def _elementwise(builder: Builder, node: Node, where: Where) -> Expression:
    operands = tuple([builder.build(value, where) for value in node.inputs])
    name = node.primitive.name
    return Apply(name, operands, node.output.dtype)


for _name in ELEMENTWISE:
    EXPRESS[_name] = _elementwise


@expresses("stop_gradient")
def _stop_gradient(builder: Builder, node: Node, where: Where) -> Expression:
    return builder.build(node.inputs[0], where)


UNIFORM_LIMIT = 4096


def uniform_literal(array: np.ndarray) -> np.ndarray | None:
    """The one number that fills a small constant, or None."""
    if array.size == 1:
        return array.reshape(-1)[0]
    if 0 < array.size <= UNIFORM_LIMIT:
        flat = array.reshape(-1)
        first = flat[0]
        if flat.tobytes() == np.full(flat.shape, first, flat.dtype).tobytes():
            return first
    return None


@expresses("constant")
def _constant(builder: Builder, node: Node, where: Where) -> Expression:
    number = uniform_literal(node.parameters["value"])
    if number is not None:
        return Literal(number, node.output.dtype)
    return builder.load(node.output, where)


@expresses("reshape")
def _reshape(builder: Builder, node: Node, where: Where) -> Expression:
    source, shape = node.inputs[0], node.output.shape
    where = tuple([ZERO if extent == 1 else i for i, extent in zip(where, shape)])
    moved: list[Index] = []
    begin = 0
    # Axes that are joined or cut with each other only: the fewer, the simpler the indices.
    for old, new in _groups(source.shape, shape):
        offset = linear(where[begin : begin + len(new)], new)
        moved += delinear(offset, old)
        begin += len(new)
    return builder.build(source, tuple(moved))


Extents = tuple[int, ...]


def _groups(old: Extents, new: Extents) -> list[tuple[Extents, Extents]]:
    """Two shapes cut into runs of axes with equal numbers of elements, the shortest ones.

    (6, 4, 1), (2, 3, 2, 2)  →  ((6,), (2, 3)), ((4, 1), (2, 2))
    """
    groups: list[tuple[Extents, Extents]] = []
    left, right = list(old), list(new)
    while left or right:
        olds, news = [], []
        count = total = 1
        while True:
            if left and (count <= total or not right):
                olds.append(left.pop(0))
                count *= olds[-1]
            elif right:
                news.append(right.pop(0))
                total *= news[-1]
            if (count == total and (olds or news)) or not (left or right):
                break
        groups.append((tuple(olds), tuple(news)))
    return groups


@expresses("transpose")
def _transpose(builder: Builder, node: Node, where: Where) -> Expression:
    moved: list[Index] = [ZERO] * len(where)
    for position, axis in enumerate(node.parameters["permutation"]):
        moved[axis] = where[position]
    return builder.build(node.inputs[0], tuple(moved))


@expresses("broadcast")
def _broadcast(builder: Builder, node: Node, where: Where) -> Expression:
    source = node.inputs[0]
    kept = [ZERO if extent == 1 else i for i, extent in zip(where, source.shape)]
    return builder.build(source, tuple(kept))


@expresses("slice")
def _slice(builder: Builder, node: Node, where: Where) -> Expression:
    start, step = node.parameters["start"], node.parameters["step"]
    moved = [i * s + b for i, b, s in zip(where, start, step)]
    return builder.build(node.inputs[0], tuple(moved))


@expresses("reverse")
def _reverse(builder: Builder, node: Node, where: Where) -> Expression:
    source = node.inputs[0]
    axes = node.parameters["axes"]
    moved = [
        i * -1 + (extent - 1) if axis in axes else i
        for axis, (i, extent) in enumerate(zip(where, source.shape))
    ]
    return builder.build(source, tuple(moved))


@expresses("iota")
def _iota(builder: Builder, node: Node, where: Where) -> Expression:
    return Position(where[node.parameters["axis"]], node.output.dtype)


def _all(conditions: list[Expression]) -> Expression | None:
    joined = None
    for condition in conditions:
        joined = (
            condition if joined is None else Apply("bitwise_and", (joined, condition), bool_)
        )
    return joined


def _within(index: Index, low: int, high: int) -> list[Expression]:
    least, most = index.bounds()
    return [] if least >= low and most < high else [Within(index, low, high)]


def guarded(expression: Expression, guard: Expression, memo: dict) -> Expression:
    """`expression` with every load under it done only where `guard` holds."""
    known = memo.get(expression)
    if known is not None:
        return known
    if isinstance(expression, Load):
        both = _all([expression.guard, guard] if expression.guard is not None else [guard])
        new: Expression = Load(expression.buffer, expression.offset, expression.dtype, both)
    elif expression.operands:
        operands = tuple([guarded(o, guard, memo) for o in expression.operands])
        new = expression.rebuild(operands, lambda index: index)
    else:
        new = expression
    memo[expression] = new
    return new


def _spread_out(
    builder: Builder, node: Node, where: Where, low: tuple[int, ...], interior: tuple[int, ...]
) -> Expression:
    """An element of the first operand, spread out by `interior` gaps and moved by `low`;
    where no element stands, the second operand."""
    source, fill = node.inputs
    conditions: list[Expression] = []
    moved = []
    for index, extent, before, gap in zip(where, source.shape, low, interior):
        shifted = index - before
        step = gap + 1
        conditions += _within(shifted, 0, (extent - 1) * step + 1 if extent else 0)
        if step > 1:
            rest = Position(shifted % step, int32)
            conditions.append(Apply("equal", (rest, Literal(0, int32)), bool_))
        moved.append(shifted // step if extent > 1 else ZERO)
    filler = builder.build(fill, ())
    if not source.spec.size:
        return filler
    guard = _all(conditions)
    inner = builder.build(source, tuple(moved))
    if guard is None:
        return inner
    return Apply("select", (guard, guarded(inner, guard, {}), filler), node.output.dtype)


@expresses("pad")
def _pad(builder: Builder, node: Node, where: Where) -> Expression:
    parameters = node.parameters
    return _spread_out(builder, node, where, parameters["low"], parameters["interior"])


@expresses("windows")
def _windows(builder: Builder, node: Node, where: Where) -> Expression:
    parameters = node.parameters
    first, count = parameters["axes"][0], len(parameters["axes"])
    rows = zip(where[first : first + count], where[first + count :], parameters["strides"],
               parameters["dilations"])  # fmt: skip
    places = [o * stride + k * dilation for o, k, stride, dilation in rows]
    inside = (*where[:first], *places, *where[first + 2 * count :])
    rest = len(inside) - first - count
    low, interior = (
        ((0,) * first + parameters[name] + (0,) * rest) for name in ("low", "interior")
    )
    return _spread_out(builder, node, inside, low, interior)


@expresses("concatenate")
def _concatenate(builder: Builder, node: Node, where: Where) -> Expression:
    axis = node.parameters["axis"]
    result: Expression | None = None
    start = 0
    for source in node.inputs:
        extent = source.shape[axis]
        if extent:
            shifted = where[axis] - start
            moved = (*where[:axis], shifted, *where[axis + 1 :])
            piece = builder.build(source, moved)
            guard = _all(_within(shifted, 0, extent))
            if guard is not None:
                piece = guarded(piece, guard, {})
                rest = Literal(0, node.output.dtype) if result is None else result
                piece = Apply("select", (guard, piece, rest), node.output.dtype)
            result = piece
        start += extent
    return Literal(0, node.output.dtype) if result is None else result


def _dynamic(expression: Expression, low: int, high: int) -> Index:
    if isinstance(expression, Literal):
        return Index((), max(low, min(int(expression.number), high)))
    if low == high:
        return Index((), low)
    return Index([(Dynamic(expression, low, high), 1)])


@expresses("gather")
def _gather(builder: Builder, node: Node, where: Where) -> Expression:
    source, indices = node.inputs
    axes = node.parameters["axes"]
    batch = len(indices.shape) - 1
    moved: list[Index] = [ZERO] * len(source.shape)
    rest = iter(where[batch:])
    for axis in range(len(source.shape)):
        if axis in axes:
            column = Index((), axes.index(axis))
            number = builder.build(indices, (*where[:batch], column))
            moved[axis] = _dynamic(number, 0, source.shape[axis] - 1)
        else:
            moved[axis] = next(rest)
    return builder.build(source, tuple(moved))


@expresses("dynamic_slice")
def _dynamic_slice(builder: Builder, node: Node, where: Where) -> Expression:
    source, *starts = node.inputs
    moved = []
    rows = zip(where, starts, source.shape, node.parameters["sizes"])
    for index, start, extent, size in rows:
        moved.append(index + _dynamic(builder.build(start, ()), 0, extent - size))
    return builder.build(source, tuple(moved))


@expresses("random_bits")
def _random_bits(builder: Builder, node: Node, where: Where) -> Expression:
    state = node.inputs[0]
    words = [builder.build(state, (Index((), i),)) for i in range(2)]
    number = Position(linear(where, node.output.shape), node.output.dtype)
    return Apply("random_bits", (*words, number), node.output.dtype)
