"""Tensors that do not fit into memory: an error that says which, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft import keras, ops
from weft.errors import OutOfMemoryError

HUGE = {
    "zeros": (
        lambda: ops.zeros((10**6, 10**6, 100)),
        r"zeros: .* shape \(1000000, 1000000, 100\)",
    ),
    "uncountable": (lambda: ops.ones((10**9, 10**9, 10)), "ones: the tensor must fit"),
    "product": (
        lambda: ops.matmul(np.ones((10**7, 1)), np.ones((1, 10**7))),
        "dot_general|progr",
    ),
    "compiled": (
        lambda: weft.function(lambda x: x @ ops.transpose(x))(ops.ones((10**7, 1))),
        r"compiled program: .* shape \(10000000, 10000000\).* GiB",
    ),
    "random": (lambda: weft.random.normal((10**7, 10**7)), "random_bits"),
    "layer": (
        lambda: keras.layers.Dense(10**9)(np.zeros((1, 10**6), "float32")),
        "random_bits",
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_tensors(name):
    make, message = HUGE[name]
    with pytest.raises(OutOfMemoryError, match=message) as caught:
        make()
    assert isinstance(caught.value, MemoryError)
    assert float(ops.sum(ops.ones(3))) == 3.0
