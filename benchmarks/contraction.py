"""Speed of the contraction kernels beside OpenBLAS and, where it is found, MKL.

    python benchmarks/contraction.py                      all shapes, 1 and 2 threads
    python benchmarks/contraction.py --threads 1 --only dense
    python benchmarks/contraction.py --rounds 5

Each engine runs in a process of its own, because the libraries' idle threads spin. All are
called from native loops, so that nobody pays for Python; several rounds are interleaved
and the fastest of each counts. Columns: billions of operations per second.

MKL is looked for in $WEFT_MKL, then in ~/.cache/weft-peers/own/lib.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

# name → (group, batch, m, n, k, orders of A and B, type)
SHAPES: dict[str, tuple[str, int, int, int, int, str, str]] = {}
for _size in (64, 127, 128, 256, 512, 513, 1000, 1024, 2048):
    SHAPES[f"{_size}^3"] = ("square", 1, _size, _size, _size, "NN", "f32")
for _m, _n, _k, _orders in (
    (128, 512, 784, "NN"),
    (784, 512, 128, "TN"),
    (128, 784, 512, "NT"),
    (128, 10, 512, "NN"),
    (512, 10, 128, "TN"),
    (128, 512, 10, "NT"),
    (1, 512, 784, "NN"),
    (1, 10, 512, "NN"),
):
    SHAPES[f"{_m}x{_n}x{_k} {_orders}"] = ("dense", 1, _m, _n, _k, _orders, "f32")
SHAPES["128*(128x128x32) NT"] = ("attention", 128, 128, 128, 32, "NT", "f32")
SHAPES["128*(128x32x128) NN"] = ("attention", 128, 128, 32, 128, "NN", "f32")
for _m, _n, _k in ((4096, 32, 64), (32, 4096, 64), (64, 64, 20000)):
    SHAPES[f"{_m}x{_n}x{_k}"] = ("thin", 1, _m, _n, _k, "NN", "f32")
for _m, _n, _k, _orders in (
    (1, 512, 784, "NT"),
    (512, 1, 784, "NN"),
    (512, 1, 784, "TN"),
    (1, 4096, 4096, "NN"),
    (1, 4096, 4096, "NT"),
    (4, 512, 784, "NN"),
    (8, 512, 784, "NT"),
    (16, 512, 784, "NN"),
    (32, 512, 784, "NN"),
    (784, 512, 32, "TN"),
    (32, 784, 512, "NT"),
    (12544, 32, 288, "NN"),
    (288, 32, 12544, "TN"),
):
    SHAPES[f"{_m}x{_n}x{_k} {_orders}"] = ("small", 1, _m, _n, _k, _orders, "f32")
SHAPES["4x2x8"] = ("thin", 1, 4, 2, 8, "NN", "f32")
for _size in (128, 512, 1000):
    SHAPES[f"{_size}^3 f64"] = ("double", 1, _size, _size, _size, "NN", "f64")
SHAPES["128x512x784 NN f64"] = ("double", 1, 128, 512, 784, "NN", "f64")
SHAPES["784x512x128 TN f64"] = ("double", 1, 784, 512, 128, "TN", "f64")


def operations(name: str) -> float:
    _, batch, m, n, k, _, _ = SHAPES[name]
    return 2.0 * batch * m * n * k


def arrays(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, batch, m, n, k, _, kind = SHAPES[name]
    dtype = np.float32 if kind == "f32" else np.float64
    generator = np.random.default_rng(0)
    a, b = (
        generator.standard_normal(s).astype(dtype) for s in (batch * m * k, batch * k * n)
    )
    return aligned(a), aligned(b), aligned(np.zeros(batch * m * n, dtype))


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy that starts on a 4096-byte page."""
    raw = np.zeros(values.nbytes + 4096, np.uint8)
    start = -raw.ctypes.data % 4096
    copy = raw[start : start + values.nbytes].view(values.dtype)
    copy[:] = values
    return copy


def product(name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    _, batch, m, n, k, orders, _ = SHAPES[name]
    left = a.reshape((batch, m, k) if orders[0] == "N" else (batch, k, m)).astype(
        np.float64
    )
    right = b.reshape((batch, k, n) if orders[1] == "N" else (batch, n, k)).astype(
        np.float64
    )
    left = left if orders[0] == "N" else left.transpose(0, 2, 1)
    right = right if orders[1] == "N" else right.transpose(0, 2, 1)
    return (left @ right).ravel()


def seconds_each(run, wanted: float, tries: int) -> float:
    """Fastest seconds of one repetition; `run(count)` returns after `count` of them."""
    count = 1
    while True:
        start = time.perf_counter()
        run(count)
        took = time.perf_counter() - start
        if took > wanted or count >= 1_000_000:
            break
        count = min(1_000_000, max(count + 1, int(count * 1.2 * wanted / max(took, 1e-7))))
    best = took / count
    for _ in range(tries - 1):
        start = time.perf_counter()
        run(count)
        best = min(best, (time.perf_counter() - start) / count)
    return best


# -- engines ----------------------------------------------------------------------


def compiled(text: str) -> Any:
    from weft.targets.llvm import jit, machine

    return jit.load(jit.compile_objects([text], machine.host())[0])


BLAS_LOOP = """
define void @repeat(ptr %gemm, i64 %count, i64 %batch, i32 %ta, i32 %tb, INT %m, INT %n,
    INT %k, ptr %a, ptr %b, ptr %c, INT %lda, INT %ldb, i64 %sa, i64 %sb, i64 %sc) {
entry:
  br label %again
again:
  %i = phi i64 [0, %entry], [%i1, %batched]
  br label %one
one:
  %j = phi i64 [0, %again], [%j1, %one]
  %oa = mul i64 %j, %sa
  %ob = mul i64 %j, %sb
  %oc = mul i64 %j, %sc
  %pa = getelementptr FLOAT, ptr %a, i64 %oa
  %pb = getelementptr FLOAT, ptr %b, i64 %ob
  %pc = getelementptr FLOAT, ptr %c, i64 %oc
  call void %gemm(i32 101, i32 %ta, i32 %tb, INT %m, INT %n, INT %k, FLOAT 1.0, ptr %pa,
      INT %lda, ptr %pb, INT %ldb, FLOAT 0.0, ptr %pc, INT %n)
  %j1 = add i64 %j, 1
  %more = icmp slt i64 %j1, %batch
  br i1 %more, label %one, label %batched
batched:
  %i1 = add i64 %i, 1
  %on = icmp slt i64 %i1, %count
  br i1 %on, label %again, label %done
done:
  ret void
}
"""


class Blas:
    """cblas_?gemm of a library, called from a native loop."""

    def __init__(self, library: ctypes.CDLL, names: dict[str, str], wide: bool) -> None:
        self.gemm = {
            kind: ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            for kind, name in names.items()
        }
        integer = "i64" if wide else "i32"
        self.loops = {
            kind: compiled(BLAS_LOOP.replace("INT", integer).replace("FLOAT", type))
            for kind, type in (("f32", "float"), ("f64", "double"))
        }
        number = ctypes.c_int64 if wide else ctypes.c_int32
        small, long, pointer = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p
        self.type = ctypes.CFUNCTYPE(
            None, pointer, long, long, small, small, number, number, number,
            pointer, pointer, pointer, number, number, long, long, long,
        )  # fmt: skip

    def prepare(self, name: str, a, b, out):
        _, batch, m, n, k, orders, kind = SHAPES[name]
        run = self.type(self.loops[kind].address("repeat"))
        codes = [111 if order == "N" else 112 for order in orders]
        lda, ldb = (k if orders[0] == "N" else m), (n if orders[1] == "N" else k)
        pointers = [x.ctypes.data for x in (a, b, out)]
        return lambda count: run(
            self.gemm[kind], count, batch, *codes, m, n, k, *pointers, lda, ldb,
            m * k, k * n, m * n,
        )  # fmt: skip


def openblas(threads: int) -> Blas:
    import numpy

    folder = Path(numpy.__file__).parent.parent / "numpy.libs"
    library = ctypes.CDLL(str(next(folder.glob("libscipy_openblas64_*"))))
    library.scipy_openblas_set_num_threads64_(threads)
    names = {"f32": "scipy_cblas_sgemm64_", "f64": "scipy_cblas_dgemm64_"}
    return Blas(library, names, wide=True)


def mkl_path() -> Path | None:
    places = [os.environ.get("WEFT_MKL", ""), "~/.cache/weft-peers/own/lib/libmkl_rt.so.3"]
    found = [Path(p).expanduser() for p in places if p and Path(p).expanduser().exists()]
    return found[0] if found else None


def mkl(threads: int) -> Blas:
    path = mkl_path()
    library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    library.MKL_Set_Num_Threads(ctypes.c_int(threads))
    return Blas(library, {"f32": "cblas_sgemm", "f64": "cblas_dgemm"}, wide=False)


class Weft:
    """Our kernels, run by a team of threads that take chunks from counters."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def prepare(self, name: str, a, b, out):
        from weft.targets.llvm import ir, machine
        from weft.targets.llvm.contraction import Contraction, Operand, plan_contraction

        _, batch, m, n, k, orders, kind = SHAPES[name]
        type = ir.F32 if kind == "f32" else ir.F64
        first = (m * k, k, 1) if orders[0] == "N" else (m * k, 1, m)
        second = (k * n, n, 1) if orders[1] == "N" else (k * n, 1, k)
        contraction = Contraction(
            batch, m, n, k, Operand(first, type), Operand(second, type), type
        )
        self.plan = plan = plan_contraction(contraction, machine.host())
        start = time.perf_counter()
        self.library = library = compiled(team_module(contraction, plan).text())
        self.compile_seconds = time.perf_counter() - start
        run = ctypes.CFUNCTYPE(
            None, *[ctypes.c_void_p] * 6, ctypes.c_int64, ctypes.c_int64
        )(library.address("team"))
        bytes_of = lambda count: aligned(np.zeros(count + 64, np.uint8))
        workspace = bytes_of(plan.workspace_bytes)
        scratches = [bytes_of(plan.scratch_bytes) for _ in range(self.threads)]

        def repeat(count: int) -> None:
            counters = bytes_of(4 * 64)

            def member(number: int) -> None:
                arguments = (a, b, out, scratches[number], workspace, counters)
                run(*(x.ctypes.data for x in arguments), count, self.threads)

            others = [
                threading.Thread(target=member, args=(i,)) for i in range(1, self.threads)
            ]
            for other in others:
                other.start()
            member(0)
            for other in others:
                other.join()

        return repeat


def team_module(contraction, plan):
    """One chunk as `kernel` (and `combine`); `team` repeats them with barriers."""
    from weft.targets.llvm import ir
    from weft.targets.llvm.contraction import emit_combine, emit_contraction, emit_partial

    c, module = contraction, ir.Module()

    def store(f, batch, row, column, value, mask, axis="column"):
        place = ((batch * c.m) + row) * c.n + column
        pointer = f.element(f.parameters[2], c.accumulate, place)
        if mask is None:
            f.store(value, pointer)
        else:
            f.masked_store(value, pointer, mask)

    names = ("a", "b", "out", "scratch", "workspace")
    parameters = [(name, ir.PTR) for name in names] + [("chunk", ir.I64)]
    phases = [("kernel", plan.chunks)]
    f = module.function("kernel", parameters, internal=True)
    a, b, _, scratch, workspace, chunk = f.parameters
    if plan.k_splits == 1:
        emit_contraction(f, c, plan, chunk=chunk, scratch=scratch, a=a, b=b, store=store)
    else:
        emit_partial(
            f, c, plan, chunk=chunk, scratch=scratch, a=a, b=b, workspace=workspace
        )
        g = module.function("combine", parameters, internal=True)
        emit_combine(
            g, c, plan, chunk=g.parameters[5], workspace=g.parameters[4], store=store
        )
        g.ret()
        phases.append(("combine", plan.combine_chunks))
    f.ret()

    team = module.function(
        "team",
        [(name, ir.PTR) for name in (*names, "counters")]
        + [("count", ir.I64), ("threads", ir.I64)],
    )
    *pointers, counters, count, threads = team.parameters
    passed = ", ".join(f"ptr {p.text}" for p in pointers)
    with team.loop(0, count) as repetition:
        for phase, (kernel, chunks) in enumerate(phases):
            # Counters only grow: this repetition's chunks are numbered from here.
            turn = repetition * chunks
            taken = team.element(counters, ir.I64, 16 * phase)
            finished = team.element(counters, ir.I64, 16 * phase + 8)
            take, work, wait, done = (
                team.new_label(x) for x in ("take", "work", "wait", "done")
            )
            alone = team.compare("eq", threads, 1)
            single, shared = team.new_label("single"), team.new_label("shared")
            team.branch_if(alone, single, shared)
            team.start(single)
            with team.loop(0, chunks) as number:
                team.emit(f"call void @{kernel}({passed}, i64 {number.text})")
            team.branch(done)
            team.start(shared)
            team.branch(take)
            team.start(take)
            limit = turn + chunks
            current = team.result(
                ir.I64, f"load atomic i64, ptr {taken.text} monotonic, align 8"
            )
            open_ = team.compare("slt", current, limit)
            grab = team.new_label("grab")
            team.branch_if(open_, grab, wait)
            team.start(grab)
            pair = team.result(
                ir.Type("{ i64, i1 }"),
                f"cmpxchg ptr {taken.text}, i64 {current.text}, i64 {(current + 1).text} "
                "acq_rel monotonic",
            )
            ok = team.result(ir.I1, f"extractvalue {{ i64, i1 }} {pair.text}, 1")
            team.branch_if(ok, work, take)
            team.start(work)
            number = current - turn
            team.emit(f"call void @{kernel}({passed}, i64 {number.text})")
            team.emit(f"atomicrmw add ptr {finished.text}, i64 1 release")
            team.branch(take)
            team.start(wait)
            now = team.result(
                ir.I64, f"load atomic i64, ptr {finished.text} acquire, align 8"
            )
            team.branch_if(team.compare("sge", now, limit), done, wait)
            team.start(done)
    team.ret()
    return module


ENGINES = {"weft": Weft, "openblas": openblas, "mkl": mkl}


def measure(
    engine_name: str, threads: int, names: list[str], wanted: float
) -> dict[str, dict]:
    """Seconds of each shape, in this process."""
    engine = ENGINES[engine_name](threads)
    results = {}
    for name in names:
        a, b, out = arrays(name)
        run = engine.prepare(name, a, b, out)
        run(1)
        kind = np.float32 if SHAPES[name][-1] == "f32" else np.float64
        size = SHAPES[name][4]
        expected = product(name, a, b)
        error = np.abs(out - expected).max() / (np.sqrt(size) * np.finfo(kind).eps)
        results[name] = {"seconds": seconds_each(run, wanted, 5), "error": float(error)}
        if engine_name == "weft":
            p = engine.plan
            results[name]["compile"] = engine.compile_seconds
            results[name]["plan"] = (
                f"{p.form}{' T' if p.transposed else ''} {p.rows}x{p.vectors} k{p.k_block} "
                f"a:{p.pack_a or '-'} b:{p.pack_b or '-'} "
                f"{p.chunks} of {p.chunk_rows}x{p.chunk_columns} splits {p.k_splits}"
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="", help="groups or names, separated by commas")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.03)
    parser.add_argument("--engines", default="weft,openblas,mkl")
    parser.add_argument("--child", default="")
    options = parser.parse_args()
    wanted = set(filter(None, options.only.split(",")))
    names = [n for n in SHAPES if not wanted or n in wanted or SHAPES[n][0] in wanted]
    if options.child:
        result = measure(options.child, int(options.threads), names, options.seconds)
        print(json.dumps(result))
        return
    engines = [e for e in options.engines.split(",") if e != "mkl" or mkl_path()]
    for threads in map(int, options.threads.split(",")):
        compare(engines, threads, names, options)


def compare(engines: list[str], threads: int, names: list[str], options) -> None:
    best: dict[str, dict[str, dict]] = {engine: {} for engine in engines}
    for _ in range(options.rounds):
        for engine in engines:
            command = [
                sys.executable, __file__, "--child", engine, "--threads", str(threads),
                "--only", ",".join(names), "--seconds", str(options.seconds),
            ]  # fmt: skip
            answer = subprocess.run(command, capture_output=True, text=True)
            if answer.returncode:
                sys.exit(answer.stderr)
            for name, result in json.loads(answer.stdout.splitlines()[-1]).items():
                kept = best[engine].setdefault(name, result)
                kept["seconds"] = min(kept["seconds"], result["seconds"])
                if "compile" in result:
                    kept["compile"] = min(kept["compile"], result["compile"])
    print(f"\n{threads} thread(s)")
    print(
        f"{'shape':22}"
        + "".join(f"{e:>10}" for e in engines)
        + f"{'ratio':>8}{'ms':>6}  plan"
    )
    ratios = []
    for name in names:
        speeds = [operations(name) / best[e][name]["seconds"] / 1e9 for e in engines]
        mine = best["weft"].get(name, {}) if "weft" in best else {}
        others = [s for e, s in zip(engines, speeds, strict=True) if e != "weft"]
        ratio = speeds[0] / max(others) if others and mine else math.nan
        ratios.append(ratio)
        wrong = "" if all(best[e][name]["error"] < 64 for e in engines) else " WRONG"
        print(
            f"{name:22}" + "".join(f"{s:10.1f}" for s in speeds) + f"{ratio:8.2f}"
            f"{mine.get('compile', math.nan) * 1e3:6.0f}  {mine.get('plan', '')}{wrong}"
        )
    good = [r for r in ratios if r == r]
    if good:
        mean = math.exp(sum(map(math.log, good)) / len(good))
        print(f"geometric mean of ratios {mean:.2f}, smallest {min(good):.2f}")


if __name__ == "__main__":
    main()
