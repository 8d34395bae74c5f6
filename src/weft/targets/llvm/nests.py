"""Loop nests as LLVM functions: chunks, loops, vectors with masked tails, reductions.

The work of a nest is a row of tasks: each outer point, or a block of the vector variable
where that is an outer one. A chunk is a fixed number of tasks, chosen from the amount of
work alone; the order of every sum is fixed by the shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.compiler.index import ZERO, Dynamic, Var
from weft.compiler.loops import Apply, Expression, Load, Nest, Reduce, Stage
from weft.compiler.lower import vector_variable
from weft.dtypes import DType
from weft.targets.llvm import scalar
from weft.targets.llvm.ir import I32, Function, Type, Value, Variable
from weft.targets.llvm.machine import Machine
from weft.targets.llvm.points import Point

# A chunk is worth handing to another thread from about this much work on.
CHUNK_NANOSECONDS = 5_000.0
MOST_CHUNKS = 512
# How many tasks ahead scattered rows are asked for.
PREFETCH_TASKS = 2

_COSTLY = frozenset(
    """exp expm1 log log1p power sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh
    arcsinh arccosh arctanh sigmoid erf erfc erfinv lgamma digamma remainder floor_divide
    random_bits divide sqrt rsqrt""".split()
)


@dataclass(frozen=True, slots=True)
class NestPlan:
    """How a nest is cut: vectors along `vector`, `block` of it per task, tasks per chunk."""

    vector: Var | None
    lanes: int
    block: int
    tasks: int
    tasks_per_chunk: int

    @property
    def chunks(self) -> int:
        return -(-self.tasks // self.tasks_per_chunk)


def plan_nest(nest: Nest, machine: Machine) -> NestPlan:
    """Choose vectors, blocks and chunks from the shape of the work alone."""
    vector = vector_variable(nest)
    lanes = _lanes(nest, vector, machine) if vector is not None else 0
    if lanes < 2:
        vector, lanes = None, 0
    cost = nanoseconds(nest, lanes)
    outer = math.prod([v.extent for v in nest.outer if v is not vector])
    block, blocks = 0, 1
    if vector in nest.outer and vector is not None:
        wanted = cost / CHUNK_NANOSECONDS / max(outer, 1)
        block = _rounded_up(-(-vector.extent // max(1, round(wanted))), lanes)
        blocks = -(-vector.extent // block)
    tasks = outer * blocks
    chunks = min(math.ceil(cost / CHUNK_NANOSECONDS), tasks, MOST_CHUNKS)
    # Chunks of one size, and of few an even number: two threads then end together.
    if 1 < chunks < 8:
        chunks += chunks % 2
    return NestPlan(vector, lanes, block, tasks, max(1, -(-tasks // max(chunks, 1))))


def _rounded_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _lanes(nest: Nest, vector: Var, machine: Machine) -> int:
    """Lanes of one machine vector of the widest type, doubled where loops are deep in
    arithmetic and few values live: independent halves hide the latency of each other."""
    expressions = list(nest.expressions())
    dtypes = [e.dtype for e in expressions] + list(nest.buffers)
    widest = max([scalar.register_type(d).bytes for d in dtypes if d.name != "bool"] or [1])
    lanes = machine.vector_bytes // max(widest, 4)
    if vector.extent < lanes // 2:
        while lanes > 4 and lanes // 2 >= vector.extent:
            lanes //= 2
        return lanes
    loads = sum(isinstance(e, Load) for e in expressions)
    operations = sum(isinstance(e, Apply) for e in expressions)
    sums = any(stage.reductions for stage in nest.stages)
    if vector.extent >= 8 * lanes and loads <= 4 and (sums or operations > 8):
        costly = any(isinstance(e, Apply) and e.name in _COSTLY for e in expressions)
        return lanes * (2 if costly else 4)
    return lanes


def nanoseconds(nest: Nest, lanes: int) -> float:
    """A rough estimate of one thread's time, for cutting into chunks."""
    per_point = 0.0
    for expression in nest.expressions():
        if isinstance(expression, Load):
            # Memory that no prefetcher can foresee takes its time.
            per_point += 4.0 if _is_scattered(expression) else 1.0
        elif isinstance(expression, Apply):
            per_point += 12.0 if expression.name in _COSTLY else 1.0
    per_point += sum(1.0 for _ in nest.statements())
    # Short rows that are summed up wait for their own sums.
    waiting = 2.0 if _sums_short_rows(nest) else 1.0
    return nest.points() * per_point * waiting * (0.3 if lanes < 2 else 0.6 / lanes)


def _sums_short_rows(nest: Nest) -> bool:
    inner = math.prod([v.extent for v in nest.inner])
    return any(stage.reductions for stage in nest.stages) and inner <= 64


def _is_scattered(load: Load) -> bool:
    return any(isinstance(atom, Dynamic) for atom in load.offset.terms)


def emit_nest(
    f: Function, nest: Nest, plan: NestPlan, buffers: Sequence[Value], chunk: Value
) -> None:
    """Emit the work of one chunk."""
    _NestEmitter(f, nest, plan, tuple(buffers)).emit(chunk)


class _NestEmitter:
    def __init__(
        self, f: Function, nest: Nest, plan: NestPlan, buffers: tuple[Value, ...]
    ) -> None:
        self.f, self.nest, self.plan, self.buffers = f, nest, plan, buffers
        self.scalars = tuple(v for v in nest.outer if v is not plan.vector)
        self.vector_is_outer = plan.vector is not None and plan.vector in nest.outer

    def emit(self, chunk: Value) -> None:
        f, plan = self.f, self.plan
        first = chunk * plan.tasks_per_chunk
        last = _smaller(f, first + plan.tasks_per_chunk, f.i64(plan.tasks))
        top = Point(f, self.buffers, {})
        top.prepare(self._all_expressions())
        with f.loop(first, last) as task:
            at: dict[Var, Value] = {}
            if self.vector_is_outer:
                assert plan.vector is not None
                blocks = -(-plan.vector.extent // plan.block)
                rest, block = _divided(f, task, blocks)
                self._bind_scalars(at, rest)
                point = top.inside(at=at)
                point.prepare(self._all_expressions())
                begin = block * plan.block
                end = _smaller(f, begin + plan.block, f.i64(plan.vector.extent))
                body = self._prefetching(top, task) if blocks == 1 else self._row
                self._vectors(point, begin, end, body)
            else:
                self._bind_scalars(at, task)
                point = top.inside(at=at)
                point.prepare(self._all_expressions())
                self._row(point)

    def _prefetching(self, top: Point, task: Value) -> Callable[[Point], None]:
        """The row's work, after asking for what the task after next will read from places
        that no prefetcher can foresee (rows picked by number)."""
        scattered = [
            e for e in self.nest.expressions()
            if isinstance(e, Load) and e.guard is None and _is_scattered(e)
            and self.plan.vector is not None and e.offset.coefficient(self.plan.vector) == 1
        ]  # fmt: skip
        if not scattered or self.nest.ordered or self.nest.stages:
            return self._row
        f = self.f
        ahead: dict[Var, Value] = {}
        self._bind_scalars(ahead, _smaller(f, task + PREFETCH_TASKS, f.i64(self.plan.tasks - 1)))
        later = top.inside(at=ahead)
        later.prepare(scattered)

        def body(point: Point) -> None:
            vector = self.plan.vector
            assert vector is not None
            there = later.inside(
                at={**ahead, vector: point.at[vector]}, vector=vector, lanes=self.plan.lanes
            )
            for load in scattered:
                there.prefetch(load)
            self._row(point)

        return body

    def _all_expressions(self) -> list[Expression]:
        """What may be computed ahead of its loops; nothing where points run in order,
        because a point may read what an earlier one has written."""
        if self.nest.ordered:
            return []
        return [statement.expression for statement in self.nest.statements()]

    def _bind_scalars(self, at: dict[Var, Value], number: Value) -> None:
        for var in reversed(self.scalars):
            if var is self.scalars[0]:
                at[var] = number
            else:
                number, at[var] = _divided(self.f, number, var.extent)

    # -- vectors ---------------------------------------------------------------------

    def _vectors(
        self, point: Point, begin: Value, end: Value, body: Callable[[Point], None]
    ) -> None:
        """Whole vectors from `begin` on, then one with a mask for the rest before `end`."""
        f, plan = self.f, self.plan
        vector, lanes = plan.vector, plan.lanes
        assert vector is not None
        whole = begin + ((end - begin) & -lanes)
        if vector.extent >= lanes:
            with f.loop(begin, whole, lanes) as i:
                body(point.inside(at={**point.at, vector: i}, vector=vector, lanes=lanes))
        if vector.extent % lanes:
            with f.when(f.compare("slt", whole, end)):
                mask = first_lanes(f, end - whole, lanes)
                at = {**point.at, vector: whole}
                body(point.inside(at=at, vector=vector, lanes=lanes, mask=mask))

    # -- one outer point -----------------------------------------------------------------

    def _row(self, point: Point) -> None:
        given = dict(point.given)
        point = point.inside(given=given)
        for stage in self.nest.stages:
            if not self.nest.ordered:
                point.prepare(stage.expressions())
            self._stage(point, stage)
        for store in self.nest.row_stores:
            point.store(store, self.nest.buffers[store.buffer])

    def _stage(self, point: Point, stage: Stage) -> None:
        """Loop over the inner variables; put the results of reductions into `point.given`."""
        lanes = self.plan.lanes if self.plan.vector is not None else 0
        sums = [_Accumulator(self.f, reduce, lanes) for reduce in stage.reductions]
        inner = [v for v in self.nest.inner if v is not self.plan.vector]
        dtypes = self.nest.buffers

        def body(innermost: Point) -> None:
            for accumulator in sums:
                accumulator.take(innermost)
            for store in stage.stores:
                innermost.store(store, dtypes[store.buffer])

        def loops(outer: Point, rest: list[Var]) -> None:
            if rest:
                with self.f.loop(0, rest[0].extent) as i:
                    loops(outer.inside(at={**outer.at, rest[0]: i}), rest[1:])
            elif self.plan.vector is not None and not self.vector_is_outer:
                extent = self.f.i64(self.plan.vector.extent)
                self._vectors(outer, self.f.i64(0), extent, body)
            else:
                body(outer.inside())

        loops(point, inner)
        for accumulator in sums:
            value = accumulator.result(across=not self.vector_is_outer)
            point.given[accumulator.reduce.given] = value


def first_lanes(f: Function, count: Value, lanes: int) -> Value:
    """A mask of the lanes numbered below `count`, compared as 32-bit numbers."""
    few = f.cast("trunc", count, I32)
    return f.compare("ult", f.lane_numbers(I32.vector(lanes)), f.splat(few, lanes))


def _smaller(f: Function, a: Value, b: Value) -> Value:
    return f.select(f.compare("slt", a, b), a, b)


def _divided(f: Function, number: Value, divisor: int) -> tuple[Value, Value]:
    if divisor == 1:
        return number, f.i64(0)
    return f.op("udiv", number, divisor), f.op("urem", number, divisor)


# -- reductions ------------------------------------------------------------------------------


def _identity(combine: str, dtype: DType, type: Type) -> float | int:
    """What changes nothing when combined."""
    if combine in ("sum", "any"):
        return 0
    if combine in ("prod", "all"):
        return 1
    highest = combine in ("min", "argmin")
    if type.is_float:
        return math.inf if highest else -math.inf
    if type.kind == "i1":
        return int(highest)
    if dtype.kind == "uint":
        return (1 << type.bits) - 1 if highest else 0
    return (1 << type.bits - 1) - 1 if highest else -(1 << type.bits - 1)


_OPERATORS = {
    # combine: (float instruction, integer instruction)
    "sum": ("fadd", "add"), "prod": ("fmul", "mul"), "any": ("or", "or"), "all": ("and", "and"),
}  # fmt: skip


class _Accumulator:
    """A running reduction, in lanes; 16-bit floats are summed as float32."""

    def __init__(self, f: Function, reduce: Reduce, lanes: int) -> None:
        self.f, self.reduce = f, reduce
        self.dtype = reduce.expression.dtype
        self.type = scalar.register_type(self.dtype, lanes)
        identity = _identity(reduce.combine, self.dtype, self.type)
        self.best = f.variable(self.type, identity)
        self.where: Variable | None = None
        if reduce.position is not None:
            self.where = f.variable(I32.vector(lanes), 0x7FFFFFFF)

    def take(self, point: Point) -> None:
        """Combine the expression at `point`; lanes that do not exist stay as they are."""
        value = point.lanes_of(self.reduce.expression)
        old = self.best.get()
        if self.where is not None:
            assert self.reduce.position is not None
            position = point.lanes_of(self.reduce.position)
            better = self._better(value, position, old, self.where.get())
            if point.mask is not None:
                better = better & point.mask
            self.where.set(self.f.select(better, position, self.where.get()))
            self.best.set(self.f.select(better, value, old))
            return
        new = self._combine(old, value)
        if point.mask is not None:
            new = self.f.select(point.mask, new, old)
        self.best.set(new)

    def _combine(self, a: Value, b: Value) -> Value:
        combine = self.reduce.combine
        if combine in _OPERATORS:
            return self.f.op(_OPERATORS[combine][not a.type.is_float], a, b)
        name = "maximum" if combine == "max" else "minimum"
        dummy = Load(0, ZERO, self.dtype)
        return scalar.APPLY[name](self.f, Apply(name, (dummy, dummy), self.dtype), (a, b))

    def _better(self, value: Value, position: Value, old: Value, old_position: Value) -> Value:
        """Greater (or less), the earlier of equals; the first NaN beats all."""
        f = self.f
        name = "greater" if self.reduce.combine == "argmax" else "less"
        better = f.compare(scalar.predicate(name, self.dtype), value, old)
        equal = f.compare(scalar.predicate("equal", self.dtype), value, old)
        earlier = f.compare("slt", position, old_position)
        if value.type.is_float:
            is_nan, was_nan = f.compare("uno", value, value), f.compare("uno", old, old)
            better = (better & (was_nan ^ True)) | (is_nan & (was_nan ^ True))
            equal = equal | (is_nan & was_nan)
        return better | (equal & earlier)

    def result(self, *, across: bool) -> Value:
        """The final value; with `across` the lanes are combined in a fixed tree."""
        best = self.best.get()
        where = self.where.get() if self.where is not None else None
        lanes = best.type.lanes
        while across and lanes > 1:
            half = lanes // 2
            low, high = list(range(half)), list(range(half, lanes))
            parts = [self.f.shuffle(best, best, side) for side in (low, high)]
            if where is not None:
                places = [self.f.shuffle(where, where, side) for side in (low, high)]
                better = self._better(parts[1], places[1], parts[0], places[0])
                best = self.f.select(better, parts[1], parts[0])
                where = self.f.select(better, places[1], places[0])
            else:
                best = self._combine(*parts)
            lanes = half
        final = where if where is not None else best
        if across and final.type.lanes:
            final = self.f.extract(final, 0)
        return scalar.rounded(self.f, final, self.reduce.given.dtype)

