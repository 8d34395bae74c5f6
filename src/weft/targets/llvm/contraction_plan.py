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
import itertools
import math
from dataclasses import dataclass

from weft.targets.llvm import ir
from weft.targets.llvm.machine import Machine

# Below this many cycles (about 12 microseconds at 4 GHz) a product is one chunk. The first
# few chunks may be small, so that a few threads all have work; more of them must be larger,
# because every chunk packs its own B.
ONE_CHUNK_CYCLES = 12_000
SMALL_CHUNK_CYCLES = 6_000
CHUNK_CYCLES = 300_000
FEW_CHUNKS, MOST_CHUNKS = 8, 64
# What it costs to start a second kernel when all threads have finished the first.
SECOND_KERNEL_CYCLES = 20_000
# Cycles to read a vector of B for the first time, or to pack it; most of them wait for memory.
PACK_CYCLES = {"": 2.5, "copy": 4.0, "transpose": 8.0, "gather": 24.0}
# Tiles of more vectors than these make LLVM spill accumulators.
MOST_VECTORS = 4
# Cycles beside arithmetic for each vector of B and each row tile that fetches it from the
# second cache.
FETCH_CYCLES = 0.3
# By fours of accumulators: few of them don't hide what comes late from the second cache.
LATE = {**dict.fromkeys(range(4), 1.1), 4: 1.05, 5: 1.02}
# And for turning to the next row of B, at first and in each row tile, over the lines of a
# panel: more where that row lies in another page, or in the same sets of the caches.
NEAR_TURN, FAR_TURN = (1.0, 0.2), (4.0, 3.2)
# A second cache of at least this size holds a panel of B that is read in place, if each of
# its rows is as wide as this.
LARGE_L2_BYTES, WIDE_PANEL_BYTES = 1 << 20, 128
# Steps of k between visits to the sums where B is read in place: the fewer if its rows
# are spread over more pages than a processor knows by heart. (Sums of sums also round less.)
K_IN_PLACE, K_IN_WIDE_PLACE, WIDE_BYTES = 1024, 400, 1 << 19
# A block of k this long hides what it costs to add a tile to the sums.
LONG_BLOCK_BYTES = 2048
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
        """ "row", "column", or "" where neighbours along neither axis are adjacent."""
        if not self.plain:
            return self.axis
        if self.strides[2] == 1:
            return "column"
        return "row" if self.strides[1] == 1 else ""


@dataclass(frozen=True)
class Contraction:
    """A batched matrix product of known sizes.

    `axis`, "row" or "column", is the axis along which the output's memory is contiguous:
    vectors of results run along it.
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
    `transposed` says so.

    form                "outer" or "dot"
    rows, vectors       the register tile: rows x vectors of `lanes` columns (in the dot
                        form: rows x columns of sums)
    k_block             steps of k between visits to the sums
    pack_a              "" (in place), "rows", "columns" or "gather"
    pack_b              "" (in place), "copy", "transpose" or "gather"
    chunk_...           what one of `chunks` independent pieces of work covers
    k_splits, k_split   pieces of k and their length. Above one piece two kernels do the
                        work: `emit_partial` over `chunks`, which needs a workspace of
                        `workspace_bytes` shared by all, then `emit_combine` over
                        `combine_chunks` of `combine_rows` rows
    a_pitch, sum_pitch  elements from line to line of packed A and of the sums
    ..._bytes           parts of the scratch memory that each running thread needs
    epilogue            "registers" where results are finished straight from registers,
                        "tile" where a loop finishes them from the tile's sums in memory
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
    """Cycles of one tile: two multiply-adds and nearly two loads a cycle, then its results."""
    tile = rows * vectors
    step = max(tile / 2, (rows + vectors) * 0.6, 1.0)
    # Few accumulators wait for their own last sums: 8 are in flight at any time.
    step *= 1.15 if tile <= 8 else 1.04 if tile < 12 else 1.0
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


def _most_rows(c: Contraction, machine: CacheModel | Machine) -> int:
    """Rows of a tile that A, read in place, can have without losing its lines.

    Lines at a distance of a power of two share few sets of the first cache.
    """
    if c.a.contiguous_axis != "column" or not _readable(c.a, c):
        return machine.registers
    pitch = c.a.strides[1] * c.a.type.bytes
    ways = max(8, machine.l1_bytes // 4096)
    sets = 4096 // math.gcd(pitch or 64, 4096)
    return max(4, min(machine.registers, sets * (ways - 4)))


def _readable(operand: Operand, c: Contraction) -> bool:
    """Whether the inner loop can read the operand where it lies."""
    return operand.plain and operand.type == c.accumulate


def _in_place(
    c: Contraction, machine: CacheModel | Machine, rows: int, width: int
) -> bool:
    """Whether B is read where it lies, and not copied into panels first."""
    if not _readable(c.b, c) or c.b.contiguous_axis != "column":
        return False
    if _reads_wide_panels(machine) and width * c.b.type.bytes >= WIDE_PANEL_BYTES:
        return True
    # Lines of a narrow panel fall out of the caches: few row tiles must read them.
    row_tiles = ceil_div(c.m, rows)
    return row_tiles <= 4 or (row_tiles <= 8 and _pitch(c) % 4096 != 0)


def _reads_wide_panels(machine: CacheModel | Machine) -> bool:
    """Whether registers hold tall tiles on wide panels, which large caches keep."""
    two_vectors = 2 * machine.vector_bytes >= WIDE_PANEL_BYTES
    return two_vectors and machine.l2_bytes >= LARGE_L2_BYTES


def _pitch(c: Contraction) -> int:
    return c.b.strides[1] * c.b.type.bytes


def _bringing(
    c: Contraction, machine: CacheModel | Machine, rows: int, width: int
) -> float:
    """Cycles beside arithmetic for each vector of B, as measured on big caches."""
    row_tiles = ceil_div(c.m, rows)
    fetching = FETCH_CYCLES if _is_late(c, machine, width) else 0.0
    if not _in_place(c, machine, rows, width):
        return PACK_CYCLES["copy"] + row_tiles * fetching
    if not _reads_wide_panels(machine):
        return row_tiles * (0.5 if _pitch(c) % 4096 else 1.6)
    if c.n <= width:  # its rows follow each other
        return PACK_CYCLES[""] + row_tiles * fetching
    lines = max(1.0, width * c.b.type.bytes / 64)
    at_first, again = FAR_TURN if _pitch(c) >= 4096 else NEAR_TURN
    first = PACK_CYCLES[""] + at_first / lines
    return first + row_tiles * (fetching + again / lines**2)


def _is_late(c: Contraction, machine: CacheModel | Machine, width: int) -> bool:
    """Whether a panel of B comes from the second cache, faster than tiles hide it."""
    if not _reads_wide_panels(machine):
        return False
    panel = min(c.k, _k_in_place(c)) * min(width, c.n) * c.accumulate.bytes
    return panel > machine.l1_bytes // 2


def _idle(count: int) -> float:
    """The share of time that two or four threads wait at the end of `count` equal pieces."""
    return sum(ceil_div(count, t) * t / count - 1 for t in (2, 4) if count >= t) / 2


def _best_tile(
    c: Contraction, machine: CacheModel | Machine, lanes: int
) -> tuple[int, int]:
    all_vectors = ceil_div(c.n, lanes)
    # A register is left for what a row or the address arithmetic of a callback needs.
    limit = machine.registers - (1 if machine.registers > 16 else 0)
    most_rows = min(c.m, _most_rows(c, machine))
    # Where A runs along m, every step of k reads another line: tall tiles use more of it.
    pitch = c.a.strides[2] * c.a.type.bytes
    fresh_lines = 0.0
    if c.a.contiguous_axis == "row" and _readable(c.a, c):
        fresh_lines = 1.5 if pitch % 1024 == 0 else 0.3
    best, choice = float("inf"), (1, 1)
    is_wide = c.m > 1 and _reads_wide_panels(machine)
    most_vectors = MOST_VECTORS if is_wide else 16
    for vectors in range(1, min(all_vectors, most_vectors) + 1):
        for rows in range(1, most_rows + 1):
            if _registers_needed(rows, vectors) > limit:
                break
            cycles = _tiles(rows, vectors, c.m, all_vectors, c.k)
            bringing = _bringing(c, machine, rows, vectors * lanes)
            cycles += bringing * c.k * all_vectors
            cycles += (
                fresh_lines * c.k * ceil_div(c.m, rows) * ceil_div(all_vectors, vectors)
            )
            # Ties go to the tile that reads least, and whose edges need no other code.
            edges = bool(c.m % rows) + bool(all_vectors % vectors)
            cycles *= 1 + 0.05 * (1 / rows + 1 / vectors) + 0.01 * edges
            panels = ceil_div(all_vectors, vectors)
            if panels <= 2 * FEW_CHUNKS:
                cycles *= 1 + 0.5 * _idle(panels)
            if _is_late(c, machine, vectors * lanes):
                cycles *= LATE.get(rows * vectors // 4, 1.0)
            if cycles < best:
                best, choice = cycles, (rows, vectors)
    return choice


# -- chunks -----------------------------------------------------------------------


def _estimated_cycles(c: Contraction, compute: float) -> float:
    read = c.batch * (c.m * c.k * c.a.type.bytes + c.k * c.n * c.b.type.bytes)
    written = c.batch * c.m * c.n * c.accumulate.bytes
    return max(compute, (read + written) / MEMORY_BYTES_PER_CYCLE)


def _wanted_chunks(cycles: float) -> int:
    if cycles < ONE_CHUNK_CYCLES:
        return 1
    few = min(FEW_CHUNKS, int(cycles / SMALL_CHUNK_CYCLES))
    return max(2, few, min(MOST_CHUNKS, int(cycles / CHUNK_CYCLES)))


@dataclass(frozen=True)
class _Costs:
    """Cycles of the whole product's arithmetic, of reading B once, of reading A once."""

    arithmetic: float
    reading_b: float
    reading_a: float


@dataclass(frozen=True)
class _Cut:
    """Sizes of a chunk, and what the product then costs."""

    batch: int
    rows: int
    columns: int
    cycles: float


def _cut(c: Contraction, rows: int, columns: int, wanted: int, costs: _Costs) -> _Cut:
    """Cut the output into about `wanted` chunks of whole tiles of `rows` x `columns`.

    Cutting rows reads B again for each piece, cutting columns reads A again.
    """
    whole = costs.arithmetic + costs.reading_a + costs.reading_b
    if c.batch >= wanted or not (c.batch and c.m and c.n):
        return _Cut(max(1, ceil_div(c.batch, wanted)), max(c.m, 1), max(c.n, 1), whole)
    tall, wide = ceil_div(c.m, rows), ceil_div(c.n, columns)
    best = _Cut(1, max(c.m, 1), max(c.n, 1), math.inf)
    for row_tiles, panels in itertools.product(
        _pieces(tall, wanted), _pieces(wide, wanted)
    ):
        down, across = ceil_div(tall, row_tiles), ceil_div(wide, panels)
        count = c.batch * down * across
        if count > 2 * wanted:
            continue
        # A large last chunk makes threads wait; too few chunks leave threads idle.
        uneven = row_tiles * panels / (tall * wide) * down * across - 1
        missing = max(0.0, min(wanted, FEW_CHUNKS) / count - 1)
        few = max(0.0, wanted / count - 1)
        cycles = (
            costs.arithmetic * (1 + 0.5 * (uneven + _idle(count)) + 0.3 * missing + 0.02 * few)
            + costs.reading_b * down
            + costs.reading_a * across
        )
        if cycles < best.cycles:
            sizes = min(row_tiles * rows, c.m), min(panels * columns, c.n)
            best = _Cut(1, *sizes, cycles)
    return best


def _pieces(total: int, wanted: int) -> list[int]:
    """The sizes of pieces that cut `total` into up to twice the wanted number."""
    return sorted({ceil_div(total, i) for i in range(1, min(total, 2 * wanted) + 1)})


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
    if c.n == 1:  # then there is no other axis
        runs_along_k = c.b.plain and c.b.strides[1] == 1
    # To bring A into that order takes about as long as 64 columns of sums.
    worthwhile = c.n >= 64 or (c.a.plain and c.a.strides[2] == 1)
    return (
        c.m <= 8
        and runs_along_k
        and worthwhile
        and c.k >= 2 * lanes
        and c.accumulate.bits >= 32
        and c.accumulate.is_float
    )


@functools.lru_cache(maxsize=1024)
def plan(contraction: Contraction, machine: CacheModel | Machine) -> Plan:
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


def _splits(
    c: Contraction, wanted: int, step: int, lanes: int, costs: _Costs, cut: _Cut
) -> tuple[int, int]:
    """(number, length) of the pieces of k: more than one where that is the better cut."""
    number = min(wanted // c.batch if c.batch else 0, 16, c.k // 256)
    if number < 2:
        return 1, c.k
    # Every piece writes its sums, and all of them are read again.
    sums = 8.0 * number * c.batch * c.m * round_up(c.n, lanes) / lanes
    missing = max(0.0, min(wanted, FEW_CHUNKS) / (number * c.batch) - 1)
    arithmetic = costs.arithmetic * (1 + 0.3 * missing)
    split = arithmetic + costs.reading_a + costs.reading_b + sums + SECOND_KERNEL_CYCLES
    if split >= cut.cycles:
        return 1, c.k
    length = round_up(ceil_div(c.k, number), step)
    return ceil_div(c.k, length), length


def _finish(c: Contraction, machine: CacheModel | Machine, **choices) -> Plan:
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


def _plan_outer(
    c: Contraction, machine: CacheModel | Machine, lanes: int, swapped: bool
) -> Plan:
    size = c.accumulate.bytes
    rows, vectors = _best_tile(c, machine, lanes)
    width = vectors * lanes
    arithmetic = _tiles(rows, vectors, c.m, ceil_div(c.n, lanes), c.k) * c.batch
    cycles = _estimated_cycles(c, arithmetic)

    pack_a, pack_b = _pack_a(c), _pack_b(c, machine, rows, width, lanes)
    wanted = _wanted_chunks(cycles)
    a_elements, b_elements = c.batch * c.m * c.k, c.batch * c.k * c.n
    costs = _Costs(
        arithmetic, PACK_CYCLES[pack_b] / lanes * b_elements, 2.0 / lanes * a_elements
    )
    # A callback is asked for vectors that begin at multiples of their length.
    together = math.lcm(rows, lanes) if pack_a == "columns" else rows
    cut = _cut(c, together, width, wanted, costs)
    splits, k_split = _splits(c, wanted, lanes, lanes, costs, cut)
    if splits > 1:
        cut = _Cut(1, c.m, c.n, cut.cycles)
    chunk_rows, chunk_columns = max(1, cut.rows), max(1, cut.columns)
    panels = ceil_div(chunk_columns, width)
    k_limit = _k_in_place(c)
    if pack_b:
        k_limit = _k_limit(machine, width, chunk_rows, panels, size)
    k_block = k_split
    if k_split > 1.25 * k_limit:
        k_block = round_up(ceil_div(k_split, ceil_div(k_split, k_limit)), lanes)

    a_pitch, block_bytes = 0, 0
    if pack_a == "columns":
        a_pitch = round_up(chunk_rows, lanes)
        if a_pitch * size >= 256:
            a_pitch = _odd_lines(a_pitch * size) // size
        block_bytes = a_pitch * k_block * size
    elif pack_a:
        a_pitch = _odd_lines(k_block * size) // size
        block_bytes = a_pitch * chunk_rows * size

    blocked = k_block < k_split
    sum_pitch = round_up(chunk_columns, lanes) if blocked else width
    sum_rows = chunk_rows if blocked else rows
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
        chunk_batch=cut.batch,
        chunk_rows=chunk_rows,
        chunk_columns=chunk_columns,
        k_splits=splits,
        k_split=k_split,
        a_pitch=a_pitch,
        sum_pitch=sum_pitch,
        panel_bytes=_odd_lines(k_block * width * size) if pack_b else 0,
        block_bytes=round_up(block_bytes, 64),
        sum_bytes=round_up(sum_rows * sum_pitch * size, 64),
        corner_bytes=lanes * lanes * size if pack_b == "transpose" else 0,
        epilogue="tile" if blocked or c.k > 128 else "registers",
    )


def _pack_b(
    c: Contraction, machine: CacheModel | Machine, rows: int, width: int, lanes: int
) -> str:
    """How B is packed, by what its memory allows; "" where it is read in place."""
    if _in_place(c, machine, rows, width):
        return ""
    axis = c.b.contiguous_axis
    if axis == "row" and lanes in (2, 4, 8, 16) and c.accumulate.bits in (32, 64):
        return "transpose"
    return "copy" if axis == "column" else "gather"


def _k_in_place(c: Contraction) -> int:
    return K_IN_WIDE_PLACE if c.k * _pitch(c) > WIDE_BYTES else K_IN_PLACE


def _k_limit(
    machine: CacheModel | Machine, width: int, rows: int, panels: int, size: int
) -> int:
    """The longest block of k whose operands keep to their share of the second cache."""
    panel = machine.l2_bytes // 4 // (width * size)
    limit = max(min(panel, LONG_BLOCK_BYTES // size), 64)
    if panels > 1:
        # A block of A, rows x k, is read again for every panel.
        limit = min(
            limit, max(machine.l2_bytes // (rows * size), LONG_BLOCK_BYTES // 2 // size)
        )
    return limit


def _odd_lines(size: int) -> int:
    """Whole cache lines, an odd number of them, so that neighbours spread over the sets."""
    lines = ceil_div(size, 64)
    return 64 * (lines + 1 - lines % 2)


def _pack_a(c: Contraction) -> str:
    """How A is packed: "rows" keeps k contiguous, "columns" keeps m contiguous."""
    if _readable(c.a, c):
        return ""
    return {"column": "rows", "row": "columns", "": "gather"}[c.a.contiguous_axis]


def _plan_dot(
    c: Contraction, machine: CacheModel | Machine, lanes: int, swapped: bool
) -> Plan:
    size = c.accumulate.bytes
    most = machine.registers - 4
    columns = 1
    while columns * 2 <= min(lanes, 8) and columns < c.n and columns * 2 * c.m <= most:
        columns *= 2
    arithmetic = c.batch * c.n * c.m * c.k / lanes * 0.75
    cycles = _estimated_cycles(c, arithmetic)
    wanted = _wanted_chunks(cycles)
    flat = dataclasses.replace(c, m=1)
    costs = _Costs(arithmetic, 0.0, 0.0)
    cut = _cut(flat, 1, max(columns, lanes), wanted, costs)
    splits, k_split = _splits(c, wanted, 8 * lanes, lanes, costs, cut)
    chunk_batch, chunk_columns = (1, c.n) if splits > 1 else (cut.batch, cut.columns)
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
