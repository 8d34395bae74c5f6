"""Functions of one signature: how they are called, and what they tell of themselves."""

from __future__ import annotations

import collections
import traceback

import numpy as np
import pytest

import weft
from weft import TensorSpec, function, ops
from weft.errors import (
    DTypeError,
    ShapeError,
    TextError,
    disable_traceback_filtering,
    enable_traceback_filtering,
)


@function
def both(x, by=2, *, shift=1.0):
    return {"product": x * by, "rest": [x + shift, None]}


@function
def summed(parts):
    return parts["a"] + parts["b"][0]


TRIPLED = both.get_concrete_function(TensorSpec([3]), 3)
SUMMED = summed.get_concrete_function(
    {"a": TensorSpec([2]), "b": [TensorSpec([2], name="other")]}
)
X = np.array([1.0, 2.0, 3.0], "float32")


@pytest.mark.parametrize(
    "call",
    [
        lambda: TRIPLED(ops.array(X)),
        lambda: TRIPLED(X),
        lambda: TRIPLED([1, 2, 3]),
        lambda: TRIPLED(x=X),
        lambda: TRIPLED(X, 3),
        lambda: TRIPLED(X, by=3, shift=1.0),
    ],
)
def test_values_of_the_signature_may_be_left_out(call):
    found = call()
    assert found["product"].tolist() == [3.0, 6.0, 9.0]
    assert found["rest"][0].tolist() == [2.0, 3.0, 4.0] and found["rest"][1] is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: SUMMED(ops.array([1.0, 2.0]), ops.ones(2)),
        lambda: SUMMED({"a": ops.array([1.0, 2.0]), "b": [ops.ones(2)]}),
        lambda: SUMMED(parts={"a": ops.array([1.0, 2.0]), "b": [ops.ones(2)]}),
        lambda: SUMMED(parts_a=[1.0, 2.0], other=ops.ones(2)),
    ],
)
def test_tensors_in_structures_and_in_a_row(call):
    assert call().tolist() == [2.0, 3.0]


WRONG_CALLS = {
    "missing": (lambda: TRIPLED(), TypeError, "argument 'x' is missing"),
    "settled": (lambda: TRIPLED(X, 4), ValueError, "3 is settled by its signature"),
    "too many": (lambda: TRIPLED(X, 3, 4), TypeError, "too many positional"),
    "unknown": (lambda: TRIPLED(X, z=1), TypeError, "keyword argument 'z'"),
    "shape": (lambda: TRIPLED(ops.ones(4)), ShapeError, "the shape .3,. of its signature"),
    "dtype": (lambda: TRIPLED(ops.ones(3, "complex64")), DTypeError, "must be float32"),
    "structure": (lambda: SUMMED({"a": X}), TypeError, "must have the structure"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_what_does_not_fit(name):
    call, kind, message = WRONG_CALLS[name]
    with pytest.raises(kind, match=message):
        call()


def test_what_can_be_seen():
    x = TensorSpec([3])
    assert TRIPLED.structured_input_signature == ((x, 3), {"shift": 1.0})
    assert TRIPLED.structured_outputs == {"product": x, "rest": [x, None]}
    assert (TRIPLED.inputs, TRIPLED.outputs) == ([x], [x, x])
    assert TRIPLED.output_shapes == {"product": (3,), "rest": [(3,), None]}
    assert TRIPLED.output_dtypes == {"product": "float32", "rest": ["float32", None]}
    assert TRIPLED.inputs[0].name == "x" and TRIPLED.graph.name == TRIPLED.name == "both"
    lines = TRIPLED.pretty_printed_signature().splitlines()
    assert lines[2:4] == [
        "  by (POSITIONAL_OR_KEYWORD): Literal[3]",
        "  shift (KEYWORD_ONLY): Literal[1.0]",
    ]
    assert str(TRIPLED).startswith("ConcreteFunction Input Parameters:\n  x (POS")
    assert "by: Literal[3]" in both.pretty_printed_concrete_signatures(verbose=False)


def test_names_of_specs():
    Pair = collections.namedtuple("Pair", "a b")
    x = TensorSpec([2])
    for call, names in [
        (lambda *args, **kw: args[0] + kw["b"], ["args_0", "b"]),
        (lambda p, **kw: p.a + p.b, ["p_a", "p_b"]),
    ]:
        given = ((x,), {"b": x}) if "args_0" in names else ((Pair(x, x),), {})
        concrete = function(call).get_concrete_function(*given[0], **given[1])
        assert [spec.name for spec in concrete.inputs] == names
        assert concrete(**dict.fromkeys(names, ops.ones(2))).tolist() == [2.0, 2.0]


def test_specs_of_tensors_and_what_fits_them():
    spec = TensorSpec([None, 3])
    assert TensorSpec.from_tensor(ops.ones((2, 3)), "x") == TensorSpec([2, 3])
    fits = [ops.ones((2, 3)), [[1, 2, 3]], TensorSpec(None), TensorSpec([2, None])]
    assert all(map(spec.is_compatible_with, fits))
    others = [ops.ones(3), TensorSpec([2, 4]), TensorSpec([None, 3], "int32")]
    assert not any(map(spec.is_compatible_with, others))


def test_open_extents_are_traced_as_they_come():
    @function
    def f(x):
        return ops.sum(x, 0)

    concrete = f.get_concrete_function(TensorSpec([None, 2]))
    assert f.trace_count == 0
    assert concrete(ops.ones((3, 2))).tolist() == [3.0, 3.0]
    assert concrete(ops.ones((5, 2))).tolist() == [5.0, 5.0]
    assert f.trace_count == 2 and str(concrete).endswith("?")
    with pytest.raises(ShapeError, match=r"of its signature; received f32.3,3."):
        concrete(ops.ones((3, 3)))
    with pytest.raises(ValueError, match="every extent must be known"):
        concrete.graph


def test_variables_tapes_and_traces():
    weight = weft.Variable(2.0)

    @function
    def f(x):
        return x * x * weight

    concrete = f.get_concrete_function(TensorSpec([]))
    assert concrete.variables == concrete.trainable_variables == (weight,)
    with weft.GradientTape() as tape:
        x = ops.array(3.0)
        tape.watch(x)
        y = concrete(x)
    assert [float(d) for d in tape.gradient(y, [x, weight])] == [12.0, 9.0]
    assert float(function(lambda x: concrete(x) + 1.0)(ops.array(3.0))) == 19.0
    swapped = function(lambda v: v * 3.0).get_concrete_function(weft.Variable(2.0))
    assert float(swapped(weft.Variable(5.0))) == 15.0


def _helper(x):
    return x + ops.ones(7)


@function
def _user(x, y=2):
    return _helper(x)


# What is done, and the functions whose lines are shown below the test's.
TRACEBACKS = {
    "arguments": (lambda: _user(1, z=3), ["__call__"]),
    "in the function": (lambda: _user(ops.ones(3)), ["__call__", "_user", "_helper"]),
    "inside": (
        lambda: function(lambda x: _user(x))(ops.ones(3)),
        ["__call__", "<lambda>", "_user", "_helper"],
    ),
    "concrete": (lambda: TRIPLED(ops.ones(4)), ["called"]),
}


@pytest.mark.parametrize("name", TRACEBACKS)
def test_tracebacks_show_the_users_lines_and_one(name):
    call, wanted = TRACEBACKS[name]
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    frames = traceback.extract_tb(raised.value.__traceback__)
    names = [frame.name for frame in frames]
    start = names.index("<lambda>") + 1
    assert names[start:] == wanted
    disable_traceback_filtering()
    try:
        with pytest.raises((TypeError, ValueError)) as raised:
            call()
    finally:
        enable_traceback_filtering()
    assert len(traceback.extract_tb(raised.value.__traceback__)) > len(frames)


def test_text_runs_as_python_with_one_note():
    traces = []

    @function
    def f(x, text):
        traces.append(text)
        if ops.sum(x) > 1.0:
            x = x + 1.0
        return x, text

    text = ops.convert_to_tensor(["a", "b"], "string")
    with pytest.warns(UserWarning, match="function f: there is text among its arguments"):
        x, same = f(ops.ones(2), text)
    assert x.tolist() == [2.0, 2.0] and same.tolist() == [b"a", b"b"]
    f(ops.ones(2), text)
    assert len(traces) == 2 and f.trace_count == 0
    concrete = f.get_concrete_function(TensorSpec([2]), TensorSpec([None], "string"))
    assert concrete(ops.ones(2), text)[0].tolist() == [2.0, 2.0]


def test_text_from_outside_is_a_constant():
    text = ops.convert_to_tensor(["a", "b"], "string")
    x, same = function(lambda x: (x + 1.0, text))(ops.ones(1))
    assert x.tolist() == [2.0] and same.tolist() == [b"a", b"b"]


TEXT = ops.convert_to_tensor(["a", "b"], "string")


@pytest.mark.parametrize(
    ("compute", "wanted"),
    [
        (lambda: TEXT[1], b"b"),
        (lambda: ops.concatenate([TEXT, TEXT]), [b"a", b"b", b"a", b"b"]),
        (lambda: ops.reshape(TEXT, (2, 1)), [[b"a"], [b"b"]]),
        (lambda: ops.stack([TEXT, TEXT])[1], [b"a", b"b"]),
    ],
)
def test_known_text_is_computed_with_while_tracing(compute, wanted):
    x, found = function(lambda x: (x * 2.0, compute()))(ops.ones(()))
    assert (float(x), found.tolist()) == (2.0, wanted)


@pytest.mark.parametrize(
    "meet",
    [
        lambda x: ops.take(TEXT, x),
        lambda x: weft.cond(x > 0, lambda: TEXT[0], lambda: TEXT[1]),
    ],
)
def test_text_that_meets_a_traced_tensor(meet):
    with pytest.raises(TextError, match=r"no program holds text: str.* compute numbers"):
        function(meet)(ops.array(1))
