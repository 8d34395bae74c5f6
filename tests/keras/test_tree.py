"""keras.tree."""

from __future__ import annotations

import collections

import pytest

from weft.keras import tree

Point = collections.namedtuple("Point", "x y")


def test_flatten_and_pack():
    structure = {"b": [1, (2, 3)], "a": Point(4, None)}
    assert tree.flatten(structure) == [4, None, 1, 2, 3]
    packed = tree.pack_sequence_as(structure, range(5))
    assert packed == {"b": [2, (3, 4)], "a": Point(0, 1)}
    assert list(packed) == ["b", "a"]
    assert tree.flatten_with_path([{"k": 7}]) == [((0, "k"), 7)]


def test_map():
    assert tree.map_structure(lambda a, b: a * b, [1, {"x": 2}], [3, {"x": 4}]) == [
        3,
        {"x": 8},
    ]
    assert tree.map_structure(str, [1, None], none_is_leaf=False) == ["1", None]
    assert tree.map_shape_structure(len, {"a": (None, 2), "b": [(1,)]}) == {
        "a": 2,
        "b": [1],
    }


def test_traverse():
    doubled = tree.traverse(lambda x: 2 * x if isinstance(x, int) else None, [1, (2,)])
    assert doubled == [2, (4,)]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, 2]) == [
        None,
        2,
    ]
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))


@pytest.mark.parametrize(
    "action",
    [
        lambda: tree.map_structure(max, [1], [1, 2]),
        lambda: tree.map_structure(max, {"a": 1}, {"b": 1}),
        lambda: tree.map_structure(max, [1], [[1]]),
        lambda: tree.pack_sequence_as([1, 2], [1]),
        lambda: tree.assert_same_structure([1], (1,)),
        lambda: tree.assert_same_paths([1], [[1]]),
        lambda: tree.map_structure(3, [1]),
    ],
)
def test_errors(action):
    with pytest.raises(ValueError):
        action()
    assert tree.assert_same_structure([1, {"a": 2}], [3, {"a": 4}]) is None
