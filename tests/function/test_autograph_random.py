"""Random programs: nested ifs and loops with jumps, traced and as Python runs them.

Each program works on int32 names and stays small: values are kept below 50. The traced
graph is evaluated on NumPy, so that hundreds of programs need no compiler.
"""

from __future__ import annotations

import linecache
import random

import numpy as np
import pytest

from weft import function, ops
from weft.core.evaluate import evaluate_graph

NAMES = ("a", "b", "c")
PROGRAMS = 60
INPUTS = ((0, 0), (3, 1), (7, 4), (-2, 9))


class Writer:
    """Writes one random function, two levels of loops deep at most."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.counters = 0

    def say(self, depth, text):
        self.lines.append("    " * depth + text)

    def value(self):
        r = self.random
        kind = r.randrange(6)
        if kind == 0:
            return str(r.randrange(-3, 6))
        if kind == 1:
            return f"({r.choice(NAMES)} if {self.condition()} else {r.choice(NAMES)})"
        sign = r.choice(["+", "-", "*"])
        return f"({r.choice(NAMES)} {sign} {r.choice([*NAMES, '2', 'k'])}) % 50"

    def condition(self):
        r = self.random
        kind = r.randrange(8)
        name, other = r.choice(NAMES), r.choice([*NAMES, "3", "7"])
        sign = r.choice(["<", ">", "==", "!=", "<=", ">="])
        if kind == 0:
            return f"{name} {sign} {other} and {r.choice(NAMES)} % 3 == 1"
        if kind == 1:
            return f"not ({name} {sign} {other} or k > 2)"
        if kind == 2:
            return f"0 < {name} <= {other}"
        if kind == 3:
            return "k % 2 == 0"
        return f"{name} {sign} {other}"

    def block(self, depth, loops, size):
        for _ in range(self.random.randint(1, size)):
            self.statement(depth, loops, size)

    def statement(self, depth, loops, size):
        r = self.random
        kind = r.randrange(10)
        deep = depth > 5
        if kind < 4 or deep:
            target = r.choice(NAMES)
            form = r.choice([f"{target} = {self.value()}", f"{target} += k"])
            self.say(depth, form)
        elif kind < 7:
            self.say(depth, f"if {self.condition()}:")
            self.block(depth + 1, loops, size - 1 or 1)
            if r.random() < 0.4:
                self.say(depth, f"elif {self.condition()}:")
                self.block(depth + 1, loops, size - 1 or 1)
            if r.random() < 0.6:
                self.say(depth, "else:")
                self.block(depth + 1, loops, size - 1 or 1)
        elif kind == 7 and loops < 2:
            self.loop(depth, loops, size)
        elif kind == 8 and loops:
            self.say(depth, f"if {self.condition()}:")
            self.say(depth + 1, r.choice(["break", "continue"]))
        elif r.random() < 0.5:
            self.say(depth, f"if {self.condition()}:")
            self.say(depth + 1, f"return ({', '.join(NAMES)}, 100 + {r.choice(NAMES)})")
        else:
            self.say(depth, "a, b = b, a")

    def loop(self, depth, loops, size):
        r = self.random
        form = r.randrange(4)
        self.counters += 1
        counter = f"i{self.counters}"
        if form == 0:
            self.say(depth, f"{counter} = {r.choice(['0', 'a * 0'])}")
            self.say(depth, f"while {counter} < {r.choice(['3', 'n % 5', 'b % 4'])}:")
            self.say(depth + 1, f"{counter} += 1")
        elif form == 1:
            self.say(depth, f"{counter} = 0")
            self.say(depth, "while True:")
            self.say(depth + 1, f"{counter} += 1")
            self.say(depth + 1, f"if {counter} > {r.choice(['2', 'n % 4'])}:")
            self.say(depth + 2, "break")
        elif form == 2:
            self.say(depth, f"for k in range({r.choice(['n % 6', 'a % 4'])}):")
        else:
            self.say(depth, f"for k in {r.choice(['range(3)', '(a, b, 2)', 'table'])}:")
        self.block(depth + 1, loops + 1, size - 1 or 1)
        if r.random() < 0.3:
            self.say(depth, "else:")
            self.block(depth + 1, loops, size - 1 or 1)

    def write(self):
        self.say(0, "def program(n, m, table):")
        self.say(1, "a, b, c, k = n, m, n + m, 0")
        self.block(1, 0, 4)
        self.say(1, f"return ({', '.join(NAMES)}, k)")
        return "\n".join(self.lines) + "\n"


def program_of(seed):
    text, name = Writer(seed).write(), f"<random-program-{seed}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {"__name__": "random_program"}
    exec(compile(text, name, "exec"), space)
    return space["program"], text


def check(seed):
    program, text = program_of(seed)
    table = ops.convert_to_tensor([2, 5, 1])
    tensors = [[ops.convert_to_tensor(x) for x in pair] for pair in INPUTS]
    concrete = function(program).traced(*tensors[0], table)
    for pair in tensors:
        want = [int(x) for x in program(*pair, table)]
        arrays = [x._array for x in (*pair, table)]
        found = iter(evaluate_graph(concrete.graph, arrays))
        # What no tensor decides is a Python value, and no output of the graph.
        leaves = concrete._leaves
        got = [int(x) if isinstance(x, int) else int(next(found)) for x in leaves]
        assert got == want, f"seed {seed}, inputs {pair}:\n{text}"


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_programs(seed):
    with np.errstate(all="ignore"):
        check(seed)
