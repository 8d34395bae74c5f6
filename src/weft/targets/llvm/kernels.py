"""Clusters as kernels: LLVM source, chunks, and the values whose buffers they take.

A kernel is `void kernel(ptr buffers, ptr slots, i64 chunk, ptr scratch)`. Its source names
nothing of the graph that it came from, so kernels of equal form are compiled once.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from weft.compiler.fuse import Cluster, kind_of
from weft.compiler.index import ZERO, Index, Remainder, Var, delinear, linear, of_var
from weft.compiler.indexed import Builder
from weft.compiler.loops import (
    Apply,
    Expression,
    Given,
    Load,
    Nest,
    Reduce,
    Store,
    walk,
)
from weft.compiler.lower import Buffers, lower_loops
from weft.compiler.split import split_reduction
from weft.core.graph import Node, Value
from weft.core.spec import Spec
from weft.targets.llvm import contraction as contractions
from weft.targets.llvm import ir, scalar
from weft.targets.llvm.machine import Machine
from weft.targets.llvm.nests import CHUNK_NANOSECONDS, emit_nest, nanoseconds, plan_nest
from weft.targets.llvm.points import Point


@dataclass(slots=True)
class Kernel:
    """One native function and what it works on.

    `values` are the buffers in the order of the kernel's slots; `in_place` gives for each
    stored value the values that it may overwrite (read at the same point only).
    """

    source: str
    chunks: int
    scratch_bytes: int
    values: tuple[Value, ...]
    writes: tuple[Value, ...]
    label: str
    form: str
    flops: int = 0
    estimate: float = 0.0
    in_place: dict[Value, set[Value]] = field(default_factory=dict)

    @property
    def reads(self) -> tuple[Value, ...]:
        """Values read (also those that are written in place by index)."""
        written = set(self.writes)
        return tuple(v for v in self.values if v not in written)

    @property
    def bytes(self) -> int:
        """Bytes of all buffers, each counted once."""
        return sum(value.spec.nbytes for value in self.values)


def kernels_of(cluster: Cluster, machine: Machine) -> list[Kernel]:
    """The kernels of a cluster, to be run one after the other."""
    if cluster.kind == "contract":
        return _contraction_kernels(cluster, machine)
    nest, values = lower_loops(cluster)
    return _nest_kernels(nest, values, _label(cluster), machine)


def _label(cluster: Cluster) -> str:
    names = [node.primitive.name for node in cluster.nodes]
    shown = names if len(names) <= 6 else [*names[:3], f"… {len(names) - 5} …", *names[-2:]]
    return " ".join(shown)


def _begin(machine: Machine, count: int) -> tuple[ir.Module, ir.Function, list[ir.Value]]:
    module = ir.Module()
    module.has_fma = machine.has_fma
    f = module.function(
        "kernel", [("buffers", ir.PTR), ("slots", ir.PTR), ("chunk", ir.I64), ("scratch", ir.PTR)]
    )
    table, slots, _, _ = f.parameters
    pointers = []
    for number in range(count):
        slot = f.load(ir.I32, f.element(slots, ir.I32, number))
        entry = f.element(table, ir.PTR, f.cast("sext", slot, ir.I64))
        pointers.append(f.load(ir.PTR, entry))
    return module, f, pointers


# -- loop nests ------------------------------------------------------------------------------

def _nest_kernels(
    nest: Nest, values: tuple[Value, ...], label: str, machine: Machine
) -> list[Kernel]:
    is_long = nanoseconds(nest, 8) > 2 * CHUNK_NANOSECONDS
    split = split_reduction(nest, values) if is_long else None
    if split is None:
        return [nest_kernel(nest, values, label, machine)]
    (first, first_values), (second, second_values) = split
    return [
        nest_kernel(first, first_values, label, machine),
        nest_kernel(second, second_values, f"combine {label}", machine),
    ]


def nest_kernel(
    nest: Nest, values: tuple[Value, ...], label: str, machine: Machine
) -> Kernel:
    """The kernel of a loop nest."""
    plan = plan_nest(nest, machine)
    module, f, pointers = _begin(machine, len(values))
    emit_nest(f, nest, plan, pointers, f.parameters[2])
    f.ret()
    operations = sum(isinstance(e, Apply) for e in nest.expressions())
    operations += sum(isinstance(s, Reduce) for s in nest.statements())
    return Kernel(
        source=module.text(),
        chunks=plan.chunks,
        scratch_bytes=0,
        values=values,
        writes=_written(nest, values),
        label=label,
        form="rows" if nest.stages else "map",
        flops=operations * nest.points(),
        estimate=nanoseconds(nest, plan.lanes),
        in_place=_in_place(nest, values),
    )


def _written(nest: Nest, values: tuple[Value, ...]) -> tuple[Value, ...]:
    numbers = [s.buffer for s in nest.statements() if isinstance(s, Store)]
    return tuple(values[n] for n in dict.fromkeys(numbers))


def _in_place(nest: Nest, values: tuple[Value, ...]) -> dict[Value, set[Value]]:
    """Which read values may share the buffer of which written one.

    With stages, a row may be read again after a store, and outer points don't know of each
    other: then only what is stored and read at the end of a row qualifies.
    """
    stores = [s for s in nest.statements() if isinstance(s, Store)]
    in_rows = {s.buffer for s in nest.row_stores}
    early = set()
    for stage in nest.stages:
        for expression in stage.expressions():
            early |= {e.buffer for e in walk(expression, set()) if isinstance(e, Load)}
    offsets: dict[int, set[Index]] = {}
    for expression in nest.expressions():
        if isinstance(expression, Load):
            offsets.setdefault(expression.buffer, set()).add(expression.offset)
    found: dict[Value, set[Value]] = {}
    for store in stores:
        if store.buffer not in in_rows or store.buffer in offsets:
            continue
        candidates = {
            values[number]
            for number, places in offsets.items()
            if places == {store.offset} and number not in early
        }
        found[values[store.buffer]] = candidates
    return found


# -- contractions ----------------------------------------------------------------------------

HEAVY_EPILOGUE = 5


@dataclass(slots=True)
class _Product:
    """A contraction's variables, and its operands and result as indices."""

    batch: Var
    m: Var
    n: Var
    k: Var
    a: tuple[Index, ...]
    b: tuple[Index, ...]
    result: tuple[Index, ...]


def _product(node: Node) -> _Product:
    """Flatten batch, free and contracted axes of a dot_general into one variable each."""
    left, right = node.inputs
    contract_a, contract_b = node.parameters["contract"]
    batch_a, batch_b = node.parameters["batch"]
    free_a = [i for i in range(len(left.shape)) if i not in (*contract_a, *batch_a)]
    free_b = [i for i in range(len(right.shape)) if i not in (*contract_b, *batch_b)]

    def extents(value: Value, axes: Sequence[int]) -> tuple[int, ...]:
        return tuple(value.shape[axis] for axis in axes)

    groups = {
        "batch": extents(left, batch_a), "m": extents(left, free_a),
        "n": extents(right, free_b), "k": extents(left, contract_a),
    }  # fmt: skip
    variables = {name: Var(name, math.prod(shape)) for name, shape in groups.items()}
    parts = {name: delinear(of_var(variables[name]), shape) for name, shape in groups.items()}

    def where(value: Value, *pairs: tuple[Sequence[int], str]) -> tuple[Index, ...]:
        index = [ZERO] * len(value.shape)
        for axes, name in pairs:
            for axis, position in zip(axes, parts[name]):
                index[axis] = position
        return tuple(index)

    return _Product(
        **variables,
        a=where(left, (batch_a, "batch"), (free_a, "m"), (contract_a, "k")),
        b=where(right, (batch_b, "batch"), (free_b, "n"), (contract_b, "k")),
        result=(*parts["batch"], *parts["m"], *parts["n"]),
    )


def _strides(
    expression: Expression, variables: tuple[Var, Var, Var]
) -> tuple[int, int, int] | None:
    """Strides of an operand that is a plain view of a buffer, or None."""
    if not isinstance(expression, Load) or expression.operands:
        return None
    index = expression.offset
    if any(atom not in variables for atom in index.terms):
        return None
    batch, row, column = (index.coefficient(var) for var in variables)
    return (batch, row, column) if min(batch, row, column) >= 0 else None


def _operand(
    expression: Expression, variables: tuple[Var, Var, Var], accumulate: ir.Type, lanes: int
) -> contractions.Operand:
    memory = scalar.memory_type(expression.dtype)
    strides = _strides(expression, variables)
    direct = expression.dtype.name in ("float32", "float64") or expression.dtype.is_integer
    signed = expression.dtype.kind == "int"
    if strides is not None and direct:
        axis = "row" if strides[1] == 1 and strides[2] != 1 else "column"
        return contractions.Operand(strides, memory, True, axis, signed)
    _, row, column = variables
    offsets = [e.offset for e in walk(expression, set()) if isinstance(e, Load)]
    rows = sum(_runs_along(offset, row, lanes) for offset in offsets)
    columns = sum(_runs_along(offset, column, lanes) for offset in offsets)
    axis = "row" if rows > columns else "column"
    return contractions.Operand((0, 0, 0), accumulate, False, axis, signed)


def _runs_along(offset: Index, var: Var, lanes: int) -> bool:
    """Whether aligned lanes along `var` lie side by side in memory."""
    if offset.coefficient(var):
        return offset.coefficient(var) == 1
    return any(
        isinstance(atom, Remainder)
        and step == 1
        and atom.divisor % lanes == 0
        and atom.dividend.coefficient(var) == 1
        for atom, step in offset.terms.items()
    )


def _contraction_kernels(cluster: Cluster, machine: Machine) -> list[Kernel]:
    node = cluster.contraction
    assert node is not None
    product = _product(node)
    dtype = node.output.dtype
    accumulate = scalar.register_type(dtype)
    reads, partial_reads = Buffers(), Buffers()
    operands = [
        _operand_expression(value, where, partial_reads)
        for value, where in zip(node.inputs, (product.a, product.b))
    ]
    total = Given("sum", dtype, frozenset((product.batch, product.m, product.n)))
    for value in partial_reads.values:
        reads.number(value)
    stores = _epilogue(cluster, node, product, total, reads)
    sides = (
        (product.batch, product.m, product.k),
        (product.batch, product.k, product.n),
    )
    lanes = max(1, machine.vector_bytes // accumulate.bytes)
    contraction = contractions.Contraction(
        product.batch.extent, product.m.extent, product.n.extent, product.k.extent,
        _operand(operands[0], sides[0], accumulate, lanes),
        _operand(operands[1], sides[1], accumulate, lanes),
        accumulate, _output_axis(stores, product),
    )  # fmt: skip
    plan = contractions.plan_contraction(contraction, machine)
    flops = 2 * product.batch.extent * product.m.extent * product.n.extent * product.k.extent
    size = f"{product.m.extent}×{product.n.extent}×{product.k.extent}"
    if product.batch.extent > 1:
        size = f"{product.batch.extent}×({size})"
    label = f"{_label(cluster)} {size}"
    estimate = flops / 100.0
    writes = tuple(reads.values[s.buffer] for s in stores)
    in_place = _epilogue_in_place(stores, reads, partial_reads)

    def loader(which: int):
        expression, variables = operands[which], sides[which]
        operand = (contraction.a, contraction.b)[which]
        return expression, variables, operand

    def source_of(pointers: list[ir.Value], f: ir.Function, which: int):
        expression, variables, operand = loader(which)
        if operand.plain:
            assert isinstance(expression, Load)
            memory = scalar.memory_type(expression.dtype)
            return f.element(pointers[expression.buffer], memory, expression.offset.constant)
        return _load_callback(f, tuple(pointers), expression, variables, operand.axis)

    operations = {e for s in stores for e in walk(s.expression, set()) if isinstance(e, Apply)}
    heavy = len(operations) >= HEAVY_EPILOGUE
    if plan.k_splits == 1:
        module, f, pointers = _begin(machine, len(reads.values))
        contractions.emit_contraction(
            f, contraction, plan, chunk=f.parameters[2], scratch=f.parameters[3],
            a=source_of(pointers, f, 0), b=source_of(pointers, f, 1),
            store=_store_callback(f, tuple(pointers), stores, reads, product, total, heavy=heavy),
            heavy_epilogue=heavy,
            prefetch=_prefetch_callback(tuple(pointers), stores, product, machine),
        )  # fmt: skip
        f.ret()
        return [
            Kernel(module.text(), plan.chunks, plan.scratch_bytes, reads.values, writes,
                   label, "contraction", flops, estimate, in_place)
        ]  # fmt: skip
    workspace = Value(Spec((-(-plan.workspace_bytes // 4),), "float32"), name="partial sums")
    partial_values = (*partial_reads.values, workspace)
    module, f, pointers = _begin(machine, len(partial_values))
    contractions.emit_partial(
        f, contraction, plan, chunk=f.parameters[2], scratch=f.parameters[3],
        a=source_of(pointers, f, 0), b=source_of(pointers, f, 1), workspace=pointers[-1],
    )  # fmt: skip
    f.ret()
    first = Kernel(module.text(), plan.chunks, plan.scratch_bytes, partial_values, (workspace,),
                   label, "contraction", flops, estimate)  # fmt: skip
    module, f, pointers = _begin(machine, len(reads.values) + 1)
    contractions.emit_combine(
        f, contraction, plan, chunk=f.parameters[2], workspace=pointers[-1],
        store=_store_callback(
            f, tuple(pointers[:-1]), stores, reads, product, total, heavy=heavy
        ),
        heavy_epilogue=heavy,
    )  # fmt: skip
    f.ret()
    second = Kernel(module.text(), plan.combine_chunks, 0, (*reads.values, workspace), writes,
                    f"combine {label}", "contraction", 0, 0.0, in_place)  # fmt: skip
    return [first, second]


def _operand_expression(value: Value, where, buffers: Buffers) -> Expression:
    builder = Builder(lambda n: kind_of(n) == "free", buffers.number)
    return builder.build(value, where)


def _epilogue(
    cluster: Cluster, node: Node, product: _Product, total: Given, buffers: Buffers
) -> list[Store]:
    members = set(cluster.nodes)
    builder = Builder(lambda n: n in members or kind_of(n) == "free", buffers.number)
    builder.given[node.output] = (product.result, total)
    return [
        Store(
            buffers.number(value),
            linear(product.result, value.shape),
            builder.build(value, product.result),
        )
        for value in cluster.stores
    ]


def _output_axis(stores: list[Store], product: _Product) -> str:
    columns = sum(s.offset.coefficient(product.n) == 1 for s in stores)
    rows = sum(s.offset.coefficient(product.m) == 1 for s in stores)
    return "row" if rows > columns else "column"


def _epilogue_in_place(
    stores: list[Store], buffers: Buffers, operands: Buffers
) -> dict[Value, set[Value]]:
    """Values read only at the point that is stored, and not operands of the product."""
    offsets: dict[int, set[Index]] = {}
    for store in stores:
        for expression in walk(store.expression, set()):
            if isinstance(expression, Load):
                offsets.setdefault(expression.buffer, set()).add(expression.offset)
    factors = set(operands.values)
    values = buffers.values
    return {
        values[store.buffer]: {
            values[number]
            for number, places in offsets.items()
            if places == {store.offset} and values[number] not in factors
        }
        for store in stores
    }


def _load_callback(
    f: ir.Function, pointers: tuple[ir.Value, ...], expression: Expression,
    variables: tuple[Var, Var, Var], axis: str,
) -> Callable:  # fmt: skip
    """The factor's values at a place. Vectors begin at multiples of their length."""
    along = variables[1] if axis == "row" else variables[2]

    def load(f, batch, row, column, type: ir.Type, mask) -> ir.Value:
        point = Point(
            f, pointers, dict(zip(variables, (batch, row, column))),
            vector=along if type.lanes else None, lanes=type.lanes, mask=mask, aligned=True,
        )  # fmt: skip
        return point.lanes_of(expression)

    return load


def _store_callback(
    f: ir.Function, pointers: tuple[ir.Value, ...], stores: list[Store], buffers: Buffers,
    product: _Product, total: Given, *, heavy: bool,
) -> Callable:  # fmt: skip
    top = Point(f, pointers, {})
    expressions = [store.expression for store in stores]
    top.prepare(expressions)
    invariants = _Kept(f, top) if heavy else None
    dtypes = buffers.dtypes

    def store(f, batch, row, column, value: ir.Value, mask, axis: str = "column") -> None:
        along = product.n if axis == "column" else product.m
        at = {product.batch: batch, product.m: row, product.n: column}
        point = top.inside(
            at=at, vector=along if value.type.lanes else None, lanes=value.type.lanes,
            mask=mask, given={total: scalar.rounded(f, value, total.dtype)},
            known=dict(top.known) if invariants is None else invariants.reload(),
        )  # fmt: skip
        with f.constants_in_memory() if heavy else contextlib.nullcontext():
            for statement in stores:
                point.store(statement, dtypes[statement.buffer])

    return store


def _prefetch_callback(
    pointers: tuple[ir.Value, ...], stores: list[Store], product: _Product, machine: Machine
) -> Callable | None:
    """Asks for what the stores read at each element of the output, if that is much.

    A tile is a few vectors of many rows, which no prefetcher of a processor foresees.
    """
    seen: set[Expression] = set()
    parts = [part for s in stores for part in walk(s.expression, seen)]
    loads = [part for part in parts if isinstance(part, Load) and _is_whole(part, product)]
    elements = product.batch.extent * product.m.extent * product.n.extent
    each = sum(scalar.memory_type(load.dtype).bytes for load in loads)
    if elements * each < machine.l2_bytes // 2:
        return None

    def prefetch(f, batch, row, column, lanes: int, axis: str = "column") -> None:
        along = product.n if axis == "column" else product.m
        at = {product.batch: batch, product.m: row, product.n: column}
        point = Point(f, pointers, at, vector=along, lanes=lanes)
        for load in loads:
            if load.offset.coefficient(along) == 1:
                point.prefetch(load)

    return prefetch


def _is_whole(load: Load, product: _Product) -> bool:
    """Whether a load reads another element for each one of the output, at a known place."""
    offset = load.offset
    is_known = load.guard is None and all(isinstance(atom, Var) for atom in offset.terms)
    return is_known and all(offset.coefficient(v) != 0 for v in (product.m, product.n))


class _Kept:
    """Invariants of a heavy epilogue, kept in memory.

    In registers they would take the place of accumulators in the inner loop, which would
    then be spilled in every step. Volatile loads stay where they are written.
    """

    def __init__(self, f: ir.Function, top: Point) -> None:
        self.f = f
        self.slots: list[tuple[Expression, ir.Type, ir.Value]] = []
        for expression in top.known:
            value = top.value(expression)
            slot = f.scratch(value.type, 1)
            f.store(value, slot)
            self.slots.append((expression, value.type, slot))

    def reload(self) -> dict[Expression, ir.Value]:
        return {
            expression: self.f.result(
                type, f"load volatile {type}, ptr {slot.text}, align {type.bytes}"
            )
            for expression, type, slot in self.slots
        }


__all__ = ["Kernel", "kernels_of"]
