"""Every primitive's samples on the LLVM target against NumPy.

The samples of a primitive become one graph, so that their kernels are compiled together.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.samples import all_samples, mismatch
from weft.compiler.pipeline import prepare
from weft.core.spec import spec_of_array
from weft.core.trace import trace_function
from weft.targets.llvm.machine import host
from weft.targets.llvm.program import HostCall, _plan, compile_graph

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


# What has no native kernel (yet): it runs on NumPy inside the program.
ON_THE_HOST = {
    "argsort", "cumulative_max", "cumulative_min", "cumulative_prod", "cumulative_sum",
    "polygamma", "sort",
}  # fmt: skip


def _runs_on_host(sample) -> bool:
    graph, _ = trace_function(
        lambda *tensors: sample.primitive.bind(*tensors, **sample.parameters),
        [spec_of_array(array) for array in sample.arrays],
    )
    region = _plan(prepare(graph), (), host())
    steps = [step for phase in region.schedule.phases for step in phase]
    return any(isinstance(step.payload, HostCall) for step in steps)


def test_only_known_primitives_run_on_the_host():
    found = set()
    for sample in all_samples():
        names = {array.dtype.name for array in (*sample.arrays, *sample.expected())}
        if names <= {"float32", "int32", "bool", "uint32"}:
            name = sample.primitive.name
            if name not in found and _runs_on_host(sample):
                found.add(name)
    assert found == ON_THE_HOST
