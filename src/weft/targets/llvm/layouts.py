"""What the native runner reads, in words of 8 bytes: records, launches, teams."""

from __future__ import annotations

# An instruction record: the operation, then its operands. Of `run`: the launches, their
# number, the number of chunks, and whether they are too short to be shared.
RECORD = 8
RUN, JUMP, JUMP_IF, JUMP_UNLESS, HOST_CALL, COPY, SWAP, END = range(8)
OPERATION_NAMES = (
    "run", "jump", "jump_if", "jump_unless", "host", "copy", "swap", "end"
)  # fmt: skip

# A launch of a kernel within a phase: its chunks are those from FIRST on, and stand at BEGIN
# up to FINISH among all of the phase. `TICKS` collects time when a profile is taken.
LAUNCH = 8
KERNEL, SLOTS, BEGIN, FINISH, FIRST, TICKS = range(6)

# A program's header.
HEADER = 8
CODE, INTERRUPT, HEARTBEAT, PROFILE = range(4)

# What `run` returns: a status in the low 8 bits, a value above. `FINISHED` carries the
# status of the `end` instruction; the others carry the place in the code.
FINISHED, AT_HOST_CALL, AT_PAUSE, AT_INTERRUPT = range(4)

# A team's words: what different threads write lies on different cache lines (two of 64
# bytes each, because processors fetch them in pairs). Who takes a ticket needs the phase,
# so one line brings both.
TICKET, PHASE, BUFFERS = range(3)
DONE = 16
SCRATCH, SCRATCH_STRIDE, PROFILED = range(32, 35)
ACTIVE, STOP = 48, 49
YIELD, SLEEP, SHORT_SLEEP, LONG_SLEEP, SPIN_TICKS, YIELD_TICKS = range(64, 70)
NAPS = 72  # two `timespec` structures of two words
TEAM_WORDS = 80
