"""Each call of the tables gives the same inside of a graph as outside."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.cases import all_cases
from weft import ops, tree
from weft.core.evaluate import evaluate_graph
from weft.core.graph import verify
from weft.core.spec import spec_of_array
from weft.core.trace import trace_function
from weft.errors import WeftError

CASES = {case: call for case, *call in all_cases()}

# Shapes that depend on values can't be traced; they say so.
NEEDS_VALUES = {"nonzero", "unique", "bincount", "histogram"}


def traced(name, arguments, keywords):
    """The call with all its arrays as inputs of a graph: results, and those outside."""
    leaves, structure = tree.flatten((list(arguments), dict(keywords)))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
    arrays = [np.array(leaves[i]) for i in places]

    def call(*tensors):
        filled = list(leaves)
        for place, tensor in zip(places, tensors):
            filled[place] = tensor
        positional, named = tree.unflatten(structure, filled)
        return getattr(ops, name)(*positional, **named)

    graph, _ = trace_function(call, [spec_of_array(array) for array in arrays], name)
    verify(graph)
    return evaluate_graph(graph, arrays), tree.leaves(
        call(*map(ops.convert_to_tensor, arrays))
    )


@pytest.mark.parametrize("case", CASES)
def test_traced_is_eager(case):
    name, arguments, keywords = CASES[case]
    counts_are_shape = name == "repeat" and isinstance(arguments[1], np.ndarray)
    if name in NEEDS_VALUES or counts_are_shape:
        with pytest.raises(WeftError, match="known while tracing"):
            traced(name, arguments, keywords)
        return
    found, expected = traced(name, arguments, keywords)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other.numpy())
