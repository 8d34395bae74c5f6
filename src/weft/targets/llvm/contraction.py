"""Matrix products as native code, with fused producers and consumers.

    out[b, m, n] = sum over k of A[b, m, k] * B[b, k, n]

`emit_contraction` appends to a function the loops that compute one chunk of a planned
contraction. Factors come from pointers or from `load` callbacks (a fused producer, emitted
where its values are packed); each finished vector of the output is handed to `store`
exactly once, while it is still in registers or in the first cache.

    plan = plan_contraction(contraction, machine)
    f = module.function("kernel", [("a", PTR), ("b", PTR), ("out", PTR), ...])
    emit_contraction(f, contraction, plan, chunk=i, scratch=scratch, a=a, b=b, store=store)
    f.ret()

One chunk, in the "outer" form:

    for block of k:                    block: A and a panel of B stay in the caches
        pack A's block                 where its stride hurts, or a callback gives it
        for panel of columns:
            pack the panel of B        unless it is read so seldom that it does not pay
            for tile of rows:
                accumulators += ...    registers only
                add to sums, or hand the finished sums to the epilogue
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from weft.targets.llvm import contraction_pack as pack
from weft.targets.llvm import ir
from weft.targets.llvm.contraction_plan import (
    CacheModel,
    Contraction,
    Operand,
    Plan,
    ceil_div,
    oriented,
    round_up,
)
from weft.targets.llvm.contraction_plan import plan as plan_contraction

__all__ = [
    "CacheModel",
    "Contraction",
    "Operand",
    "Plan",
    "emit_combine",
    "emit_contraction",
    "emit_partial",
    "plan_contraction",
]

Store = Callable[..., None]
Prefetch = Callable[..., None]


def emit_contraction(
    f: ir.Function,
    contraction: Contraction,
    plan: Plan,
    *,
    chunk: ir.Value,
    scratch: ir.Value,
    a: ir.Value | pack.Load,
    b: ir.Value | pack.Load,
    store: Store,
    heavy_epilogue: bool = False,
    prefetch: Prefetch | None = None,
) -> None:
    """Emit one chunk (an i64 below `plan.chunks`) of a contraction.

    scratch     pointer to `plan.scratch_bytes` bytes, 64-byte aligned, of this thread
    a, b        pointers to element (0, 0, 0) of plain operands, otherwise callbacks
                    load(f, batch, row, column, type, mask) -> Value of `type`
                asked for scalars or for vectors along the operand's axis, which begin at
                multiples of their length; lanes outside the mask must not be read
    store       store(f, batch, row, column, value, mask, axis="column") receives each
                output element once: a scalar, or a vector along the contraction's `axis`
                (along the other one where that has size 1)
    heavy_epilogue      emit the call of `store` as few times as possible
    prefetch    prefetch(f, batch, row, column, lanes, axis="column") asks for the memory
                that `store` will read for these elements, one tile's inner loop ahead

    Raises ValueError where the plan splits k: `emit_partial` and `emit_combine` do that.
    """
    if plan.k_splits > 1:
        raise ValueError(
            "emit_contraction: the plan must not split k; received "
            f"k_splits={plan.k_splits}; emit two kernels with emit_partial and emit_combine"
        )
    emitter = _Emitter(f, contraction, plan, scratch, a, b, store, heavy_epilogue)
    emitter.prefetch = prefetch
    emitter.emit(chunk)


def emit_partial(
    f: ir.Function,
    contraction: Contraction,
    plan: Plan,
    *,
    chunk: ir.Value,
    scratch: ir.Value,
    a: ir.Value | pack.Load,
    b: ir.Value | pack.Load,
    workspace: ir.Value,
) -> None:
    """Emit one of `plan.chunks` chunks of a contraction whose k is split.

    Sums over a piece of k go to `workspace` (`plan.workspace_bytes`, 64-byte aligned, one
    for all chunks); `emit_combine` adds them in a fixed order once all chunks are done.
    """
    c, type = oriented(contraction, plan), contraction.accumulate
    pitch = round_up(c.n, plan.lanes)

    def keep(f: ir.Function, batch, row, column, value, mask, axis="column") -> None:
        place = workspace
        for position, stride in (
            (emitter.split, c.batch * c.m * pitch),
            (batch, c.m * pitch),
            (row, pitch),
            (column, 1),
        ):
            place = pack.offset(f, place, type, (position, stride))
        # Rows are padded to whole vectors, so that no mask is needed here.
        f.store(value, place)

    emitter = _Emitter(f, contraction, plan, scratch, a, b, keep, False)
    emitter.own_store = keep
    emitter.emit(chunk)


def emit_combine(
    f: ir.Function,
    contraction: Contraction,
    plan: Plan,
    *,
    chunk: ir.Value,
    workspace: ir.Value,
    store: Store,
    heavy_epilogue: bool = False,
) -> None:
    """Emit one of `plan.combine_chunks` chunks: add the partial sums, then `store`."""
    c, type = oriented(contraction, plan), contraction.accumulate
    lanes = plan.lanes
    pitch = round_up(c.n, lanes)
    emitter = _Emitter(f, contraction, plan, workspace, workspace, workspace, store, True)
    first = pack.multiply(f, chunk, plan.combine_rows)
    last = pack.smaller(f, pack.add(f, first, plan.combine_rows), c.batch * c.m)
    split_stride = c.batch * c.m * pitch

    def total(line: ir.Value, column: ir.Value) -> ir.Value:
        place = pack.offset(f, workspace, type, (line, pitch), (column, 1))
        vector = type.vector(lanes if lanes > 1 else 0)
        value = f.load(vector, place)
        for split in range(1, plan.k_splits):
            value = value + f.load(
                vector, pack.offset(f, place, type, (split, split_stride))
            )
        return value

    with f.loop(first, last) as line:
        batch, row = pack.divide(f, line, c.m), pack.remainder(f, line, c.m)
        whole = c.n // lanes * lanes
        if whole:
            with pack.each(f, 0, whole, lanes) as column:
                emitter.finish(batch, row, column, total(line, column), lanes)
        if c.n > whole:
            column = f.i64(whole)
            emitter.finish(batch, row, column, total(line, column), c.n - whole)


class _Emitter:
    """The state of one emission; sizes and operands are of the oriented contraction."""

    def __init__(
        self,
        f: ir.Function,
        contraction: Contraction,
        plan: Plan,
        scratch: ir.Value,
        a: ir.Value | pack.Load,
        b: ir.Value | pack.Load,
        store: Store,
        heavy: bool,
    ) -> None:
        self.f, self.plan, self.store = f, plan, store
        self.own_store: Store | None = None
        self.prefetch: Prefetch | None = None
        self.c = c = oriented(contraction, plan)
        self.type = c.accumulate
        self.lanes = plan.lanes
        self.vector = self.type.vector(plan.lanes if plan.lanes > 1 else 0)
        if plan.transposed:
            a, b = b, a
        # x86 learned to convert float16 just before it learned to multiply and add.
        facts = self.type, plan.transposed, plan.has_fma
        self.a = pack.Source(f, c.a, a, *facts)
        self.b = pack.Source(f, c.b, b, *facts)
        self.panel = scratch
        self.block = self._bytes(scratch, plan.panel_bytes)
        self.sums = self._bytes(scratch, plan.panel_bytes + plan.block_bytes)
        self.corner = self._bytes(scratch, plan.scratch_bytes - plan.corner_bytes)
        self.blocked = plan.k_block < plan.k_split
        self.through_tile = heavy or plan.epilogue == "tile"
        self.split: ir.Value = f.i64(0)
        self.heavy = heavy

    def _bytes(self, pointer: ir.Value, count: int) -> ir.Value:
        return self.f.element(pointer, ir.I8, count) if count else pointer

    # -- the chunk ----------------------------------------------------------------

    def emit(self, chunk: ir.Value) -> None:
        """Emit the loops over what this chunk covers."""
        f, c, plan = self.f, self.c, self.plan
        if not (c.batch and c.m and c.n):
            return
        rest: ir.Value = chunk
        ranges = []
        for size, step in (
            (c.m, plan.chunk_rows),
            (c.n, plan.chunk_columns),
            (c.batch, plan.chunk_batch),
            (c.k, plan.k_split),
        ):
            count = max(1, ceil_div(size, max(step, 1)))
            if count == 1:
                ranges.append((f.i64(0), f.i64(size)))
                continue
            number = pack.remainder(f, rest, count)
            rest = pack.divide(f, rest, count)
            begin = pack.multiply(f, number, step)
            ranges.append((begin, pack.smaller(f, pack.add(f, begin, step), size)))
        self.m_range, self.n_range, batches, self.k_range = ranges
        if plan.k_splits > 1:
            self.split = pack.divide(f, self.k_range[0], plan.k_split)
        with pack.each(f, *batches) as batch:
            if plan.form == "dot":
                self._dot(batch)
            else:
                self._blocks(batch)

    # -- the outer form -----------------------------------------------------------

    def _blocks(self, batch: ir.Value) -> None:
        f, plan = self.f, self.plan
        begin, end = self.k_range
        if not self.blocked:
            self._one_block(batch, begin, end)
            return
        with f.loop(begin, end, plan.k_block) as k:
            following = pack.smaller(f, pack.add(f, k, plan.k_block), end)
            self._one_block(batch, k, following)

    def _one_block(self, batch: ir.Value, k: ir.Value, k_end: ir.Value) -> None:
        plan = self.plan
        self._pack_a(batch, k, k_end)
        width = plan.vectors * self.lanes
        with pack.each(self.f, *self.n_range, width) as column:
            self._panel(batch, k, k_end, column)

    def _pack_a(self, batch: ir.Value, k: ir.Value, k_end: ir.Value) -> None:
        f, c, plan, lanes = self.f, self.c, self.plan, self.lanes
        if not plan.pack_a:
            return
        target = lanes, self.block, plan.a_pitch
        span, m = (k, k_end), self.m_range
        if plan.pack_a == "columns":
            pack.copy_lines(self.a, batch, span, m, "row", *target, self._row_tails())
        else:
            tails = [(f.compare("eq", k_end, c.k), c.k % lanes)]
            pack.copy_lines(self.a, batch, m, span, "column", *target, tails)

    def _row_tails(self) -> list[tuple[ir.Value | bool, int]]:
        """What the rows of a chunk, and of the last chunk, have beyond whole vectors."""
        f, c, plan, lanes = self.f, self.c, self.plan, self.lanes
        final = c.m - (ceil_div(c.m, plan.chunk_rows) - 1) * plan.chunk_rows
        if final % lanes == plan.chunk_rows % lanes:
            return [(True, final % lanes)]
        end = self.m_range[1]
        return [
            (f.compare("slt", end, c.m), plan.chunk_rows % lanes),
            (f.compare("eq", end, c.m), final % lanes),
        ]

    def _panel(self, batch, k, k_end, column) -> None:
        """One panel of columns: pack B, then all tiles of rows."""
        f, c, plan = self.f, self.c, self.plan
        width = plan.vectors * self.lanes
        left = c.n % width
        kinds: list[tuple[Any, int]] = []
        if c.n >= width:
            inside = f.compare("sle", pack.add(f, column, width), c.n) if left else True
            kinds.append((inside, width))
        if left:
            outside = f.compare("sgt", pack.add(f, column, width), c.n) if kinds else True
            kinds.append((outside, left))
        self._pack_b(batch, (k, k_end), column, kinds)
        with pack.each(f, *self.m_range, plan.rows) as row:
            self._tiles(batch, k, k_end, column, row, kinds)

    def _pack_b(self, batch, span, column, kinds) -> None:
        """Copy a panel of B, one of `kinds` (condition, columns), at full width."""
        f, c, plan, lanes = self.f, self.c, self.plan, self.lanes
        width = plan.vectors * lanes
        columns = column, pack.smaller(f, pack.add(f, column, width), c.n)
        if plan.pack_b == "copy":
            for condition, count in kinds:
                with pack.either(f, condition):
                    pack.pack_panel(
                        self.b, batch, span, column, count, width, lanes, self.panel
                    )
        elif plan.pack_b == "transpose":
            pack.transpose_panel(
                self.b,
                batch,
                span,
                columns,
                width,
                lanes,
                (c.k, c.n),
                self.corner,
                self.panel,
            )
        elif plan.pack_b == "gather":
            pack.gather_panel(self.b, batch, span, columns, width, self.panel)

    def _tiles(self, batch, k, k_end, column, row, kinds) -> None:
        """One tile of rows, of whichever size fits here."""
        f, c, plan = self.f, self.c, self.plan
        heights: list[tuple[Any, int]] = []
        left = c.m % plan.rows
        if c.m >= plan.rows:
            inside = f.compare("sle", pack.add(f, row, plan.rows), c.m) if left else True
            heights.append((inside, plan.rows))
        if left:
            outside = (
                f.compare("sgt", pack.add(f, row, plan.rows), c.m) if heights else True
            )
            heights.append((outside, left))
        for wide, columns in kinds:
            with pack.either(f, wide):
                for tall, rows in heights:
                    with pack.either(f, tall):
                        self._tile(batch, k, k_end, column, row, rows, columns)
        if self.through_tile or self.blocked:
            self._epilogue_of_tile(batch, k_end, column, row)

    def _sum_place(self, column, row) -> ir.Value:
        """Where the sums of the tile at (row, column) are kept."""
        if not self.blocked:
            return self.sums
        down = pack.subtract(self.f, row, self.m_range[0])
        across = pack.subtract(self.f, column, self.n_range[0])
        terms = ((down, self.plan.sum_pitch), (across, 1))
        return pack.offset(self.f, self.sums, self.type, *terms)

    def _tile(self, batch, k, k_end, column, row, rows: int, columns: int) -> None:
        """The accumulators of one tile over one block of k."""
        f, lanes = self.f, self.lanes
        vectors = ceil_div(columns, lanes)
        tile = self._multiply(batch, k, k_end, column, row, rows, columns)
        places = [(r, v) for r in range(rows) for v in range(vectors)]
        if not (self.through_tile or self.blocked):
            for r, v in places:
                count = min(lanes, columns - v * lanes)
                down, across = pack.add(f, row, r), pack.add(f, column, v * lanes)
                self.finish(batch, down, across, tile[r][v].get(), count)
            return
        base = self._sum_place(column, row)
        pitch = self.plan.sum_pitch
        if self.blocked:
            with f.when(f.compare("ne", k, self.k_range[0])):
                for r, v in places:
                    earlier = pack.offset(f, base, self.type, (r, pitch), (v * lanes, 1))
                    tile[r][v].set(tile[r][v].get() + f.load(self.vector, earlier))
        for r, v in places:
            place = pack.offset(f, base, self.type, (r, pitch), (v * lanes, 1))
            f.store(tile[r][v].get(), place)

    def _multiply(self, batch, k, k_end, column, row, rows: int, columns: int):
        """The inner loop; returns the accumulators as variables, by row and vector."""
        f, plan, lanes = self.f, self.plan, self.lanes
        vectors = ceil_div(columns, lanes)
        a, a_row, a_k = self._a_tile(batch, k, row)
        b, b_k = self._b_panel(batch, k, column)
        partial = columns % lanes and not plan.pack_b
        mask = pack.last_lanes_mask(f, columns % lanes, lanes) if partial else None
        zero = f.constant(self.vector, 0)

        # Few accumulators wait for each other: let several sets take turns along k.
        sets = 1
        while sets * rows * vectors < 8 and sets < 8:
            sets *= 2
        tiles = [
            [[f.variable(self.vector, zero) for _ in range(vectors)] for _ in range(rows)]
            for _ in range(sets)
        ]

        def step(position: ir.Value, tile) -> None:
            at_b = pack.offset(f, b, self.type, (position, b_k))
            at_a = pack.offset(f, a, self.type, (position, a_k))
            factors = []
            for v in range(vectors):
                place = pack.offset(f, at_b, self.type, (v * lanes, 1))
                if mask is not None and v == vectors - 1:
                    factors.append(f.masked_load(self.vector, place, mask))
                else:
                    factors.append(f.load(self.vector, place))
            for r in range(rows):
                scalar = f.load(self.type, pack.offset(f, at_a, self.type, (r, a_row)))
                spread = f.splat(scalar, self.vector.lanes)
                for v in range(vectors):
                    tile[r][v].set(self._multiply_add(spread, factors[v], tile[r][v].get()))

        count = pack.subtract(f, k_end, k)
        if sets == 1:
            where = batch, k_end, column, row
            self._along_k(count, lambda at: step(at, tiles[0]), where, rows, vectors)
            return tiles[0]
        whole = count & -sets
        with f.loop(f.i64(0), whole, sets) as position:
            for number, tile in enumerate(tiles):
                step(pack.add(f, position, number), tile)
        with f.loop(whole, count) as position:
            step(position, tiles[0])
        while len(tiles) > 1:
            half = len(tiles) // 2
            for kept, added in zip(tiles[:half], tiles[half:], strict=True):
                for r, v in itertools.product(range(rows), range(vectors)):
                    kept[r][v].set(kept[r][v].get() + added[r][v].get())
            tiles = tiles[:half]
        return tiles[0]

    def _along_k(self, count, step, where, rows: int, vectors: int) -> None:
        """All steps; spread over them, what the epilogue will read is asked for."""
        f = self.f
        if self.prefetch is None:
            with f.loop(f.i64(0), count) as position:
                step(position)
            return
        batch, k_end, column, row = where
        piece = pack.divide(f, pack.add(f, count, rows - 1), rows)
        with f.loop(f.i64(0), rows) as turn:
            self._prefetch_row(batch, k_end, column, pack.add(f, row, turn), vectors)
            begin = turn * piece
            end = pack.smaller(f, pack.add(f, begin, piece), count)
            with f.loop(begin, end) as position:
                step(position)

    def _multiply_add(self, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
        if self.plan.has_fma and self.type.is_float:
            return self.f.fma(x, y, z)
        return z + x * y

    def _a_tile(self, batch, k, row) -> tuple[ir.Value, int, int]:
        """Address of A's tile at (row, k), and its steps along rows and k."""
        f, pitch = self.f, self.plan.a_pitch
        if not self.plan.pack_a:
            _, by_row, by_k = self.a.operand.strides
            return self.a.pointer(batch, row, k), by_row, by_k
        down = pack.subtract(f, row, self.m_range[0])
        by_row, by_k = (1, pitch) if self.plan.pack_a == "columns" else (pitch, 1)
        return pack.offset(f, self.block, self.type, (down, by_row)), by_row, by_k

    def _b_panel(self, batch, k, column) -> tuple[ir.Value, int]:
        """Address of B's panel at k, and its step along k."""
        if self.plan.pack_b:
            return self.panel, self.plan.vectors * self.lanes
        return self.b.pointer(batch, k, column), self.b.operand.strides[1]

    # -- the epilogue -------------------------------------------------------------

    def _prefetch_row(self, batch, k_end, column, row, vectors: int) -> None:
        """Ask for what the epilogue of one row of a tile reads."""
        f, lanes = self.f, self.lanes
        assert self.prefetch is not None
        transposed = self.plan.transposed
        axis = "row" if transposed else "column"
        last = f.compare("eq", k_end, self.k_range[1]) if self.blocked else True
        with pack.either(f, last):
            for v in range(vectors):
                place = row, pack.add(f, column, v * lanes)
                at = reversed(place) if transposed else place
                self.prefetch(f, batch, *at, lanes, axis=axis)

    def finish(self, batch, row, column, value: ir.Value, count: int) -> None:
        """Hand a vector of results, of which the first `count` lanes exist, to `store`."""
        f, lanes = self.f, self.lanes
        row, column = pack.index(f, row), pack.index(f, column)
        if self.own_store is not None:
            self.own_store(f, batch, row, column, value, None)
            return
        mask = pack.last_lanes_mask(f, count, lanes) if count < lanes else None
        if self.c.axis == "row" and self.c.m > 1 and self.c.n > 1:
            # Lanes would lie apart in the output: hand them over one by one.
            tile = f.scratch(self.type, lanes)
            f.store(value, tile)
            with pack.each(f, 0, count) as lane:
                one = f.load(self.type, f.element(tile, self.type, lane))
                self._hand_over(batch, row, pack.add(f, column, lane), one, None)
            return
        self._hand_over(batch, row, column, value, mask)

    def _hand_over(self, batch, row, column, value: ir.Value, mask) -> None:
        if self.plan.transposed:
            self.store(self.f, batch, column, row, value, mask, axis="row")
        else:
            self.store(self.f, batch, row, column, value, mask, axis="column")

    def _epilogue_of_tile(self, batch, k_end, column, row) -> None:
        """Finish the tile whose sums lie in memory, if this was the last block of k."""
        f, plan = self.f, self.plan
        last = f.compare("eq", k_end, self.k_range[1]) if self.blocked else True
        with pack.either(f, last):
            base = self._sum_place(column, row)
            rows = pack.subtract(f, self.m_range[1], row)
            rows = pack.smaller(f, rows, plan.rows)
            self._epilogue(batch, row, rows, column, plan.vectors, base)

    def _epilogue(self, batch, row, rows, column, vectors: int, base: ir.Value) -> None:
        """Finish `rows` rows of up to `vectors` vectors, whose sums lie at `base`."""
        f, c, lanes = self.f, self.c, self.lanes
        width = vectors * lanes
        tail = c.n % lanes
        left = pack.subtract(f, self.n_range[1], column)
        whole = pack.subtract(f, pack.smaller(f, left, width), lanes - 1)
        with pack.each(f, 0, rows) as r:
            line = pack.offset(f, base, self.type, (r, self.plan.sum_pitch))
            at_row = pack.add(f, row, r)

            def finish_one(across, count: int) -> None:
                value = f.load(self.vector, pack.offset(f, line, self.type, (across, 1)))
                self.finish(batch, at_row, pack.add(f, column, across), value, count)

            if c.n >= lanes:
                with pack.each(f, 0, whole, lanes) as across:
                    finish_one(across, lanes)
            if tail:
                position = pack.subtract(f, c.n - tail, column)
                inside = f.compare("slt", position, width) if c.n > width else True
                with pack.either(f, inside):
                    finish_one(position, tail)

    # -- the dot form -------------------------------------------------------------

    def _dot(self, batch: ir.Value) -> None:
        """Few rows: sums across the lanes of products along k, several columns at once."""
        f, c, plan = self.f, self.c, self.plan
        k, k_end = self.k_range
        n, n_end = self.n_range
        rows, columns = c.m, plan.vectors
        if plan.pack_a:
            pack.copy_lines(
                self.a, batch, (f.i64(0), f.i64(rows)), (k, k_end), "column", self.lanes,
                self.block, plan.a_pitch, [(f.compare("eq", k_end, c.k), c.k % self.lanes)],
            )  # fmt: skip
            a, a_row = self.block, plan.a_pitch
        else:
            a, a_row = self.a.pointer(batch, 0, k), self.a.operand.strides[1]
        with f.loop(n, n_end, columns) as column:
            starts = []
            for i in range(columns):
                place = pack.add(f, column, i)
                if c.n % columns:
                    place = pack.smaller(f, place, c.n - 1)
                starts.append(self.b.pointer(batch, k, place))
            sums = self._dot_tile(a, a_row, starts, k, k_end)
            across = pack.subtract(f, column, n)
            for r, value in enumerate(sums):
                f.store(
                    value,
                    pack.offset(f, self.sums, self.type, (r, plan.sum_pitch), (across, 1)),
                )
        vectors = ceil_div(plan.chunk_columns, self.lanes)
        self._epilogue(batch, f.i64(0), f.i64(rows), n, vectors, self.sums)

    def _dot_tile(self, a, a_row: int, starts, k, k_end) -> list[ir.Value]:
        """A vector of sums per row, one lane per column."""
        f, c, lanes = self.f, self.c, self.lanes
        rows, columns = c.m, len(starts)
        sets = 1
        while sets * rows * columns < 8:
            sets *= 2
        zero = f.constant(self.vector, 0)
        sums = [
            [f.variable(self.vector, zero) for _ in range(rows * columns)]
            for _ in range(sets)
        ]

        def step(position: ir.Value, kept, mask=None) -> None:
            places = [
                pack.offset(f, a, self._a_type, (position, 1), (r, a_row))
                for r in range(rows)
            ]
            from_a = [self._read_a(place, mask) for place in places]
            for i, start in enumerate(starts):
                place = pack.offset(f, start, self.b.operand.type, (position, 1))
                from_b = self.b.read(place, self.vector.lanes, mask)
                for r in range(rows):
                    total = kept[r * columns + i]
                    total.set(self._multiply_add(from_a[r], from_b, total.get()))

        span = sets * lanes
        count = pack.subtract(f, k_end, k)
        with f.loop(f.i64(0), pack.subtract(f, count, span - 1), span) as position:
            for number, kept in enumerate(sums):
                step(pack.add(f, position, number * lanes), kept)
        self._dot_tail(count, span, k_end, step, sums)
        flat = [self._across_sets(sums, i) for i in range(rows * columns)]
        return [
            self._across_lanes(flat[r * columns : (r + 1) * columns]) for r in range(rows)
        ]

    def _dot_tail(self, count, span: int, k_end, step, sums) -> None:
        """The steps beyond the last whole turn of all sets: vectors, then some lanes."""
        f, c, plan, lanes = self.f, self.c, self.plan, self.lanes
        final = c.k - (plan.k_splits - 1) * plan.k_split
        ended = f.compare("eq", k_end, c.k) if plan.k_splits > 1 else True
        begin = final // span * span
        with pack.either(f, ended):
            for number, position in enumerate(range(begin, final, lanes)):
                left = min(lanes, final - position)
                mask = pack.last_lanes_mask(f, left, lanes) if left < lanes else None
                step(f.i64(position), sums[number % len(sums)], mask)

    @property
    def _a_type(self) -> ir.Type:
        return self.type if self.plan.pack_a else self.a.operand.type

    def _read_a(self, place: ir.Value, mask) -> ir.Value:
        if not self.plan.pack_a:
            return self.a.read(place, self.vector.lanes, mask)
        if mask is not None:
            return self.f.masked_load(self.vector, place, mask)
        return self.f.load(self.vector, place)

    def _across_sets(self, sums, i: int) -> ir.Value:
        parts = [kept[i].get() for kept in sums]
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [x + y for x, y in zip(parts[:half], parts[half:], strict=True)]
        return parts[0]

    def _across_lanes(self, vectors: list[ir.Value]) -> ir.Value:
        """Lane i of the result is the sum of the lanes of vectors[i]."""
        f, lanes = self.f, self.lanes
        count = len(vectors)
        # Two vectors become one, whose lanes alternate between sums of the two.
        stride = 1
        while len(vectors) > 1:
            low, high = [], []
            for start in range(0, lanes, 2 * stride):
                low += [start + i for i in range(stride)]
                low += [lanes + start + i for i in range(stride)]
                high += [start + stride + i for i in range(stride)]
                high += [lanes + start + stride + i for i in range(stride)]
            half = len(vectors) // 2
            # Neighbouring blocks must hold vectors 0, 1, 2 … in order: pair i with i + half
            # on the widest stride, which is the last round; so pair neighbours first.
            pairs = [(vectors[2 * i], vectors[2 * i + 1]) for i in range(half)]
            vectors = [f.shuffle(x, y, low) + f.shuffle(x, y, high) for x, y in pairs]
            stride *= 2
        total, width = vectors[0], lanes
        while width > count:
            width //= 2
            low_half, high_half = range(width), range(width, 2 * width)
            total = f.shuffle(total, total, low_half) + f.shuffle(total, total, high_half)
        if count == 1:
            return f.extract(total, 0) if total.type.lanes else total
        return total
