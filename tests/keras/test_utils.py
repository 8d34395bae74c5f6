"""keras.utils: arrays, seeds, registration; and the lightness of the import."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from weft import keras


def test_to_categorical():
    rows = keras.utils.to_categorical([0, 1, 2, 3], num_classes=4)
    np.testing.assert_array_equal(rows, np.eye(4))
    assert rows.dtype == np.float32
    assert keras.utils.to_categorical([[1], [0]]).shape == (2, 2)
    assert keras.utils.to_categorical(np.zeros((2, 3), int)).shape == (2, 3, 1)
    for wrong in ([0, 10], [-1]):
        with pytest.raises(ValueError, match="class numbers must be 0 … 9"):
            keras.utils.to_categorical(wrong, num_classes=10)


def test_normalize():
    np.testing.assert_allclose(keras.utils.normalize([[3.0, 4.0], [0.0, 0.0]]),
                               [[0.6, 0.8], [0.0, 0.0]])  # fmt: skip


def test_set_random_seed_seeds_everything():
    import random

    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        weft_drawn = float(keras.random.normal(()))
        drawn.append((random.random(), np.random.rand(), weft_drawn))
    assert drawn[0] == drawn[1]


@keras.utils.register_keras_serializable("tests")
class Tripled(keras.layers.Layer):
    def call(self, x):
        return 3 * x


def test_registered_classes_are_found():
    model = keras.Sequential([keras.Input((2,)), Tripled()])
    assert keras.utils.get_registered_name(Tripled) == "tests>Tripled"
    again = keras.models.model_from_json(model.to_json())
    assert float(keras.ops.sum(again(np.ones((1, 2))))) == 6.0


def test_custom_objects():
    def odd(x):
        return x + 1

    config = keras.layers.serialize(keras.layers.Dense(1, activation=odd))
    with pytest.raises(ValueError, match="odd"):
        keras.layers.deserialize(config)
    with keras.utils.custom_object_scope({"odd": odd}):
        assert keras.layers.deserialize(config).activation is odd
    layer = keras.layers.deserialize(config, custom_objects={"odd": odd})
    assert layer.activation is odd


@pytest.mark.parametrize("family", [keras.losses, keras.metrics, keras.optimizers])
def test_custom_objects_of_training(family):
    def odd(*values):
        return 0.0

    with keras.utils.custom_object_scope({"odd": odd}):
        assert family.deserialize("odd") is odd
    assert family.deserialize("odd", custom_objects={"odd": odd}) is odd
    with pytest.raises(ValueError, match="odd"):
        family.deserialize("odd")


def test_import_is_light():
    code = (
        "import sys, weft.keras, weft.keras.layers, weft.keras.models;"
        "heavy = {'h5py', 'rich', 'matplotlib', 'llvmlite', 'jax'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_names_that_are_not_there():
    for name in keras._NAMESPACES:
        assert getattr(keras, name).__name__ == f"weft.keras.{name}"
    assert not hasattr(keras, "applications")
    with pytest.raises(AttributeError, match="Did you mean 'models'"):
        _ = keras.modles
    with pytest.raises(AttributeError, match="Did you mean 'to_categorical'"):
        _ = keras.utils.to_categorial
