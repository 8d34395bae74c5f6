"""Control flow as primitives: spec rules, evaluation, derivatives of several orders."""

from __future__ import annotations

import numpy as np
import pytest

import weft.ops  # noqa: F401  (attaches operators to tensors)
from weft.autodiff import GradientTape, loops, vjp_graph
from weft.core.evaluate import evaluate_graph
from weft.core.graph import verify
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.core.trace import replay, trace_function
from weft.errors import ArgumentError, DTypeError, ShapeError
from weft.primitives import elementwise as e
from weft.primitives.control import call, cond, scan, while_loop
from weft.primitives.effects import CheckError, check, host_call, print_values

FLOAT, BOOL, INT = Spec((), "float64"), Spec((), "bool"), Spec((), "int32")
STEPS = Spec((5,), "float64")


def traced(function, *specs, name="graph"):
    return trace_function(function, specs, name)[0]


# -- graphs to differentiate -------------------------------------------------------------


def call_graph():
    inner = traced(lambda a, b: [e.tanh.bind(a * b) * b, a], FLOAT, FLOAT, name="inner")
    return traced(lambda a, b: call.bind(a, b, graph=inner)[0] * a, FLOAT, FLOAT)


def cond_graph():
    one = traced(lambda a, b: [e.exp.bind(a) * e.sin.bind(b), a * a], FLOAT, FLOAT)
    other = traced(lambda a, b: [e.sin.bind(a), b], FLOAT, FLOAT)

    def function(predicate, a, b):
        return [x * a for x in cond.bind(predicate, a, b, branches=(one, other))]

    return traced(function, BOOL, FLOAT, FLOAT)


def scan_graph(reverse):
    body = traced(
        lambda h, w, x: [e.tanh.bind(h * w + x), e.sin.bind(h)], FLOAT, FLOAT, FLOAT
    )
    form = {"carries": 1, "captures": 1, "length": 5, "reverse": reverse}
    return traced(lambda *xs: scan.bind(*xs, body=body, **form), FLOAT, FLOAT, STEPS)


def while_graph():
    specs = (INT, FLOAT, INT, FLOAT)
    condition = traced(lambda i, x, n, w: [i < n], *specs)
    body = traced(lambda i, x, n, w: [i + 1, e.sin.bind(x * w) + x], *specs)

    def function(x, n, w):
        start = Tensor(np.array(0, np.int32))
        found = while_loop.bind(start, x, n, w, condition=condition, body=body, carries=2)
        return found[1] * x

    return traced(function, FLOAT, INT, FLOAT)


def check_derivative(graph, arrays, order, tolerance=1e-5):
    """The vjp graph against central differences; then its own derivative, and so on."""
    floating = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]
    derivative = verify(vjp_graph(graph))
    generator = np.random.default_rng(0)
    results = evaluate_graph(graph, arrays)
    flowing = [i for i, result in enumerate(results) if result.dtype.kind == "f"]
    cotangents = [np.asarray(generator.normal(size=results[i].shape)) for i in flowing]
    found = evaluate_graph(derivative, [*arrays, *cotangents])
    moves = {i: generator.normal(size=arrays[i].shape) for i in floating}

    def value(step):
        moved = [np.asarray(a + step * moves.get(i, 0)) for i, a in enumerate(arrays)]
        moved = [m if i in moves else a for i, (m, a) in enumerate(zip(moved, arrays))]
        outputs = evaluate_graph(graph, moved)
        return sum(float((outputs[i] * ct).sum()) for i, ct in zip(flowing, cotangents))

    expected = (value(1e-6) - value(-1e-6)) / 2e-6
    received = sum(float((part * moves[i]).sum()) for i, part in zip(floating, found))
    assert abs(expected - received) <= tolerance * max(1.0, abs(expected))
    if order > 1:
        check_derivative(derivative, [*arrays, *cotangents], order - 1, tolerance)


A, B = np.array(0.3), np.array(0.7)
SEQUENCE = np.linspace(-1, 1, 5)


def test_call_is_differentiable():
    check_derivative(call_graph(), [A, B], order=3)


@pytest.mark.parametrize("predicate", [True, False])
def test_cond_is_differentiable(predicate):
    check_derivative(cond_graph(), [np.array(predicate), A, B], order=3)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_differentiable(reverse):
    check_derivative(scan_graph(reverse), [A, B, SEQUENCE], order=3)


@pytest.mark.parametrize("steps", [0, 1, 4, 5, 9])
def test_while_loop_is_differentiable_twice(steps, monkeypatch):
    monkeypatch.setattr(loops, "CHECKPOINTS", 4)
    arrays = [A, np.array(steps, np.int32), np.array(0.1)]
    check_derivative(while_graph(), arrays, order=2, tolerance=1e-4)


@pytest.mark.parametrize("steps", [8, 16, 17, 40, 100])
def test_long_loops_thin_out_their_checkpoints(steps, monkeypatch):
    monkeypatch.setattr(loops, "CHECKPOINTS", 4)
    arrays = [A, np.array(steps, np.int32), np.array(0.1)]
    check_derivative(while_graph(), arrays, order=1, tolerance=1e-4)


def test_eager_tapes_see_control_primitives():
    graph = scan_graph(False)
    arrays = [Tensor(x) for x in (A, B, SEQUENCE)]
    with GradientTape(persistent=True) as tape:
        tape.watch(arrays)
        results = replay(graph, arrays)
    found = tape.gradient(results, arrays)
    ones = [np.ones(spec.shape) for spec in graph.output_specs()]
    expected = evaluate_graph(vjp_graph(graph), [A, B, SEQUENCE, *ones])
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one.numpy(), other)


def test_what_the_body_captures_is_not_stacked():
    """The forward scan keeps what changes from step to step, and nothing else."""
    with GradientTape() as tape:
        body = traced(lambda h, w: [h * w], FLOAT, FLOAT)

        def function(h, w):
            tape.watch([h, w])
            form = {"carries": 1, "captures": 1, "length": 5, "reverse": False}
            with tape:
                result = scan.bind(h, w, body=body, **form)
            return tape.gradient(result, [h, w])

    tape.reset()
    graph = verify(traced(function, FLOAT, FLOAT))
    kept = [node for node in graph.nodes if node.primitive is scan][-2]
    stacked = [value.spec for value in kept.outputs[1:]]
    assert stacked == [STEPS]


# -- messages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("primitive", "specs", "parameters", "error", "text"),
    [
        (cond, [FLOAT, FLOAT, FLOAT], {"branches": None}, DTypeError, "must be a bool"),
        (cond, [STEPS, FLOAT, FLOAT], {"branches": None}, ShapeError, "one value"),
        (call, [FLOAT], {"graph": call_graph()}, ShapeError, "the operands must be"),
        (check, [STEPS], {"message": ""}, ShapeError, "one value"),
        (check, [FLOAT], {"message": ""}, DTypeError, "must be a bool"),
    ],
)
def test_spec_rules_say_what_is_wrong(primitive, specs, parameters, error, text):
    with pytest.raises(error, match=text):
        primitive.spec(*specs, **parameters)


def test_branches_must_agree():
    one = traced(lambda a: [a], FLOAT)
    other = traced(lambda a: [a > 0.0], FLOAT)
    with pytest.raises(ShapeError, match="both branches"):
        cond.spec(BOOL, FLOAT, branches=(one, other))


def test_a_body_must_give_what_it_carries():
    condition = traced(lambda a: [a > 0.0], FLOAT)
    body = traced(lambda a: [a > 0.0], FLOAT)
    with pytest.raises(ShapeError, match="must give what it carries"):
        while_loop.spec(FLOAT, condition=condition, body=body, carries=1)
    with pytest.raises(ShapeError, match="must give what it carries"):
        scan.spec(FLOAT, body=body, carries=1, captures=0, length=3, reverse=False)


# -- effects -----------------------------------------------------------------------------


def test_print_values(capsys):
    graph = traced(lambda a: print_values.bind(a, template="a = {}") or [a], FLOAT)
    evaluate_graph(graph, [np.array(1.5)])
    assert capsys.readouterr().out == "a = 1.5\n"


def test_a_loop_prints_once_though_its_derivative_runs_it_again(capsys):
    specs = (INT, FLOAT)
    condition = traced(lambda i, x: [i < 3], *specs)

    def step(i, x):
        print_values.bind(i, template="step {}")
        return [i + 1, x * x]

    body = traced(step, *specs)

    def function(i, x):
        return while_loop.bind(i, x, condition=condition, body=body, carries=2)

    inner = traced(function, *specs)
    derivative = vjp_graph(inner)
    found = evaluate_graph(derivative, [np.array(0, np.int32), A, np.array(1.0)])
    np.testing.assert_allclose(found[0], 8 * A**7)
    assert capsys.readouterr().out.count("step") <= 6


def test_check():
    check.evaluate(np.array(True), message="")
    with pytest.raises(CheckError, match=r"x is 3\.0"):
        check.evaluate(np.array(False), np.array(3.0), message="x is {}")


def test_host_call():
    parameters = {"function": np.sin, "specs": (FLOAT,)}
    graph = traced(lambda a: host_call.bind(a, **parameters), FLOAT)
    np.testing.assert_allclose(evaluate_graph(graph, [A])[0], np.sin(A))
    with pytest.raises(ArgumentError, match="derivative is not known"):
        vjp_graph(graph)
    known = {**parameters, "vjp": lambda cts, outs, x: cts[0] * e.cos.bind(x)}
    graph = traced(lambda a: host_call.bind(a, **known), FLOAT)
    [found] = evaluate_graph(vjp_graph(graph), [A, np.array(1.0)])
    np.testing.assert_allclose(found, np.cos(A))


def test_host_call_checks_what_it_gets():
    with pytest.raises(ShapeError, match="should give"):
        host_call.evaluate(np.zeros(3), function=lambda a: a, specs=(FLOAT,))
