"""Sequential, Functional and subclassed models."""

from __future__ import annotations

import json

import numpy as np
import pytest

import weft
from weft import keras
from weft.keras import layers


def test_sequential_is_built_when_its_input_is_known():
    model = keras.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="no defined"):
        _ = model.inputs
    assert model(np.ones((5, 4))).shape == (5, 2)
    assert model.output_shape == (5, 2)
    model = keras.Sequential(name="m")
    model.add(keras.Input((4,)))
    model.add(layers.Dense(3, name="a"))
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(2, name="b"))
    assert model.output_shape == (None, 2)
    assert [w.path for w in model.weights] == [
        "m/a/kernel", "m/a/bias", "m/b/kernel", "m/b/bias",
    ]  # fmt: skip
    assert [layer.name for layer in model.layers] == ["a", "b"]
    assert model.pop().name == "b"
    assert model.output_shape == (None, 3)


def test_weights_stay_when_layers_are_added():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    before = model.get_weights()
    model.add(layers.Dense(2))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_functional_with_several_inputs_and_outputs():
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    shared = layers.Dense(2, name="shared")
    x = layers.Concatenate()([shared(a), b])
    model = keras.Model({"a": a, "b": b}, {"x": x, "y": shared(a)})
    data = {"a": np.ones((4, 2)), "b": np.ones((4, 3))}
    out = model(data)
    assert out["x"].shape == (4, 5) and out["y"].shape == (4, 2)
    assert len(model.weights) == 2
    assert model.get_layer("shared") is shared
    listed = keras.Model([a, b], x)
    np.testing.assert_array_equal(listed([data["a"], data["b"]]).numpy(), out["x"].numpy())
    # A dict by the names of the inputs, also for a list.
    np.testing.assert_array_equal(listed(data).numpy(), out["x"].numpy())


def test_operators_and_operations_on_symbols():
    x = keras.Input((4,))
    y = keras.ops.relu(2 * x[:, 1:] - 1) / 3 + x @ np.ones((4, 1), "float32")
    assert y.shape == (None, 3)
    model = keras.Model(x, -y)
    data = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    expected = -(np.maximum(2 * data[:, 1:] - 1, 0) / 3 + data.sum(1, keepdims=True))
    np.testing.assert_allclose(model(data).numpy(), expected, rtol=1e-5, atol=1e-6)
    again = keras.Model.from_config(model.get_config())
    np.testing.assert_array_equal(again(data).numpy(), model(data).numpy())


def test_parts_of_a_model_make_a_model():
    x = keras.Input((4,))
    h = layers.Dense(3)(x)
    y = layers.Dense(2)(h)
    keras.Model(x, y)
    front, back = keras.Model(x, h), keras.Model(h, y)
    data = np.ones((1, 4), "float32")
    whole = keras.Model(x, y)
    np.testing.assert_allclose(back(front(data)).numpy(), whole(data).numpy(), rtol=1e-6)


def test_models_inside_models():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="inner")
    x = keras.Input((3,))
    model = keras.Model(x, layers.Add()([inner(x), inner(2 * x)]))
    assert model(np.ones((1, 3))).shape == (1, 2)
    assert len(model.weights) == 2
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    data = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(again(data).numpy(), model(data).numpy())


def test_subclasses_of_model():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(3), layers.Dense(2)

        def call(self, inputs, training=False):
            x = self.a(inputs)
            return self.b(x) if training else x

    model = Pair()
    assert model(np.ones((1, 4)), training=True).shape == (1, 2)
    assert model(np.ones((1, 4))).shape == (1, 3)
    assert len(model.layers) == 2
    model = Pair()
    model.build((None, 4))
    assert model.a.built

    class Own(keras.Model):
        def __init__(self, units=3):
            x = keras.Input((4,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x))

    assert Own(5)(np.ones((2, 4))).shape == (2, 5)


def test_json_and_clone():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, "relu"), layers.Dropout(0.2), layers.Dense(1)]
    )
    again = keras.models.model_from_json(model.to_json())
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    clone = keras.models.clone_model(model)
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    tanh = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer.from_config(
            {**layer.get_config(), **({"activation": "tanh"} if "units" in layer.get_config()
                                      else {})}
        ),
    )  # fmt: skip
    assert tanh.layers[0].activation is keras.activations.tanh


def test_compiled_equals_eager():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Softmax()])
    data = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    compiled = weft.function(model)
    np.testing.assert_allclose(
        compiled(weft.convert_to_tensor(data)).numpy(), model(data).numpy(), rtol=1e-5
    )


def test_inputs_are_brought_to_the_dtype_and_rank_of_the_model():
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, kernel_initializer="ones")]
    )
    assert model(np.array([[1], [2]])).dtype == "float32"
    assert model(np.array([1, 2])).shape == (2, 1)


def test_a_training_flag_given_in_the_graph_stays():
    x = keras.Input((3,))
    frozen = keras.Model(x, layers.Dropout(0.9)(x, training=False))
    free = keras.Model(x, layers.Dropout(0.9)(x))
    data = np.ones((50, 3), "float32")
    np.testing.assert_array_equal(frozen(data, training=True).numpy(), data)
    assert (free(data, training=True).numpy() == 0).any()


def test_get_layer():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, name="only")])
    assert model.get_layer("only") is model.get_layer(index=0)
    with pytest.raises(ValueError, match=r"Existing layers are: \['only'\]"):
        model.get_layer("other")


def test_state_tree():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, name="d")], name="m")
    tree = model.get_state_tree(value_format="numpy_array")
    assert tree["trainable_variables"]["m"]["d"]["kernel"].shape == (2, 1)
    tree["trainable_variables"]["m"]["d"]["kernel"] = np.ones((2, 1), "float32")
    model.set_state_tree(tree)
    np.testing.assert_array_equal(model.get_weights()[0], np.ones((2, 1)))


ERRORS = {
    "wrong_shape": (
        lambda: _model()(np.ones((2, 5))),
        "expected shape=(None, 4), found shape=(2, 5)",
    ),
    "same_names": (
        lambda: keras.Sequential([layers.Dense(1, name="x"), layers.Dense(1, name="x")]),
        "unique names",
    ),
    "no_layers": (lambda: keras.Sequential()(np.ones((1, 2))), "has no layers"),
    "no_layer": (lambda: keras.Sequential([lambda x: x]), "keras.Layer"),
    "disconnected": (
        lambda: keras.Model(keras.Input((1,)), layers.Dense(1)(keras.Input((1,)))),
        "which is not among `inputs`",
    ),
    "no_symbols": (lambda: keras.Model(np.ones(2), np.ones(2)), "must be KerasTensors"),
    "inputs": (lambda: _pair()([np.ones((1, 2))]), "expects 2 input(s)"),
    "missing": (lambda: _pair()({"a": np.ones((1, 2))}), "Missing data for input"),
    "values": (lambda: float(keras.Input(())), "has no values"),
    "truth": (lambda: bool(keras.Input(())), "no truth value"),
    "unknown_class": (
        lambda: keras.layers.deserialize({"class_name": "Dens", "config": {}}),
        "Did you mean 'Dense'",
    ),
    "module": (
        lambda: keras.layers.deserialize(
            {"module": "os", "class_name": "system", "config": {"command": "true"}}
        ),
        "no class 'system'",
    ),
}


def _model():
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(1)(x))


def _pair():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    return keras.Model([a, b], layers.Add()([a, b]))


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name):
    action, words = ERRORS[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        action()
    assert words in str(caught.value)
