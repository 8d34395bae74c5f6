"""keras.tree: functions on nested tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import tree
from weft.errors import ArgumentError


class _MapToNone:
    """What a function given to `traverse` returns to put None in a leaf's place."""

    def __repr__(self) -> str:
        return "keras.tree.MAP_TO_NONE"


MAP_TO_NONE = _MapToNone()


def is_nested(structure: Any) -> bool:
    """Whether it is a tuple, list or dict.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.is_nested([1]), keras.tree.is_nested(1)
        (True, False)
    """
    return tree.is_container(structure)


def flatten(structure: Any) -> list:
    """The leaves in order; dicts are walked in sorted key order."""
    return tree.leaves(structure)


def flatten_with_path(structure: Any) -> list[tuple[tuple, Any]]:
    """Pairs (path, leaf); a path holds the keys and positions on the way.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.flatten_with_path({"a": [1, 2]})
        [(('a', 0), 1), (('a', 1), 2)]
    """
    return list(_paths(structure, ()))


def _paths(structure: Any, path: tuple) -> Any:
    if not tree.is_container(structure):
        yield path, structure
        return
    for key, child in _children(structure):
        yield from _paths(child, (*path, key))


def _children(structure: Any) -> list[tuple[Any, Any]]:
    if isinstance(structure, dict):
        try:
            return [(key, structure[key]) for key in sorted(structure)]
        except TypeError:  # Keys of several types.
            return list(structure.items())
    return list(enumerate(structure))


def _rebuilt(structure: Any, children: dict) -> Any:
    kind = type(structure)
    if isinstance(structure, dict):
        ordered = {key: children[key] for key in structure}
        return ordered if kind is dict else kind(ordered)
    items = [children[number] for number in range(len(structure))]
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def map_structure(func: Callable, *structures: Any, none_is_leaf: bool = True) -> Any:
    """`func` applied leaf by leaf to structures of one form.

    Args:
        none_is_leaf: whether None is given to `func`; else it stays None.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.map_structure(lambda x, y: x + y, {"a": 1}, {"a": 2})
        {'a': 3}
    """
    if not callable(func):
        raise ArgumentError(f"map_structure: `func` must be callable; received {func!r}")
    if not structures:
        raise ArgumentError("map_structure: must provide at least one structure")

    def apply(*leaves: Any) -> Any:
        if not none_is_leaf and all(leaf is None for leaf in leaves):
            return None
        return func(*leaves)

    return map_structure_up_to(structures[0], apply, *structures, same_leaves=True)


def map_structure_up_to(
    shallow_structure: Any, func: Callable, *structures: Any, same_leaves: bool = False
) -> Any:
    """`func` applied at the leaves of `shallow_structure`, to what stands there in all.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.map_structure_up_to({"a": None}, len, {"a": [1, 2]})
        {'a': 2}
    """
    if not structures:
        raise ArgumentError("map_structure_up_to: must provide at least one structure")

    def walk(shallow: Any, deep: tuple) -> Any:
        if not tree.is_container(shallow):
            if same_leaves and any(map(tree.is_container, deep)):
                raise ArgumentError(
                    "map_structure: `structures` don't have the same nested structure; a leaf "
                    f"{shallow!r} stands against {deep}"
                )
            return func(*deep)
        for other in deep:
            _require_alike(shallow, other)
        children = {
            key: walk(child, tuple([other[key] for other in deep]))
            for key, child in _children(shallow)
        }
        return _rebuilt(shallow, children)

    return walk(shallow_structure, structures)


def _require_alike(one: Any, other: Any) -> None:
    alike = (
        tree.is_container(other)
        and isinstance(one, dict) == isinstance(other, dict)
        and len(one) == len(other)
        and (not isinstance(one, dict) or set(one) == set(other))
    )
    if not alike:
        raise ArgumentError(
            "`structures` don't have the same nested structure; received "
            f"{one!r} and {other!r}"
        )


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise ValueError unless both have one form and the same types of containers."""
    if tree.flatten(a)[1] != tree.flatten(b)[1]:
        raise ArgumentError(
            f"`a` and `b` don't have the same structure; received a={a!r} and b={b!r}"
        )


def assert_same_paths(a: Any, b: Any) -> None:
    """Raise ValueError unless the leaves of both have the same paths."""
    ours, theirs = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if ours != theirs:
        raise ArgumentError(
            f"`a` and `b` don't have the same paths; only in a: {sorted(map(str, ours - theirs))}"
            f"; only in b: {sorted(map(str, theirs - ours))}"
        )


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The form of `structure` with the items of a flat sequence.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.pack_sequence_as({"a": 0, "b": [0]}, [1, 2])
        {'a': 1, 'b': [2]}
    """
    items = list(flat_sequence)
    count = len(flatten(structure))
    if len(items) != count:
        raise ArgumentError(
            f"pack_sequence_as: the structure has {count} leaves; received {len(items)} items"
        )
    remaining = iter(items)
    return map_structure(lambda _: next(remaining), structure)


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples for lists."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, False)


def traverse(func: Callable, structure: Any, top_down: bool = True) -> Any:
    """Walk a structure; where `func` gives something, that takes the place.

    Args:
        func: gets each sub-structure and leaf; None keeps it, MAP_TO_NONE puts None.
        top_down: whether a structure is visited before its parts.
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if tree.is_container(structure):
        parts = {
            key: traverse(func, child, top_down) for key, child in _children(structure)
        }
        structure = _rebuilt(structure, parts)
    if not top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    return structure


def map_shape_structure(func: Callable, structure: Any) -> Any:
    """`func` applied to each shape of a structure of shapes.

    Example:
        >>> import weft.keras as keras
        >>> keras.tree.map_shape_structure(len, [(None, 3), (2,)])
        [2, 1]
    """
    if _is_shape(structure):
        return func(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shape_structure(func, value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)([map_shape_structure(func, item) for item in structure])
    raise ArgumentError(f"map_shape_structure: cannot find shapes in {structure!r}")


def _is_shape(structure: Any) -> bool:
    return isinstance(structure, list | tuple) and all(
        extent is None or isinstance(extent, int) for extent in structure
    )


__all__ = [
    "MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten",
    "flatten_with_path", "is_nested", "lists_to_tuples", "map_shape_structure",
    "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse",
]  # fmt: skip
__dir__ = __all__.copy
