"""Trees: flattening, rebuilding, equality, and the order of dicts."""

from __future__ import annotations

import collections

import pytest

import weft
from weft import tree

Pair = collections.namedtuple("Pair", ["first", "second"])

TREES = {
    "leaf": 1,
    "nothing": None,
    "empty": [(), {}],
    "nested": {"b": [1, (2, 3)], "a": {"z": 4, "y": None}},
    "named": Pair([1], {"x": 2}),
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "mixed keys": {1: "one", "two": 2},
}


@pytest.mark.parametrize("name", TREES)
def test_rebuilt_as_it_was(name):
    leaves, structure = tree.flatten(TREES[name])
    rebuilt = tree.unflatten(structure, leaves)
    assert rebuilt == TREES[name]
    assert repr(rebuilt) == repr(TREES[name])


def test_dicts_of_equal_keys_agree():
    one, two = {"b": 1, "a": 2}, {"a": 20, "b": 10}
    assert tree.flatten(one)[1] == tree.flatten(two)[1]
    assert hash(tree.flatten(one)[1]) == hash(tree.flatten(two)[1])
    added = tree.map(lambda x, y: x + y, one, two)
    assert list(added.items()) == [("b", 11), ("a", 22)]


def test_functions_return_dicts_in_order():
    @weft.function
    def logs(x):
        return {"second": x + 1, "first": {"z": x, "y": x}}

    for _ in range(2):
        found = logs(weft.convert_to_tensor(1.0))
        assert list(found) == ["second", "first"]
        assert list(found["first"]) == ["z", "y"]


def test_gradients_keep_the_order_of_sources():
    sources = {"w": weft.Variable(1.0), "b": weft.Variable(2.0)}
    with weft.GradientTape() as tape:
        y = sources["w"] * sources["b"]
    assert [(k, float(v)) for k, v in tape.gradient(y, sources).items()] == [
        ("w", 2.0),
        ("b", 1.0),
    ]
