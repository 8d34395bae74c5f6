"""weft.debug: the first operation that made a NaN or an infinity is named."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import numpy as np
import pytest

import weft
from weft import keras, ops
from weft.debug import NumericsError, check_numerics


def line_here() -> int:
    return inspect.currentframe().f_back.f_lineno


def array(*values: float, dtype: str = "float32") -> np.ndarray:
    return np.array(values, dtype)


def test_eager_operations():
    with check_numerics(), pytest.raises(NumericsError) as caught:
        line = line_here() + 1
        ops.log(ops.convert_to_tensor(array(1.0, 0.0)))
    error = caught.value
    assert (error.operation, error.found) == ("log", "infinity")
    assert error.source == (__file__, line)
    text = str(error)
    assert f"{__file__}:{line}" in text and "ops.log(" in text
    assert "f32[2] from 0 to 1" in text and "remedy" in text


@pytest.mark.parametrize(
    "name, compute",
    [
        ("divide", lambda x: x / (x - x)),
        ("sqrt", lambda x: ops.sqrt(-x)),
        ("multiply", lambda x: x * 1e30 * 1e30),
        ("cast", lambda x: ops.cast(x * 1e6, "float16")),
        ("exp", lambda x: ops.exp(1000.0 * x)),
        ("dot_general", lambda x: ops.matmul(x * 1e25, x * 1e25)),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_the_operation_is_named(name, compute, compiled):
    function = weft.function(compute) if compiled else compute
    x = ops.convert_to_tensor(array(1.0, 2.0))
    with check_numerics(), pytest.raises(NumericsError) as caught:
        function(x)
    assert caught.value.operation == name
    assert caught.value.source[0] == __file__


def test_compiled_functions_name_the_line_and_keep_variables():
    total = weft.Variable(array(1.0, 1.0))

    @weft.function
    def step(x):
        total.assign_add(x)
        y = ops.log(x)  # here
        total.assign_add(y)
        return ops.sum(y)

    step(array(1.0, 1.0))
    before = total.numpy()
    with check_numerics(), pytest.raises(NumericsError) as caught:
        step(array(1.0, -1.0))
    assert np.array_equal(total.numpy(), before)
    path, line = caught.value.source
    assert Path(path).read_text().splitlines()[line - 1].endswith("# here")
    assert "function step" in str(caught.value)
    assert np.isnan(step(array(1.0, -1.0)).numpy())  # and it is over


def test_good_steps_give_what_they_give_otherwise():
    count = weft.Variable(array(0.0))

    @weft.function
    def step(x):
        count.assign_add([1.0])
        return ops.softmax(x) + count

    plain = step(array(1.0, 2.0)).numpy()
    with check_numerics():
        checked = step(array(1.0, 2.0)).numpy()
    np.testing.assert_allclose(checked, plain + 1, rtol=1e-6)
    assert count.numpy() == [2.0]


def test_what_is_left_out_is_no_mistake():
    safe = weft.function(lambda x: ops.where(x > 0, ops.log(x), 0.0))
    with check_numerics():
        assert np.isfinite(safe(array(1.0, 0.0, -1.0)).numpy()).all()


def test_loops_are_looked_into():
    @weft.function
    def powers(x):
        body = lambda i, s: (i + 1, s * x)
        return weft.while_loop(lambda i, s: i < 5, body, (0, 1.0 + x))

    with check_numerics(), pytest.raises(NumericsError) as caught:
        powers(np.float32(1e20))
    assert caught.value.operation == "multiply"
    assert caught.value.source[0] == __file__


def test_under_a_tape():
    @weft.function
    def root(x):
        return ops.sum(ops.sqrt(x))

    x = ops.convert_to_tensor(array(0.0, 1.0))
    with check_numerics(), pytest.raises(NumericsError), weft.GradientTape() as tape:
        tape.watch(x)
        y = root(x)
        tape.gradient(y, x)


def test_given_infinities_are_not_made():
    with check_numerics():
        assert np.isneginf((ops.convert_to_tensor(array(-np.inf, 1.0)) + 1).numpy()[0])
        masked = ops.softmax(ops.convert_to_tensor(array(-np.inf, 1.0)))
        assert masked.numpy().tolist() == [0.0, 1.0]
    with check_numerics(), pytest.raises(NumericsError, match="subtract: made NaN"):
        x = ops.convert_to_tensor(array(np.inf))
        x - x


def test_large_arrays():
    x = ops.ones((1000, 1000)) * 3e38
    for _ in range(12):  # often enough to be compiled
        x + x
    with check_numerics(), pytest.raises(NumericsError, match="made infinity from finite"):
        x + x
    x + x


def test_through_fit():
    from weft import keras

    class Logarithm(keras.layers.Layer):
        def call(self, inputs):
            return ops.log(inputs)  # here

    model = keras.Sequential([keras.Input((4,)), Logarithm(), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
    with check_numerics():
        model.fit(x, y, verbose=0)
    before = [np.array(w) for w in model.get_weights()]
    x[5, 2] = -1.0
    with check_numerics(), pytest.raises(NumericsError) as caught:
        model.fit(x, y, verbose=0, shuffle=False)
    assert caught.value.operation == "log"
    assert "ops.log(inputs)  # here" in str(caught.value)
    after = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


def test_only_what_is_asked_for():
    x = ops.convert_to_tensor(array(0.0))
    with check_numerics(infinity=False):
        ops.log(x)
        with pytest.raises(NumericsError):
            ops.log(x - 1)
    with pytest.raises(ValueError, match="something to look for"):
        weft.debug.enable_check_numerics(nan=False, infinity=False)


def test_switches_nest_and_end():
    x = ops.convert_to_tensor(array(0.0))
    weft.debug.enable_check_numerics()
    with check_numerics():
        pass
    with pytest.raises(NumericsError):
        ops.log(x)
    weft.debug.disable_check_numerics()
    assert np.isneginf(ops.log(x).numpy()[0])
    weft.debug.disable_check_numerics()  # once too often does nothing


def test_other_threads_are_looked_at():
    caught = []

    def work():
        try:
            ops.log(ops.convert_to_tensor(array(0.0)))
        except NumericsError as error:
            caught.append(error)

    with check_numerics():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert caught


def test_common_functions_have_no_false_alarms():
    names = """sigmoid softmax log_softmax gelu silu softplus tanh elu selu log_sigmoid
        hard_sigmoid logsumexp relu leaky_relu var std mean""".split()
    x = ops.convert_to_tensor(30 * np.random.default_rng(0).standard_normal((5, 7)))
    with check_numerics():
        for name in names:
            getattr(ops, name)(ops.cast(x, "float32"))


def test_it_is_an_arithmetic_error():
    assert issubclass(NumericsError, ArithmeticError)
    assert issubclass(NumericsError, weft.WeftError)


def test_given_nan_is_named_where_it_is_taken_in():
    data = np.ones((8, 3), "float32")
    data[2, 1] = np.nan
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with weft.debug.check_numerics(), pytest.raises(weft.debug.NumericsError) as caught:
        model.fit(data, data[:, :1], verbose=0)
    assert "was given NaN and passed it on" in str(caught.value)
    assert "f32[8,3] from 1 to 1, 1 NaN" in str(caught.value)
    assert "look at the data" in str(caught.value)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])

    @weft.function
    def cleaned(x):
        return ops.where(ops.isnan(x), 0.0, x)

    with weft.debug.check_numerics():
        assert np.isnan(ops.negative(data)).sum() == 1
        assert float(cleaned(weft.convert_to_tensor(data))[2, 1]) == 0
