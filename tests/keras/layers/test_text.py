"""Layers of words: as TensorFlow's Keras has them, in datasets, models and files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft.keras as keras

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES))

import text_cases  # noqa: E402

TEXTS = np.array(["a good film", "a bad film", "good good", "bad"])
STORED = json.loads((FIXTURES / "text.json").read_text())


def assert_same(one: Any, other: Any) -> None:
    """Equal, with floats up to rounding; where Keras has nothing, anything goes."""
    if other is None:
        return
    if isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in other:
            assert_same(one[key], other[key])
    elif isinstance(other, list) and not all(isinstance(x, float) for x in other):
        assert isinstance(one, list) and len(one) == len(other), (one, other)
        for pair in zip(one, other):
            assert_same(*pair)
    else:
        assert one == pytest.approx(other, abs=2e-6) if isinstance(other, list) else (
            one == other or one == pytest.approx(other, abs=2e-6)
        )  # fmt: skip


@pytest.mark.parametrize("name", text_cases.cases(), ids=lambda name: name[:90])
def test_as_in_keras(name: str) -> None:
    assert_same(text_cases.outcome(keras, name), STORED[name])
