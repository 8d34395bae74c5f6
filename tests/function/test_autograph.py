"""Converting functions: finding their source, keeping what they are, what is left alone."""

# The programs here are written as people write them.
# ruff: noqa: B007

from __future__ import annotations

import doctest
import functools
import inspect
import linecache
import math
import textwrap
import threading
import types

import numpy as np
import pytest

import weft
from weft import function, ops
from weft.core.state import tracing
from weft.core.trace import Trace
from weft.errors import TraceError
from weft.function.autograph import (
    TensorRange,
    convert,
    converted,
    do_not_convert,
    source_of,
)

T = ops.convert_to_tensor


def signs(f, values=(2.0, -3.0)):
    traced = function(f)
    return [float(traced(T(value))) for value in values]


# -- what a converted function keeps -----------------------------------------------------

BASE = 10.0


def documented(x, *more, scale: float = 2.0, **others) -> float:
    """A sign."""
    if x > 0:
        return x * scale + BASE
    return x


def test_the_twin_is_like_the_original():
    twin = convert(documented)
    assert twin is not documented
    assert twin.__name__ == "documented" and twin.__doc__ == "A sign."
    assert inspect.signature(twin) == inspect.signature(documented)
    assert twin.__annotations__ == documented.__annotations__
    assert twin.__globals__ is documented.__globals__
    assert twin.__code__.co_filename == __file__
    assert twin.__code__.co_firstlineno == documented.__code__.co_firstlineno
    # Outside of tracing it is Python.
    assert twin(2.0) == 14.0 and twin(-1) == -1 and twin(1.0, scale=5.0) == 15.0
    assert float(twin(T(2.0))) == 14.0


def test_code_is_shown():
    def f(x, scale=2):
        if x > 0:
            x = x * scale
        return x

    shown = function(f).code
    assert shown == source_of(convert(f))
    assert "def f(x, scale=2):" in shown and "ag__.if_stmt(x > 0, " in shown
    assert source_of(f) is None


def test_conversion_is_done_once_per_code():
    def make(k):
        def inner(x):
            return x * k if x > 0 else x

        return inner

    one, other = convert(make(2.0)), convert(make(3.0))
    assert one.__code__ is other.__code__
    assert (one(1.0), other(1.0)) == (2.0, 3.0)
    assert convert(one) is one


def test_closures_and_globals_are_live():
    factor = 2.0

    def f(x):
        return x * factor + BASE if x > 0 else x

    twin = convert(f)
    assert twin(1.0) == 12.0
    factor = 3.0
    assert twin(1.0) == 13.0

    def counter():
        count = 0

        def more():
            nonlocal count
            if count >= 0:
                count += 1
            return count

        return more, lambda: count

    more, read = counter()
    assert convert(more)() == 1 and read() == 1


_total = 0


def test_global_names():
    def f(x):
        global _total
        if x > 0:
            _total = _total + 1
        return x

    convert(f)(1.0)
    convert(f)(-1.0)
    assert _total == 1


# -- where source is found ---------------------------------------------------------------


def test_lambdas():
    first, second = (lambda x: 1 if x > 0 else 2), (lambda x: 3 if x > 0 else 4)
    assert signs(first) == [1, 2] and signs(second) == [3, 4]
    assert signs(lambda x: (lambda y: y if y > 0 else -y)(x) + 1) == [3, 4]
    several_lines = [
        lambda x: (
            x
            if x > 0
            else -x
        ),
    ]  # fmt: skip
    assert signs(several_lines[0]) == [2, 3]


def test_decorated_functions():
    def doubled(f):
        @functools.wraps(f)
        def wrapper(x):
            y = f(x)
            if y > 3:
                y = y * 2
            return y

        return wrapper

    @doubled
    def f(x):
        return x + 1 if x > 0 else x

    assert signs(f) == [3, -3]
    assert signs(f, (5.0,)) == [12]


def test_cells_of_a_notebook():
    name = "<ipython-input-1-weft>"
    text = "def f(x):\n    if x > 0:\n        return x\n    return -x\n"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), space)
    assert signs(space["f"]) == [2, 3]


def test_doctests():
    text = """
    >>> from weft import function
    >>> @function
    ... def f(x):
    ...     return x if x > 0 else -x
    >>> float(f(-3.0))
    3.0
    """
    test = doctest.DocTestParser().get_doctest(text, {"__name__": "weft.x"}, "t", "t.py", 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_without_source():
    text = "def f(x):\n    return x if x > 0 else -x\ndef g(x):\n    return x + 1"
    space: dict = {"__name__": "typed"}
    exec(text, space)
    assert float(function(space["g"])(T(1.0))) == 2.0
    with pytest.raises(TraceError, match="bool of a traced tensor") as caught:
        function(space["f"])(T(1.0))
    assert "source of <string> is not to be found" in caught.value.__notes__[0]
    inner = space["f"]
    with pytest.raises(TraceError) as caught:
        function(lambda x: inner(x))(T(1.0))
    assert "f was traced as plain Python" in caught.value.__notes__[0]


def test_source_that_has_changed():
    name = "<changed-file>"
    space: dict = {"__name__": "changed"}
    exec(compile("def f(x):\n    return x if x > 0 else -x\n", name, "exec"), space)
    linecache.cache[name] = (1, None, ["def f(y, z):\n", "    return y\n"], name)
    with pytest.raises(TraceError) as caught:
        function(space["f"])(T(1.0))
    assert "has changed since it was loaded" in caught.value.__notes__[0]


def test_indented_text_does_not_matter():
    if True:

        class Inner:
            def method(self, x):
                """Text
                with another indent."""
                return x if x > 0 else -x

    assert signs(Inner().method) == [2, 3]


# -- methods, classes, objects -----------------------------------------------------------


class Base:
    def __init__(self):
        self.__secret = 2.0

    def scaled(self, x):
        return x * self.__secret


class Derived(Base):
    def __init__(self):
        super().__init__()
        self.__secret = 5.0

    def scaled(self, x, __more=1.0):
        if x > 0:
            return super().scaled(x) + self.__secret * __more
        return x

    @function
    def method(self, x):
        if x > 1:
            x = self.static(x) + self.made(x)
        return self.scaled(x)

    @staticmethod
    def static(x):
        return x if x > 100 else x + 1

    @classmethod
    def made(cls, x):
        return x if x > 100 else x * 2

    def __call__(self, x):
        return self.scaled(x) if x > 0 else x


def test_methods():
    thing = Derived()
    assert signs(thing.scaled) == [9, -3]
    assert [float(thing.method(T(v))) for v in (2.0, 1.0, -1.0)] == [19, 7, -1]
    assert signs(lambda x: thing(x)) == [9, -3]
    assert signs(functools.partial(thing.scaled)) == [9, -3]


def test_functions_called_with_functions():
    def apply(f, x):
        return f(x)

    def absolute(x):
        if x < 0:
            return -x
        return x

    assert signs(lambda x: apply(absolute, x)) == [2, 3]
    assert signs(lambda x: sum(map(absolute, [x, x])), (-2.0,)) == [4]
    assert signs(lambda x: functools.reduce(lambda a, b: a if a > b else b, [x, -x])) == [
        2,
        3,
    ]


def _half_if_large(x):
    if x > 1:
        return x / 2
    return x


def test_functions_given_to_control_flow():
    class Cell:
        def step(self, carry, x):
            return (carry + x if x > 1 else carry), None

    def f(x):
        y = weft.cond(x > 0, lambda: _half_if_large(x), lambda: x)
        z, _ = weft.scan(Cell().step, y, ops.stack([x, x]))
        (w,) = weft.while_loop(lambda w: w > 3, lambda w: (_half_if_large(w),), (z,))
        return w + weft.cond(x > 0, functools.partial(_half_if_large, x), lambda: x)

    def by_name(x):
        return weft.map(_half_if_large, ops.stack([x, x]))[1]

    assert signs(f) == [3.5, -6.0]
    assert signs(by_name) == [1, -3]


def test_functions_inside_functions():
    @function
    def inner(x):
        return x * 2 if x > 0 else x

    def outer(x):
        if inner(x) > 3:
            return inner(x)
        return x

    assert signs(outer) == [4, -3]


def test_nested_classes():
    def f(x):
        class Local:
            size = 3 if True else 4

            def grown(self, y):
                if y > 0:
                    y = y + self.size
                return y

        return Local().grown(x)

    assert signs(f) == [5, -3]


# -- what is left alone ------------------------------------------------------------------


def test_libraries_are_left_alone():
    with tracing(Trace()):
        for f in (
            ops.sum,
            np.sum,
            math.sqrt,
            textwrap.dedent,
            len,
            dict,
            Derived,
            "text".join,
        ):
            assert converted(f) is f
        assert converted(print) is not print
    assert converted(print) is print


def test_generators():
    def items(n):
        for k in range(n):
            if k != 1:
                yield k

    async def later(x):
        return x

    def f(x):
        for k in items(3):
            x = x + k
        return x

    assert source_of(convert(items)) is None and list(convert(items)(3)) == [0, 2]
    assert inspect.iscoroutinefunction(inspect.unwrap(convert(later)))
    assert signs(f) == [4, -1]

    def in_a_generator(x):
        def parts():
            if x > 0:
                yield x

        return sum(parts())

    with pytest.raises(TraceError, match="bool of a traced tensor"):
        function(in_a_generator)(T(1.0))


def test_do_not_convert():
    @do_not_convert
    def plain(x):
        return x if x > 0 else -x

    assert convert(plain) is plain
    with pytest.raises(TraceError):
        function(lambda x: plain(x))(T(1.0))

    @function(autograph=False)
    def traced(x):
        return x if x > 0 else -x

    with pytest.raises(TraceError):
        traced(T(1.0))


def test_a_jump_out_of_finally_is_left_alone():
    def f(x):
        try:
            x = x + 1
        finally:
            return x  # noqa: B012

    assert float(function(f)(T(1.0))) == 2.0
    assert source_of(convert(f)) is None


# -- ranges ------------------------------------------------------------------------------


def test_range_of_tensors():
    @function
    def f(start, stop, step):
        total = stop * 0
        for k in TensorRange(start, stop, step):
            total = total * 10 + k
        for k in range(start, stop, step):
            total = total * 10 + k
        for k in reversed(range(start, stop, step)):
            total = total * 10 + k
        return total

    for bounds in [(0, 3, 1), (3, 0, -1), (1, 6, 2), (1, 7, 2), (3, 3, 1), (5, 1, 1)]:
        want = 0
        for k in [*range(*bounds), *range(*bounds), *reversed(range(*bounds))]:
            want = want * 10 + k
        assert int(f(*map(T, bounds))) == want, bounds
    assert f.trace_count == 1


def test_a_range_is_one_loop_in_the_graph():
    @function
    def f(n):
        total = 0
        for k in range(n):
            for row in ops.ones((4, 2)):
                total = total + k
        return total

    names = [node.primitive.name for node in f.graph(T(5)).all_nodes()]
    assert names.count("while_loop") == 1 and names.count("scan") == 1
    assert int(f(T(5))) == 40


# -- datasets ----------------------------------------------------------------------------


class _Dataset:
    """What AutoGraph asks of a dataset: its first element, and to reduce."""

    def __init__(self, items):
        self.items = items

    def first(self):
        return self.items[0] if self.items else None

    def reduce(self, initial_state, reduce_func):
        self.was_reduced = True
        state = initial_state
        for item in self.items:
            state = reduce_func(state, item)
        return state

    def reduce_while(self, initial_state, reduce_func, goes_on):
        self.was_reduced = True
        state = initial_state
        for item in self.items:
            state = weft.cond(
                goes_on(state),
                lambda state=state, item=item: reduce_func(state, item),
                lambda state=state: state,
            )
        return state


_Dataset.__module__ = "weft.data.dataset"


def test_datasets_are_reduced():
    data = _Dataset([T(float(k)) for k in range(6)])

    @function
    def f(limit):
        total, count = 0.0, 0
        for x in data:
            if x == 1:
                continue
            if x > limit:
                break
            total += x
            count += 1
        return total, count

    @function
    def pairs(scale):
        total = 0.0
        for x, y in _Dataset([(T(1.0), T(2.0)), (T(3.0), T(4.0))]):
            total = total + x * y * scale
        return total

    assert [tuple(map(float, f(T(v)))) for v in (2.5, 9.0)] == [(2, 2), (14, 5)]
    assert data.was_reduced
    assert float(pairs(T(2.0))) == 28.0
    assert f.trace_count == 1


def test_datasets_of_weft():
    from weft.data import Dataset

    total = weft.Variable(0.0)

    @function
    def f(data, limit):
        count = 0
        for x, y in data:
            if ops.sum(y) > limit:
                break
            total.assign_add(ops.sum(x * y))
            count += 1
        return count

    rows = ops.arange(10, dtype="float32")
    batches = Dataset.from_tensor_slices((rows, rows * 2)).batch(4)
    assert int(f(batches, 1000.0)) == 3
    assert float(total) == float(ops.sum(rows * rows * 2))
    assert int(f(batches, 20.0)) == 1
    assert int(f(batches, 5.0)) == 0


# -- threads ----------------------------------------------------------------------


def test_threads():
    def f(x):
        while x > 1:
            x = x / 2 if x > 4 else x - 1
        return x

    results: list = []
    threads = [
        threading.Thread(target=lambda: results.append(signs(f, (9.0,)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [results[0]] * 4


def test_code_objects_are_let_go():
    import gc
    import weakref

    text = "def f(x):\n    return x if x > 0 else -x\n"
    name = "<let-go>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space: dict = {"__name__": "made"}
    exec(compile(text, name, "exec"), space)
    f: types.FunctionType = space.pop("f")
    convert(f)
    code = weakref.ref(f.__code__)
    del f, space
    gc.collect()
    assert code() is None
