"""The loop language: what a kernel does, for any target.

    nest f32[128] over r<128, c<10
      m = max over c of load(b0, 10*r + c)
      s = sum over c of exp(load(b0, 10*r + c) - m)
      b1[10*r + c] = exp(load(b0, 10*r + c) - m) / s

A `Nest` runs over outer (parallel) variables; for each outer point it runs its stages, each a
loop over the inner variables that reduces or stores; row stores come last. Expressions are
immutable and interned, so a common sub-expression is one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weft.compiler.index import Index, Var
from weft.dtypes import DType


class Expression:
    """A scalar computed at a point of the loop nest."""

    __slots__ = ("_hash", "_key", "_variables", "dtype", "operands")

    dtype: DType
    operands: tuple[Expression, ...]

    def __init__(self, dtype: DType, operands: tuple[Expression, ...], key: tuple) -> None:
        self.dtype, self.operands = dtype, operands
        self._key = (type(self).__name__, dtype.name, *key)
        self._hash = hash((self._key, tuple(map(id, operands))))
        self._variables: frozenset[Var] | None = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Expression)
            and self._hash == other._hash
            and self._key == other._key
            and self.operands == other.operands
        )

    def own_indices(self) -> tuple[Index, ...]:
        return ()

    def variables(self) -> frozenset[Var]:
        """The loop variables on which the value depends."""
        if self._variables is None:
            found: set[Var] = set()
            for operand in self.operands:
                found |= operand.variables()
            for index in self.own_indices():
                found |= index.variables()
            self._variables = frozenset(found)
        return self._variables

    def rebuild(self, operands: tuple[Expression, ...], index: Callable) -> Expression:
        """The same with other operands and with indices rewritten by `index`."""
        raise NotImplementedError


class Literal(Expression):
    __slots__ = ("number",)

    def __init__(self, number: Any, dtype: DType) -> None:
        self.number = number
        exact = np.asarray(number, dtype.numpy).tobytes()
        super().__init__(dtype, (), (exact,))

    def rebuild(self, operands, index):
        return self

    def __repr__(self) -> str:
        return f"{self.number}"


class Load(Expression):
    """An element of buffer number `buffer`; read only where `guard` (if given) holds."""

    __slots__ = ("buffer", "offset")

    def __init__(
        self, buffer: int, offset: Index, dtype: DType, guard: Expression | None = None
    ) -> None:
        self.buffer, self.offset = buffer, offset
        super().__init__(dtype, (guard,) if guard is not None else (), (buffer, offset))

    @property
    def guard(self) -> Expression | None:
        return self.operands[0] if self.operands else None

    def own_indices(self):
        return (self.offset,)

    def rebuild(self, operands, index):
        return Load(self.buffer, index(self.offset), self.dtype, *operands)

    def __repr__(self) -> str:
        guard = f" if {self.guard}" if self.operands else ""
        return f"b{self.buffer}[{self.offset}]{guard}"


class Position(Expression):
    """The value of an index, as a number (iota)."""

    __slots__ = ("index",)

    def __init__(self, index: Index, dtype: DType) -> None:
        self.index = index
        super().__init__(dtype, (), (index,))

    def own_indices(self):
        return (self.index,)

    def rebuild(self, operands, index):
        return Position(index(self.index), self.dtype)

    def __repr__(self) -> str:
        return f"({self.index})"


class Within(Expression):
    """Whether low <= index < high."""

    __slots__ = ("high", "index", "low")

    def __init__(self, index: Index, low: int, high: int) -> None:
        from weft.dtypes import bool_

        self.index, self.low, self.high = index, low, high
        super().__init__(bool_, (), (index, low, high))

    def own_indices(self):
        return (self.index,)

    def rebuild(self, operands, index):
        return Within(index(self.index), self.low, self.high)

    def __repr__(self) -> str:
        return f"({self.low} <= {self.index} < {self.high})"


class Apply(Expression):
    """An elementwise primitive applied to scalars."""

    __slots__ = ("name", "parameters")

    def __init__(
        self, name: str, operands: tuple[Expression, ...], dtype: DType, parameters: tuple = ()
    ) -> None:
        self.name, self.parameters = name, parameters
        super().__init__(dtype, operands, (name, parameters))

    def rebuild(self, operands, index):
        return Apply(self.name, operands, self.dtype, self.parameters)

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.operands))
        extra = "".join(f", {k}={v}" for k, v in self.parameters)
        return f"{self.name}({inner}{extra})"


class Given(Expression):
    """A scalar that exists already: a reduction's result, or a contraction's sum."""

    __slots__ = ("depends", "name")

    def __init__(self, name: str, dtype: DType, depends: frozenset[Var]) -> None:
        self.name, self.depends = name, depends
        super().__init__(dtype, (), (name,))
        self._variables = depends

    def rebuild(self, operands, index):
        return self

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True)
class Reduce:
    """`given = combine over the inner variables of expression`.

    `combine`: sum, prod, max, min, any, all, argmax, argmin. For argmax and argmin `position`
    is the number that is kept.
    """

    given: Given
    combine: str
    expression: Expression
    position: Expression | None = None


@dataclass(slots=True)
class Store:
    """`buffer[offset] = expression`, where `guard` (if given) holds."""

    buffer: int
    offset: Index
    expression: Expression
    guard: Expression | None = None


@dataclass(slots=True)
class Stage:
    """One loop over the inner variables: reductions and stores at each point."""

    reductions: list[Reduce] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)

    def expressions(self) -> list[Expression]:
        """What is reduced and stored."""
        return [r.expression for r in self.reductions] + [s.expression for s in self.stores]


@dataclass(slots=True)
class Nest:
    """A kernel made of loops. Buffers are numbered; `buffers` gives their dtypes.

    `ordered`: the inner loops must run one point after the other, in order.
    """

    outer: tuple[Var, ...]
    inner: tuple[Var, ...]
    stages: list[Stage]
    row_stores: list[Store]
    buffers: tuple[DType, ...]
    ordered: bool = False

    def statements(self) -> Iterator[Reduce | Store]:
        for stage in self.stages:
            yield from stage.reductions
            yield from stage.stores
        yield from self.row_stores

    def expressions(self) -> Iterator[Expression]:
        """Every expression once, operands first."""
        seen: set[Expression] = set()
        for statement in self.statements():
            yield from walk(statement.expression, seen)
            if isinstance(statement, Reduce) and statement.position is not None:
                yield from walk(statement.position, seen)
            if isinstance(statement, Store):
                yield from _walk_index(statement.offset, seen)
                if statement.guard is not None:
                    yield from walk(statement.guard, seen)

    def points(self) -> int:
        """Outer times inner points."""
        total = 1
        for var in (*self.outer, *self.inner):
            total *= var.extent
        return total

    def __repr__(self) -> str:
        outer = ", ".join(f"{v}<{v.extent}" for v in self.outer)
        inner = ", ".join(f"{v}<{v.extent}" for v in self.inner)
        lines = [f"nest over [{outer}] by [{inner}]"]
        for stage in self.stages:
            lines += [
                f"  {r.given} = {r.combine} of {r.expression}" for r in stage.reductions
            ]
            lines += [f"  b{s.buffer}[{s.offset}] = {s.expression}" for s in stage.stores]
        lines += [f"  row b{s.buffer}[{s.offset}] = {s.expression}" for s in self.row_stores]
        return "\n".join(lines)


def _walk_index(index: Index, seen: set[Expression]) -> Iterator[Expression]:
    from weft.compiler.index import Dynamic, Quotient, Remainder

    for atom in index.terms:
        if isinstance(atom, Dynamic):
            yield from walk(atom.expression, seen)
        elif isinstance(atom, Quotient | Remainder):
            yield from _walk_index(atom.dividend, seen)


def walk(expression: Expression, seen: set[Expression]) -> Iterator[Expression]:
    """`expression` and all below it that are not in `seen`, operands first."""
    if expression in seen:
        return
    seen.add(expression)
    for operand in expression.operands:
        yield from walk(operand, seen)
    for index in expression.own_indices():
        yield from _walk_index(index, seen)
    yield expression


def substitute(
    expression: Expression, mapping: dict[Var, Index], memo: dict[Expression, Expression]
) -> Expression:
    """Replace loop variables by indices, everywhere."""
    known = memo.get(expression)
    if known is None:
        operands = tuple([substitute(o, mapping, memo) for o in expression.operands])
        known = memo[expression] = expression.rebuild(
            operands,
            lambda index: index.substitute(mapping, lambda e: substitute(e, mapping, memo)),
        )
    return known
