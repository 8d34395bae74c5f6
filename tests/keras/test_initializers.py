"""Initializers: names, configs, distributions, seeds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from weft import keras
from weft.keras import initializers

# name: (scale, fan) of the variance for a weight of shape (300, 200).
VARIANCES = {
    "glorot_uniform": 2 / 500, "glorot_normal": 2 / 500, "he_uniform": 2 / 300,
    "he_normal": 2 / 300, "lecun_uniform": 1 / 300, "lecun_normal": 1 / 300,
    "random_uniform": 0.1**2 / 12, "random_normal": 0.05**2,
    "truncated_normal": (0.05 * 0.87962566103423978) ** 2,
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance(name):
    keras.utils.set_random_seed(5)
    values = initializers.get(name)((300, 200)).numpy()
    assert values.dtype == np.float32
    assert abs(values.mean()) < 3 * np.sqrt(VARIANCES[name] / values.size) + 1e-6
    assert values.var() == pytest.approx(VARIANCES[name], rel=0.03)


@pytest.mark.parametrize("name", [*VARIANCES, "zeros", "ones", "orthogonal", "identity"])
def test_configs_go_round(name):
    made = initializers.get(name)
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(made))))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_seeds():
    one, two = initializers.GlorotUniform(seed=1), initializers.GlorotUniform(seed=1)
    np.testing.assert_array_equal(one((3, 3)).numpy(), two((3, 3)).numpy())
    np.testing.assert_array_equal(one((3, 3)).numpy(), one((3, 3)).numpy())
    keras.utils.set_random_seed(7)
    first = keras.layers.Dense(4)(np.ones((1, 3))).numpy()
    second = keras.layers.Dense(4)(np.ones((1, 3))).numpy()
    keras.utils.set_random_seed(7)
    again = keras.layers.Dense(4)(np.ones((1, 3))).numpy()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_orthogonal():
    tall = initializers.Orthogonal(seed=0)((6, 4)).numpy()
    np.testing.assert_allclose(tall.T @ tall, np.eye(4), atol=1e-5)
    wide = initializers.Orthogonal(gain=2.0, seed=0)((3, 5)).numpy()
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(3), atol=1e-5)


def test_truncated_values_are_within_two_deviations():
    values = initializers.TruncatedNormal(stddev=1.0, seed=2)((10000,)).numpy()
    assert np.abs(values).max() <= 2.0
    assert values.std() == pytest.approx(0.8796, rel=0.03)


def test_fans_of_convolution_kernels():
    kernel = initializers.VarianceScaling(mode="fan_in", distribution="uniform", seed=0)
    values = kernel((3, 3, 16, 32)).numpy()
    assert np.abs(values).max() <= np.sqrt(3 / (3 * 3 * 16)) * 1.0001
    assert np.abs(values).max() > np.sqrt(3 / (3 * 3 * 16)) * 0.99


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda: initializers.get("glorot_unifrm"), "Did you mean 'glorot_uniform'"),
        (lambda: initializers.VarianceScaling(scale=-1), "positive"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode must be one of"),
        (lambda: initializers.Identity()((2, 2, 2)), "two axes"),
        (lambda: initializers.Orthogonal()((2,)), "at least two axes"),
        (lambda: initializers.RandomNormal(seed="a"), "seed must be an int"),
    ],
)
def test_errors(action, words):
    with pytest.raises(ValueError, match=words):
        action()
