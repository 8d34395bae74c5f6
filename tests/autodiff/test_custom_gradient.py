"""Derivatives of one's own: the same eagerly, traced, and through functions."""

from __future__ import annotations

import numpy as np
import pytest

from weft import function, ops
from weft.autodiff import GradientTape, custom_gradient, stop_gradient
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError


def tensor(value):
    return ops.convert_to_tensor(value)


def as_it_is(f):
    return f


def gradient_of(f, *arguments, extra=()):
    with GradientTape() as tape:
        tape.watch(arguments)
        y = f(*arguments)
    return tape.gradient(y, [*arguments, *extra])


@custom_gradient
def tripled_backwards(x):
    return x * 1.0, lambda upstream: upstream * 3.0


@custom_gradient
def same(x):
    return x, lambda upstream: upstream * 5.0


@pytest.mark.parametrize("around", [as_it_is, function])
@pytest.mark.parametrize("inside", [as_it_is, function])
def test_the_rule_is_used(around, inside):
    run = around(lambda x: gradient_of(inside(tripled_backwards), x)[0])
    assert float(run(tensor(2.0))) == 3.0


@pytest.mark.parametrize("around", [as_it_is, function])
def test_a_result_that_is_the_argument(around):
    run = around(lambda x: gradient_of(lambda x: same(x) * 2.0 + x, x)[0])
    assert float(run(tensor(2.0))) == 11.0


@pytest.mark.parametrize("around", [as_it_is, function])
def test_several_arguments_and_results(around):
    @custom_gradient
    def swap(x, y):
        return (y * 1.0, x * 1.0), lambda one, other: (one * 10.0, other * 100.0)

    def f(x, y):
        a, b = swap(x, y)
        return a + 2.0 * b

    run = around(lambda x, y: gradient_of(f, x, y))
    assert [float(g) for g in run(tensor(1.0), tensor(2.0))] == [10.0, 200.0]


@pytest.mark.parametrize("around", [as_it_is, function])
@pytest.mark.parametrize("inside", [as_it_is, function])
def test_variables_and_second_order(around, inside):
    w = Variable(np.array(3.0, np.float32), name="w")

    @custom_gradient
    def scaled(x):
        y = x * x * w

        def gradient(upstream, variables=None):
            assert variables == [w]
            return upstream * 7.0 * y, [upstream * 11.0]

        return y, gradient

    scaled = inside(scaled)

    def run(x):
        with GradientTape() as outer:
            outer.watch(x)
            first = gradient_of(lambda x: scaled(x) * 2.0, x, extra=[w])
        return [*first, outer.gradient(first[0], x)]

    # d/dx of 14 x² w, as it was computed.
    expected = [14 * 12.0, 22.0, 28 * 2 * 3.0]
    assert [float(g) for g in around(run)(tensor(2.0))] == expected


def test_inside_of_control_flow():
    def f(x):
        total, _ = ops.scan(lambda c, _: (tripled_backwards(c), None), x, length=3)
        return ops.cond(total > 0.0, lambda: tripled_backwards(total), lambda: total)

    x = tensor(1.0)
    assert float(gradient_of(f, x)[0]) == 81.0
    assert float(function(lambda x: gradient_of(f, x)[0])(x)) == 81.0
    assert float(gradient_of(function(f), x)[0]) == 81.0


def test_messages():
    w = Variable(np.array(3.0, np.float32), name="w")
    x = tensor(1.0)

    def no_pair(x):
        return x

    def no_variables(x):
        return x * w, lambda upstream: upstream

    def too_many(x):
        return x * 1.0, lambda upstream: (upstream, upstream)

    with pytest.raises(ArgumentTypeError, match="must return"):
        custom_gradient(no_pair)(x)
    with pytest.raises(ArgumentError, match="variables=None"):
        gradient_of(custom_gradient(no_variables), x)
    with pytest.raises(ArgumentError, match="one gradient per input"):
        gradient_of(custom_gradient(too_many), x)


def test_stop_gradient():
    x = tensor(3.0)
    [found] = gradient_of(lambda x: stop_gradient({"a": x})["a"] * x, x)
    assert float(found) == 3.0
