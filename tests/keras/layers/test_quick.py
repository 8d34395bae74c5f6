"""The short way of calling a layer gives what the long way gives, and knows when to stop."""

import numpy as np
import pytest

import weft
from weft import keras
from weft.errors import ShapeError

L = keras.layers


def network():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(5, activation="relu"), L.Dropout(0.5), L.Dense(3)
    ])  # fmt: skip


def called(model, x, **kwargs):
    for _ in range(3):
        found = model(x, **kwargs)
    assert "_quick" in model.__dict__
    return found.numpy()


@pytest.mark.parametrize("kind", ["sequential", "functional"])
@pytest.mark.parametrize("given", [np.asarray, weft.convert_to_tensor])
def test_the_same_numbers(kind, given):
    model = network()
    if kind == "functional":
        model = keras.Model(model.inputs[0], model.outputs[0])
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    np.testing.assert_allclose(
        called(model, given(x)), model.predict(x, verbose=0), atol=1e-6
    )
    with weft.GradientTape() as tape:
        total = weft.ops.sum(model(x))
    gradients = tape.gradient(total, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_the_training_flag_goes_down():
    model, x = network(), np.ones((64, 4), "float32")
    plain = called(model, x)
    assert (called(model, x, training=False) == plain).all()
    dropped = called(model, x, training=True)
    assert not np.allclose(dropped, plain)


def test_what_changes_is_seen():
    layer = L.Dense(3)
    x = np.ones((2, 4), "float32")
    before = called(layer, weft.convert_to_tensor(x))
    layer.activation = keras.activations.get("sigmoid")
    after = called(layer, weft.convert_to_tensor(x))
    np.testing.assert_allclose(after, 1 / (1 + np.exp(-before)), rtol=1e-5)
    layer.kernel.assign(np.zeros((4, 3), "float32"))
    assert (called(layer, weft.convert_to_tensor(x)) == 0.5).all()
    layer.dtype_policy = "mixed_bfloat16"
    assert layer(weft.convert_to_tensor(x)).dtype == "bfloat16"


def test_layers_that_are_put_on_top_are_seen():
    model, x = network(), np.ones((2, 4), "float32")
    called(model, x)
    model.add(L.Dense(7))
    assert model(x).shape == (2, 7)
    model.pop()
    assert model(x).shape == (2, 3)


def test_other_shapes_get_the_usual_error():
    model = network()
    called(model, np.ones((2, 4), "float32"))
    with pytest.raises(ShapeError, match="expected axis -1"):
        model(np.ones((2, 6), "float32"))
    assert model(np.ones((9, 4), "float32")).shape == (9, 3)


def test_losses_of_earlier_calls_are_gone():
    class Own(L.Layer):
        def call(self, x):
            self.add_loss(weft.ops.sum(x))
            return x

    model = keras.Sequential([keras.Input((4,)), Own(), L.Dense(1)])
    for _ in range(4):
        model(np.ones((1, 4), "float32"))
        assert [float(loss) for loss in model.losses] == [4.0]


def test_masks_take_the_long_way():
    model = keras.Sequential([L.Embedding(5, 2, mask_zero=True), L.SimpleRNN(3)])
    plain = model(np.array([[1, 2]]))
    for _ in range(3):
        padded = model(np.array([[1, 2, 0]]))
    np.testing.assert_allclose(padded.numpy(), plain.numpy(), rtol=1e-6)
