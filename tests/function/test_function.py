"""Traced functions: signatures, variables, results, gradients, methods, messages."""

from __future__ import annotations

import collections
import gc
import threading
import warnings
import weakref

import numpy as np
import pytest

import weft
import weft.function as function_package
from weft import function, ops
from weft.autodiff import GradientTape
from weft.core.graph import verify
from weft.core.trace import Trace
from weft.core.variable import Variable
from weft.errors import ArgumentError, DTypeError, ShapeError, TraceError
from weft.function import Function, TensorSpec, run_functions_eagerly


def tensor(value, dtype=None):
    return ops.convert_to_tensor(value, dtype)


def variable(value, **options):
    return Variable(np.array(value, np.float32), **options)


# -- signatures --------------------------------------------------------------------------


def test_one_trace_per_shape_dtype_and_structure():
    @function
    def f(x):
        return ops.sum(x["a"]) if isinstance(x, dict) else ops.sum(x)

    for value in (tensor([1.0]), tensor([2.0]), np.array([3.0], np.float32)):
        f(value)
    assert f.trace_count == 1
    for value in (tensor([1]), tensor([1.0, 2.0]), {"a": tensor([1.0])}):
        f(value)
    assert f.trace_count == 4


def test_python_values_are_told_apart():
    @function
    def f(x, k):
        return x * k

    x = tensor(2.0)
    assert [float(f(x, k)) for k in (1, 1.0, True, 0.0, -0.0)] == [2, 2, 2, 0, 0]
    assert f.trace_count == 5
    assert np.signbit(f.graph(x, -0.0).nodes[0].parameters["value"])


def test_defaults_and_keywords_are_one_signature():
    @function
    def f(x, y=2.0, *, flag=True):
        return x * y if flag else x

    x = tensor(3.0)
    calls = [f(x), f(x, 2.0), f(x, y=2.0), f(x=x, flag=True)]
    assert [float(c) for c in calls] == [6.0] * 4
    assert f.trace_count == 1
    with pytest.raises(TypeError, match="unexpected keyword"):
        f(x, z=1)


def test_varied_arguments():
    @function
    def f(*xs, **named):
        return sum(xs[1:], xs[0]) + named["a"] * named["b"]

    one = tensor(1.0)
    assert float(f(one, one, a=one * 2.0, b=one * 3.0)) == 8.0
    assert float(f(one, one, b=one * 3.0, a=one * 2.0)) == 8.0
    assert f.trace_count == 1


def test_arrays_are_arguments_not_constants():
    @function
    def f(x):
        return x

    array = np.ones(3, np.float32)
    result = f(array)
    array[:] = 5.0
    assert result.numpy().tolist() == [1.0, 1.0, 1.0]
    assert f(array).numpy().tolist() == [5.0, 5.0, 5.0]
    assert f.trace_count == 1


def test_objects_by_identity_do_not_live_on():
    class Config:
        scale = 2.0

    @function
    def f(x, config):
        return x * config.scale

    config = Config()
    assert float(f(tensor(1.0), config)) == 2.0
    alive = weakref.ref(config)
    del config
    gc.collect()
    assert alive() is None
    assert f._cache == {}


def test_growing_signatures_are_reported_once():
    @function
    def f(x, k):
        return x * k

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(20):
            f(tensor(1.0), k)
    messages = [str(w.message) for w in caught]
    assert len(messages) == 1
    assert "'k' changed from 7 to 8" in messages[0]
    assert caught[0].filename == __file__


# -- declared inputs ---------------------------------------------------------------------


def test_input_signature():
    @function(input_signature=[TensorSpec([None, 2], "float32")])
    def f(x):
        return x * 2.0

    assert f([[1, 2]]).numpy().tolist() == [[2.0, 4.0]]
    assert f(np.ones((3, 2))).dtype == "float32"
    assert f(tensor([[1, 2]])).dtype == "float32"
    with pytest.raises(ShapeError, match="'x' must have the shape"):
        f([1.0, 2.0])
    with pytest.raises(DTypeError, match="must be float32"):
        f(tensor([[1.0, 2.0]], "float64"))
    with pytest.raises(ArgumentError, match="every extent must be known"):
        f.get_concrete_function().graph


def test_a_method_with_an_input_signature():
    class Doubler:
        @function(input_signature=[TensorSpec([None], "float32")])
        def run(self, x):
            return x * 2.0

    assert Doubler().run([1]).numpy().tolist() == [2.0]


# -- results -----------------------------------------------------------------------------


def test_results_of_any_structure():
    Pair = collections.namedtuple("Pair", "x y")
    w = variable(4.0)

    @function
    def f(x):
        return {"pair": Pair(x, None), "text": "word", "w": w, "array": np.ones(2)}

    found = f(tensor(1.0))
    assert float(found["pair"].x) == 1.0 and found["pair"].y is None
    assert found["text"] == "word" and float(found["w"]) == 4.0
    assert found["array"].numpy().tolist() == [1.0, 1.0]


def test_no_result():
    @function
    def f(x):
        w.assign(x)

    w = variable(0.0)
    assert f(tensor(2.0)) is None
    assert float(w.numpy()) == 2.0


# -- variables ---------------------------------------------------------------------------


def test_variables_are_read_and_updated():
    counter = variable(0.0)

    @function
    def f(x):
        before = counter.value
        counter.assign(counter + 1.0)
        return before, counter * x

    for step in range(3):
        before, after = f(tensor(10.0))
        assert (float(before), float(after)) == (step, (step + 1) * 10.0)
    assert float(counter.numpy()) == 3.0 and f.trace_count == 1
    verify(f.graph(tensor(10.0)))


def test_variables_can_swap():
    a, b = variable(1.0), variable(2.0)

    @function
    def swap():
        old = a.value
        a.assign(b.value)
        b.assign(old)

    swap()
    assert (float(a.numpy()), float(b.numpy())) == (2.0, 1.0)


def test_variables_made_in_the_first_call():
    class Layer:
        def __init__(self):
            self.w = None

        @function
        def __call__(self, x):
            if self.w is None:
                self.w = variable(5.0)
            return x * self.w

    layer = Layer()
    assert [float(layer(tensor(x))) for x in (1.0, 2.0)] == [5.0, 10.0]
    layer.w.assign(7.0)
    assert float(layer(tensor(1.0))) == 7.0


def test_a_variable_whose_first_value_is_computed_while_tracing():
    made = []

    @function
    def f(x):
        if not made:
            made.append(weft.Variable(ops.ones((2,)) * 3.0, name="made"))
        return x * made[0]

    assert f(tensor(2.0)).numpy().tolist() == [6.0, 6.0]

    @function
    def g(x):
        return weft.Variable(x)

    with pytest.raises(TraceError, match="depends on the function's arguments"):
        g(tensor(2.0))


def test_a_variable_in_every_call_is_an_error():
    @function
    def f(x):
        return variable(1.0) * x

    with pytest.raises(TraceError, match="makes a variable"):
        f(tensor(1.0))


def test_a_first_value_is_known_while_tracing():
    found = []

    @function
    def f(x):
        trace = ops.ones((2,)).trace
        found.append(trace.concrete(ops.ones((2,)) * 3.0))
        with pytest.raises(TraceError, match="depends on the function's arguments"):
            trace.concrete(x * 2.0)
        return x

    f(tensor(1.0))
    assert found[0].numpy().tolist() == [3.0, 3.0]


# -- nesting -----------------------------------------------------------------------------


def test_functions_call_functions():
    w = variable(2.0)

    @function
    def inner(x):
        w.assign(w + 1.0)
        return x * w

    @function
    def outer(x):
        return inner(x) + inner(x)

    assert float(outer(tensor(1.0))) == 7.0
    assert float(w.numpy()) == 4.0
    names = [node.primitive.name for node in outer.graph(tensor(1.0)).nodes]
    assert "call" not in names


def test_recursion_on_python_values():
    @function
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    assert float(power(tensor(2.0), 10)) == 1024.0


def test_endless_recursion_is_named():
    @function
    def f(x):
        return f(x - 1.0)

    with pytest.raises(TraceError, match="100 calls deep"):
        f(tensor(1.0))


# -- gradients ---------------------------------------------------------------------------


def gradients(f, x, w):
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        first = tape.gradient(y, [x, w])
    return [*first, *outer.gradient(first, [x, w])]


def test_gradients_through_a_call():
    w = variable([1.0, 2.0, 3.0])

    def f(x):
        return ops.sin(w * x) * x

    x = tensor([1.0, 2.0, 0.5])
    expected = gradients(f, x, w)
    traced = function(f)
    for found, right in zip(gradients(traced, x, w), expected):
        np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-5)
    inside = function(lambda x: gradients(traced, x, w))
    for found, right in zip(inside(x), expected):
        np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-5)


def test_gradients_to_a_tensor_that_the_function_closes_over():
    scale = tensor([2.0, 3.0])

    @function
    def f(x):
        return x * scale * scale

    f(tensor([1.0, 1.0]))
    with GradientTape() as tape:
        tape.watch(scale)
        y = f(tensor([1.0, 1.0]))
    assert tape.gradient(y, scale).numpy().tolist() == [4.0, 6.0]


def test_assignments_under_a_tape():
    w = variable(2.0)

    @function
    def f(x):
        y = x * w
        w.assign(w * 10.0)
        return y

    with GradientTape() as tape:
        y = f(tensor(3.0))
    assert float(w.numpy()) == 20.0
    assert float(tape.gradient(y, w)) == 3.0


def test_a_step_of_training_in_one_graph():
    w = variable([1.0, -1.0])
    x, y = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([1.0, 2.0])

    def step(x, y):
        with GradientTape() as tape:
            loss = ops.mean((ops.sum(x * w, axis=1) - y) ** 2)
        w.assign(w - 0.01 * tape.gradient(loss, w))
        return loss

    traced = function(step)
    losses = [float(traced(x, y)) for _ in range(20)]
    w.assign([1.0, -1.0])
    np.testing.assert_allclose(losses, [float(step(x, y)) for _ in range(20)], rtol=1e-5)
    assert losses[-1] < losses[0]


# -- methods, threads, looking -------------------------------------------------------------


def test_methods_do_not_keep_objects_alive():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        @function
        def __call__(self, x):
            return x * self.scale

    one, other = Model(2.0), Model(3.0)
    assert [float(m(tensor(1.0))) for m in (one, other)] == [2.0, 3.0]
    alive = weakref.ref(one)
    del one
    gc.collect()
    assert alive() is None
    assert isinstance(Model.__call__, Function)


def test_bound_methods_and_lambdas():
    class Model:
        def run(self, x):
            return x + 1.0

    assert float(function(Model().run)(tensor(1.0))) == 2.0
    assert float(function(lambda x: x + 1.0)(tensor(1.0))) == 2.0


def test_threads_share_traces():
    @function
    def f(x):
        return x * 2.0

    results = []

    def work(i):
        results.extend(float(f(tensor(float(i)))) == 2.0 * i for _ in range(20))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80 and f.trace_count == 1


def test_what_can_be_seen():
    @function
    def f(x):
        """Adds one."""
        return x + 1.0

    assert repr(f).startswith("<weft.function.Function 'f' at 0x")
    assert f.__doc__ == "Adds one." and f.__name__ == "f"
    assert f.graph(TensorSpec([3])).name == "f"
    concrete = f.get_concrete_function(tensor([1.0]))
    assert repr(concrete).startswith("<weft.function.ConcreteFunction f(x: TensorSpec(")
    assert repr(concrete.traced) == "<weft.function.TracedFunction f(f32[1]) -> (f32[1])>"


def test_the_package_is_the_decorator_too():
    @function_package
    def f(x):
        return x * 2.0

    assert float(f(tensor(2.0))) == 4.0


def test_run_functions_eagerly():
    seen = []

    @function
    def f(x):
        seen.append(x.numpy())
        return x

    run_functions_eagerly(True)
    try:
        f(tensor(2.0))
    finally:
        run_functions_eagerly(False)
    assert seen == [2.0]


# -- messages ----------------------------------------------------------------------------


def test_a_traced_tensor_that_got_out():
    kept = []

    @function
    def leak(x):
        kept.append(x)
        return x

    leak(tensor(1.0))
    with pytest.raises(TraceError, match="after"):
        leak(kept[0])


def test_python_if_without_autograph_says_what_to_do():
    @function(autograph=False)
    def f(x):
        return x if x > 0.0 else -x

    with pytest.raises(TraceError, match=r"weft\.cond"):
        f(tensor(1.0))


def test_traces_end_when_the_function_raises():
    @function
    def f(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        f(tensor(1.0))
    assert float(tensor(1.0) + 1.0) == 2.0
    assert isinstance(Trace("free").parent, type(None))
