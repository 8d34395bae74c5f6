"""The compat names give what TensorFlow gives: dtype, shape, values, or an error."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import weft.compat.tensorflow as tf
from tests.compat import expressions

_STORED = json.loads(Path(__file__).with_name("expressions.json").read_text("utf-8"))


def _close(got: list, want: list) -> bool:
    if len(got) != len(want):
        return False
    for a, b in zip(got, want):
        if isinstance(a, float) and isinstance(b, float):
            if math.isnan(a) and math.isnan(b):
                continue
            if not np.isclose(a, b, rtol=2e-5, atol=2e-6):
                return False
        elif a != b:
            return False
    return True


def _same(got: dict, want: dict) -> bool:
    if got.keys() != want.keys():
        return False
    if "list" in want:
        return len(got["list"]) == len(want["list"]) and all(
            map(_same, got["list"], want["list"])
        )
    if "values" in want:
        facts = got["dtype"] == want["dtype"] and got["shape"] == want["shape"]
        return facts and _close(got["values"], want["values"])
    return got == want


@pytest.mark.parametrize("expression", expressions.table())
def test_as_tensorflow(expression):
    want = _STORED[expression]
    got = expressions.evaluate(tf, np, expression, expressions.names(tf, np))
    assert _same(got, want), f"{expression}\n got  {got}\n want {want}"
