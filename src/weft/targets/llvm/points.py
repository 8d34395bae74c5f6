"""Expressions of the loop language at one point of a nest, or at many points in lanes.

A `Point` knows where each loop variable is. One variable may run along the lanes of a
vector; what does not depend on it stays scalar and is spread when it meets a vector.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from weft.compiler.index import Dynamic, Index, Quotient, Remainder, Var
from weft.compiler.loops import (
    Apply,
    Expression,
    Given,
    Literal,
    Load,
    Position,
    Store,
    Within,
)
from weft.dtypes import DType
from weft.targets.llvm import scalar
from weft.targets.llvm.ir import I1, I32, I64, PTR, VOID, Function, Type, Value


class Place:
    """An index as code: `base` plus the lane number times `step`, or a vector of its own."""

    __slots__ = ("base", "lanes", "step")

    def __init__(self, base: Value, step: int = 0, lanes: Value | None = None) -> None:
        self.base, self.step, self.lanes = base, step, lanes

    @property
    def is_uniform(self) -> bool:
        return self.lanes is None and self.step == 0


def _as_place(number: Value) -> Place:
    return Place(number, lanes=number if number.type.lanes else None)


class Point:
    """Emits expressions where the loop variables have the values in `at`.

    Args:
        f: the function under construction.
        buffers: the address of each buffer.
        at: the (first) value of each bound loop variable.
        vector: the variable that runs along the lanes, with `lanes` of them, if any.
        mask: the lanes that exist (None: all).
        given: values that exist already.
        aligned: whether `vector` is a multiple of `lanes` here, so that all lanes have the
            same quotient by multiples of `lanes`.
    """

    def __init__(
        self,
        f: Function,
        buffers: tuple[Value, ...],
        at: dict[Var, Value],
        *,
        vector: Var | None = None,
        lanes: int = 0,
        mask: Value | None = None,
        given: dict[Given, Value] | None = None,
        known: dict[Expression, Value] | None = None,
        aligned: bool = False,
    ) -> None:
        self.f, self.buffers, self.at = f, buffers, at
        self.vector, self.lanes, self.mask, self.aligned = vector, lanes, mask, aligned
        self.given = given if given is not None else {}
        self.known = known if known is not None else {}

    def inside(self, **changes: Any) -> Point:
        """A point further inside: what is known here is known there, not the reverse."""
        arguments = {
            "vector": self.vector, "lanes": self.lanes, "mask": self.mask,
            "given": self.given, "at": self.at, "known": dict(self.known),
            "aligned": self.aligned, **changes,
        }  # fmt: skip
        return Point(self.f, self.buffers, **arguments)

    # -- expressions -----------------------------------------------------------------

    def prepare(self, expressions: Iterable[Expression]) -> None:
        """Emit now all parts that depend only on variables bound here (loop invariants)."""
        bound = set(self.at)
        pending = list(expressions)
        while pending:
            expression = pending.pop()
            if expression in self.known or isinstance(expression, Literal):
                continue
            if expression.variables() <= bound and self._is_ready(expression):
                self.value(expression)
            else:
                pending.extend(expression.operands)

    def _is_ready(self, expression: Expression) -> bool:
        """Whether all reductions in it are done, and no load is guarded by lanes."""
        if isinstance(expression, Given):
            return expression in self.given
        return all(self._is_ready(operand) for operand in expression.operands)

    def value(self, expression: Expression) -> Value:
        """The register that holds `expression`: scalar where it is the same in all lanes."""
        known = self.known.get(expression)
        if known is None:
            known = self.known[expression] = _EMIT[type(expression)](self, expression)
        return known

    def spread(self, value: Value) -> Value:
        """A vector of all lanes, if there are lanes."""
        if self.lanes and not value.type.lanes:
            return self.f.splat(value, self.lanes)
        return value

    def lanes_of(self, expression: Expression) -> Value:
        return self.spread(self.value(expression))

    # -- indices ---------------------------------------------------------------------

    def place(self, index: Index) -> Place:
        f = self.f
        base: Value | None = None
        step = 0
        vectors: Value | None = None
        for atom, coefficient in index.terms.items():
            if isinstance(atom, Var):
                term = self.at[atom]
                if atom is self.vector:
                    step += coefficient
            else:
                found = self._atom(atom)
                term, step = found.base, step + found.step * coefficient
                if found.lanes is not None:
                    term = found.lanes
                    scaled = term if coefficient == 1 else term * coefficient
                    vectors = scaled if vectors is None else vectors + scaled
                    continue
            scaled = term if coefficient == 1 else term * coefficient
            base = scaled if base is None else base + scaled
        if base is None:
            base = f.i64(index.constant)
        elif index.constant:
            base = base + index.constant
        if vectors is not None:
            vectors = vectors + self._steps(base, step)
        return Place(base, step, vectors)

    def _steps(self, base: Value, step: int) -> Value:
        """<base, base + step, base + 2 step, …>"""
        f = self.f
        spread = f.splat(base, self.lanes)
        if not step:
            return spread
        return spread + f.lane_numbers(I64.vector(self.lanes)) * step

    def vector_of(self, place: Place) -> Value:
        """The place as an i64, or a vector of them where lanes differ."""
        if place.lanes is not None:
            return place.lanes
        return place.base if not place.step else self._steps(place.base, place.step)

    def _atom(self, atom: Quotient | Remainder | Dynamic) -> Place:
        if isinstance(atom, Dynamic):
            return _as_place(self._dynamic(atom))
        place = self.place(atom.dividend)
        if self._same_quotient(atom, place):
            base = self._divided(atom, place.base)
            return Place(base, place.step if isinstance(atom, Remainder) else 0)
        return _as_place(self._divided(atom, self.vector_of(place)))

    def _same_quotient(self, atom: Quotient | Remainder, place: Place) -> bool:
        """Whether consecutive lanes of the dividend have one quotient."""
        if not self.aligned or place.lanes is not None or place.step != 1:
            return False
        dividend, lanes = atom.dividend, self.lanes
        others = [c for a, c in dividend.terms.items() if a is not self.vector]
        numbers = [*others, dividend.constant, atom.divisor]
        return not any(number % lanes for number in numbers)

    def _divided(self, atom: Quotient | Remainder, dividend: Value) -> Value:
        f = self.f
        low, high = atom.dividend.bounds()
        if low >= 0 and high < 2**31:  # narrow division is quicker
            narrow = f.cast("trunc", dividend, I32.vector(dividend.type.lanes))
            name = "udiv" if isinstance(atom, Quotient) else "urem"
            return f.cast("zext", f.op(name, narrow, atom.divisor), dividend.type)
        # A negative dividend occurs only where a guard says no.
        name = "sdiv" if isinstance(atom, Quotient) else "srem"
        return f.op(name, dividend, atom.divisor)

    def _dynamic(self, atom: Dynamic) -> Value:
        f = self.f
        value = self.value(atom.expression)
        wide = I64.vector(value.type.lanes)
        dtype: DType = atom.expression.dtype
        if value.type.bits < 64:
            value = f.cast("sext" if dtype.kind == "int" else "zext", value, wide)
        less, greater = ("slt", "sgt") if dtype.kind == "int" else ("ult", "ugt")
        value = f.select(f.compare(greater, value, atom.high), f.constant(wide, atom.high), value)
        return f.select(f.compare(less, value, atom.low), f.constant(wide, atom.low), value)

    # -- memory ----------------------------------------------------------------------

    def load(self, x: Load) -> Value:
        f = self.f
        memory = scalar.memory_type(x.dtype)
        guard = self.value(x.guard) if x.guard is not None else None
        place = self.place(x.offset)
        base = self.buffers[x.buffer]
        if place.is_uniform:
            raw = f.load(memory, self._safe(base, memory, place.base, guard))
        else:
            raw = self._load_lanes(memory, base, place, guard)
        return scalar.from_memory(f, raw, x.dtype)

    def prefetch(self, x: Load) -> None:
        """Ask for the memory of a load whose lanes lie together."""
        f = self.f
        memory = scalar.memory_type(x.dtype)
        place = self.place(x.offset)
        lines = max(1, self.lanes * memory.bytes // 64)
        for line in range(lines):
            offset = place.base + line * (64 // memory.bytes)
            address = f.element(self.buffers[x.buffer], memory, offset)
            read, keep, data = (Value(I32, text, f) for text in ("0", "3", "1"))
            f.call("llvm.prefetch.p0", VOID, address, read, keep, data)

    def _safe(self, base: Value, memory: Type, offset: Value, guard: Value | None) -> Value:
        """An address that may be read: element 0 of some zeros where the guard says no."""
        f = self.f
        if guard is not None and guard.type.lanes:
            name = f"llvm.vector.reduce.or.{guard.type.suffix}"
            guard = f.call(name, I1, guard)
        if guard is None:
            return f.element(base, memory, offset)
        zeros = f.scratch(I64, 1)
        f.store(f.i64(0), zeros)
        address = f.result(
            PTR, f"getelementptr {memory}, ptr {base.text}, i64 {offset.text}"
        )
        return f.select(guard, address, zeros)

    def _exists(self, guard: Value | None) -> Value | None:
        if guard is None:
            return self.mask
        guard = self.spread(guard)
        return guard if self.mask is None else guard & self.mask

    def _load_lanes(
        self, memory: Type, base: Value, place: Place, guard: Value | None
    ) -> Value:
        f = self.f
        vector = memory.vector(self.lanes)
        exists = self._exists(guard)
        if place.lanes is None and place.step == 1:
            pointer = f.result(
                PTR, f"getelementptr {memory}, ptr {base.text}, i64 {place.base.text}"
            )
            if exists is None:
                return f.load(vector, pointer)
            return f.masked_load(vector, pointer, exists)
        offsets = self.vector_of(place)
        pointers = f.result(
            PTR.vector(self.lanes),
            f"getelementptr {memory}, ptr {base.text}, {offsets.type} {offsets.text}",
        )
        every = exists if exists is not None else f.constant(I1.vector(self.lanes), True)
        return f.call(
            f"llvm.masked.gather.{vector.suffix}.v{self.lanes}p0", vector, pointers,
            Value(I32, str(memory.bytes), f), every, f.constant(vector, 0),
        )  # fmt: skip

    def store(self, statement: Store, dtype: DType) -> None:
        if statement.guard is None:
            self._store(statement, dtype)
            return
        guard = self.value(statement.guard)
        if guard.type.lanes:
            mask = guard if self.mask is None else guard & self.mask
            self.inside(mask=mask)._store(statement, dtype)
            return
        with self.f.when(guard):
            self.inside()._store(statement, dtype)

    def _store(self, statement: Store, dtype: DType) -> None:
        f = self.f
        value = self.value(statement.expression)
        place = self.place(statement.offset)
        base = self.buffers[statement.buffer]
        memory = scalar.memory_type(dtype)
        if place.is_uniform:
            if value.type.lanes:  # along a variable of extent 1: only the first lane exists
                value = f.extract(value, 0)
            f.store(scalar.to_memory(f, value, dtype), f.element(base, memory, place.base))
            return
        raw = scalar.to_memory(f, self.spread(value), dtype)
        if place.lanes is None and place.step == 1:
            pointer = f.element(base, memory, place.base)
            if self.mask is None:
                f.store(raw, pointer)
            else:
                f.masked_store(raw, pointer, self.mask)
            return
        offsets = self.vector_of(place)
        pointers = f.result(
            PTR.vector(self.lanes),
            f"getelementptr {memory}, ptr {base.text}, {offsets.type} {offsets.text}",
        )
        every = self.mask if self.mask is not None else f.constant(I1.vector(self.lanes), True)
        f.call(
            f"llvm.masked.scatter.{raw.type.suffix}.v{self.lanes}p0", VOID, raw, pointers,
            Value(I32, str(memory.bytes), f), every,
        )  # fmt: skip


# -- one rule for each kind of expression --------------------------------------------------


def _literal(point: Point, x: Literal) -> Value:
    return point.f.constant(scalar.register_type(x.dtype), x.number)


def _position(point: Point, x: Position) -> Value:
    f = point.f
    number = point.vector_of(point.place(x.index))
    to = scalar.register_type(x.dtype, number.type.lanes)
    if to.is_float:
        return scalar.rounded(f, f.cast("sitofp", number, to), x.dtype)
    return number if to.bits == 64 else f.cast("trunc", number, to)


def _within(point: Point, x: Within) -> Value:
    f = point.f
    number = point.vector_of(point.place(x.index))
    # One unsigned comparison: below `low` wraps around to something huge.
    return f.compare("ult", number - x.low if x.low else number, x.high - x.low)


def _apply(point: Point, x: Apply) -> Value:
    operands = [point.value(operand) for operand in x.operands]
    if any(operand.type.lanes for operand in operands):
        operands = [point.spread(operand) for operand in operands]
    return scalar.apply(point.f, x, operands)


def _given(point: Point, x: Given) -> Value:
    return point.given[x]


_EMIT: dict[type, Any] = {
    Literal: _literal,
    Load: Point.load,
    Position: _position,
    Within: _within,
    Apply: _apply,
    Given: _given,
}

__all__ = ["Place", "Point"]
