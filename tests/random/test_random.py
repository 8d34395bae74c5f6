"""Random numbers: distributions, seeds, and the same numbers eagerly and compiled."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft import random

N = 40000

# name: (draw, mean, standard deviation)
DRAWS = {
    "uniform": (lambda seed: random.uniform((N,), -1.0, 3.0, seed=seed), 1.0, 4 / 12**0.5),
    "normal": (lambda seed: random.normal((N,), 2.0, 0.5, seed=seed), 2.0, 0.5),
    "truncated": (lambda seed: random.truncated_normal((N,), seed=seed), 0.0, 0.8796),
    "randint": (lambda seed: random.randint((N,), -2, 3, seed=seed), 0.0, 2**0.5),
    "bernoulli": (lambda seed: random.bernoulli((N,), 0.3, seed=seed), 0.3, 0.21**0.5),
    "gamma": (lambda seed: random.gamma((N,), 2.5, seed=seed), 2.5, 2.5**0.5),
    "gamma_small": (lambda seed: random.gamma((N,), 0.4, seed=seed), 0.4, 0.4**0.5),
    "beta": (lambda seed: random.beta((N,), 2.0, 3.0, seed=seed), 0.4, 0.2),
    "binomial": (lambda seed: random.binomial((N,), 5, 0.4, seed=seed), 2.0, 1.2**0.5),
    "half": (lambda seed: random.normal((N,), dtype="float16", seed=seed), 0.0, 1.0),
}


@pytest.mark.parametrize("name", DRAWS)
def test_mean_and_deviation(name):
    draw, mean, deviation = DRAWS[name]
    values = draw(3).numpy().astype(np.float64)
    assert values.mean() == pytest.approx(mean, abs=5 * deviation / N**0.5)
    assert values.std() == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("name", [name for name in DRAWS if name != "binomial"])
def test_the_same_bits_when_traced(name):
    draw, _, _ = DRAWS[name]
    compiled = weft.function(lambda: draw(5))
    np.testing.assert_allclose(
        compiled().numpy().astype("float64"), draw(5).numpy().astype("float64"),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip


def test_generators_count_up_also_in_compiled_functions():
    source = random.SeedGenerator(9)
    draw = weft.function(lambda: random.uniform((3,), seed=source))
    drawn = [draw().numpy() for _ in range(3)]
    again = random.SeedGenerator(9)
    for values in drawn:
        np.testing.assert_array_equal(values, random.uniform((3,), seed=again).numpy())
    assert source.state.numpy().tolist() == [9, 3]


def test_set_seed_makes_all_draws_repeatable():
    draw = weft.function(lambda: random.normal((2,)))

    def run():
        random.set_seed(1)
        return [random.uniform((2,)).numpy(), draw().numpy(), draw().numpy()]

    first, second = run(), run()
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[1], first[2])


def test_uniform_stays_below_one_in_every_dtype():
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        values = random.uniform((10000,), dtype=dtype, seed=0).numpy().astype("float64")
        assert values.min() >= 0.0 and values.max() < 1.0


def test_dropout_shuffle_categorical():
    x = weft.ops.ones((100, 10))
    y = random.dropout(x, 0.3, noise_shape=(None, 1), seed=1).numpy()
    assert set(np.unique(y)) == {np.float32(0.0), np.float32(1 / 0.7)}
    assert (y == y[:, :1]).all()
    order = random.shuffle(np.arange(50), seed=2).numpy()
    assert sorted(order) == list(range(50)) and list(order) != list(range(50))
    logits = np.log([[0.2, 0.8]])
    picks = random.categorical(logits, 20000, seed=3).numpy()
    assert picks.mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda: random.uniform((2,), dtype="int32"), "must be a float"),
        (lambda: random.randint((2,), 3, 3), "greater than minval"),
        (lambda: random.normal((2,), seed="x"), "must be an int"),
        (lambda: random.set_seed(1.5), "must be an int"),
        (lambda: random.categorical([0.1, 0.2], 3), "batch, classes"),
    ],
)
def test_errors(action, words):
    with pytest.raises((ValueError, TypeError), match=words):
        action()
