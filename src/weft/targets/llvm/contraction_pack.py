"""Reading the factors of a contraction: widening loads, and copies into packed blocks.

    B, k x n                      a panel: `width` columns, rows of k one after another
    ┌────┬────┬──┐                ┌────┐
    │ p0 │ p1 │p2│      →         │ p1 │   padded to whole vectors, aligned, contiguous
    └────┴────┴──┘                └────┘

    A, m x k   → "rows": lines of k, at a pitch that spreads over the cache's sets
               → "columns": the same, for an A whose memory runs along m

Where B runs along k its panel is transposed in registers, lanes x lanes at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from weft.targets.llvm import ir
from weft.targets.llvm.contraction_plan import Operand

Load = Callable[..., ir.Value]

# Where k is longer than this many vectors, its last lanes are too few to deserve shuffles.
SHORT_K = 6


# -- small arithmetic on indices --------------------------------------------------


def constant_of(value: ir.Value | int) -> int | None:
    """The number, where `value` is known while emitting."""
    if isinstance(value, int):
        return value
    return None if value.text.startswith("%") else int(value.text)


def index(f: ir.Function, value: ir.Value | int) -> ir.Value:
    return value if isinstance(value, ir.Value) else f.i64(value)


def add(f: ir.Function, a: ir.Value | int, b: ir.Value | int) -> ir.Value:
    """a + b, folded where both are known."""
    known_a, known_b = constant_of(a), constant_of(b)
    if known_a is not None and known_b is not None:
        return f.i64(known_a + known_b)
    if known_a == 0:
        return index(f, b)
    if known_b == 0:
        return index(f, a)
    return f.result(ir.I64, f"add nsw i64 {index(f, a).text}, {index(f, b).text}")


def subtract(f: ir.Function, a: ir.Value | int, b: ir.Value | int) -> ir.Value:
    known_a, known_b = constant_of(a), constant_of(b)
    if known_a is not None and known_b is not None:
        return f.i64(known_a - known_b)
    if known_b == 0:
        return index(f, a)
    return f.result(ir.I64, f"sub nsw i64 {index(f, a).text}, {index(f, b).text}")


def multiply(f: ir.Function, a: ir.Value | int, factor: int) -> ir.Value:
    known = constant_of(a)
    if known is not None:
        return f.i64(known * factor)
    if factor == 0:
        return f.i64(0)
    if factor == 1:
        return index(f, a)
    return f.result(ir.I64, f"mul nsw i64 {index(f, a).text}, {factor}")


def divide(f: ir.Function, a: ir.Value | int, divisor: int) -> ir.Value:
    known = constant_of(a)
    if known is not None:
        return f.i64(known // divisor)
    return index(f, a) if divisor == 1 else f.op("udiv", index(f, a), divisor)


def remainder(f: ir.Function, a: ir.Value | int, divisor: int) -> ir.Value:
    known = constant_of(a)
    if known is not None:
        return f.i64(known % divisor)
    return f.i64(0) if divisor == 1 else f.op("urem", index(f, a), divisor)


def smaller(f: ir.Function, a: ir.Value | int, b: ir.Value | int) -> ir.Value:
    known_a, known_b = constant_of(a), constant_of(b)
    if known_a is not None and known_b is not None:
        return f.i64(min(known_a, known_b))
    return f.intrinsic("smin", index(f, a), index(f, b))


def offset(f: ir.Function, pointer: ir.Value, type: ir.Type, *terms) -> ir.Value:
    """`pointer` moved by the sum of (index, stride) terms, in elements of `type`."""
    moving, fixed = [], 0
    for position, stride in terms:
        known = constant_of(position)
        if known is not None:
            fixed += known * stride
        elif stride:
            moving.append((position, stride))
    for position, stride in moving:
        pointer = f.element(pointer, type, multiply(f, position, stride))
    return f.element(pointer, type, fixed) if fixed else pointer


@contextlib.contextmanager
def each(
    f: ir.Function, begin: ir.Value | int, end: ir.Value | int, step: int = 1
) -> Iterator[ir.Value]:
    """`f.loop`, or the bare body where it is known to run exactly once."""
    known_begin, known_end = constant_of(begin), constant_of(end)
    if known_begin is not None and known_end is not None:
        if 0 < known_end - known_begin <= step:
            yield f.i64(known_begin)
            return
    with f.loop(index(f, begin), index(f, end), step) as i:
        yield i


@contextlib.contextmanager
def either(f: ir.Function, condition: ir.Value | bool) -> Iterator[None]:
    """`f.when`, or the bare body where the condition is the Python value True."""
    if isinstance(condition, bool):
        assert condition, "code that never runs is not emitted"
        yield
        return
    with f.when(condition):
        yield


def last_lanes_mask(f: ir.Function, count: int, lanes: int) -> ir.Value:
    """The constant mask of the first `count` of `lanes` lanes."""
    bits = ", ".join(f"i1 {'true' if lane < count else 'false'}" for lane in range(lanes))
    return ir.Value(ir.I1.vector(lanes), f"<{bits}>", f)


# -- reading ----------------------------------------------------------------------


def widen(f: ir.Function, value: ir.Value, to: ir.Type, signed: bool = True) -> ir.Value:
    """`value`, with its lanes, as the accumulator's type."""
    have, want = value.type.scalar, to.scalar
    target = want.vector(value.type.lanes)
    if have == want:
        return value
    if have.is_float and want.is_float:
        return f.cast("fpext" if have.bits < want.bits else "fptrunc", value, target)
    signed = signed and have != ir.I1
    if want.is_float:
        return f.cast("sitofp" if signed else "uitofp", value, target)
    if have.bits > want.bits:
        return f.cast("trunc", value, target)
    return f.cast("sext" if signed else "zext", value, target)


def widen_half(f: ir.Function, value: ir.Value) -> ir.Value:
    """float16 to float32 in integer arithmetic, for processors without the instruction."""
    lanes = value.type.lanes
    whole, single = ir.I32.vector(lanes), ir.F32.vector(lanes)
    bits = f.cast("zext", f.bitcast(value, ir.I16.vector(lanes)), whole)
    size = (bits & 0x7FFF) << 13
    # The exponents' biases differ by 112; the product is exact, for subnormals too.
    scaled = f.bitcast(f.bitcast(size, single) * 2.0**112, whole)
    special = f.compare("uge", size, 0x7C00 << 13)
    scaled = f.select(special, size | 0x7F800000, scaled)
    return f.bitcast(scaled | ((bits & 0x8000) << 16), single)


@dataclass
class Source:
    """One factor: a pointer with strides, or a callback; maybe with exchanged axes."""

    f: ir.Function
    operand: Operand
    base: Any  # a pointer, or a `Load`
    accumulate: ir.Type
    exchanged: bool = False
    # Whether the processor converts float16 itself.
    has_half: bool = True

    def pointer(self, batch, row, column) -> ir.Value:
        by_batch, by_row, by_column = self.operand.strides
        terms = ((batch, by_batch), (row, by_row), (column, by_column))
        return offset(self.f, self.base, self.operand.type, *terms)

    def fetch(self, batch, row, column, lanes: int = 0, mask=None) -> ir.Value:
        """A scalar, or `lanes` neighbours along the contiguous axis, widened."""
        f = self.f
        wanted = self.accumulate.vector(lanes)
        if not self.operand.plain:
            place = (column, row) if self.exchanged else (row, column)
            row, column = (index(f, i) for i in place)
            return self.base(f, index(f, batch), row, column, wanted, mask)
        return self.read(self.pointer(batch, row, column), lanes, mask)

    def read(self, pointer: ir.Value, lanes: int = 0, mask=None) -> ir.Value:
        """What lies at `pointer`, widened."""
        type = self.operand.type.vector(lanes)
        if mask is not None:
            value = self.f.masked_load(type, pointer, mask)
        else:
            value = self.f.load(type, pointer)
        if type.scalar == ir.F16 and not self.has_half:
            value = widen_half(self.f, value)
        return widen(self.f, value, self.accumulate, self.operand.signed)


# -- packing ----------------------------------------------------------------------


def copy_lines(
    source: Source,
    batch,
    outer: tuple[ir.Value | int, ir.Value | int],
    inner: tuple[ir.Value | int, ir.Value | int],
    axis: str,
    lanes: int,
    to: ir.Value,
    pitch: int,
    tails: Sequence[tuple[ir.Value | bool, int]],
) -> None:
    """Copy a block so that `axis` runs contiguously: line i goes to `to + i * pitch`.

    `axis` "column": lines are rows of the source; "row": lines are its columns. Vectors are
    read where the source is contiguous along `axis`. `tails` are the lengths, less whole
    vectors, that `inner` may have, each with its condition; they are read under a mask.
    """
    f, type = source.f, source.accumulate
    whole = source.operand.contiguous_axis == axis and lanes > 1
    step = lanes if whole else 1
    (outer_begin, outer_end), (inner_begin, inner_end) = outer, inner

    def copy_one(line, position, mask) -> None:
        row, column = (line, position) if axis == "column" else (position, line)
        value = source.fetch(batch, row, column, lanes if whole else 0, mask)
        line_number = subtract(f, line, outer_begin)
        place = (line_number, pitch), (subtract(f, position, inner_begin), 1)
        f.store(value, offset(f, to, type, *place))

    with f.loop(index(f, outer_begin), index(f, outer_end)) as line:
        with f.loop(
            index(f, inner_begin), subtract(f, inner_end, step - 1), step
        ) as position:
            copy_one(line, position, None)
        for condition, count in tails:
            if whole and count:
                with either(f, condition):
                    place = subtract(f, inner_end, count)
                    copy_one(line, place, last_lanes_mask(f, count, lanes))


def pack_panel(
    source: Source, batch, rows, column, columns: int, width: int, lanes: int, to: ir.Value
) -> None:
    """Copy `columns` columns from `column` on, as lines of whole vectors, `width` apart."""
    f, type = source.f, source.accumulate
    begin, end = rows
    with f.loop(index(f, begin), index(f, end)) as row:
        line = offset(f, to, type, (subtract(f, row, begin), width))
        for start in range(0, columns, lanes):
            count = min(lanes, columns - start)
            mask = last_lanes_mask(f, count, lanes) if count < lanes else None
            place = add(f, column, start)
            value = source.fetch(batch, row, place, lanes if lanes > 1 else 0, mask)
            f.store(value, offset(f, line, type, (start, 1)))


def gather_panel(source: Source, batch, rows, columns, width: int, to: ir.Value) -> None:
    """Copy a panel element by element, from memory without contiguous neighbours."""
    f, type = source.f, source.accumulate
    (begin, end), (first, last) = rows, columns
    with f.loop(index(f, begin), index(f, end)) as row:
        line = offset(f, to, type, (subtract(f, row, begin), width))
        with f.loop(index(f, first), index(f, last)) as column:
            value = source.fetch(batch, row, column)
            f.store(value, offset(f, line, type, (subtract(f, column, first), 1)))


def transpose_panel(
    source: Source, batch, rows, columns, width: int, lanes: int, sizes: tuple[int, int],
    corner: ir.Value, to: ir.Value,
) -> None:  # fmt: skip
    """Copy a panel from memory that runs along k: squares of lanes x lanes are turned.

    `sizes` are those of the whole factor, (k, n): beyond n the last column is read again.
    `corner` is scratch for one square, used where a callback gives the vectors.
    """
    f, type = source.f, source.accumulate
    (begin, end), (first_column, last_column) = rows, columns
    size_k, size_n = sizes
    tail = size_k % lanes
    vector_type = type.vector(lanes)

    def existing(column: ir.Value) -> ir.Value:
        return smaller(f, column, size_n - 1) if size_n % lanes else column

    def lines_at(row, column, mask) -> list[ir.Value]:
        if source.operand.plain:
            places = [existing(add(f, column, i)) for i in range(lanes)]
            pointers = [source.pointer(batch, row, place) for place in places]
            return [source.read(pointer, lanes, mask) for pointer in pointers]
        with f.loop(f.i64(0), f.i64(lanes)) as i:
            value = source.fetch(batch, row, existing(add(f, column, i)), lanes, mask)
            f.store(value, offset(f, corner, type, (i, lanes)))
        return [
            f.load(vector_type, offset(f, corner, type, (i, lanes))) for i in range(lanes)
        ]

    def place_of(row, column) -> ir.Value:
        down, across = subtract(f, row, begin), subtract(f, column, first_column)
        return offset(f, to, type, (down, width), (across, 1))

    def turn(row, column, count: int, mask) -> None:
        turned = transpose(f, lines_at(row, column, mask))
        for i in range(count):
            f.store(turned[i], offset(f, place_of(row, column), type, (i, width)))

    with f.loop(index(f, first_column), index(f, last_column), lanes) as column:
        with f.loop(index(f, begin), subtract(f, end, lanes - 1), lanes) as row:
            turn(row, column, lanes, None)
        if tail and size_k < SHORT_K * lanes:
            with f.when(f.compare("eq", index(f, end), size_k)):
                turn(f.i64(size_k - tail), column, tail, last_lanes_mask(f, tail, lanes))
    if tail and size_k >= SHORT_K * lanes:
        with f.when(f.compare("eq", index(f, end), size_k)):
            left = f.i64(size_k - tail), f.i64(size_k)
            gather_panel(
                source, batch, left, columns, width, place_of(left[0], first_column)
            )


def transpose(f: ir.Function, rows: list[ir.Value]) -> list[ir.Value]:
    """The transposed square of vectors, in shuffles that are single instructions.

    First within groups of 128 bits, then the groups as units.
    """
    lanes = rows[0].type.lanes
    unit = min(lanes, 128 // rows[0].type.bits)
    groups = lanes // unit

    def interleave(a: ir.Value, b: ir.Value, run: int, high: bool) -> ir.Value:
        """Alternate runs of `run` lanes of a and b, from one half of every group."""
        picked: list[int] = []
        for group in range(groups):
            start = group * unit + (unit // 2 if high else 0)
            for at in range(start, start + unit // 2, run):
                picked += range(at, at + run)
                picked += range(lanes + at, lanes + at + run)
        return f.shuffle(a, b, picked)

    def pick_groups(a: ir.Value, b: ir.Value, odd: bool) -> ir.Value:
        """Every other group of a, then of b."""
        wanted = range(1 if odd else 0, groups, 2)
        picked = [g * unit + i for g in wanted for i in range(unit)]
        return f.shuffle(a, b, picked + [lanes + lane for lane in picked])

    def within(quad: list[ir.Value]) -> list[ir.Value]:
        if unit == 1:
            return quad
        if unit == 2:
            a, b = quad
            return [interleave(a, b, 1, high) for high in (False, True)]
        a, b, c, d = quad
        pairs = [(interleave(a, b, 1, h), interleave(c, d, 1, h)) for h in (False, True)]
        return [interleave(x, y, 2, h) for x, y in pairs for h in (False, True)]

    def across(parts: list[ir.Value]) -> list[ir.Value]:
        """parts[t], group g  →  result[g], group t."""
        if len(parts) == 1:
            return parts
        even = across_pairs(parts, odd=False)
        odd = across_pairs(parts, odd=True)
        return [value for pair in zip(even, odd, strict=True) for value in pair]

    def across_pairs(parts: list[ir.Value], odd: bool) -> list[ir.Value]:
        halves = [
            pick_groups(a, b, odd) for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
        if len(halves) == 1:
            return halves
        return [pick_groups(halves[0], halves[1], high) for high in (False, True)]

    turned: list[ir.Value] = [rows[0]] * lanes
    quads = [within(rows[t * unit : (t + 1) * unit]) for t in range(groups)]
    for i in range(unit):
        for group, value in enumerate(across([quad[i] for quad in quads])):
            turned[group * unit + i] = value
    return turned
