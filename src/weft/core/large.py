"""Who evaluates large eager operations: named here, found in `targets.eager`.

That room lies above this one and brings the compiler with it. It is loaded when the first
large operation comes, so that importing weft costs little.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_ROOM = "weft.targets.eager"

# Operations whose every bit IEEE 754 fixes: any way of computing them gives the same.
EXACT = """add subtract multiply divide maximum minimum equal not_equal less less_equal greater
    greater_equal bitwise_and bitwise_or bitwise_xor bitwise_not negative absolute sqrt select
    relu is_finite is_nan is_inf""".split()

_EVALUATORS = {
    **dict.fromkeys(EXACT, "evaluate_large"),
    "dot_general": "multiply_large",
    "reduce_sum": "add_up_large",
}


def evaluator_for(name: str) -> Callable | None:
    """What evaluates large operands of this primitive; None: NumPy, as for small ones."""
    evaluator = _EVALUATORS.get(name)
    if evaluator is None:
        return None

    def load(primitive: Any, arrays: Sequence[np.ndarray], parameters: dict) -> Any:
        found = getattr(importlib.import_module(_ROOM), evaluator)
        primitive.large = found
        return found(primitive, arrays, parameters)

    return load
