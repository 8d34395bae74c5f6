"""The same graphs for every kind of vector: code is valid everywhere, results agree.

Code for machines that are not here is compiled to objects; narrower vectors of this one are
run in a process of their own (WEFT_CPU).
"""

from __future__ import annotations

import os
import subprocess
import sys

import llvmlite.binding as binding
import numpy as np
import pytest

from tests.compiler.test_random_graphs import make
from weft.targets.llvm import jit
from weft.targets.llvm.machine import host, named
from weft.targets.llvm.program import kernel_sources

WIDTHS = {"avx512": "<16 x float>", "avx2": "<8 x float>", "sse2": "<4 x float>",
          "neon": "<4 x float>"}  # fmt: skip


@pytest.mark.parametrize("name", list(WIDTHS))
def test_code_is_valid_for(name):
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = named(name)
    sources: dict[str, None] = {}
    for seed in range(6):
        graph, _, _ = make(seed)
        sources.update(dict.fromkeys(kernel_sources(graph, machine)))
    assert any(WIDTHS[name] in source for source in sources)
    objects = jit.compile_objects(list(sources), machine)
    assert all(objects) and len(objects) == len(sources)


RUN = """
import sys
import numpy as np
from tests.compiler.test_random_graphs import make
from weft.targets.llvm.program import compile_graph

found = []
for seed in range(8):
    graph, arrays, _ = make(seed)
    found += [array.astype("float64").reshape(-1) for array in compile_graph(graph)(arrays)]
np.save(sys.argv[1], np.concatenate(found))
"""


def _run(name: str, path) -> np.ndarray:
    environment = {**os.environ, "WEFT_CPU": name} if name else dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return np.load(path)


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_narrower_vectors_give_the_same_numbers(name, tmp_path):
    if not host().is_x86:
        pytest.skip("needs an x86-64 processor")
    if name == "avx2" and host().vector_bytes < 32:
        pytest.skip("this processor has no AVX2")
    wide, narrow = _run("", tmp_path / "wide.npy"), _run(name, tmp_path / "narrow.npy")
    np.testing.assert_allclose(narrow, wide, rtol=2e-4, atol=2e-5)
