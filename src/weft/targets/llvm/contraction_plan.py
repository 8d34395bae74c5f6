"""How a contraction is cut: register tile, blocks, packing and independent chunks of work.

    out[b, m, n] = sum over k of A[b, m, k] * B[b, k, n]

`plan` is arithmetic on sizes: it looks at nothing but the contraction and the description
of the machine, so the same program is cut the same way for any number of threads, and
sums are added in the same order. `contraction.py` turns the plan into code.

Two forms of inner loop:

    outer   a tile of `rows` x `vectors` accumulators, lanes along n; each step of k
            multiplies `rows` broadcast scalars of A with `vectors` vectors of B
    dot     lanes along k, for few rows and a B whose memory runs along k; each
            accumulator is summed across its lanes at the end
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from weft.targets.llvm import ir

# Cycles of work that are worth a chunk of their own (about 25 microseconds at 4 GHz).
CHUNK_CYCLES = 100_000
MOST_CHUNKS = 64
# Bytes per cycle that one core reads when operands come from beyond its own caches.
MEMORY_BYTES_PER_CYCLE = 12


@dataclass(frozen=True)
class CacheModel:
    """What the planner knows of a machine: one core's vectors and caches."""

    vector_bytes: int = 32
    registers: int = 16
    l1_bytes: int = 32 * 1024
    l2_bytes: int = 512 * 1024
    l3_bytes: int = 8 * 1024 * 1024
    has_fma: bool = True


@dataclass(frozen=True)
class Operand:
    """One factor of a contraction, as it lies in memory.

    strides     elements between neighbours along (batch, row, column)
    type        scalar type in memory; widened to the accumulator's type when read
    plain       True: read from a pointer; False: read by calling a `load` callback
    axis        "row" or "column": the axis along which memory is contiguous (it decides
                along which axis a callback is asked for vectors)
    signed      how integers narrower than the accumulator are widened
    """

    strides: tuple[int, int, int]
    type: ir.Type = ir.F32
    plain: bool = True
    axis: str = "column"
    signed: bool = True

    def transposed(self) -> Operand:
        """The same memory with rows and columns exchanged."""
        batch, row, column = self.strides
        return dataclasses.replace(
            self,
            strides=(batch, column, row),
            axis="row" if self.axis == "column" else "column",
        )

    @property
    def contiguous_axis(self) -> str:
        """"row", "column", or "" where neighbours along neither axis are adjacent."""
        if not self.plain:
            return self.axis
        if self.strides[2] == 1:
            return "column"
        return "row" if self.strides[1] == 1 else ""


@dataclass(frozen=True)
class Contraction:
    """A batched matrix product of known sizes.

    `axis` is the axis along which the output's memory is contiguous: vectors of results are
    handed to `store` along it where the plan can choose.
    """

    batch: int
    m: int
    n: int
    k: int
    a: Operand
    b: Operand
    accumulate: ir.Type = ir.F32
    axis: str = "column"

    def transposed(self) -> Contraction:
        """The product of the transposed operands, which is the transposed output."""
        return Contraction(
            self.batch,
            self.n,
            self.m,
            self.k,
            self.b.transposed(),
            self.a.transposed(),
            self.accumulate,
            "row" if self.axis == "column" else "column",
        )


@dataclass(frozen=True)
class Plan:
    """Every choice that the emitter follows.

    Sizes are those of the contraction after the exchange of rows and columns, where
    `transposed` says so. `chunks` counts the independent pieces of work. With `k_splits`
    above 1 the work is done by two kernels: `emit_partial` over `chunks`, which needs a
    workspace of `workspace_bytes` shared by all, then `emit_combine` over `combine_chunks`.
    `scratch_bytes` are needed by each running thread.
    """

    transposed: bool
    form: str
    lanes: int
    rows: int
    vectors: int
    k_block: int
    pack_a: str
    pack_b: str
    chunk_batch: int
    chunk_rows: int
    chunk_columns: int
    k_splits: int
    k_split: int
    chunks: int
    combine_chunks: int
    combine_rows: int
    a_pitch: int
    sum_pitch: int
    panel_bytes: int
    block_bytes: int
    sum_bytes: int
    corner_bytes: int
    workspace_bytes: int
    epilogue: str
    has_fma: bool

    @property
    def scratch_bytes(self) -> int:
        return self.panel_bytes + self.block_bytes + self.sum_bytes + self.corner_bytes


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def round_up(value: int, multiple: int) -> int:
    return ceil_div(value, multiple) * multiple


def oriented(contraction: Contraction, plan: Plan) -> Contraction:
    """The contraction as the plan's sizes see it."""
    return contraction.transposed() if plan.transposed else contraction


# -- the register tile ------------------------------------------------------------


def tile_cycles(rows: int, vectors: int, k: int) -> float:
    """Cycles of one tile: two multiply-adds and two loads a cycle, then its results."""
    tile = rows * vectors
    # Tiles below 8 accumulators split k over several sets, at some cost.
    step = max(tile / 2, (rows + vectors) / 2, 1.0)
    if tile < 8:
        step *= 1.15
    return k * step + 2.0 * tile + 12


def _tiles(rows: int, vectors: int, m: int, all_vectors: int, k: int) -> float:
    """Cycles of the whole product cut into tiles of `rows` x `vectors`, edges included."""
    total = 0.0
    for height, tall in ((rows, m // rows), (m % rows, 1)):
        for width, wide in ((vectors, all_vectors // vectors), (all_vectors % vectors, 1)):
            if height and width:
                total += tall * wide * tile_cycles(height, width, k)
    return total


def _registers_needed(rows: int, vectors: int) -> int:
    # One row uses each vector of B once, so B comes as an operand in memory.
    return rows * vectors + (vectors if rows > 1 else 0) + 1


def _best_tile(c: Contraction, machine: CacheModel, lanes: int) -> tuple[int, int]:
    all_vectors = ceil_div(c.n, lanes)
    # A register is left for what a row or the address arithmetic of a callback needs.
    limit = machine.registers - (1 if machine.registers > 16 else 0)
    best, choice = float("inf"), (1, 1)
    for vectors in range(1, min(all_vectors, 16) + 1):
        for rows in range(1, min(c.m, machine.registers) + 1):
            if _registers_needed(rows, vectors) > limit:
                break
            cycles = _tiles(rows, vectors, c.m, all_vectors, c.k)
            # Ties go to the tile that reads least.
            cycles *= 1 + 0.05 * (1 / rows + 1 / (vectors * lanes))
            if cycles < best:
                best, choice = cycles, (rows, vectors)
    return choice


# -- chunks -----------------------------------------------------------------------


def _estimated_cycles(c: Contraction, lanes: int, compute: float) -> float:
    read = c.batch * (c.m * c.k * c.a.type.bytes + c.k * c.n * c.b.type.bytes)
    written = c.batch * c.m * c.n * c.accumulate.bytes
    return max(compute, (read + written) / MEMORY_BYTES_PER_CYCLE)


def _cut(
    c: Contraction, rows: int, columns: int, wanted: int, costs: tuple[float, float, float]
) -> tuple[int, int, int]:
    """Sizes (batch, rows, columns) of a chunk, for about `wanted` chunks.

    `costs` are the cycles of the whole product's arithmetic, of reading B once and of
    reading A once: cutting rows reads B again, cutting columns reads A again.
    """
    if c.batch >= wanted:
        return ceil_div(c.batch, wanted), max(c.m, 1), max(c.n, 1)
    tall, wide = ceil_div(c.m, rows), ceil_div(c.n, columns)
    arithmetic, reading_b, reading_a = costs
    best, choice = float("inf"), (tall, wide)
    for row_tiles in sorted({ceil_div(tall, i) for i in range(1, min(tall, wanted) + 1)}):
        for panels in sorted({ceil_div(wide, i) for i in range(1, min(wide, wanted) + 1)}):
            down, across = ceil_div(tall, row_tiles), ceil_div(wide, panels)
            count = c.batch * down * across
            if count > 2 * wanted:
                continue
            # The largest chunk decides how long the last thread works.
            share = row_tiles * panels / (tall * wide) * count
            uneven = 1 + (share - 1) * 0.5
            few = max(0.0, wanted / count - 1)
            cost = arithmetic * (uneven + 0.3 * few) + reading_b * down + reading_a * across
            if cost < best:
                best, choice = cost, (row_tiles, panels)
    return 1, min(choice[0] * rows, c.m), min(choice[1] * columns, c.n)


def _alias(stride_bytes: int) -> bool:
    """Whether lines at this distance fall into few sets of a cache."""
    return stride_bytes >= 1024 and stride_bytes % 1024 == 0


# -- plans ------------------------------------------------------------------------


def _orient(c: Contraction) -> bool:
    """Whether to compute the transposed product instead."""
    if c.n == 1 and c.m > 1:
        return True
    if c.m == 1:
        return False
    if c.n <= 4 and c.n < c.m and c.a.contiguous_axis == "column" and c.k >= 64:
        return c.a.plain
    return c.axis == "row"


def _dot_form(c: Contraction, lanes: int) -> bool:
    """Few rows, and B runs along k: multiply along k instead of packing B."""
    runs_along_k = c.b.plain and c.b.strides[1] == 1 and c.b.strides[2] != 1
    if c.m == 1 and c.n == 1:
        runs_along_k = c.b.plain and c.b.strides[1] == 1
    return (
        c.m <= 8
        and runs_along_k
        and c.k >= 2 * lanes
        and c.accumulate.bits >= 32
        and c.accumulate.is_float
    )


def plan(contraction: Contraction, machine: CacheModel) -> Plan:
    """Choose how to compute `contraction` on `machine`.

    Example:
        >>> square = Operand((0, 64, 1))
        >>> plan(Contraction(1, 64, 64, 64, square, square), CacheModel()).chunks
        1
    """
    swapped = _orient(contraction)
    c = contraction.transposed() if swapped else contraction
    size = c.accumulate.bytes
    lanes = max(1, machine.vector_bytes // size)
    make = _plan_dot if _dot_form(c, lanes) else _plan_outer
    return make(c, machine, lanes, swapped)


def _splits(c: Contraction, machine: CacheModel, cycles: float, step: int, pieces: int):
    """(number, length) of the pieces of k, where rows and columns give too few chunks."""
    wanted = min(16, int(cycles / CHUNK_CYCLES))
    number = wanted // max(1, pieces)
    if number < 2 or pieces >= 8 or c.k < 16 * c.m * c.n ** 0 or c.k < 512:
        return 1, c.k
    # Partial sums are written and read again: keep that well below the work itself.
    number = min(number, max(1, c.k // 256))
    length = round_up(ceil_div(c.k, number), step)
    return ceil_div(c.k, length), length


def _finish(c: Contraction, machine: CacheModel, **choices) -> Plan:
    """Count chunks and bytes."""
    lanes, splits = choices["lanes"], choices["k_splits"]
    down = ceil_div(c.m, max(1, choices["chunk_rows"]))
    across = ceil_div(c.n, max(1, choices["chunk_columns"]))
    chunks = ceil_div(c.batch, choices["chunk_batch"]) * down * across * splits
    workspace, combine_chunks, combine_rows = 0, 0, 0
    if splits > 1:
        pitch = round_up(c.n, lanes)
        workspace = splits * c.batch * c.m * pitch * c.accumulate.bytes
        adds = workspace / 16
        lines = c.batch * c.m
        combine_rows = ceil_div(lines, min(lines, 16, max(1, int(adds / CHUNK_CYCLES))))
        combine_chunks = ceil_div(lines, combine_rows)
    return Plan(
        chunks=chunks,
        combine_chunks=combine_chunks,
        combine_rows=combine_rows,
        workspace_bytes=workspace,
        has_fma=machine.has_fma,
        **choices,
    )


def _plan_outer(c: Contraction, machine: CacheModel, lanes: int, swapped: bool) -> Plan:
    size = c.accumulate.bytes
    rows, vectors = _best_tile(c, machine, lanes)
    width = vectors * lanes
    arithmetic = _tiles(rows, vectors, c.m, ceil_div(c.n, lanes), c.k) * c.batch
    cycles = _estimated_cycles(c, lanes, arithmetic)

    # B: read in place where it is read once or twice and lies well, else packed by panel.
    row_tiles = ceil_div(c.m, rows)
    b_axis = c.b.contiguous_axis
    same_type = c.b.plain and c.b.type == c.accumulate
    small = c.k * c.n * size <= machine.l1_bytes // 2
    in_place = same_type and b_axis == "column" and (row_tiles <= 2 or (small and row_tiles <= 8))
    if in_place:
        pack_b = ""
    elif b_axis == "column":
        pack_b = "copy"
    else:
        whole_vectors = lanes in (2, 4, 8, 16) and c.accumulate.bits in (32, 64)
        pack_b = "transpose" if b_axis == "row" and whole_vectors else "gather"

    # k: a panel of B stays in the second cache, a tile of A in the first.
    k_limit = min(machine.l2_bytes // 4 // (width * size), machine.l1_bytes // 2 // (rows * size))
    k_limit = max(k_limit, 4 * lanes)

    wanted = int(min(MOST_CHUNKS, cycles / CHUNK_CYCLES)) if cycles >= CHUNK_CYCLES * 1.2 else 1
    wanted = max(wanted, 2 if cycles >= CHUNK_CYCLES * 1.2 else 1)
    elements_a, elements_b = c.batch * c.m * c.k, c.batch * c.k * c.n
    pack_cost = {"": 0.0, "copy": 2.0 / lanes, "transpose": 6.0 / lanes, "gather": 1.5}
    costs = (arithmetic, pack_cost[pack_b] * elements_b, 1.0 / lanes * elements_a)
    chunk_batch, chunk_rows, chunk_columns = _cut(c, rows, width, wanted, costs)
    pieces = (
        ceil_div(c.batch, chunk_batch)
        * ceil_div(c.m, max(1, chunk_rows))
        * ceil_div(c.n, max(1, chunk_columns))
    )
    splits, k_split = _splits(c, machine, cycles, lanes, pieces)
    if splits > 1:
        chunk_batch, chunk_rows, chunk_columns = 1, max(1, c.m), max(1, c.n)

    # A block of A (chunk_rows x k_block) is read once per panel: keep it in the second cache.
    if ceil_div(chunk_columns, width) > 1:
        k_limit = max(min(k_limit, machine.l2_bytes // 2 // (max(1, chunk_rows) * size)), 128)
    if k_split > 1.25 * k_limit and not in_place:
        k_block = round_up(ceil_div(k_split, ceil_div(k_split, k_limit)), lanes)
    else:
        k_block = k_split

    pack_a = _pack_a(c, rows, ceil_div(chunk_columns, width), machine)
    a_pitch, block_bytes = 0, 0
    if pack_a == "columns":
        a_pitch = round_up(chunk_rows, lanes)
        if a_pitch * size >= 256:
            a_pitch = _odd_lines(a_pitch * size) // size
        block_bytes = a_pitch * k_block * size
    elif pack_a:
        a_pitch = _odd_lines(k_block * size) // size
        block_bytes = a_pitch * max(1, chunk_rows) * size

    blocked = k_block < k_split
    sum_pitch = round_up(max(1, chunk_columns), lanes) if blocked else width
    sum_rows = max(1, chunk_rows) if blocked else rows
    panel_lines = k_block if pack_b != "transpose" else round_up(k_block, lanes)
    return _finish(
        c,
        machine,
        transposed=swapped,
        form="outer",
        lanes=lanes,
        rows=rows,
        vectors=vectors,
        k_block=k_block,
        pack_a=pack_a,
        pack_b=pack_b,
        chunk_batch=chunk_batch,
        chunk_rows=max(1, chunk_rows),
        chunk_columns=max(1, chunk_columns),
        k_splits=splits,
        k_split=k_split,
        a_pitch=a_pitch,
        sum_pitch=sum_pitch,
        panel_bytes=_odd_lines(panel_lines * width * size) if pack_b else 0,
        block_bytes=round_up(block_bytes, 64),
        sum_bytes=round_up(sum_rows * sum_pitch * size, 64),
        corner_bytes=lanes * lanes * size if pack_b == "transpose" else 0,
        epilogue="tile" if blocked or c.k > 128 else "registers",
    )


def _odd_lines(size: int) -> int:
    """Whole cache lines, an odd number of them, so that neighbours spread over the sets."""
    lines = ceil_div(size, 64)
    return 64 * (lines + 1 - lines % 2)


def _pack_a(c: Contraction, rows: int, panels: int, machine: CacheModel) -> str:
    """How A is packed: "rows" keeps k contiguous, "columns" keeps m contiguous."""
    axis = c.a.contiguous_axis
    if not c.a.plain or c.a.type != c.accumulate:
        return {"column": "rows", "row": "columns", "": "gather"}[axis]
    if axis == "row" and c.m > 1:
        # Each step of k is another line: hard on the caches if lines share few sets.
        pitch = c.a.strides[2] * c.a.type.bytes
        if panels >= 2 and (_alias(pitch) or pitch > 4096) and c.k >= 64:
            return "columns"
    if axis == "column":
        pitch = c.a.strides[1] * c.a.type.bytes
        if rows > 8 and panels >= 2 and pitch % 4096 == 0:
            return "rows"
    return ""


def _plan_dot(c: Contraction, machine: CacheModel, lanes: int, swapped: bool) -> Plan:
    size = c.accumulate.bytes
    most = machine.registers - 4
    columns = 1
    while columns * 2 <= min(lanes, 8) and columns < c.n and columns * 2 * c.m <= most:
        columns *= 2
    arithmetic = c.batch * c.n * c.m * c.k / lanes * 0.75
    cycles = _estimated_cycles(c, lanes, arithmetic)
    wanted = int(min(MOST_CHUNKS, cycles / CHUNK_CYCLES)) if cycles >= CHUNK_CYCLES * 1.2 else 1
    wanted = max(wanted, 2 if cycles >= CHUNK_CYCLES * 1.2 else 1)
    flat = dataclasses.replace(c, m=1)
    chunk_batch, _, chunk_columns = _cut(flat, 1, columns, wanted, (arithmetic, 0.0, 0.0))
    pieces = ceil_div(c.batch, chunk_batch) * ceil_div(c.n, chunk_columns)
    splits, k_split = _splits(c, machine, cycles, 8 * lanes, pieces)
    if splits > 1:
        chunk_batch, chunk_columns = 1, c.n
    pack_a = "" if c.a.plain and c.a.strides[2] == 1 else "rows"
    a_pitch = _odd_lines(k_split * size) // size if pack_a else 0
    sum_pitch = round_up(chunk_columns, max(columns, lanes))
    return _finish(
        c,
        machine,
        transposed=swapped,
        form="dot",
        lanes=lanes,
        rows=c.m,
        vectors=columns,
        k_block=k_split,
        pack_a=pack_a,
        pack_b="",
        chunk_batch=chunk_batch,
        chunk_rows=c.m,
        chunk_columns=chunk_columns,
        k_splits=splits,
        k_split=k_split,
        a_pitch=a_pitch,
        sum_pitch=sum_pitch,
        panel_bytes=0,
        block_bytes=round_up(a_pitch * c.m * size, 64),
        sum_bytes=round_up(c.m * sum_pitch * size, 64),
        corner_bytes=0,
        epilogue="tile",
    )


plan = functools.lru_cache(maxsize=1024)(plan)
