"""Index expressions: where in a buffer a loop nest reads and writes.

An `Index` is affine in atoms: loop variables, and whatever is not affine (a quotient, a
remainder, a value read at run time), which is an atom of its own. Reshapes, transposes,
slices and broadcasts are arithmetic on indices, so a chain of them costs nothing at run time:

    (i * 28 + j) // 28  →  i          with 0 <= j < 28
    (i * 28 + j) %  28  →  j
    (e // n) * n + e % n  →  e
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

_serial = itertools.count()


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """A loop variable: 0 <= var < extent."""

    name: str
    extent: int
    serial: int = field(default_factory=lambda: next(_serial))

    def bounds(self) -> tuple[int, int]:
        return 0, max(0, self.extent - 1)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Quotient:
    """`dividend // divisor` that could not be simplified."""

    dividend: Index
    divisor: int

    def bounds(self) -> tuple[int, int]:
        low, high = self.dividend.bounds()
        return low // self.divisor, high // self.divisor

    def __repr__(self) -> str:
        return f"({self.dividend} // {self.divisor})"


@dataclass(frozen=True, slots=True)
class Remainder:
    """`dividend % divisor` that could not be simplified."""

    dividend: Index
    divisor: int

    def bounds(self) -> tuple[int, int]:
        return 0, self.divisor - 1

    def __repr__(self) -> str:
        return f"({self.dividend} % {self.divisor})"


@dataclass(frozen=True, slots=True)
class Dynamic:
    """An integer expression of the loop nest, clamped into [low, high]."""

    expression: Any
    low: int
    high: int

    def bounds(self) -> tuple[int, int]:
        return self.low, self.high

    def __repr__(self) -> str:
        return f"clamp({self.expression}, {self.low}, {self.high})"


Atom = Var | Quotient | Remainder | Dynamic


class Index:
    """sum(coefficient * atom) + constant."""

    __slots__ = ("_hash", "constant", "terms")

    def __init__(self, terms: Iterable[tuple[Atom, int]] = (), constant: int = 0) -> None:
        collected: dict[Atom, int] = {}
        for atom, coefficient in terms:
            collected[atom] = collected.get(atom, 0) + coefficient
        merged = {atom: c for atom, c in collected.items() if c}
        self.terms: dict[Atom, int] = _recombine(merged)
        self.constant = constant
        self._hash = hash((frozenset(self.terms.items()), constant))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Index)
            and self._hash == other._hash
            and self.constant == other.constant
            and self.terms == other.terms
        )

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return self if not other else Index(self.terms.items(), self.constant + other)
        return Index([*self.terms.items(), *other.terms.items()], self.constant + other.constant)

    def __sub__(self, other: Index | int) -> Index:
        return self + (other * -1 if isinstance(other, Index) else -other)

    def __mul__(self, factor: int) -> Index:
        return Index([(a, c * factor) for a, c in self.terms.items()], self.constant * factor)

    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value that it may take."""
        low = high = self.constant
        for atom, coefficient in self.terms.items():
            ends = [coefficient * bound for bound in atom.bounds()]
            low, high = low + min(ends), high + max(ends)
        return low, high

    def _split(self, n: int) -> tuple[Index, Index]:
        """(q, r) with self == q * n + r, where r keeps what n does not divide."""
        whole = [(a, c // n) for a, c in self.terms.items() if c % n == 0]
        rest = [(a, c) for a, c in self.terms.items() if c % n]
        return Index(whole, self.constant // n), Index(rest, self.constant % n)

    def __floordiv__(self, n: int) -> Index:
        if n == 1:
            return self
        whole, rest = self._split(n)
        low, high = rest.bounds()
        if low // n == high // n:
            return whole + low // n
        return whole + Index([(Quotient(rest, n), 1)])

    def __mod__(self, n: int) -> Index:
        if n == 1:
            return Index()
        _, rest = self._split(n)
        low, high = rest.bounds()
        if low // n == high // n:
            return rest - (low // n) * n
        return Index([(Remainder(rest, n), 1)])

    def is_constant(self) -> bool:
        return not self.terms

    def coefficient(self, var: Var) -> int:
        return self.terms.get(var, 0)

    def variables(self) -> set[Var]:
        """All loop variables in it, also inside quotients and run-time values."""
        found: set[Var] = set()
        for atom in self.terms:
            if isinstance(atom, Var):
                found.add(atom)
            elif isinstance(atom, Dynamic):
                found |= atom.expression.variables()
            else:
                found |= atom.dividend.variables()
        return found

    def substitute(self, mapping: dict[Var, Index], expression: Callable) -> Index:
        """Replace variables; `expression` rewrites the expressions of run-time atoms."""
        result = Index((), self.constant)
        for atom, coefficient in self.terms.items():
            if isinstance(atom, Var):
                new = mapping.get(atom) or Index([(atom, 1)])
            elif isinstance(atom, Dynamic):
                rewritten = Dynamic(expression(atom.expression), atom.low, atom.high)
                new = Index([(rewritten, 1)])
            elif isinstance(atom, Quotient):
                new = atom.dividend.substitute(mapping, expression) // atom.divisor
            else:
                new = atom.dividend.substitute(mapping, expression) % atom.divisor
            result = result + new * coefficient
        return result

    def __repr__(self) -> str:
        parts = [f"{a}" if c == 1 else f"{c}*{a}" for a, c in self.terms.items()]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)


def _recombine(terms: dict[Atom, int]) -> dict[Atom, int]:
    """(e // n) * (c * n) + (e % n) * c  →  e * c, until nothing changes."""
    for atom, coefficient in terms.items():
        if not isinstance(atom, Remainder):
            continue
        partner = Quotient(atom.dividend, atom.divisor)
        if terms.get(partner) == coefficient * atom.divisor and not atom.dividend.constant:
            rest = {a: c for a, c in terms.items() if a is not atom and a != partner}
            for inner, c in atom.dividend.terms.items():
                rest[inner] = rest.get(inner, 0) + c * coefficient
            return _recombine({a: c for a, c in rest.items() if c})
    return terms


ZERO = Index()


def of_var(var: Var) -> Index:
    """The index that is `var`; a variable of extent 1 is the constant 0."""
    return Index([(var, 1)]) if var.extent != 1 else ZERO


def constant_index(number: int) -> Index:
    return Index((), number)


def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of a contiguous array."""
    strides = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def linear(index: tuple[Index, ...], shape: tuple[int, ...]) -> Index:
    """The offset in a contiguous array of `shape`."""
    total = ZERO
    for position, stride in zip(index, row_major_strides(shape)):
        total = total + position * stride
    return total


def delinear(offset: Index, shape: tuple[int, ...]) -> tuple[Index, ...]:
    """The index in `shape` whose offset this is."""
    positions = []
    for extent in reversed(shape[1:]):
        positions.append(offset % extent if extent > 1 else ZERO)
        offset = offset // extent if extent > 1 else offset
    if shape:
        # The first axis needs no remainder: the offset lies within the array.
        positions.append(offset if shape[0] > 1 else ZERO)
    positions.reverse()
    return tuple(positions)
