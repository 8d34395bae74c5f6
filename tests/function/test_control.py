"""cond, while_loop, scan and their relatives: eager and traced are the same."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from weft import function, ops, tree
from weft.autodiff import GradientTape
from weft.core.graph import verify
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from weft.function import (
    associative_scan,
    cond,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)


def tensor(value, dtype=None):
    return ops.convert_to_tensor(value, dtype)


def variable(value, **options):
    return Variable(np.array(value, np.float32), **options)


def collatz(n):
    """How many steps it takes from n to 1."""

    def step(n, count):
        return cond(n % 2 == 0, lambda: n // 2, lambda: 3 * n + 1), count + 1

    return while_loop(lambda n, count: n > 1, step, (n, 0))[1]


def power(x, n):
    return while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * x), (0, 1.0))[1]


def running_sum(x):
    return scan(lambda c, x: (c + x, c * 2.0), 0.0, x)


def last_first(x):
    return scan(lambda c, x: (c * 0.5 + x, {"c": c, "none": None}), 1.0, x, reverse=True)


def at_most(x):
    return while_loop(lambda y: y < 1000.0, lambda y: y * 2.0, x, maximum_iterations=3)


def chosen(x, i):
    branches = [lambda x, k=k: x * k for k in (1.0, 10.0, 100.0, 1000.0, 10000.0)]
    return switch(i, branches, x)


X, VECTOR = 1.5, np.array([1.0, 2.0, 3.0, 4.0], np.float32)
CASES = [
    (collatz, [np.int32(27)], 111),
    (power, [X, np.int32(5)], X**5),
    (power, [X, np.int32(0)], 1.0),
    (at_most, [X], 12.0),
    (running_sum, [VECTOR], (10.0, [0.0, 2.0, 6.0, 12.0])),
    (last_first, [VECTOR], (3.3125, {"c": [4.625, 5.25, 4.5, 1.0], "none": None})),
    *[(chosen, [X, np.int32(i)], X * 10.0 ** min(max(i, 0), 4)) for i in range(-1, 7)],
    (lambda x: fori_loop(0, 4, lambda i, y: y + x, 0.0), [X], 6.0),
    (lambda x: fori_loop(2, 1, lambda i, y: y + x, 0.0), [X], 0.0),
    (lambda n: fori_loop(0, n, lambda i, y: y + i, 0), [np.int32(5)], 10),
    (lambda x: map(lambda y: y * y, x), [VECTOR], [1.0, 4.0, 9.0, 16.0]),
    (lambda x: vectorized_map(lambda y: y + 1.0, x), [VECTOR], [2.0, 3.0, 4.0, 5.0]),
    (
        lambda x: associative_scan(lambda a, b: a + b, x),
        [VECTOR],
        [1.0, 3.0, 6.0, 10.0],
    ),
    (
        lambda x: associative_scan(lambda a, b: a * b, x, reverse=True),
        [VECTOR[:3]],
        [6.0, 6.0, 3.0],
    ),
    (lambda x: scan(lambda c, _: (c + 1, c), 0, length=3), [X], (3, [0, 1, 2])),
    (lambda x: cond(x > 1.0, lambda: x, lambda: 0), [X], X),
    (lambda x: cond(x > 2.0, lambda: 1, lambda: 0.5), [X], 0.5),
    (
        lambda x: cond(x > 1.0, lambda: (x, None, "a"), lambda: (-x, None, "a")),
        [X],
        (X, None, "a"),
    ),
]


def values(result):
    return tree.map(lambda x: x if x is None or isinstance(x, str) else np.array(x), result)


@pytest.mark.parametrize(
    ("run", "arguments", "expected"),
    CASES,
    ids=[f"{i}-{case[0].__name__.strip('<>')}" for i, case in enumerate(CASES)],
)
@pytest.mark.parametrize("how", ["eager", "traced"])
def test_control_flow(run, arguments, expected, how):
    arguments = [tensor(x) for x in arguments]
    if how == "traced":
        run = function(run)
        verify(run.graph(*arguments))
    leaves, structure = tree.flatten(values(run(*arguments)))
    if isinstance(expected, tuple | dict):
        assert tree.flatten(tree.map(lambda _: 0, run(*arguments)))[1] == structure
    flat = [np.array(x) for x in leaves if x is not None and not isinstance(x, str)]
    wanted = _arrays(expected)
    assert len(flat) == len(wanted)
    for one, other in zip(flat, wanted):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def _arrays(expected):
    if isinstance(expected, tuple):
        return [array for part in expected for array in _arrays(part)]
    if isinstance(expected, dict):
        return [array for part in expected.values() for array in _arrays(part)]
    return [] if expected is None or isinstance(expected, str) else [np.array(expected)]


# -- gradients ---------------------------------------------------------------------------


def _gradient(run, x):
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(run(x))
    return tape.gradient(y, x)


DIFFERENTIABLE = {
    "while": lambda x: power(x, tensor(5)),
    "fori": lambda x: fori_loop(0, 4, lambda i, y: ops.sin(y) * x, x),
    "scan": lambda x: scan(lambda c, k: (ops.tanh(c * k + x), c * x), x, tensor(VECTOR))[1],
    "cond": lambda x: cond(ops.sum(x) > 1.0, lambda: x * x, lambda: -x),
    "map": lambda x: map(lambda k: ops.exp(-k * x), tensor(VECTOR)),
    "nested": lambda x: while_loop(
        lambda i, y: i < 3,
        lambda i, y: (i + 1, cond(y > 2.0, lambda: power(y, i), lambda: y * x)),
        (0, x),
    )[1],
    "associative": lambda x: associative_scan(ops.multiply, tensor(VECTOR) * x),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_the_eager_ones(name):
    run = DIFFERENTIABLE[name]
    x = tensor(1.3)
    expected = _gradient(run, x).numpy()
    inside = function(functools.partial(_gradient, run))
    outside = function(lambda x: run(x))
    np.testing.assert_allclose(inside(x).numpy(), expected, rtol=2e-5)
    np.testing.assert_allclose(_gradient(outside, x).numpy(), expected, rtol=2e-5)
    second = _gradient(functools.partial(_gradient, run), x).numpy()
    twice = function(functools.partial(_gradient, functools.partial(_gradient, run)))
    np.testing.assert_allclose(twice(x).numpy(), second, rtol=2e-4)


def test_gradients_of_variables_used_in_bodies():
    w = variable(0.7)

    def loss(x):
        with GradientTape() as tape:
            carry, ys = scan(lambda c, k: (ops.tanh(c * w + k), c), x, tensor(VECTOR))
            carry = cond(carry > 0.0, lambda: carry * w, lambda: w * 1.0)
            total = carry + ops.sum(ys)
        return tape.gradient(total, w)

    x = tensor(0.5)
    np.testing.assert_allclose(function(loss)(x).numpy(), loss(x).numpy(), rtol=1e-5)


# -- variables ---------------------------------------------------------------------------


@pytest.mark.parametrize("flag", [True, False])
def test_variables_assigned_in_a_branch(flag):
    def run(flag):
        def add():
            a.assign(a + 1.0)
            return a.value

        def double():
            b.assign(b * 2.0 + a)
            return b.value

        return cond(flag, add, double) * 10.0 + a

    results = []
    for way in (run, function(run)):
        a, b = variable(1.0), variable(3.0)
        found = way(tensor(flag))
        results.append((float(found), float(a.numpy()), float(b.numpy())))
    assert results[0] == results[1]


def test_variables_assigned_in_loops():
    def run(n):
        def step(i):
            a.assign(a + b)
            return (i + 1,)

        while_loop(lambda i: (i < n) & (a < 100.0), step, (0,))

        def walk(carry, x):
            a.assign(a + x)
            return carry + a, a.value

        return scan(walk, 0.0, tensor(VECTOR))

    results = []
    for way in (run, function(run)):
        a, b = variable(1.0), variable(3.0)
        carry, ys = way(tensor(5))
        results.append((float(carry), ys.numpy().tolist(), float(a.numpy())))
    assert results[0] == results[1]


def test_a_condition_must_not_assign():
    a = variable(1.0)

    def condition(i):
        a.assign(a + 1.0)
        return i < 3

    with pytest.raises(ArgumentError, match="must not assign"):
        function(lambda: while_loop(condition, lambda i: (i + 1,), (0,)))()


# -- conventions -------------------------------------------------------------------------


def test_python_predicates_choose_while_tracing():
    graph = function(lambda x: cond(True, lambda: x, lambda: x * 2.0)).graph(tensor(1.0))
    assert graph.nodes == []


def test_loop_variables_keep_their_structure():
    def run(x):
        one = while_loop(lambda i: i < 3.0, lambda i: i + 1.0, x)
        two = while_loop(lambda i: i < 3.0, lambda i: [i + 1.0], [x])
        three = while_loop(lambda d: d["i"] < 3.0, lambda d: {"i": d["i"] + 1.0}, {"i": x})
        return one, two, three

    for way in (run, function(run)):
        one, two, three = way(tensor(0.0))
        assert float(one) == 3.0
        assert isinstance(two, list) and isinstance(three, dict)


def test_scan_of_nothing():
    empty = tensor(np.zeros((0, 2), np.float32))

    def run(x):
        return scan(lambda c, x: (c + x, ops.sum(x)), tensor([1.0, 1.0]), x)

    for way in (run, function(run)):
        carry, ys = way(empty)
        assert carry.numpy().tolist() == [1.0, 1.0] and ys.shape == (0,)


# -- messages ----------------------------------------------------------------------------

PROBLEMS = [
    (
        lambda x: cond(x > 0.0, lambda: x, lambda: (x, x)),
        ArgumentTypeError,
        "one structure",
    ),
    (
        lambda x: cond(x > 0.0, lambda: {"a": x}, lambda: {"a": tensor([1.0])}),
        ShapeError,
        r"result\['a'\]",
    ),
    (lambda x: cond(x > 0.0, lambda: x, lambda: tensor(1)), DTypeError, "one dtype"),
    (lambda x: cond(x > 0.0, lambda: x, lambda: None), ArgumentTypeError, "None"),
    (lambda x: cond(tensor([True, False]), lambda: x, lambda: x), ShapeError, "one value"),
    (lambda x: cond(x > 0.0, x, x), ArgumentTypeError, "without arguments"),
    (
        lambda x: while_loop(lambda a: a < 9.0, lambda a: a > 0.0, x),
        DTypeError,
        "one dtype",
    ),
    (
        lambda x: while_loop(lambda a, b: a < 9.0, lambda a, b: a, (x, x)),
        ArgumentError,
        "2 loop variables",
    ),
    (lambda x: scan(lambda c, x: c, x, tensor(VECTOR)), ArgumentTypeError, "carry, y"),
    (lambda x: scan(lambda c, x: (c, x), x), ArgumentError, "number of steps"),
    (lambda x: scan(lambda c, x: (c, x), x, x), ShapeError, "needs an axis"),
    (
        lambda x: cond(
            x > 0.0, lambda: (x, x), lambda: (x, x > 0.0), _names=("loss", "best")
        ),
        DTypeError,
        "'best' must have one dtype",
    ),
]


@pytest.mark.parametrize(("run", "error", "text"), PROBLEMS)
def test_messages(run, error, text):
    with pytest.raises(error, match=text):
        function(run, autograph=False)(tensor(1.0))
