"""The examples in the docstrings of the operations run and say what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import weft.ops

MODULES = sorted(path.stem for path in Path(weft.ops.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(f"weft.ops.{name}"))
    assert found.failed == 0


def test_every_operation_has_a_docstring():
    without = [
        name
        for name, value in vars(weft.ops).items()
        if callable(value) and not name.startswith("_") and not value.__doc__
    ]
    assert without == []


def test_keras_namespaces():
    assert weft.ops.numpy.add is weft.ops.add
    assert weft.ops.nn.softmax is weft.ops.softmax
