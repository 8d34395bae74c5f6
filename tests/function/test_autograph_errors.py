"""What AutoGraph says when a program can't be staged, and what runs into an error."""

# The programs here are written as people write them.
# ruff: noqa: B007, RET503, RET506, SIM201, RUF043

from __future__ import annotations

import re
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest

import weft
from weft import function, ops
from weft.core.variable import Variable
from weft.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    TraceError,
    leave_out_own_lines,
)
from weft.function.autograph import TracingNote, UndefinedError
from weft.primitives.effects import CheckError

FILE = Path(__file__).name
LINES = Path(__file__).read_text().splitlines()


def tensor(value, dtype=None):
    return ops.convert_to_tensor(value, dtype)


def line_of(mark):
    """The line of this file that carries a mark."""
    found = [number for number, line in enumerate(LINES, 1) if line.endswith(f"# {mark}")]
    assert len(found) == 1, mark
    return found[0]


# -- what can't be staged ----------------------------------------------------------------


def one_arm_only(x):
    if x > 0:  # one arm
        y = x
    return y


def arms_of_two_dtypes(x):
    if x > 0:  # two dtypes
        y = x
    else:
        y = ops.cast(x, "int32")
    return y


def number_that_cannot_bend(x):
    n = ops.cast(x, "int32")
    if x > 0:  # bend
        n = 0.5
    return n


def arms_of_two_shapes(x):
    y = x
    if x > 0:  # two shapes
        y = ops.stack([x, x])
    return y


def none_or_tensor(x):
    y = None
    if x > 0:  # none
        y = x
    return y


def text_by_tensor(x):
    if x > 0:  # text
        y = "yes"
    else:
        y = "no"
    return y


def two_structures(x):
    y = (x, x)
    if x > 0:  # structures
        y = (x, x, x)
    return y


def returns_of_two_dtypes(x):
    if x > 0:  # return dtypes
        return x
    return ops.cast(x, "int32")


def return_or_nothing(x):
    if x > 0:  # nothing
        return x


def loop_changes_dtype(x):
    y = ops.cast(x, "int32")
    while x > 0:  # loop dtype
        y = y + 0.5
        x = x - 1
    return y


def loop_changes_shape(x):
    y = x
    while x > 0:  # loop shape
        y = ops.stack([y, y])
        x = x - 1
    return y


def number_grows_axes(x):
    total = 0
    for row in ops.stack([[x, x], [x, x]]):  # number axes
        total = total + row
    return total


def loop_begins_with_none(x):
    best = None
    for k in range(ops.cast(x, "int32")):  # begins
        best = x + k
    return best


def list_grows_in_a_loop(x):
    parts = [x]
    while x > 0:  # grows
        parts = [*parts, x]
        x = x - 1
    return parts


def condition_of_several(x):
    pair = ops.stack([x, x])
    if pair > 0:  # several
        return x
    return -x


def condition_of_a_loop(x):
    pair = ops.stack([x, x])
    while pair > 0:  # several in loop
        pair = pair - 1
    return pair


def read_before_assigned(x):
    if x > 0:
        x = x + 1
    if False:
        y = x
    return y  # read before


def filter_of_a_comprehension(x):
    return [k for k in (1, 2) if x > k]  # comprehension


def list_of_a_range(x):
    return list(range(ops.cast(x, "int32")))  # list of range


def both_arms_raise(x):
    if x > 0:  # both raise
        raise KeyError("positive")
    else:
        raise KeyError("negative")


def deleted_in_the_loop(x):
    y = x
    while x > 0:  # deleted
        x = x - 1
        del y
    return y


def recursion_without_end(x):
    if x <= 1:  # recursion
        return x * 0 + 1
    return x * recursion_without_end(x - 1)


CASES = [
    (recursion_without_end, TraceError, "recursion", ["without end", "loop"]),
    (one_arm_only, UndefinedError, "one arm", ["'y'", "f32[]", "where it does not"]),
    (arms_of_two_dtypes, DTypeError, "two dtypes", ["'y'", "f32[]", "i32[]", "cast"]),
    (number_that_cannot_bend, DTypeError, "bend", ["'n'", "i32[]", "0.5", "cast"]),
    (arms_of_two_shapes, ShapeError, "two shapes", ["'y'", "f32[]", "f32[2]", "reshape"]),
    (none_or_tensor, TraceError, "none", ["'y'", "None", "f32[]", "instead of None"]),
    (text_by_tensor, TraceError, "text", ["'y'", "'yes'", "'no'"]),
    (two_structures, TraceError, "structures", ["'y'", "(*, *)", "(*, *, *)"]),
    (returns_of_two_dtypes, DTypeError, "return dtypes", ["the return value", "i32[]"]),
    (return_or_nothing, TraceError, "nothing", ["the return value", "None", "f32[]"]),
    (
        loop_changes_dtype,
        DTypeError,
        "loop dtype",
        ["'y'", "i32[]", "f32[]", "after a step"],
    ),
    (loop_changes_shape, ShapeError, "loop shape", ["'y'", "f32[]", "f32[2]"]),
    (number_grows_axes, ShapeError, "number axes", ["'total'", "f32[2]", "zeros((2,)"]),
    (loop_begins_with_none, TraceError, "begins", ["'best'", "None", "f32[]"]),
    (list_grows_in_a_loop, TraceError, "grows", ["'parts'", "structure"]),
    (condition_of_several, ShapeError, "several", ["bool[2]", "ops.any"]),
    (condition_of_a_loop, ShapeError, "several in loop", ["bool[2]", "ops.any"]),
    (read_before_assigned, UnboundLocalError, "read before", ["'y'"]),
    (filter_of_a_comprehension, TraceError, "comprehension", ["bool[]", "where"]),
    (list_of_a_range, TraceError, "list of range", ["`for`"]),
    (both_arms_raise, KeyError, "both raise", ["positive"]),
    (deleted_in_the_loop, TraceError, "deleted", ["'y'"]),
]


@pytest.mark.parametrize(
    ("program", "kind", "mark", "words"),
    [pytest.param(*c, id=c[0].__name__) for c in CASES],
)
def test_errors_name_the_variable_and_the_line(program, kind, mark, words):
    with pytest.raises(kind) as caught:
        function(program)(tensor(1.5))
    text = str(caught.value)
    for word in words:
        assert word in text
    line = line_of(mark)
    # In the message, or in the innermost of the user's frames.
    leave_out_own_lines(caught.value)
    frames = traceback.extract_tb(caught.value.__traceback__)
    users = [frame.lineno for frame in frames if frame.filename == __file__]
    in_message = re.search(rf"{FILE}, line {line}\b", text)
    assert in_message or line in users, (text, users)


def test_frames_of_a_traceback_are_the_users():
    def inner(x):
        y = x
        while x > 0:
            if x > 3:
                y = ops.reshape(x, (2, 2))  # reshape
            x = x - 1
        return y

    def outer(x):
        return inner(x) + 1

    with pytest.raises(ShapeError) as caught:
        function(outer)(tensor(5.0))
    leave_out_own_lines(caught.value)
    frames = traceback.extract_tb(caught.value.__traceback__)
    users = [frame for frame in frames if frame.filename == __file__]
    assert users[-1].lineno == line_of("reshape")
    assert users[-1].line.startswith("y = ops.reshape")
    assert {frame.name for frame in users[1:]} == {"outer", "inner"}
    assert not [frame for frame in frames if "autograph" in frame.filename and
                not frame.filename == __file__]  # fmt: skip


# -- errors and output of the running program --------------------------------------------


def test_assert():
    @function
    def f(x):
        assert x > 0, "must be positive"
        assert isinstance(3, int)
        return x * 2

    assert float(f(tensor(2.0))) == 4.0
    with pytest.raises(AssertionError, match="x > 0: must be positive"):
        f(tensor(-2.0))


def test_assert_on_python_values_is_pythons():
    @function
    def f(x, n):
        assert n > 3, f"{n} is too small"
        return x

    with pytest.raises(AssertionError, match="^2 is too small$"):
        f(tensor(1.0), 2)


def test_assert_shows_tensors():
    @function
    def f(x):
        if x > 1:
            assert x < 5, ("too large {}", x)
        return x

    with pytest.raises(CheckError, match=r"x < 5: too large {} 7.0"):
        f(tensor(7.0))


def test_raise_where_a_tensor_decides():
    @function
    def f(x):
        if x < 0:
            raise ValueError("negative")
        y = x * 2
        for k in range(3):
            if y > 100:
                raise KeyError(y)
        return y

    assert float(f(tensor(3.0))) == 6.0
    with pytest.raises(CheckError, match="ValueError: negative"):
        f(tensor(-3.0))
    with pytest.raises(CheckError, match=r"KeyError: 120.0"):
        f(tensor(60.0))


def test_raise_where_python_decides():
    @function
    def f(x, mode):
        if mode not in ("a", "b"):
            raise ValueError(f"no such mode: {mode}")
        try:
            if mode == "b":
                raise LookupError
        except LookupError:
            x = x + 1
        return x

    assert float(f(tensor(1.0), "a")) == 1.0
    assert float(f(tensor(1.0), "b")) == 2.0
    with pytest.raises(ValueError, match="no such mode: c"):
        f(tensor(1.0), "c")


def test_a_name_that_only_steps_define():
    @function
    def f(n):
        for k in range(n):
            y = k * 2
        return y

    @function
    def guarded(n):
        for k in range(n):
            y = k * 2
        if n > 0:
            return y
        return n - 1

    assert int(f(tensor(3))) == 4
    with pytest.raises(CheckError, match="must run at least once to give 'y' a value"):
        f(tensor(0))
    assert [int(guarded(tensor(n))) for n in (0, 3)] == [-1, 4]


def test_print(capfd):
    @function
    def f(x):
        if x > 0:
            print("positive {}", x, sep=": ")
        print(x, end=" ")
        print(x + 1)
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(tensor(2.0))
        f(tensor(-2.0))
    assert capfd.readouterr().out == "positive {}: 2.0\n2.0 3.0\n-2.0 -1.0\n"


def test_print_keeps_the_order_of_a_loop(capfd):
    @function
    def f(n):
        for k in range(n):
            print(k)
        return n

    f(tensor(3))
    assert capfd.readouterr().out.split() == ["0", "1", "2"]


# -- variables ---------------------------------------------------------------------------


def test_variables_assigned_in_arms_and_loops():
    v = Variable(np.array(1.0, np.float32))
    w = Variable(np.array(0.0, np.float32))

    @function
    def f(x):
        if x > 0:
            v.assign_add(x)
        else:
            w.assign(x)
        for k in range(ops.cast(ops.abs(x), "int32")):
            w.assign_add(1.0)
            if w > 2.5:
                break
        while v < 3.0:
            v.assign_add(1.0)
        return v + w

    assert float(f(tensor(4.0))) == 8.0
    assert (float(v), float(w)) == (5.0, 3.0)
    assert float(f(tensor(-3.0))) == 5.0
    assert (float(v), float(w)) == (5.0, 0.0)


def test_a_variable_as_condition():
    on = Variable(np.array(True))

    @function
    def f(x):
        return x if on else -x

    assert float(f(tensor(2.0))) == 2.0
    on.assign(False)
    assert float(f(tensor(2.0))) == -2.0


def test_a_condition_must_not_assign():
    v = Variable(np.array(1.0, np.float32))

    @function
    def f(x):
        while v.assign_sub(1.0) > 0:
            x = x + 1
        return x

    with pytest.raises(ArgumentError, match="must not assign variables"):
        f(tensor(1.0))


# -- notes -------------------------------------------------------------------------------


def notes_of(f, *arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f(*arguments)
    return [w for w in caught if issubclass(w.category, TracingNote)]


def test_side_effects_are_pointed_out_once():
    seen, table = [], {"n": 0}

    @function
    def f(x):
        seen.append(1)  # appended
        table["n"] += 1
        print("tracing")
        own = []
        own.append(x)
        return own[0]

    notes = notes_of(f, tensor(1.0))
    assert [note.lineno for note in notes] == [line_of("appended") + k for k in range(3)]
    assert all(note.filename == __file__ for note in notes)
    assert "`seen.append(...)`" in str(notes[0].message)
    assert "`table['n']`" in str(notes[1].message)
    assert not notes_of(f, tensor(1.0)) and not notes_of(f, tensor([1.0]))
    assert len(seen) == table["n"] == 2


_shared = None


def test_a_variable_kept_outside_is_no_side_effect_worth_a_word():
    @function
    def f(x):
        global _shared
        if _shared is None:
            _shared = weft.Variable(2.0)
        return x * _shared

    assert not notes_of(f, tensor(1.0))


def test_a_very_long_python_loop():
    @function
    def f(x):
        for k in range(1200):
            x = x + k
        return x

    assert ["1000 times" in str(note.message) for note in notes_of(f, tensor(1.0))] == [
        True
    ]
