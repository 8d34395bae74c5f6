"""Each call of the tables gives what real Keras gave: dtype, shape and values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.ops.cases import all_cases
from weft import ops

RESULTS = json.loads((Path(__file__).parent / "keras_results.json").read_text())
CASES = {case: call for case, *call in all_cases()}

# Where weft means to differ, and why.
DIFFERENT = {
    "cast-4": "a negative float becomes the smallest uint8, on every target",
    "cast-5": "Keras on JAX has no int64 here",
    "power-2": "a negative power of an integer is cut to an integer, not left undefined",
    "quantile-20": "halfway between two positions NumPy takes the even one, JAX the lower",
}


def leaves(result):
    if isinstance(result, list | tuple):
        return [leaf for item in result for leaf in leaves(item)]
    return [result]


def expected_leaves(found):
    return (
        [leaf for item in found for leaf in expected_leaves(item)]
        if isinstance(found, list)
        else [found]
    )


@pytest.mark.parametrize("case", [c for c in CASES if "error" not in RESULTS.get(c, {})])
def test_as_keras(case):
    name, arguments, keywords = CASES[case]
    if case in DIFFERENT:
        pytest.skip(DIFFERENT[case])
    found = leaves(getattr(ops, name)(*arguments, **keywords))
    expected = expected_leaves(RESULTS[case])
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert list(one.shape) == other["shape"]
        assert str(one.dtype) == other["dtype"]
        values = np.asarray(one).astype("float64").reshape(-1)
        half = other["dtype"] in ("float16", "bfloat16")
        np.testing.assert_allclose(
            values, np.array(other["values"], "float64"),
            rtol=1e-2 if half else 2e-5, atol=1e-2 if half else 2e-6,
        )  # fmt: skip


def test_every_case_has_a_result():
    assert set(CASES) == set(RESULTS)
