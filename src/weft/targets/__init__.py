"""Targets: what runs graphs. `llvm` is native code on this CPU, `numpy` the reference.

WEFT_TARGET=numpy evaluates traced functions on NumPy instead of compiling them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from weft.core.graph import Graph
from weft.errors import ArgumentError, did_you_mean

Executable = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


def _llvm(graph: Graph, donated: Mapping[int, int]) -> Executable:
    from weft.targets.llvm.stored import get_or_compile

    return get_or_compile(graph, donated)


def _numpy(graph: Graph, donated: Mapping[int, int]) -> Executable:
    from weft.targets.numpy import evaluate

    over = {output: number for number, output in donated.items()}

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = evaluate(graph, arrays)
        written = [arrays[number] for number in over.values()]
        for output, array in enumerate(found):
            # Results may be views of arguments that are written over.
            if any(np.may_share_memory(array, other) for other in written):
                found[output] = array.copy()
        for output, number in over.items():
            arrays[number][...] = found[output]
        return [array for output, array in enumerate(found) if output not in over]

    return run


TARGETS: dict[str, Callable[[Graph, Mapping[int, int]], Executable]] = {
    "llvm": _llvm,
    "numpy": _numpy,
}

# What runs graphs instead of any target, while it is set; weft.debug sets it.
instead: Callable[[Graph, Mapping[int, int]], Executable] | None = None


def compile_graph(graph: Graph, donated: Mapping[int, int] | None = None) -> Any:
    """An executable for a graph, on the target that WEFT_TARGET names (default llvm).

    Args:
        graph: a traced graph.
        donated: input number → number of the output that is written over it. The
            executable returns the other outputs.
    """
    name = os.environ.get("WEFT_TARGET", "llvm")
    if name not in TARGETS:
        raise ArgumentError(
            f"WEFT_TARGET: expected one of {', '.join(TARGETS)}; received {name!r}."
            + did_you_mean(name, TARGETS)
        )
    return TARGETS[name](graph, donated or {})
