"""The native runner and the team: order, races, loops, host calls, threads, forks."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from weft.targets.llvm import cache, runner_source, team
from weft.targets.llvm.ir import F64, I8, I32, I64, PTR, VOID, Module
from weft.targets.llvm.machine import host, named
from weft.targets.llvm.runtime import INTERRUPTED, Label, Launch, ProgramBuilder
from weft.targets.llvm.team import Team, run, run_alone

BLOCK = 64  # elements of one chunk
KERNEL = [("buffers", PTR), ("slots", PTR), ("chunk", I64), ("scratch", PTR)]


def _argument(f, number):
    slot = f.load(I32, f.element(f.parameters[1], I32, number))
    return f.load(PTR, f.element(f.parameters[0], PTR, f.cast("sext", slot, I64)))


def _kernels() -> str:
    module = Module()

    # out[i] = 3 * a[(i + a[0]) mod n] + b[i] + i: reads blocks that other chunks wrote.
    f = module.function("mix", KERNEL)
    out, a, b, size = (_argument(f, n) for n in range(4))
    chunk = f.parameters[2]
    mask = f.load(I64, size) - 1
    shift = f.load(I64, a)
    with f.loop(chunk * BLOCK, chunk * BLOCK + BLOCK) as i:
        there = (i + shift) & mask
        value = f.load(I64, f.element(a, I64, there)) * 3 + f.load(
            I64, f.element(b, I64, i)
        )
        f.store(value + i, f.element(out, I64, i))
    f.ret()

    # count[chunk] += 1
    f = module.function("count", KERNEL)
    place = f.element(_argument(f, 0), I64, f.parameters[2])
    f.store(f.load(I64, place) + 1, place)
    f.ret()

    # number += 1; more = number < limit
    f = module.function("step", KERNEL)
    number, limit, more = (_argument(f, n) for n in range(3))
    following = f.load(I64, number) + 1
    f.store(following, number)
    below = f.compare("slt", following, f.load(I64, limit))
    f.store(f.cast("zext", below, I8), more)
    f.ret()

    # Fill the scratch with the chunk's number, then report what stands there.
    f = module.function("private", KERNEL)
    out, length = _argument(f, 0), f.load(I64, _argument(f, 1))
    chunk, scratch = f.parameters[2:]
    with f.loop(0, length) as i:
        f.store(chunk, f.element(scratch, I64, i))
    wrong = f.variable(I64, 0)
    with f.loop(0, length) as i:
        seen = f.load(I64, f.element(scratch, I64, i))
        wrong.set(wrong.get() + (seen ^ chunk))
    address = f.cast("ptrtoint", scratch, I64)
    f.store(wrong.get() + (address & 63), f.element(out, I64, chunk))
    f.ret()

    # out = a * b in float64
    f = module.function("product", KERNEL)
    out, a, b = (f.element(_argument(f, n), F64, f.parameters[2]) for n in range(3))
    f.store(f.load(F64, a) * f.load(F64, b), out)
    f.ret()

    f = module.function("set_float_mode", [("mode", I32)], I32)
    kept = f.scratch(I32, 2)
    if host().is_x86:
        f.call("llvm.x86.sse.stmxcsr", VOID, kept)
        f.store(f.parameters[0], f.element(kept, I32, 1))
        f.call("llvm.x86.sse.ldmxcsr", VOID, f.element(kept, I32, 1))
    f.ret(f.load(I32, kept))
    return module.text()


@pytest.fixture(scope="module")
def library():
    return cache.get_or_load([_kernels()], host())[0]


@pytest.fixture(scope="module", params=[1, 2, 4, 8])
def crew(request):
    one = Team(request.param)
    yield one
    one.close()


@pytest.fixture(scope="module")
def two():
    one = Team(2)
    yield one
    one.close()


class Table:
    """NumPy arrays and the table of their addresses."""

    def __init__(self, *arrays):
        self.arrays = arrays
        self.words = np.array([a.ctypes.data for a in arrays], np.int64)

    @property
    def address(self):
        return self.words.ctypes.data


# Nanoseconds of a chunk; 0 says that nobody knows.
@pytest.mark.parametrize(("nanoseconds", "is_serial"), [(0, False), (100, True), (900, False)])
def test_short_phases_are_not_shared(library, nanoseconds, is_serial):
    builder = ProgramBuilder(3)
    builder.run([Launch(library.address("step"), (0, 1, 2), 2, nanoseconds)])
    assert builder.finish().serial == is_serial


def _loop(library, limit, launches=(), *, slots=(0, 1, 2), buffers=3):
    """A program that steps a number up to a limit, running `launches` in every round."""
    builder = ProgramBuilder(buffers)
    top = builder.here()
    if launches:
        builder.run(list(launches))
    builder.run([Launch(library.address("step"), slots, 1)])
    builder.jump_if(top, slots[2])
    number, more = np.zeros(1, np.int64), np.ones(1, np.bool_)
    return builder, (number, np.array([limit], np.int64), more)


def test_every_chunk_runs_once(library, crew):
    counts = np.zeros(5000, np.int64)
    table = Table(counts)
    builder = ProgramBuilder(1)
    builder.run([Launch(library.address("count"), (0,), 5000)])
    program = builder.finish(keep=library)
    for turn in range(1, 20):
        assert crew.run(program, table.address) == 0
        assert (counts == turn).all()


def test_thousands_of_short_programs(library, crew):
    counts = np.zeros(3, np.int64)
    table = Table(counts)
    builder = ProgramBuilder(1)
    builder.run([Launch(library.address("count"), (0,), 3)])
    builder.run([Launch(library.address("count"), (0,), 2)])
    program = builder.finish()
    for _ in range(5000):
        crew.run(program, table.address)
    assert counts.tolist() == [10000, 10000, 5000]


@pytest.mark.parametrize("seed", range(6))
def test_phases_see_what_earlier_phases_wrote(library, crew, seed):
    random = np.random.default_rng(seed)
    size = BLOCK * 2 ** int(random.integers(1, 5))
    groups = int(random.integers(2, 5))
    # Kernels of one phase write different buffers and read those of the phase before.
    now = [random.integers(-99, 99, size) for _ in range(groups)]
    after = [np.zeros(size, np.int64) for _ in range(groups)]
    table = Table(*now, *after, np.array([size], np.int64))
    expected = [a.copy() for a in now]
    builder = ProgramBuilder(2 * groups + 1)
    index = np.arange(size)
    for phase in range(60):
        source, target = (0, groups) if phase % 2 == 0 else (groups, 0)
        launches, results = [], []
        for kernel in range(groups):
            a, b = random.integers(groups, size=2)
            slots = (target + kernel, source + a, source + b, 2 * groups)
            launches.append(Launch(library.address("mix"), slots, size // BLOCK))
            shifted = expected[a][(index + expected[a][0]) % size]
            results.append(3 * shifted + expected[b] + index)
        order = random.permutation(groups)
        builder.run([launches[n] for n in order])
        expected = results
    program = builder.finish()
    start = [a.copy() for a in now]
    for _ in range(20):
        for array, first in zip(now, start, strict=True):
            array[:] = first
        assert crew.run(program, table.address) == 0
        for array, result in zip(now, expected, strict=True):
            np.testing.assert_array_equal(array, result)


def test_scratch_belongs_to_one_thread_and_is_aligned(library, crew):
    for length in (10, 1000):
        out = np.ones(200, np.int64)
        table = Table(out, np.array([length], np.int64))
        builder = ProgramBuilder(2)
        builder.run([Launch(library.address("private"), (0, 1), 200)])
        program = builder.finish(scratch_bytes=8 * length)
        for _ in range(20):
            out[:] = 1
            crew.run(program, table.address)
            assert not out.any()


def test_empty_programs_and_phases(library, crew):
    assert crew.run(ProgramBuilder(0).finish(), 0) == 0
    builder = ProgramBuilder(1)
    builder.run([])
    builder.run([Launch(library.address("count"), (0,), 0)])
    builder.end(7)
    assert crew.run(builder.finish(), Table(np.zeros(1)).address) == 7


# -- control ---------------------------------------------------------------------------


def test_while_loop(library, crew):
    counts = np.zeros(10, np.int64)
    builder, state = _loop(
        library, 1000, [Launch(library.address("count"), (3,), 10)], buffers=4
    )
    table = Table(*state, counts)
    assert crew.run(builder.finish(), table.address) == 0
    assert (counts == 1000).all()


@pytest.mark.parametrize("taken", [False, True])
def test_forward_jumps(library, two, taken):
    counts, condition = np.zeros(2, np.int64), np.array([taken])
    builder = ProgramBuilder(2)
    other, join = builder.label(), builder.label()
    builder.jump_unless(other, 1)
    builder.run([Launch(library.address("count"), (0,), 1)])
    builder.jump(join)
    builder.place(other)
    builder.run([Launch(library.address("count"), (0,), 2)])
    builder.place(join)
    two.run(builder.finish(), Table(counts, condition).address)
    assert counts.tolist() == ([1, 0] if taken else [1, 1])


def test_swap_exchanges_addresses_and_copy_moves_bytes(library):
    one, another = np.zeros(4, np.int64), np.zeros(4, np.int64)
    table = Table(one, another)
    builder = ProgramBuilder(2)
    builder.run([Launch(library.address("count"), (0,), 4)])
    builder.swap(0, 1)
    builder.copy(0, 1, 16)
    builder.run([Launch(library.address("count"), (0,), 4)])
    run(builder.finish(), table.address)
    assert table.words.tolist() == [another.ctypes.data, one.ctypes.data]
    assert one.tolist() == [1, 1, 1, 1]
    assert another.tolist() == [2, 2, 1, 1]


def test_wrong_programs_are_refused():
    builder = ProgramBuilder(1)
    with pytest.raises(ValueError, match="slot"):
        builder.swap(0, 1)
    with pytest.raises(ValueError, match="chunks"):
        builder.run([Launch(0, (), 2**31)])
    with pytest.raises(ValueError, match="status"):
        builder.end(-1)
    with pytest.raises(ValueError, match="one place"):
        builder.place(Label(0))
    builder.jump(builder.label())
    with pytest.raises(ValueError, match="placed label"):
        builder.finish()


# -- host calls ------------------------------------------------------------------------


def test_host_functions_run_in_order_with_the_table(library, crew):
    counts = np.zeros(8, np.int64)
    table = Table(counts)
    seen = []
    builder = ProgramBuilder(1)
    for _ in range(3):
        builder.run([Launch(library.address("count"), (0,), 8)])
        builder.host(lambda address: seen.append((address, counts.tolist())))
    assert crew.run(builder.finish(), table.address) == 0
    assert seen == [(table.address, [n] * 8) for n in (1, 2, 3)]


def test_a_host_function_may_end_the_program_or_raise(library, crew):
    counts = np.zeros(4, np.int64)
    table = Table(counts)

    def refuse(address):
        raise LookupError("no such thing")

    for function in (lambda address: 5, refuse):
        builder = ProgramBuilder(1)
        builder.run([Launch(library.address("count"), (0,), 4)])
        builder.host(function)
        builder.run([Launch(library.address("count"), (0,), 4)])
        program = builder.finish()
        counts[:] = 0
        if function is refuse:
            with pytest.raises(LookupError, match="no such thing"):
                crew.run(program, table.address)
        else:
            assert crew.run(program, table.address) == 5
        assert (counts == 1).all()
    # The team is free again.
    assert crew._crew.lock.acquire(blocking=False)
    crew._crew.lock.release()


def test_a_host_function_may_run_programs_and_close_the_team(library):
    one = Team(3)
    counts = np.zeros(50, np.int64)
    table = Table(counts)
    inner = ProgramBuilder(1)
    inner.run([Launch(library.address("count"), (0,), 50)])
    inside = inner.finish(scratch_bytes=1 << 16)
    outer = ProgramBuilder(1)
    launch = Launch(library.address("count"), (0,), 50)
    outer.run([launch])
    outer.host(lambda address: one.run(inside, address))
    outer.run([launch])
    outer.host(lambda address: one.close())
    outer.run([launch])
    assert one.run(outer.finish(scratch_bytes=64), table.address) == 0
    assert (counts == 4).all()
    one.close()


# -- interrupts ------------------------------------------------------------------------


def test_interrupt_from_another_thread(library, crew):
    builder, state = _loop(library, 2**62)
    program = builder.finish()
    timer = threading.Timer(0.02, program.interrupt)
    timer.start()
    assert crew.run(program, Table(*state).address) == INTERRUPTED
    timer.join()
    # The next run is not affected.
    state[1][0], state[0][0] = 10, 0
    assert crew.run(program, Table(*state).address) == 0


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_the_keyboard_interrupts_a_long_loop(library):
    builder, state = _loop(library, 2**62)
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(builder.finish(), Table(*state).address)
    timer.join()


def test_a_long_loop_pauses_and_goes_on(library, two):
    limit = 30_000_000  # several heartbeats
    builder, state = _loop(library, limit)
    assert two.run(builder.finish(), Table(*state).address) == 0
    assert state[0][0] == limit


# -- threads, forks, exits -------------------------------------------------------------


def test_callers_in_several_threads(library, two):
    failures = []

    def call(number):
        counts = np.zeros(40, np.int64)
        table = Table(counts)
        builder = ProgramBuilder(1)
        for _ in range(10):
            builder.run([Launch(library.address("count"), (0,), 40)])
        program = builder.finish(scratch_bytes=128 * number)
        for _ in range(300):
            two.run(program, table.address)
        if not (counts == 3000).all():
            failures.append(counts)

    callers = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures


def test_sleepers_wake_for_a_program(library, two):
    counts = np.zeros(64, np.int64)
    builder, state = _loop(
        library, 3000, [Launch(library.address("count"), (3,), 64)], buffers=4
    )
    program = builder.finish()
    table = Table(*state, counts)
    two.run(program, table.address)
    time.sleep(0.02)
    (worker,) = two._crew._workers
    assert worker.asleep
    state[0][0] = 0
    two.run(program, table.address)
    assert (counts == 6000).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("inside", [False, True])
def test_a_child_after_fork_runs_programs(library, two, inside):
    counts = np.zeros(64, np.int64)
    table = Table(counts)
    launch = Launch(library.address("count"), (0,), 64)
    builder = ProgramBuilder(1)
    builder.run([launch])
    if inside:
        children = []
        builder.host(lambda address: children.append(os.fork()))
        builder.run([launch])
    program = builder.finish()
    two.run(program, table.address)
    child = children[0] if inside else os.fork()
    if child == 0:
        status = 1
        try:
            again = ProgramBuilder(1)
            again.run([launch])
            again_program = again.finish()
            before = counts[0]
            for _ in range(50):
                two.run(again_program, table.address)
            fresh = all(w.thread.is_alive() for w in two._crew._workers)
            alive = len(two._crew._workers) == 1 and fresh
            status = 0 if alive and (counts == before + 50).all() else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_the_interpreter_exits_with_workers_waiting_or_busy(tmp_path):
    script = textwrap.dedent(
        """
        import sys, threading
        import numpy as np
        sys.path.insert(0, {folder!r})
        from test_runtime import Launch, ProgramBuilder, Table, _kernels, _loop, cache, host
        from weft.targets.llvm import team

        team.set_thread_count(3)
        library = cache.get_or_load([_kernels()], host())[0]
        counts = np.zeros(64, np.int64)
        launches = [Launch(library.address("count"), (3,), 64)]
        builder, state = _loop(library, 100, launches, buffers=4)
        table = Table(*state, counts)
        team.run(builder.finish(), table.address)
        assert (counts == 100).all()
        if sys.argv[1] == "busy":
            builder, state = _loop(library, 2**62, launches, buffers=4)
            table2 = Table(*state, counts)
            endless = builder.finish()
            call = lambda: team.run(endless, table2.address)
            threading.Thread(target=call, daemon=True).start()
        print("reached the end")
        """
    ).format(folder=os.path.dirname(__file__))
    for mode in ("waiting", "busy"):
        done = subprocess.run(
            [sys.executable, "-c", script, mode],
            capture_output=True, check=False, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout == "reached the end\n"
        assert done.stderr == ""


def test_a_closed_team_starts_again(library):
    one = Team(3)
    counts = np.zeros(30, np.int64)
    builder = ProgramBuilder(1)
    builder.run([Launch(library.address("count"), (0,), 30)])
    program, table = builder.finish(), Table(counts)
    for turn in range(1, 6):
        one.run(program, table.address)
        assert (counts == turn).all()
        threads = [worker.thread for worker in one._crew._workers]
        assert len(threads) == 2
        one.close()
        assert not any(thread.is_alive() for thread in threads)


def test_a_forgotten_team_ends_its_threads(library):
    one = Team(2)
    builder = ProgramBuilder(1)
    builder.run([Launch(library.address("count"), (0,), 30)])
    one.run(builder.finish(), Table(np.zeros(30, np.int64)).address)
    (worker,) = one._crew._workers
    del one
    worker.thread.join(5)
    assert not worker.thread.is_alive()


# -- the rest --------------------------------------------------------------------------


def test_set_thread_count():
    before = team.team().threads
    try:
        team.set_thread_count(5)
        assert team.team().threads == 5
        with pytest.raises(ValueError, match="at least 1"):
            team.set_thread_count(0)
    finally:
        team.set_thread_count(before)


@pytest.mark.skipif(not host().is_x86, reason="sets the x86 mode")
def test_results_do_not_depend_on_the_float_mode_of_the_caller(library, two):
    import ctypes

    tiny = np.full(16, 2.0**-600)
    half = np.full(16, 2.0**-450)  # their product is denormal
    out = np.zeros(16)
    builder = ProgramBuilder(3)
    builder.run([Launch(library.address("product"), (0, 1, 2), 16)])
    program, table = builder.finish(), Table(out, tiny, half)
    signature = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
    set_mode = signature(library.address("set_float_mode"))
    flushing = 0x1F80 | 0x8040  # flush to zero, denormals are zero
    former = set_mode(flushing)
    try:
        two.run(program, table.address)
        assert set_mode(flushing) & 0x8040 == 0x8040  # given back as it was
    finally:
        set_mode(former)
    assert (out == 2.0**-1050).all()


def test_profile_counts_and_times(library, crew):
    counts = np.zeros(64, np.int64)
    builder, state = _loop(
        library, 100, [Launch(library.address("count"), (3,), 64)], buffers=4
    )
    program, table = builder.finish(), Table(*state, counts)
    crew.run(program, table.address)
    state[0][0] = 0
    program.start_profile()
    crew.run(program, table.address)
    rows = program.stop_profile()
    assert [(row.operation, row.count) for row in rows] == [
        ("run", 100), ("run", 100), ("jump_if", 100), ("end", 1)
    ]  # fmt: skip
    assert all(row.seconds > 0 for row in rows)
    (launch,) = rows[0].launches
    assert launch.address == library.address("count")
    assert launch.chunks == 64
    assert launch.seconds > 0
    state[0][0] = 0
    crew.run(program, table.address)
    assert program.stop_profile() == rows


def test_serial_programs_wake_nobody(library):
    one = Team(4)
    counts = np.zeros(30, np.int64)
    builder = ProgramBuilder(1)
    builder.run([Launch(library.address("count"), (0,), 30)])
    program = builder.finish(serial=True, brief=True)
    assert one.run(program, Table(counts).address) == 0
    assert run_alone(program, Table(counts).address) == 0
    assert not one._crew._workers
    assert (counts == 2).all()


@pytest.mark.parametrize("name", ["avx512", "avx2", "sse2", "neon"])
def test_the_runner_is_emitted_for_every_machine(name):
    import llvmlite.binding as llvm

    from weft.targets.llvm import jit

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    (code,) = jit.compile_objects([runner_source.source(named(name))], named(name))
    assert b"run_profiled\0" in code
