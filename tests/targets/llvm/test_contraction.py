"""Contraction kernels against NumPy: sizes, strides, types, fused code, bounds."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
import pytest

from weft.targets.llvm import ir, jit
from weft.targets.llvm.contraction import (
    CacheModel,
    Contraction,
    Operand,
    emit_combine,
    emit_contraction,
    emit_partial,
    plan_contraction,
)
from weft.targets.llvm.machine import Machine, host, named

TYPES = {
    "f32": (ir.F32, np.float32),
    "f64": (ir.F64, np.float64),
    "f16": (ir.F16, np.float16),
    "bf16": (ir.BF16, ml_dtypes.bfloat16),
    "i8": (ir.I8, np.int8),
    "i32": (ir.I32, np.int32),
    "i64": (ir.I64, np.int64),
}


def machines() -> list[str]:
    """The kinds of vectors that this processor has, widest first."""
    have = []
    for kind in ("avx512", "avx2", "sse2", "neon"):
        machine = named(kind)
        if machine.is_x86 != host().is_x86 or machine.vector_bytes > host().vector_bytes:
            continue
        have.append(kind)
    return have


def machine_of(kind: str) -> Machine:
    return replace(named(kind), triple=host().triple)


# -- memory with fences ------------------------------------------------------------


class Fenced:
    """Memory that ends at a page which may not be touched: reading beyond it crashes."""

    def __init__(self, values: np.ndarray) -> None:
        page = mmap.PAGESIZE
        size = -(-max(values.nbytes, 1) // page) * page
        self.map = mmap.mmap(-1, size + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        fences = (start, start + page + size) if os.name == "posix" else ()
        protect = ctypes.CDLL(None, use_errno=True).mprotect if fences else None
        for fence in fences:
            assert protect(ctypes.c_void_p(fence), ctypes.c_size_t(page), 0) == 0
        at = page + size - values.nbytes
        view = np.frombuffer(self.map, np.uint8, count=values.nbytes, offset=at)
        self.array = view.view(values.dtype)
        self.array[:] = values
        self.address = start + at


def canary(size: int) -> np.ndarray:
    """64-byte aligned bytes of all ones (NaN as a float), with 64 more at both ends."""
    raw = np.full(size + 256, 0xFF, np.uint8)
    start = -(raw.ctypes.data + 64) % 64
    return raw[start : start + size + 128]


# -- building and running ----------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A product with NumPy-like layouts: N rows follow each other, T columns do."""

    batch: int
    m: int
    n: int
    k: int
    layout: str = "NN"
    type: str = "f32"
    accumulate: str = "f32"
    a_plain: bool = True
    b_plain: bool = True
    padding: int = 0
    share_b: bool = False
    heavy: bool = False
    epilogue: bool = False
    axis: str = "column"

    def __str__(self) -> str:
        extra = [self.type] if self.type != "f32" else []
        extra += [name for name in ("share_b", "heavy", "epilogue") if getattr(self, name)]
        extra += [] if self.a_plain and self.b_plain else ["fused"]
        extra += ["padded"] if self.padding else []
        return "-".join([f"{self.batch}x{self.m}x{self.n}x{self.k}{self.layout}", *extra])

    def strides(
        self, rows: int, columns: int, order: str, shared: bool
    ) -> tuple[int, int, int]:
        # "S" has no contiguous axis: every other column.
        gap = self.padding
        if order == "T":
            row, column, size = 1, rows + gap, columns * (rows + gap)
        elif order == "S":
            row, column, size = 2 * columns + gap, 2, rows * (2 * columns + gap)
        else:
            row, column, size = columns + gap, 1, rows * (columns + gap)
        return (0 if shared else size, row, column)

    def contraction(self) -> Contraction:
        memory = TYPES[self.type][0]
        first = self.strides(self.m, self.k, self.layout[0], False)
        second = self.strides(self.k, self.n, self.layout[1], self.share_b)
        axes = ["row" if order == "T" else "column" for order in self.layout]
        return Contraction(
            self.batch, self.m, self.n, self.k,
            Operand(first, memory, self.a_plain, axes[0]),
            Operand(second, memory, self.b_plain, axes[1]),
            TYPES[self.accumulate][0],
            self.axis,
        )  # fmt: skip


def extent(strides, sizes) -> int:
    if 0 in sizes:
        return 0
    return 1 + sum(stride * (size - 1) for stride, size in zip(strides, sizes, strict=True))


def view(flat: np.ndarray, strides, sizes) -> np.ndarray:
    if 0 in sizes:
        return np.zeros(sizes, flat.dtype)
    by_bytes = [stride * flat.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(flat, sizes, by_bytes)


def fused_load(operand: Operand, pointer_of):
    """A producer: element * 2 + 1, read from memory under the mask."""

    def load(f: ir.Function, batch, row, column, type: ir.Type, mask) -> ir.Value:
        by_batch, by_row, by_column = operand.strides
        place = batch * by_batch + row * by_row + column * by_column
        pointer = f.element(pointer_of(f), operand.type, place)
        memory = operand.type.vector(type.lanes)
        value = f.masked_load(memory, pointer, mask) if mask else f.load(memory, pointer)
        if memory != type:
            value = f.cast("fpext" if type.is_float else "sext", value, type)
        return value * 2 + 1

    return load


def output_store(case: Case):
    """The consumer: contiguous along the case's axis; bias and relu where it says so."""
    kind = TYPES[case.accumulate][0]

    def store_one(f: ir.Function, batch, row, column, value, mask, axis) -> None:
        _, _, out, bias, *_ = f.parameters
        if case.epilogue:
            at = f.element(bias, kind, column)
            if axis == "row" or not value.type.lanes:
                added = f.splat(f.load(kind, at), value.type.lanes)
            else:
                added = (
                    f.masked_load(value.type, at, mask) if mask else f.load(value.type, at)
                )
            value = value + added
            zero = f.constant(value.type, 0)
            value = f.select(f.compare("ogt", value, zero), value, zero)
        place = (batch * case.m + row) * case.n + column
        if case.axis == "row":
            place = (batch * case.n + column) * case.m + row
        place = f.element(out, kind, place)
        if mask:
            f.masked_store(value, place, mask)
        else:
            f.store(value, place)

    def store(f: ir.Function, batch, row, column, value, mask, axis="column") -> None:
        if value.type.lanes:
            assert axis == case.axis or 1 in (case.m, case.n)
        store_one(f, batch, row, column, value, mask, axis)

    return store


def build(case: Case, plan) -> ir.Module:
    contraction = case.contraction()
    module = ir.Module()
    names = ("a", "b", "out", "bias", "scratch", "workspace")
    parameters = [*((name, ir.PTR) for name in names), ("chunk", ir.I64)]
    f = module.function("kernel", parameters)
    a, b, _, _, scratch, workspace, chunk = f.parameters
    factors = {
        "a": a if case.a_plain else fused_load(contraction.a, lambda f: f.parameters[0]),
        "b": b if case.b_plain else fused_load(contraction.b, lambda f: f.parameters[1]),
        "chunk": chunk,
        "scratch": scratch,
    }
    ends = {"store": output_store(case), "heavy_epilogue": case.heavy}
    if plan.k_splits == 1:
        emit_contraction(f, contraction, plan, **factors, **ends)
    else:
        emit_partial(f, contraction, plan, **factors, workspace=workspace)
        g = module.function("combine", parameters)
        emit_combine(
            g, contraction, plan, chunk=g.parameters[6], workspace=g.parameters[5], **ends
        )
        g.ret()
    f.ret()
    return module


def numbers(generator, count: int, type: np.dtype) -> np.ndarray:
    if np.dtype(type).kind in "iu":
        return generator.integers(-9, 9, count).astype(type)
    return generator.standard_normal(count).astype(type)


def run_case(case: Case, machine: Machine, plan=None) -> np.ndarray:
    """Run, compare with NumPy, check the bounds; returns the output."""
    contraction = case.contraction()
    plan = plan or plan_contraction(contraction, machine)
    library = jit.load(
        jit.compile_objects([build(case, plan).text()], machine, threads=1)[0]
    )
    generator = np.random.default_rng(7)
    sizes = (case.batch, case.m, case.k), (case.batch, case.k, case.n)
    memory, result = TYPES[case.type][1], TYPES[case.accumulate][1]
    flat = [
        Fenced(numbers(generator, extent(o.strides, s), memory))
        for o, s in zip((contraction.a, contraction.b), sizes, strict=True)
    ]
    bias = Fenced(numbers(generator, case.n, result))
    count = case.batch * case.m * case.n
    out = Fenced(np.full(count * np.dtype(result).itemsize, 0xFF, np.uint8))
    scratch, workspace = canary(plan.scratch_bytes), canary(plan.workspace_bytes)
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6, ctypes.c_int64)
    addresses = [
        flat[0].address, flat[1].address, out.address, bias.address,
        scratch.ctypes.data + 64, workspace.ctypes.data + 64,
    ]  # fmt: skip
    kernel = signature(library.address("kernel"))
    # The order in which chunks run must not matter.
    for chunk in reversed(range(plan.chunks)):
        kernel(*addresses, chunk)
    if plan.k_splits > 1:
        combine = signature(library.address("combine"))
        for chunk in range(plan.combine_chunks):
            combine(*addresses, chunk)
    for buffer in (scratch, workspace):
        assert (buffer[:64] == 0xFF).all() and (buffer[-64:] == 0xFF).all()

    got = out.array.view(result)
    if case.axis == "row":
        got = got.reshape(case.batch, case.n, case.m).transpose(0, 2, 1)
    else:
        got = got.reshape(case.batch, case.m, case.n)
    wide = np.float64 if np.dtype(result).kind == "f" else np.int64
    factors = [
        view(f.array, o.strides, s).astype(wide)
        for f, o, s in zip(flat, (contraction.a, contraction.b), sizes, strict=True)
    ]
    for i, plain in enumerate((case.a_plain, case.b_plain)):
        if not plain:
            factors[i] = factors[i] * 2 + 1
    a, b = factors
    want = np.einsum("bmk,bkn->bmn", a, b)
    if case.epilogue:
        want = np.maximum(want + bias.array.astype(np.float64), 0)
    if wide is np.int64:
        np.testing.assert_array_equal(got, want)
        return got
    # Each product and each addition rounds once: a bound that grows with k.
    size = np.einsum("bmk,bkn->bmn", np.abs(a), np.abs(b)) + np.abs(want)
    bound = (case.k + 4) * np.finfo(result).eps * size + 1e-300
    assert (np.abs(got - want) <= bound).all(), np.abs(got - want).max()
    return got


LAYOUTS = ("NN", "NT", "TN", "TT")
SHAPES = [
    (1, 1, 1, 1),
    (3, 4, 2, 8),
    (1, 64, 64, 64),
    (1, 127, 65, 33),
    (2, 31, 17, 129),
    (1, 1, 100, 70),
    (1, 1, 10, 512),
    (1, 70, 1, 100),
    (2, 1, 1, 300),
    (1, 40, 3, 90),
    (1, 5, 100, 67),
    (1, 128, 10, 96),
]


@pytest.mark.parametrize("kind", machines())
@pytest.mark.parametrize("layout", LAYOUTS)
def test_shapes(kind: str, layout: str) -> None:
    for shape in SHAPES:
        run_case(Case(*shape, layout), machine_of(kind))


CASES = [
    # All that has no contiguous axis, and gaps between rows.
    Case(2, 33, 40, 35, "SN"),
    Case(2, 33, 40, 35, "NS"),
    Case(1, 9, 21, 50, "SS", padding=3),
    Case(1, 50, 50, 50, "NN", padding=5),
    Case(1, 50, 50, 50, "TT", padding=14),
    Case(3, 20, 30, 40, "NT", share_b=True),
    # Other types in memory and in sums.
    *(Case(1, 37, 50, 45, layout, "f64", "f64") for layout in LAYOUTS),
    *(Case(1, 33, 45, 50, layout, "f16") for layout in LAYOUTS),
    *(Case(1, 33, 45, 50, layout, "bf16") for layout in LAYOUTS),
    Case(1, 1, 45, 80, "NT", "bf16"),
    *(Case(1, 13, 21, 50, layout, "i32", "i32") for layout in LAYOUTS),
    Case(1, 13, 21, 50, "NT", "i64", "i64"),
    Case(1, 13, 21, 50, "TN", "i8", "i32"),
    # Producers and consumers.
    *(Case(2, 45, 37, 60, layout, a_plain=False) for layout in LAYOUTS),
    *(Case(2, 45, 37, 60, layout, b_plain=False) for layout in LAYOUTS),
    Case(1, 200, 100, 300, "TT", a_plain=False, b_plain=False, epilogue=True, heavy=True),
    Case(1, 1, 100, 300, "NT", a_plain=False, epilogue=True),
    Case(1, 1, 100, 300, "NT", b_plain=False, epilogue=True),
    Case(1, 70, 1, 64, "NN", b_plain=False, epilogue=True),
    Case(1, 45, 37, 60, "NN", epilogue=True),
    Case(1, 45, 37, 60, "NN", epilogue=True, heavy=True),
    Case(1, 45, 37, 600, "NN", epilogue=True, axis="row"),
    Case(2, 45, 3, 100, "NN", epilogue=True),
    Case(2, 3, 45, 100, "TT", epilogue=True, axis="row"),
    Case(1, 1, 45, 100, "NN", epilogue=True, axis="row"),
    Case(1, 45, 1, 100, "NT", epilogue=True, axis="row"),
    # No k at all: sums of nothing, with the epilogue.
    Case(2, 5, 20, 0, "NN", epilogue=True),
    Case(1, 1, 3, 0, "NT"),
]


@pytest.mark.parametrize("kind", machines())
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cases(kind: str, case: Case) -> None:
    run_case(case, machine_of(kind))


BIG = [
    Case(1, 150, 300, 1300, "NN"),
    Case(1, 300, 150, 1025, "TT", epilogue=True),
    Case(1, 300, 150, 1025, "TN", a_plain=False),
    Case(1, 515, 260, 700, "TN", a_plain=False, epilogue=True, heavy=True),
    Case(1, 64, 64, 20000, "NT", epilogue=True),
    Case(1, 60, 70, 20001, "TN"),
    Case(2, 30, 40, 30001, "NN", epilogue=True),
    Case(1, 2, 3, 1000001, "NT"),
    Case(40, 60, 61, 50, "NT"),
    Case(1, 1, 1200, 784, "NN"),
    Case(1, 1200, 1, 784, "NN"),
    Case(1, 3, 2, 1000001, "TN", epilogue=True),
    Case(1, 30000, 3, 100, "NN", epilogue=True),
]


@pytest.mark.parametrize("case", BIG, ids=str)
def test_many_chunks_and_blocks(case: Case) -> None:
    plan = plan_contraction(case.contraction(), host())
    assert plan.chunks > 1
    run_case(case, host(), plan)


def test_random_shapes() -> None:
    generator = np.random.default_rng(3)
    kinds = machines()
    for turn in range(60):
        batch, m, n, k = (int(x) for x in generator.integers(1, (4, 90, 90, 150)))
        layout = "".join(generator.choice(list("NTS"), 2))
        a_plain, b_plain = (bool(x) for x in generator.random(2) < 0.8)
        if "S" in layout:
            a_plain = b_plain = True
        case = Case(
            batch, m, n, k, layout, a_plain=a_plain, b_plain=b_plain,
            heavy=bool(turn % 2), epilogue=bool(turn % 3),
        )  # fmt: skip
        run_case(case, machine_of(kinds[turn % len(kinds)]))


def test_small_caches_give_blocks_and_the_same_numbers() -> None:
    """A model with tiny caches takes every path of blocking, on a small problem."""
    small = replace(host(), l1_bytes=4096, l2_bytes=16 * 1024)
    for layout in LAYOUTS:
        for plain in (True, False):
            case = Case(2, 170, 90, 333, layout, a_plain=plain, epilogue=True)
            plan = plan_contraction(case.contraction(), small)
            assert plan.k_block < plan.k_split
            run_case(case, host(), plan)


def test_plan_splits_k_and_emit_says_so() -> None:
    case = Case(1, 64, 64, 20000)
    plan = plan_contraction(case.contraction(), host())
    assert plan.k_splits > 1 and plan.chunks == plan.k_splits
    f = ir.Module().function("f", [("p", ir.PTR), ("i", ir.I64)])
    pointer, number = f.parameters
    with pytest.raises(ValueError, match="emit_partial"):
        emit_contraction(
            f, case.contraction(), plan, chunk=number, scratch=pointer, a=pointer,
            b=pointer, store=output_store(case),
        )  # fmt: skip


@pytest.mark.parametrize("sizes", [(0, 4, 5, 6), (1, 0, 5, 6), (1, 4, 0, 6)])
def test_nothing_to_compute(sizes: tuple[int, int, int, int]) -> None:
    case = Case(*sizes)
    plan = plan_contraction(case.contraction(), host())
    assert plan.chunks == 0
    run_case(case, host(), plan)


def test_plan_is_about_sizes_only() -> None:
    """Tiny work is one chunk, large work many, and the cut covers the output exactly."""
    machine = CacheModel()
    square = lambda s: Operand((0, s, 1))
    tiny = plan_contraction(Contraction(1, 8, 8, 8, square(8), square(8)), machine)
    large = plan_contraction(
        Contraction(1, 999, 999, 999, square(999), square(999)), machine
    )
    assert tiny.chunks == 1
    assert 8 <= large.chunks <= 128
    assert large == plan_contraction.__wrapped__(
        Contraction(1, 999, 999, 999, square(999), square(999)), machine
    )


@pytest.mark.parametrize("name", ["neon", "avx512", "avx2", "sse2"])
def test_compiles_for_other_processors(name: str) -> None:
    machine = named(name)
    with contextlib.suppress(ImportError):
        import llvmlite.binding as llvm

        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    for case in (Case(1, 33, 70, 65, "NN"), Case(2, 33, 70, 65, "TT", epilogue=True)):
        plan = plan_contraction(case.contraction(), machine)
        (code,) = jit.compile_objects([build(case, plan).text()], machine, threads=1)
        assert code
