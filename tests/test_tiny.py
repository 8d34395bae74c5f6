"""One page that shows that everything works. Read it first.

Tensors, derivatives, compiled functions, a look at a program, and a network that learns.
"""

from __future__ import annotations

import numpy as np

import weft
from weft import keras, ops


def test_tensors():
    x = weft.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.shape == (2, 2) and x.dtype == "float32"
    assert float(ops.sum(x @ x)) == 54.0
    assert np.asarray(x[:, 0] * 2 + 1).tolist() == [3.0, 7.0]


def test_derivatives():
    x = weft.Variable(3.0)
    with weft.GradientTape() as outer:
        with weft.GradientTape() as inner:
            y = x * x * x
        slope = inner.gradient(y, x)
    assert float(slope) == 27.0
    assert float(outer.gradient(slope, x)) == 18.0


def test_compiled_functions():
    total = weft.Variable(0.0)

    @weft.function
    def add(x):
        total.assign_add(ops.sum(x))
        return ops.sqrt(total)

    assert float(add(np.array([3.0, 6.0]))) == 3.0
    assert float(add(np.array([3.0, 4.0]))) == 4.0
    assert add.trace_count == 1


def test_python_control_flow_becomes_part_of_the_program():
    @weft.function
    def collatz_steps(n):
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

    assert int(collatz_steps(weft.convert_to_tensor(27))) == 111


def test_looking_inside():
    report = weft.explain(lambda x, w: ops.relu(x @ w), np.ones((8, 4)), np.ones((4, 2)))
    assert [row.label for row in report.rows] == ["dot_general relu 8×2×4"]


def test_the_same_seed_gives_the_same_bits():
    draws = []
    for _ in range(2):
        weft.set_random_seed(7)
        draws.append(np.asarray(weft.random.normal((100,))))
    assert np.array_equal(*draws)


def test_a_network_learns():
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    x = generator.standard_normal((512, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int32")

    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, epochs=40, batch_size=64, verbose=0)

    assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.95
    assert model.predict(x[:3], verbose=0).shape == (3, 2)
