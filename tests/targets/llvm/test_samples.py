"""Every primitive's samples on the LLVM target against NumPy.

The samples of a primitive become one graph, so that their kernels are compiled together.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.samples import all_samples, mismatch
from weft.core.primitive import REGISTRY
from weft.core.spec import spec_of_array
from weft.core.trace import trace_function
from weft.targets.llvm.program import compile_graph

PER_GRAPH = 60


def _groups() -> list[tuple[str, list]]:
    by_name: dict[str, list] = {}
    for sample in all_samples():
        by_name.setdefault(sample.primitive.name, []).append(sample)
    groups = []
    for name, samples in sorted(by_name.items()):
        for number, part in enumerate(itertools.batched(samples, PER_GRAPH)
                                      if hasattr(itertools, "batched")
                                      else _batched(samples, PER_GRAPH)):  # fmt: skip
            groups.append((f"{name}-{number}", list(part)))
    return groups


def _batched(items: list, size: int):
    return [items[i : i + size] for i in range(0, len(items), size)]


def run_samples(samples: list) -> list[str]:
    """Compile all samples as one graph, run it, and list what differs from NumPy."""
    arrays = [np.ascontiguousarray(a) if a.ndim else a for s in samples for a in s.arrays]

    def everything(*tensors):
        left = iter(tensors)
        results = []
        for sample in samples:
            mine = [next(left) for _ in sample.arrays]
            found = sample.primitive.bind(*mine, **sample.parameters)
            results += found if sample.primitive.results else [found]
        return results

    graph, _ = trace_function(everything, [spec_of_array(a) for a in arrays])
    found = iter(compile_graph(graph)(arrays))
    wrong = []
    for sample in samples:
        for expected in sample.expected():
            message = mismatch(sample, next(found), expected)
            if message:
                wrong.append(message)
    return wrong


@pytest.mark.parametrize("name, samples", _groups(), ids=[name for name, _ in _groups()])
def test_llvm_agrees_with_numpy(name, samples):
    wrong = run_samples(samples)
    assert not wrong, "\n".join(wrong[:20]) + f"\n({len(wrong)} of {len(samples)})"


def test_every_primitive_with_samples_is_compiled_or_known_to_run_on_the_host():
    assert REGISTRY
