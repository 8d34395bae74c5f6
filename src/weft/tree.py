"""Trees: tuples, lists, dicts and named tuples that hold leaves.

    leaves, structure = flatten({"a": 1, "b": (2, 3)})     # [1, 2, 3]
    unflatten(structure, [10, 20, 30])                     # {"a": 10, "b": (20, 30)}

Dicts are walked in sorted key order where the keys can be sorted, so that two of equal keys
agree leaf by leaf; those that are rebuilt have the order of the first. None is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from weft.errors import ArgumentError


class Leaf:
    """The structure of a single leaf."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "*"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf)

    def __hash__(self) -> int:
        return 1


LEAF = Leaf()


class Structure:
    """A container's type, its keys (dicts only), and its children's structures.

    `order` holds the keys as the dict had them; it is no part of what makes two equal.
    """

    __slots__ = ("_hash", "children", "container", "count", "keys", "order")

    def __init__(
        self,
        container: type,
        keys: tuple | None,
        children: tuple,
        order: tuple | None = None,
    ) -> None:
        self.container, self.keys, self.children = container, keys, children
        self.order = keys if order is None else order
        self.count = sum(leaf_count(child) for child in children)
        self._hash = hash((container, keys, children))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Structure)
            and self._hash == other._hash
            and self.container is other.container
            and self.keys == other.keys
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        if self.keys is not None:
            inner = ", ".join(f"{k!r}: {c!r}" for k, c in zip(self.keys, self.children))
            return "{" + inner + "}"
        inner = ", ".join(map(repr, self.children))
        return f"[{inner}]" if self.container is list else f"({inner})"


def leaf_count(structure: Structure | Leaf) -> int:
    return 1 if structure is LEAF else structure.count  # type: ignore[union-attr]


def _sorted_keys(mapping: dict) -> tuple:
    try:
        return tuple(sorted(mapping))
    except TypeError:
        return tuple(mapping)


def is_container(tree: Any) -> bool:
    """Whether `tree` is a tuple, list or dict (not a leaf)."""
    return isinstance(tree, tuple | list | dict)


def _walk(tree: Any, leaves: list) -> Structure | Leaf:
    if isinstance(tree, dict):
        keys = _sorted_keys(tree)
        children = tuple(_walk(tree[k], leaves) for k in keys)
        return Structure(type(tree), keys, children, tuple(tree))
    if isinstance(tree, tuple | list):
        return Structure(type(tree), None, tuple(_walk(item, leaves) for item in tree))
    leaves.append(tree)
    return LEAF


def flatten(tree: Any) -> tuple[list, Structure | Leaf]:
    """The leaves in order, and the structure that rebuilds the tree."""
    leaves: list = []
    structure = _walk(tree, leaves)
    return leaves, structure


def leaves(tree: Any) -> list:
    """The leaves in order."""
    return flatten(tree)[0]


def _build(structure: Structure | Leaf, items: Iterator) -> Any:
    if structure is LEAF:
        return next(items)
    assert isinstance(structure, Structure)
    children = [_build(child, items) for child in structure.children]
    container = structure.container
    if structure.keys is not None:
        found = dict(zip(structure.keys, children))
        pairs = [(key, found[key]) for key in structure.order or ()]
        return dict(pairs) if container is dict else _build_mapping(container, pairs)
    if hasattr(container, "_fields"):
        return container(*children)
    return container(children)


def _build_mapping(container: type, pairs: Iterable) -> Any:
    try:
        return container(pairs)
    except TypeError:  # defaultdict and the like take other arguments
        return dict(pairs)


def unflatten(structure: Structure | Leaf, items: Iterable) -> Any:
    """The tree of `structure` with `items` as leaves."""
    items = list(items)
    if len(items) != leaf_count(structure):
        raise ArgumentError(
            f"tree: the structure {structure!r} has {leaf_count(structure)} leaves; "
            f"received {len(items)}"
        )
    return _build(structure, iter(items))


def map(function: Callable, tree: Any, *more: Any) -> Any:
    """`function` applied leaf by leaf to trees of one structure."""
    first, structure = flatten(tree)
    rows = [first]
    for other in more:
        others, its_structure = flatten(other)
        if its_structure != structure:
            raise ArgumentError(
                f"tree.map: the trees must have one structure; "
                f"received {structure!r} and {its_structure!r}"
            )
        rows.append(others)
    return unflatten(structure, [function(*items) for items in zip(*rows)])
