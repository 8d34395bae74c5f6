"""Windows as code: what is read in whole vectors, what is skipped, and what is not touched."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import weft.ops  # noqa: F401  (attaches the operators, in which derivative rules are written)
from weft.compiler.fuse import fuse
from weft.compiler.indexed import _groups
from weft.compiler.lower import lower_loops
from weft.compiler.simplify import simplify
from weft.core.graph import Graph
from weft.core.spec import Spec
from weft.core.trace import trace_function
from weft.primitives.convolution import conv
from weft.primitives.window import overlap_add, window_max
from weft.targets.llvm.kernels import kernels_of
from weft.targets.llvm.machine import named
from weft.targets.llvm.program import compile_graph

PLAIN = {
    "strides": (1, 1), "low": (0, 0), "high": (0, 0), "dilations": (1, 1), "interior": (0, 0)
}  # fmt: skip


def traced(function, *shapes: tuple[int, ...]) -> Graph:
    graph, _ = trace_function(function, [Spec(shape, "float32") for shape in shapes])
    return simplify(graph)


def test_a_convolution_is_one_product_and_its_windows_are_never_written():
    graph = traced(lambda x, k: conv.bind(x, k, groups=1, **PLAIN), (4, 9, 9, 16), (3, 3, 16, 8))
    assert [node.primitive.name for node in graph.nodes] == ["constant", "windows", "dot_general"]
    (cluster,) = fuse(graph)
    assert set(cluster.reads) == set(graph.inputs)


def test_windows_are_packed_in_whole_vectors_where_channels_fill_them():
    graph = traced(lambda x, k: conv.bind(x, k, groups=1, **PLAIN), (4, 9, 9, 16), (3, 3, 16, 8))
    (cluster,) = fuse(graph)
    (kernel,) = kernels_of(cluster, named("avx2"))
    assert "gather" not in kernel.source


def test_overlapping_windows_are_added_in_one_kernel():
    graph = traced(
        lambda ct: overlap_add(
            ct, (2, 8, 8, 4), axes=(1, 2), sizes=(3, 3), strides=(2, 2), dilations=(1, 1),
            low=(1, 1), high=(0, 0), interior=(0, 0),
        ),
        (2, 4, 4, 3, 3, 4),
    )  # fmt: skip
    (cluster,) = fuse(graph)
    nest, _ = lower_loops(cluster)
    # Two elements of each window along each axis stand in different strides.
    assert sum(node.primitive.name == "add" for node in cluster.nodes) == 3
    assert not nest.stages


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "int16"])
@pytest.mark.parametrize("channels", [1, 9, 17, 33])
def test_nothing_is_written_behind_a_row(dtype, channels, monkeypatch):
    """The bytes after a result stay as they are, also where one lane is left over."""
    geometry = {"axes": (1,), "sizes": (2,), "strides": (2,), "low": (0,), "high": (0,)}
    numpy_dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
    spec = Spec((3, 6, channels), dtype)
    graph, _ = trace_function(lambda x: window_max.bind(x, **geometry), [spec])
    program = compile_graph(graph)
    rooms: list[np.ndarray] = []

    def empty(shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, int]:
        size = int(np.prod(shape)) * dtype.itemsize
        rooms.append(np.full(size + 256, 0xAB, np.uint8))
        found = rooms[-1][:size].view(dtype).reshape(shape)
        return found, found.ctypes.data

    monkeypatch.setattr("weft.targets.llvm.blocks.empty", empty)
    x = np.random.default_rng(0).integers(-9, 9, spec.shape).astype(numpy_dtype)
    (found,) = program([x])
    np.testing.assert_array_equal(found, x.reshape(3, 3, 2, channels).max(axis=2))
    assert (rooms[0][found.nbytes :] == 0xAB).all()


@pytest.mark.parametrize(
    "old, new, groups",
    [
        ((6, 4), (2, 3, 4), [((6,), (2, 3)), ((4,), (4,))]),
        ((2, 3, 4), (24,), [((2, 3, 4), (24,))]),
        ((), (1,), [((), (1,))]),
        ((4, 6), (6, 4), [((4, 6), (6, 4))]),
    ],
)
def test_reshapes_are_cut_into_independent_groups(old, new, groups):
    assert _groups(old, new) == groups
