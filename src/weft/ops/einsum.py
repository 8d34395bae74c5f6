"""einsum and rearrange: operations whose axes are named by letters or words."""

from __future__ import annotations

import re
from typing import Any

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import reduce
from weft.ops.convert import as_tensor, cast
from weft.ops.layout import diagonal, reshape, transpose
from weft.ops.promotion import NUMBERS, broadcast_tensor, promote, require, together
from weft.primitives.contraction import dot_general

# -- reading the subscripts --------------------------------------------------------------


def parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """One letter for each axis of each operand, and the letters of the result.

    Axes that `...` stands for become upper-case letters that are not used, the same for
    axes that broadcast together.
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ArgumentError(
            f"einsum: one term for each operand is needed; received {subscripts!r} with "
            f"{len(ranks)} operands"
        )
    for term in [*terms, right]:
        if not re.fullmatch(r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*", term):
            raise ArgumentError(
                f"einsum: a term is letters and at most one `...`; received {term!r} in "
                f"{subscripts!r}"
            )
    hidden = [max(rank - len(term.replace("...", "")), 0) if "..." in term else 0
              for term, rank in zip(terms, ranks)]  # fmt: skip
    unused = [chr(code) for code in range(0x391, 0x3FF) if chr(code).isalpha()]
    names = "".join(unused[: max(hidden, default=0)])
    terms = [term.replace("...", names[len(names) - n :]) for term, n in zip(terms, hidden)]
    for term, rank in zip(terms, ranks):
        if len(term) != rank:
            raise ShapeError(
                f"einsum: a term needs one letter for each axis; received a tensor of rank "
                f"{rank} for {len(term)} letters in {subscripts!r}"
            )
    if arrow:
        result = right.replace("...", names)
    else:
        joined = "".join(terms)
        once = sorted({c for c in joined if joined.count(c) == 1 and c not in names})
        result = names + "".join(once)
    unknown = [c for c in result if not any(c in term for term in terms)]
    if unknown or len(set(result)) != len(result):
        raise ArgumentError(
            "einsum: a letter of the result must stand in an operand, and once in the "
            f"result; received {subscripts!r}"
        )
    return terms, result


# -- computing ---------------------------------------------------------------------------


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Products summed over axes that are named by letters.

    A letter that stands in several operands pairs their axes; a letter that is missing
    from the result is summed over; `...` stands for axes that broadcast.

    Example:
        >>> from weft import ops
        >>> ops.einsum("ij,jk->ik", ops.ones((2, 3)), ops.ones((3, 4))).shape
        (2, 4)
    """
    if not isinstance(subscripts, str):
        raise ArgumentError(
            f"einsum: subscripts come first, as text; received {type(subscripts).__name__}"
        )
    given = [as_tensor(operand) for operand in operands]
    all_int8 = bool(given) and all(x.dtype is dtypes.int8 for x in given)
    if all_int8:
        given = [cast(x, dtypes.int32) for x in given]
    tensors = list(promote(*given)) if given else []
    terms, result = parse(subscripts, [x.ndim for x in tensors])
    if tensors and tensors[0].dtype.is_bool:
        tensors = [cast(x, dtypes.int32) for x in tensors]
    for x in tensors:
        require("einsum", x, NUMBERS)
    _check_extents(subscripts, terms, tensors)
    pairs = [_without_repeats(term, x) for term, x in zip(terms, tensors)]
    while len(pairs) > 1:
        first, second = _next_two(pairs, kwargs.get("optimize", "auto"))
        others = [pair for pair in pairs if pair is not first and pair is not second]
        kept = set(result).union(*(term for term, _ in others))
        at = pairs.index(first)
        pairs = [pair for pair in pairs if pair is not second]
        pairs[at] = _contract(first, second, kept)
    term, x = pairs[0]
    return _arranged(*_summed(term, x, set(result)), result)


def _check_extents(subscripts: str, terms: list[str], tensors: list[Tensor]) -> None:
    known: dict[str, int] = {}
    for term, x in zip(terms, tensors):
        for letter, extent in zip(term, x.shape):
            before = known.setdefault(letter, extent)
            if before == 1:
                known[letter] = extent
            elif extent not in (1, before):
                specs = ", ".join(str(x.spec) for x in tensors)
                raise ShapeError(
                    f"einsum: axes of one letter must have one size; {letter!r} in "
                    f"{subscripts!r} would be {before} and {extent}; received {specs}"
                )


def _without_repeats(term: str, x: Tensor) -> tuple[str, Tensor]:
    """A letter that stands twice in one operand means its diagonal."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            x = diagonal(x, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    return term, x


def _next_two(pairs: list, optimize: Any) -> tuple:
    """The two operands to contract now: those with the smallest product."""
    if optimize is False or len(pairs) == 2:
        return pairs[0], pairs[1]
    candidates = [(a, b) for i, a in enumerate(pairs) for b in pairs[i + 1 :]]
    return min(candidates, key=lambda two: _cost(pairs, *two))


def _cost(pairs: list, first: tuple, second: tuple) -> tuple[int, int]:
    """The size of the product of two operands, and the work to get it."""
    extents = dict(zip(first[0], first[1].shape)) | dict(zip(second[0], second[1].shape))
    kept = set().union(*(p[0] for p in pairs if p is not first and p is not second))
    size = work = 1
    for letter, extent in extents.items():
        work *= extent
        size *= extent if letter in kept else 1
    return (work if not set(first[0]) & set(second[0]) else size), work


def _contract(first: tuple, second: tuple, kept: set[str]) -> tuple[str, Tensor]:
    """The product of two operands, summed over the letters that nobody needs any more."""
    (term1, x1), (term2, x2) = first, second
    # What stands in one operand only is summed before: that saves the most work.
    term1, x1 = _summed(term1, x1, kept | set(term2))
    term2, x2 = _summed(term2, x2, kept | set(term1))
    shared = [letter for letter in term1 if letter in term2]
    x1, x2 = _same_extents(term1, x1, term2, x2, shared)
    batch = [letter for letter in shared if letter in kept]
    summed = [letter for letter in shared if letter not in kept]
    out = dot_general.bind(
        x1, x2,
        contract=(_places(term1, summed), _places(term2, summed)),
        batch=(_places(term1, batch), _places(term2, batch)),
    )  # fmt: skip
    free1 = [letter for letter in term1 if letter not in shared]
    free2 = [letter for letter in term2 if letter not in shared]
    return "".join([*batch, *free1, *free2]), out


def _places(term: str, letters: list[str]) -> tuple[int, ...]:
    return tuple([term.index(letter) for letter in letters])


def _same_extents(
    term1: str, x1: Tensor, term2: str, x2: Tensor, shared: list[str]
) -> tuple[Tensor, Tensor]:
    """Extents of 1 repeated where the other operand has more."""
    shape1, shape2 = list(x1.shape), list(x2.shape)
    for letter in shared:
        i, j = term1.index(letter), term2.index(letter)
        both = together(((shape1[i],), (shape2[j],)))
        shape1[i] = shape2[j] = both[0]  # type: ignore[index]
    return broadcast_tensor(x1, tuple(shape1)), broadcast_tensor(x2, tuple(shape2))


def _summed(term: str, x: Tensor, kept: set[str]) -> tuple[str, Tensor]:
    axes = tuple([axis for axis, letter in enumerate(term) if letter not in kept])
    if not axes:
        return term, x
    dtype = x.dtype
    total = cast(reduce.sum(x, axes), dtype)
    return "".join([letter for letter in term if letter in kept]), total


def _arranged(term: str, x: Tensor, result: str) -> Tensor:
    return transpose(x, [term.index(letter) for letter in result])


# -- rearrange ---------------------------------------------------------------------------

_ITEM = re.compile(r"\(([^()]*)\)|(\w+)|\s+|(.)")


def _groups(pattern: str, side: str) -> list[list[str]]:
    """`a (b c)` → [[a], [b, c]]."""
    groups = []
    for match in _ITEM.finditer(side):
        group, word, other = match.groups()
        if other:
            raise ArgumentError(
                f"rearrange: unexpected {other!r}; received the pattern {pattern!r}"
            )
        if group is not None:
            groups.append(group.split())
        elif word:
            groups.append([] if word == "1" else [word])
    return groups


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Axes split, moved and merged as a pattern of their names says.

    Args:
        pattern: such as "b (h p) c -> b h (p c)"; parentheses hold what is merged.
        axes_lengths: sizes of axes that cannot be worked out.

    Example:
        >>> from weft import ops
        >>> ops.rearrange(ops.zeros((2, 6, 3)), "b (h p) c -> b h (p c)", p=2).shape
        (2, 3, 6)
    """
    x = as_tensor(tensor)
    left, arrow, right = pattern.partition("->")
    source, target = _groups(pattern, left), _groups(pattern, right)
    names = [name for group in source for name in group]
    wanted = [name for group in target for name in group]
    if not arrow or sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ArgumentError(
            "rearrange: both sides must name the same axes, each once; received the "
            f"pattern {pattern!r}"
        )
    if len(source) != x.ndim:
        raise ShapeError(
            f"rearrange: the left side must name {x.ndim} axes; received {pattern!r} for "
            f"{x.spec}"
        )
    sizes = dict(axes_lengths)
    for group, extent in zip(source, x.shape):
        _solve(pattern, group, extent, sizes)
    split = reshape(x, tuple([sizes[name] for name in names]))
    moved = transpose(split, [names.index(name) for name in wanted])
    return reshape(moved, tuple([_product(sizes, group) for group in target]))


def _product(sizes: dict[str, int], group: list[str]) -> int:
    product = 1
    for name in group:
        product *= sizes[name]
    return product


def _solve(pattern: str, group: list[str], extent: int, sizes: dict[str, int]) -> None:
    """Work out the one size of a group that is not known."""
    unknown = [name for name in group if name not in sizes]
    known = _product(sizes, [name for name in group if name in sizes])
    if len(unknown) > 1:
        raise ArgumentError(
            f"rearrange: give the sizes of all but one of {group}; received {pattern!r}"
        )
    if unknown and known and extent % known == 0:
        sizes[unknown[0]] = extent // known
    elif unknown or known != extent:
        raise ShapeError(
            f"rearrange: the axes {group} must multiply to {extent}; received sizes "
            f"{ {name: sizes.get(name) for name in group} } for {pattern!r}"
        )
