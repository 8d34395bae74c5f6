"""Tests of the compat names run with TensorFlow's meaning of tensors, others without."""

from __future__ import annotations

import pytest

import weft.compat.tensorflow  # noqa: F401
from weft.compat import semantics

# Importing turned it on for the whole process; other tests are about weft's own meaning.
semantics.disable()


@pytest.fixture(autouse=True)
def tensorflow_semantics():
    with semantics.tensorflow():
        yield
