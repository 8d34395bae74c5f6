"""Other tiles for a matrix product beside the planner's own, in turns within one process.

    python benchmarks/tiles.py 128x512x784          M x N x K: the planner and other tiles
    python benchmarks/tiles.py 128x512x784 --tiles 6x4,12x2,14x2 --turns 30
    python benchmarks/tiles.py 128x512x784 --packed copies B into panels first

Neighbours on the machine slow whole seconds; turns of milliseconds meet the same weather, so
the median of the ratios within a turn is good to about one percent. B changes from call to
call and comes from beyond the second cache, as weights do in training; `--hot` keeps one B.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ["WEFT_CACHE"] = "0"  # a kept program would be the planner's

import numpy as np

from weft.core.graph import Graph, Node, Value
from weft.core.spec import Spec
from weft.core.variable import aligned_copy
from weft.primitives.contraction import dot_general
from weft.targets.llvm import contraction_plan as planner
from weft.targets.llvm.executable import Executable
from weft.targets.llvm.program import compile_graph

Tile = tuple[int, int]

# B's copies together are larger than this, so that none stays in the second cache.
BEYOND_L2_BYTES = 6_000_000
TURN_SECONDS = 3e-3


def product(m: int, n: int, k: int) -> Executable:
    """A compiled product, by whatever the planner says now."""
    a, b = Value(Spec((m, k), "float32")), Value(Spec((k, n), "float32"))
    parameters = {"contract": ((1,), (0,)), "batch": ((), ())}
    node = Node(dot_general, [a, b], parameters, [Spec((m, n), "float32")])
    return compile_graph(Graph([a, b], [node], [node.output], "product"))


def with_tile(shape: tuple[int, int, int], tile: Tile | None, packed: bool) -> Executable:
    """A product whose tile, and whether B is packed, is told to the planner."""
    best_tile, in_place = planner._best_tile, planner._in_place
    planner.plan.cache_clear()
    try:
        if tile is not None:
            planner._best_tile = lambda *_: tile
        if packed:
            planner._in_place = lambda *_: False
        return product(*shape)
    finally:
        planner._best_tile, planner._in_place = best_tile, in_place
        planner.plan.cache_clear()


def chosen(shape: tuple[int, int, int]) -> str:
    """The planner's own choice, in words."""
    from weft.targets.llvm.machine import host

    m, n, k = shape
    a, b = planner.Operand((0, k, 1)), planner.Operand((0, n, 1))
    plan = planner.plan(planner.Contraction(1, m, n, k, a, b), host())
    where = f"B packed ({plan.pack_b})" if plan.pack_b else "B in place"
    return (
        f"{plan.rows}x{plan.vectors}, {where}, k in blocks of {plan.k_block}, "
        f"{plan.chunks} chunks of {plan.chunk_rows}x{plan.chunk_columns}"
    )


def measure(
    shape: tuple[int, int, int], variants: dict[str, Executable], turns: int, hot: bool
) -> None:
    """Print the planner's time, and the ratio of each variant to it."""
    m, n, k = shape
    generator = np.random.default_rng(0)
    copies = 1 if hot else max(2, BEYOND_L2_BYTES // (4 * n * k))
    a = aligned_copy(generator.standard_normal((m, k), np.float32))
    bs = [aligned_copy(generator.standard_normal((k, n), np.float32)) for _ in range(copies)]
    calls = max(1, int(TURN_SECONDS / (2 * m * n * k / 4e11) / copies))
    times: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(turns):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            run = variants[name]
            begin = time.perf_counter()
            for _ in range(calls):
                for b in bs:
                    run([a, b])
            times[name].append((time.perf_counter() - begin) / calls / copies)
    own = times[names[0]]
    typical = statistics.median(own)
    print(f"{m}x{n}x{k}: {chosen(shape)}")
    print(f"  {typical * 1e6:.1f} µs, {2 * m * n * k / typical / 1e9:.0f} GFLOP/s")
    for name in names[1:]:
        ratio = statistics.median([x / y for x, y in zip(times[name], own, strict=True)])
        print(f"  {name:10} × {ratio:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="+", help="MxNxK")
    parser.add_argument("--tiles", default="6x4,8x3,12x2,14x2", help="rows x vectors, …")
    parser.add_argument("--packed", action="store_true", help="copy B into panels")
    parser.add_argument("--hot", action="store_true", help="the same B in every call")
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    for text in arguments.shapes:
        m, n, k = map(int, text.split("x"))
        variants = {"the planner": product(m, n, k)}
        for tile in arguments.tiles.split(","):
            rows, vectors = map(int, tile.split("x"))
            variants[tile] = with_tile((m, n, k), (rows, vectors), arguments.packed)
        measure((m, n, k), variants, arguments.turns, arguments.hot)


if __name__ == "__main__":
    main()
