"""`import tensorflow` and `import keras` mean weft while the alias is installed."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

import weft.compat


@pytest.fixture
def alias():
    weft.compat.install()
    yield
    weft.compat.uninstall()


def test_the_same_objects_under_both_names(alias):
    import weft.keras

    tensorflow = importlib.import_module("tensorflow")
    layers = importlib.import_module("tensorflow.keras.layers")
    keras = importlib.import_module("keras")
    assert tensorflow is importlib.import_module("weft.compat.tensorflow")
    assert keras is weft.keras is tensorflow.keras
    assert layers.Dense is weft.keras.layers.Dense


def test_modules_keep_their_own_spec(alias):
    keras = importlib.import_module("keras")
    assert keras.__name__ == "weft.keras"
    assert keras.__spec__.name == "weft.keras"


@pytest.mark.parametrize(
    ("name", "attribute", "here"),
    [
        ("tensorflow.keras.datasets.mnist", "load_data", "weft.keras.datasets.mnist"),
        ("keras.datasets.mnist", "load_data", "weft.keras.datasets.mnist"),
        ("keras.layers.core", "Dense", "weft.keras.layers"),
        ("keras.utils.np_utils", "to_categorical", "weft.keras.utils"),
        ("tensorflow.python.keras.layers", "Dense", "weft.keras.layers"),
        (
            "tensorflow.keras.layers.experimental.preprocessing",
            "Rescaling",
            "weft.keras.layers",
        ),
        ("tensorflow.keras.optimizers.legacy", "SGD", "weft.keras.optimizers.legacy"),
        ("tensorflow.compat.v2.math", "reduce_sum", "weft.compat.tensorflow.math"),
        ("tensorflow.random", "normal", "weft.compat.tensorflow.random"),
        ("keras.src.losses", "mse", "weft.keras.losses"),
        ("tensorflow.experimental.numpy", "sum", "weft.ops"),
    ],
)
def test_older_and_longer_paths(alias, name, attribute, here):
    found = getattr(importlib.import_module(name), attribute)
    assert found is getattr(importlib.import_module(here), attribute)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("tensorflow.kears", "keras"),
        ("tensorflow.sparse", "use dense ones"),
        ("tensorflow.contrib.layers", "TensorFlow 1"),
        ("tensorflow.compat.v1", "TensorFlow 2's names"),
        ("tensorflow.examples.tutorials.mnist", "tf.keras.datasets.mnist"),
        ("keras.nothing_of_that_name", "weft"),
    ],
)
def test_what_is_not_there_says_what_to_use(alias, name, word):
    with pytest.raises(ModuleNotFoundError, match=word):
        importlib.import_module(name)


def test_uninstall_gives_the_names_back():
    real = types.ModuleType("tensorflow")
    part = types.ModuleType("tensorflow.part")
    sys.modules["tensorflow"], sys.modules["tensorflow.part"] = real, part
    try:
        weft.compat.install()
        assert weft.compat.is_installed()
        assert importlib.import_module("tensorflow") is not real
        weft.compat.install()  # A second time changes nothing.
        weft.compat.uninstall()
        assert not weft.compat.is_installed()
        assert sys.modules["tensorflow"] is real
        assert sys.modules["tensorflow.part"] is part
        weft.compat.uninstall()
    finally:
        sys.modules.pop("tensorflow", None)
        sys.modules.pop("tensorflow.part", None)


def test_nothing_is_aliased_until_asked():
    before = {name for name in sys.modules if name.partition(".")[0] == "tensorflow"}
    importlib.import_module("weft.compat")
    after = {name for name in sys.modules if name.partition(".")[0] == "tensorflow"}
    assert before == after
    assert not weft.compat.is_installed()
