"""The runner's machine code, written in our IR; `runner` tells how it works."""

from __future__ import annotations

import functools

from weft.targets.llvm.ir import (
    I1,
    I8,
    I32,
    I64,
    PTR,
    VOID,
    Function,
    Module,
    Type,
    Value,
)
from weft.targets.llvm.layouts import (
    ACTIVE,
    AT_HOST_CALL,
    AT_INTERRUPT,
    AT_PAUSE,
    BEGIN,
    BUFFERS,
    CODE,
    COPY,
    DONE,
    END,
    FINISH,
    FINISHED,
    FIRST,
    HEARTBEAT,
    HOST_CALL,
    INTERRUPT,
    JUMP,
    JUMP_IF,
    JUMP_UNLESS,
    KERNEL,
    LAUNCH,
    LONG_SLEEP,
    OPERATION_NAMES,
    PHASE,
    PROFILE,
    PROFILED,
    RECORD,
    RUN,
    SCRATCH,
    SCRATCH_STRIDE,
    SHORT_SLEEP,
    SLEEP,
    SLOTS,
    SPIN_TICKS,
    STOP,
    SWAP,
    TICKET,
    TICKS,
    YIELD,
    YIELD_TICKS,
)  # fmt: skip
from weft.targets.llvm.machine import Machine


class _Emitter:
    """Words, atomics and clocks on top of our writer of IR."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.module = Module()

    def text(self) -> str:
        metadata = '\n!0 = !{!"cntvct_el0"}\n' if self.machine.is_arm else ""
        return self.module.text() + metadata

    # -- words

    @staticmethod
    def word(f: Function, base: Value, index: Value | int, type: Type = I64) -> Value:
        return f.load(type, f.element(base, I64, index), align=8)

    @staticmethod
    def set_word(f: Function, base: Value, index: int, value: Value) -> None:
        f.store(value, f.element(base, I64, index), align=8)

    @staticmethod
    def load_atomic(f: Function, pointer: Value, order: str) -> Value:
        return f.result(I64, f"load atomic i64, ptr {pointer.text} {order}, align 8")

    @staticmethod
    def store_atomic(f: Function, value: Value, pointer: Value, order: str) -> None:
        f.emit(f"store atomic i64 {value.text}, ptr {pointer.text} {order}, align 8")

    @staticmethod
    def add_atomic(f: Function, pointer: Value, value: Value, order: str) -> Value:
        """Add to a word; returns what it was."""
        line = f"atomicrmw add ptr {pointer.text}, i64 {value.text} {order}, align 8"
        return f.result(I64, line)

    # -- the processor

    def ticks(self, f: Function) -> Value:
        """A counter that rises steadily, the same on every core."""
        if self.machine.is_arm:
            name = "llvm.read_volatile_register.i64"
            f.module.declare(name, I64, [Type("metadata")])
            return f.result(I64, f"call i64 @{name}(metadata !0)")
        return f.call("llvm.readcyclecounter", I64)

    def pause(self, f: Function) -> None:
        """Tell the core that we spin."""
        if self.machine.is_x86:
            f.call("llvm.x86.sse2.pause", VOID)
        elif self.machine.is_arm:
            f.call("llvm.aarch64.hint", VOID, Value(I32, "1", f))

    def standard_floats(self, f: Function) -> Value:
        """Set IEEE rounding with denormals; returns where the old mode is kept.

        Some libraries change the mode of the thread that loads them: the bits that a
        program computes must depend on neither that nor on the thread.
        """
        kept = f.scratch(I64, 2, align=16)
        if self.machine.is_x86:
            standard = f.element(kept, I64, 1)
            f.call("llvm.x86.sse.stmxcsr", VOID, kept)
            f.store(Value(I32, str(0x1F80), f), standard)
            f.call("llvm.x86.sse.ldmxcsr", VOID, standard)
        elif self.machine.is_arm:
            f.store(f.call("llvm.aarch64.get.fpcr", I64), kept)
            f.call("llvm.aarch64.set.fpcr", VOID, f.i64(0))
        return kept

    def restore_floats(self, f: Function, kept: Value) -> None:
        if self.machine.is_x86:
            f.call("llvm.x86.sse.ldmxcsr", VOID, kept)
        elif self.machine.is_arm:
            f.call("llvm.aarch64.set.fpcr", VOID, f.load(I64, kept))

    # -- kernels

    def call_kernel(
        self, f: Function, launch: Value, buffers: Value, chunk: Value, scratch: Value
    ) -> None:
        kernel = self.word(f, launch, KERNEL, PTR)
        slots = self.word(f, launch, SLOTS, PTR)
        f.emit(
            f"call void {kernel.text}(ptr {buffers.text}, ptr {slots.text}, "
            f"i64 {chunk.text}, ptr {scratch.text})"
        )

    # -- functions

    def emit_serve(self) -> None:
        """`serve(team, number)`: run chunks until none is left; returns how many."""
        f = self.module.function(
            "serve", [("team", PTR), ("number", I64)], I64, internal=True
        )
        team, number = f.parameters
        ticket = f.element(team, I64, TICKET)
        from_back = f.compare("ne", number & 1, 0)
        step = f.select(from_back, f.i64(-1 << 32), f.i64(1))
        count, launch_number = f.variable(I64, 0), f.variable(I64, 0)
        again, take, run = (f.new_label(hint) for hint in ("again", "take", "run"))
        forward, forth, backward, back_one, found = (
            f.new_label(hint)
            for hint in ("forward", "forth", "backward", "back", "found")
        )
        timed, plain, counted, out = (
            f.new_label(hint) for hint in ("timed", "plain", "counted", "out")
        )
        f.branch(again)

        def halves(word: Value) -> tuple[Value, Value]:
            front = f.op("ashr", word << 32, 32)
            return front, f.op("ashr", word - front, 32)

        # A look first: adding to an exhausted ticket for ever would overflow its halves.
        f.start(again)
        front, back = halves(self.load_atomic(f, ticket, "monotonic"))
        f.branch_if(f.compare("slt", front, back), take, out)
        f.start(take)
        front, back = halves(self.add_atomic(f, ticket, step, "acq_rel"))
        f.branch_if(f.compare("slt", front, back), run, out)

        f.start(run)
        chunk = f.select(from_back, back - 1, front)
        phase = self.word(f, team, PHASE, PTR)
        buffers = self.word(f, team, BUFFERS, PTR)
        scratch = f.element(
            self.word(f, team, SCRATCH, PTR),
            I8,
            number * self.word(f, team, SCRATCH_STRIDE),
        )

        def launch_of(index: Value) -> Value:
            return f.element(phase, I64, index * LAUNCH)

        # Chunks mostly rise or fall by one, so the launch is near the last one.
        f.branch(forward)
        f.start(forward)
        here = launch_number.get()
        beyond = f.compare("sge", chunk, self.word(f, launch_of(here), FINISH))
        f.branch_if(beyond, forth, backward)
        f.start(forth)
        launch_number.set(here + 1)
        f.branch(forward)
        f.start(backward)
        here = launch_number.get()
        begin = self.word(f, launch_of(here), BEGIN)
        f.branch_if(f.compare("slt", chunk, begin), back_one, found)
        f.start(back_one)
        launch_number.set(here - 1)
        f.branch(backward)

        f.start(found)
        launch = launch_of(here)
        own = chunk - begin + self.word(f, launch, FIRST)
        profiled = f.compare("ne", self.word(f, team, PROFILED), 0)
        f.branch_if(profiled, timed, plain)
        f.start(plain)
        self.call_kernel(f, launch, buffers, own, scratch)
        f.branch(counted)
        f.start(timed)
        start = self.ticks(f)
        self.call_kernel(f, launch, buffers, own, scratch)
        self.add_atomic(
            f, f.element(launch, I64, TICKS), self.ticks(f) - start, "monotonic"
        )
        f.branch(counted)
        f.start(counted)
        count.set(count.get() + 1)
        f.branch(again)

        f.start(out)
        f.ret(count.get())

    def emit_rest(self) -> None:
        """`rest(team, idle)`: give way for a moment, more the longer we have waited."""
        f = self.module.function(
            "rest", [("team", PTR), ("idle", I64), ("may_sleep", I64)], internal=True
        )
        team, idle, may_sleep = f.parameters
        spin, relax, give, sleep, out = (
            f.new_label(hint) for hint in ("spin", "relax", "give", "sleep", "out")
        )
        yield_ticks = self.word(f, team, YIELD_TICKS)
        f.branch_if(f.compare("slt", idle, self.word(f, team, SPIN_TICKS)), spin, relax)
        f.start(spin)
        self.pause(f)
        f.branch(out)
        f.start(relax)
        patient = f.compare("slt", idle, yield_ticks) | f.compare("eq", may_sleep, 0)
        f.branch_if(patient, give, sleep)
        f.start(give)
        f.emit(f"call i32 {self.word(f, team, YIELD, PTR).text}()")
        f.branch(out)
        f.start(sleep)
        brief = f.compare("slt", idle, yield_ticks * 16)
        nap = f.select(
            brief, self.word(f, team, SHORT_SLEEP), self.word(f, team, LONG_SLEEP)
        )
        sleeper = self.word(f, team, SLEEP, PTR)
        f.emit(f"call i32 {sleeper.text}(i64 {nap.text}, i64 0)")
        f.branch(out)
        f.start(out)
        f.ret()

    def emit_work(self) -> None:
        """`work(team, number, patience)`: a worker's life while programs run."""
        f = self.module.function(
            "work", [("team", PTR), ("number", I64), ("patience", I64)]
        )
        team, number, patience = f.parameters
        kept = self.standard_floats(f)
        since = f.variable(I64, self.ticks(f))
        last = f.variable(I64, 0)
        again, serve, report, waiting, rest, out = (
            f.new_label(hint)
            for hint in ("again", "serve", "report", "waiting", "rest", "out")
        )
        f.branch(again)

        f.start(again)
        stop = self.load_atomic(f, f.element(team, I64, STOP), "monotonic")
        f.branch_if(f.compare("ne", stop, 0), out, serve)
        f.start(serve)
        count = f.call("serve", I64, team, number)
        f.branch_if(f.compare("ne", count, 0), report, waiting)
        f.start(report)
        self.add_atomic(f, f.element(team, I64, DONE), count, "release")
        since.set(self.ticks(f))
        f.branch(again)

        f.start(waiting)
        now = self.ticks(f)
        active = self.load_atomic(f, f.element(team, I64, ACTIVE), "monotonic")
        # Every run has its own number: a new one makes us alert again.
        changed = f.compare("ne", active, last.get())
        since.set(f.select(changed, now, since.get()))
        last.set(active)
        idle = now - since.get()
        tired = f.compare("eq", active, 0) & f.compare("sgt", idle, patience)
        f.branch_if(tired, out, rest)
        f.start(rest)
        f.call("rest", VOID, team, idle, active)
        f.branch(again)

        f.start(out)
        self.restore_floats(f, kept)
        f.ret()

    def emit_phase(self) -> None:
        """`phase(team, launches, buffers, total)`: the leader's side of a shared phase."""
        f = self.module.function(
            "phase",
            [("team", PTR), ("launches", PTR), ("buffers", PTR), ("total", I64)],
            internal=True,
        )
        team, launches, buffers, total = f.parameters
        self.set_word(f, team, PHASE, launches)
        self.set_word(f, team, BUFFERS, buffers)
        done = f.element(team, I64, DONE)
        self.store_atomic(f, f.i64(0), done, "monotonic")
        self.store_atomic(f, total << 32, f.element(team, I64, TICKET), "release")
        others = total - f.call("serve", I64, team, f.i64(0))
        start = f.variable(I64, 0)
        look, rest, out = (f.new_label(hint) for hint in ("look", "rest", "out"))
        started = f.new_label("started")
        f.branch_if(f.compare("eq", others, 0), out, started)
        f.start(started)
        start.set(self.ticks(f))
        f.branch(look)
        f.start(look)
        arrived = self.load_atomic(f, done, "acquire")
        f.branch_if(f.compare("eq", arrived, others), out, rest)
        f.start(rest)
        f.call("rest", VOID, team, self.ticks(f) - start.get(), f.i64(1))
        f.branch(look)
        f.start(out)
        f.ret()

    def emit_run(self, name: str, profiled: bool) -> None:
        """`run(program, buffers, team, scratch, at)`: follow the records from `at`.

        `team` is null for a program that this thread runs alone. Returns to Python for
        a host call, and at a backward jump now and then, so that signals are heard.
        """
        f = self.module.function(
            name,
            [
                ("program", PTR),
                ("buffers", PTR),
                ("team", PTR),
                ("scratch", PTR),
                ("at", I64),
            ],
            I64,
        )
        program, buffers, team, scratch, at = f.parameters
        kept = self.standard_floats(f)
        code = self.word(f, program, CODE, PTR)
        interrupt = f.element(program, I64, INTERRUPT)
        profile = self.word(f, program, PROFILE, PTR)
        alone = f.result(I1, f"icmp eq ptr {team.text}, null")
        place, outcome = f.variable(I64, at), f.variable(I64, 0)
        instruction_start = f.variable(I64, 0)
        deadline = f.variable(I64, self.ticks(f) + self.word(f, program, HEARTBEAT))
        with f.when(f.compare("eq", at, 0)):
            self.store_atomic(f, f.i64(0), interrupt, "monotonic")
        fetch, following, bad, out = (
            f.new_label(hint) for hint in ("fetch", "following", "bad", "out")
        )
        operations = [f.new_label(text) for text in OPERATION_NAMES]
        f.branch(fetch)

        f.start(fetch)
        here = place.get()
        record = f.element(code, I64, here * RECORD)
        operation = self.word(f, record, 0)
        if profiled:
            instruction_start.set(self.ticks(f))
        cases = " ".join(f"i64 {n}, label %{label}" for n, label in enumerate(operations))
        f.emit(f"switch i64 {operation.text}, label %{bad} [{cases}]")

        def operand(number: int, type: Type = I64) -> Value:
            return self.word(f, record, number, type)

        def buffer_at(slot: Value) -> Value:
            return f.element(buffers, I64, slot)

        def account() -> None:
            """Add this instruction's time and count to the profile."""
            if profiled:
                spent = self.ticks(f) - instruction_start.get()
                pair = f.element(profile, I64, here * 2)
                second = f.element(pair, I64, 1)
                f.store(f.load(I64, pair) + spent, pair)
                f.store(f.load(I64, second) + 1, second)

        def advance() -> None:
            account()
            f.branch(following)

        def leave(status: int, value: Value) -> None:
            outcome.set((value << 8) | status)
            f.branch(out)

        def jump_to(target: Value) -> None:
            """Go to `target`; a jump backwards looks for interrupts and the time."""
            account()
            place.set(target)
            backward, pause, calm = (
                f.new_label(hint) for hint in ("backward", "pause", "calm")
            )
            stopped = f.new_label("stopped")
            f.branch_if(f.compare("sle", target, here), backward, fetch)
            f.start(backward)
            flag = self.load_atomic(f, interrupt, "monotonic")
            f.branch_if(f.compare("ne", flag, 0), stopped, calm)
            f.start(stopped)
            leave(AT_INTERRUPT, target)
            f.start(calm)
            late = f.compare("sgt", self.ticks(f) - deadline.get(), 0)
            f.branch_if(late, pause, fetch)
            f.start(pause)
            leave(AT_PAUSE, target)

        f.start(following)
        place.set(place.get() + 1)
        f.branch(fetch)

        f.start(operations[RUN])
        launches, launch_count, total = operand(1, PTR), operand(2), operand(3)
        by_myself, shared = f.new_label("myself"), f.new_label("shared")
        short = f.compare("eq", total, 1) | f.compare("ne", operand(4), 0)
        f.branch_if(alone | short, by_myself, shared)
        f.start(shared)
        f.call("phase", VOID, team, launches, buffers, total)
        advance()
        f.start(by_myself)
        with f.loop(0, launch_count) as number:
            launch = f.element(launches, I64, number * LAUNCH)
            first_chunk = self.word(f, launch, FIRST)
            chunks = self.word(f, launch, FINISH) - self.word(f, launch, BEGIN)
            start = self.ticks(f) if profiled else None
            with f.loop(first_chunk, first_chunk + chunks) as chunk:
                self.call_kernel(f, launch, buffers, chunk, scratch)
            if start:
                ticks = f.element(launch, I64, TICKS)
                f.store(f.load(I64, ticks) + (self.ticks(f) - start), ticks)
        advance()

        f.start(operations[JUMP])
        jump_to(operand(1))

        for jump, predicate in ((JUMP_IF, "ne"), (JUMP_UNLESS, "eq")):
            f.start(operations[jump])
            condition = f.load(I8, f.load(PTR, buffer_at(operand(2))))
            go, stay = f.new_label("go"), f.new_label("stay")
            f.branch_if(f.compare(predicate, condition, 0), go, stay)
            f.start(stay)
            advance()
            f.start(go)
            jump_to(operand(1))

        f.start(operations[HOST_CALL])
        account()
        leave(AT_HOST_CALL, here)

        f.start(operations[COPY])
        to, source = (
            f.load(PTR, buffer_at(operand(1))),
            f.load(PTR, buffer_at(operand(2))),
        )
        f.call("llvm.memmove.p0.p0.i64", VOID, to, source, operand(3), f.constant(I1, 0))
        advance()

        f.start(operations[SWAP])
        one, two = buffer_at(operand(1)), buffer_at(operand(2))
        first, second = f.load(PTR, one), f.load(PTR, two)
        f.store(second, one)
        f.store(first, two)
        advance()

        f.start(operations[END])
        account()
        leave(FINISHED, operand(1))

        f.start(bad)
        leave(AT_INTERRUPT, here)
        f.start(out)
        self.restore_floats(f, kept)
        f.ret(outcome.get())

    def emit_ticks(self) -> None:
        f = self.module.function("ticks", [], I64)
        f.ret(self.ticks(f))


@functools.cache
def source(machine: Machine) -> str:
    """The runner as LLVM IR."""
    emitter = _Emitter(machine)
    emitter.emit_serve()
    emitter.emit_rest()
    emitter.emit_work()
    emitter.emit_phase()
    emitter.emit_run("run", profiled=False)
    emitter.emit_run("run_profiled", profiled=True)
    emitter.emit_ticks()
    return emitter.text()
