"""Sample rows of primitives that make tensors: random bits, constants."""

from __future__ import annotations

import numpy as np

from tests.samples import REALS, Input, Row
from weft.dtypes import canonical

STATES = ((0, 0), (1, 2), (0xFFFFFFFF, 0x80000000))
SHAPES = ((), (1,), (3,), (4,), (7, 5), (0,), (2, 0), (1027,))


def _random_bits() -> list[Row]:
    return [
        Row("random_bits", (Input((2,), values=state, dtype="uint32"),),
            {"shape": shape, "dtype": canonical(dtype)}, gradient=False,
            note=str(state))
        for state in STATES
        for shape in SHAPES
        for dtype in ("uint32", "uint64")
    ]  # fmt: skip


def _constant() -> list[Row]:
    values = [np.zeros(shape, canonical(dtype).numpy) + 1 for shape in ((), (3,))
              for dtype in REALS if dtype != "bool"]  # fmt: skip
    values += [np.array([True, False]), np.zeros((0, 2), np.float32)]
    return [
        Row("constant", (), {"value": value}, note=f"{value.dtype}-{value.ndim}")
        for value in values
    ]


ROWS = (*_random_bits(), *_constant())
