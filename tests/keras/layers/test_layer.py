"""Layer: building, tracking, freezing, calling, masks, dtypes, errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

import weft
from weft import keras
from weft.keras import layers
from weft.keras.layers.calling import get_keras_mask


class Scale(layers.Layer):
    """A layer of one's own, with build, config, and a sub-layer."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = layers.Dense(2)

    def build(self, input_shape):
        self.gain = self.add_weight(
            shape=(input_shape[-1],), initializer="ones", name="gain"
        )
        self.steps = self.add_weight(shape=(), dtype="int32", trainable=False, name="steps")

    def call(self, inputs, training=False):
        if training:
            self.steps.assign_add(1)
        return self.inner(inputs * self.gain * self.factor)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_names_are_given_as_in_keras():
    keras.utils.clear_session()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert layers.BatchNormalization().name == "batch_normalization"
    assert layers.SpatialDropout2D(0.1).name == "spatial_dropout2d"
    keras.utils.clear_session()
    assert layers.Dense(1).name == "dense"


def test_weights_paths_and_order():
    layer = Scale(name="scale")
    layer(np.ones((2, 3), "float32"))
    paths = [w.path for w in layer.weights]
    assert paths == [
        "scale/gain", "scale/steps", "scale/dense/kernel", "scale/dense/bias",
    ] or paths[2].startswith("scale/dense")  # fmt: skip
    assert [w.trainable for w in layer.weights] == [True, False, True, True]
    assert layer.count_params() == 3 + 1 + 6 + 2
    assert repr(layer) == "<Scale name=scale, built=True>"


def test_config_goes_round():
    layer = Scale(factor=3.0, name="scale")
    again = Scale.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.factor == 3.0 and again.name == "scale"


def test_default_config_holds_the_constructor_arguments():
    class Plain(layers.Layer):
        def __init__(self, units, mode="a", **kwargs):
            super().__init__(**kwargs)
            self.units = units

    assert Plain(4, mode="b").get_config()["mode"] == "b"


def test_training_is_passed_down_also_when_compiled():
    layer = Scale()
    x = np.ones((2, 3), "float32")
    layer(x)
    assert layer.steps.numpy() == 0
    layer(x, training=True)
    compiled = weft.function(lambda x: layer(x, training=True))
    compiled(weft.convert_to_tensor(x))
    compiled(weft.convert_to_tensor(x))
    assert layer.steps.numpy() == 3
    dropped = keras.Sequential([keras.Input((50,)), layers.Dropout(0.5)])
    assert (dropped(np.ones((4, 50)), training=True).numpy() == 0).any()
    assert (dropped(np.ones((4, 50))).numpy() == 1).all()


def test_attributes_are_tracked_in_lists_and_dicts():
    class Many(layers.Layer):
        def __init__(self):
            super().__init__()
            self.listed = [layers.Dense(1)]
            self.listed.append(layers.Dense(2))
            self.named = {"a": layers.Dense(3)}
            self.named["b"] = layers.Dense(4)

    units = [layer.units for layer in Many()._flatten_layers()]
    assert units == [1, 2, 3, 4]


def test_freezing():
    layer = Scale()
    layer(np.ones((2, 3)))
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4
    assert not layer.inner.trainable
    layer.trainable = True
    assert len(layer.trainable_weights) == 3


def test_nothing_can_be_added_after_building():
    layer = layers.Dense(1)
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match="already built"):
        layer.extra = layers.Dense(2)


def test_set_weights_checks_before_it_changes():
    layer = layers.Dense(2)
    layer(np.ones((1, 3)))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="length 1"):
        layer.set_weights(before[:1])
    with pytest.raises(ValueError, match="not compatible"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_losses_of_regularizers_activity_and_add_loss():
    class Costly(layers.Layer):
        def call(self, x):
            self.add_loss(weft.ops.sum(x))
            return x

    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2"),
            Costly(),
            layers.ActivityRegularization(l1=1.0),
        ]
    )
    model(np.ones((3, 2)))
    assert sorted(float(loss) for loss in model.losses) == pytest.approx([0.02, 2.0, 6.0])
    model(np.ones((3, 2)))
    assert len(model.losses) == 3


def test_masks_are_made_passed_and_merged():
    numbers = np.array([[1, 2, 0], [3, 0, 0]])
    x = layers.Embedding(4, 2, mask_zero=True)(numbers)
    expected = numbers != 0
    np.testing.assert_array_equal(get_keras_mask(x).numpy(), expected)
    y = layers.Dense(3)(x)
    np.testing.assert_array_equal(get_keras_mask(y).numpy(), expected)
    z = layers.Add()([y, y])
    np.testing.assert_array_equal(get_keras_mask(z).numpy(), expected)

    class NeedsMask(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return weft.ops.sum(x * weft.ops.cast(mask[..., None], x.dtype))

    model = keras.Sequential(
        [layers.Embedding(4, 1, embeddings_initializer="ones", mask_zero=True), NeedsMask()]
    )
    assert float(model(numbers)) == 3.0


def test_mixed_precision():
    layer = layers.Dense(2, dtype="mixed_bfloat16")
    y = layer(np.ones((1, 3), "float32"))
    assert y.dtype == "bfloat16" and layer.kernel.dtype == "float32"
    assert layer.compute_dtype == "bfloat16" and layer.dtype == "float32"
    model = keras.Sequential(
        [keras.Input((3,)), layer, layers.BatchNormalization(dtype="mixed_bfloat16"),
         layers.Softmax(dtype="float32")]
    )  # fmt: skip
    assert model(np.ones((1, 3))).dtype == "float32"
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert layers.Dense(1).compute_dtype == "float16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_symbolic_shapes_follow_the_computation():
    dense = layers.Dense(3)
    assert dense(keras.Input((None, 4))).shape == (None, None, 3)
    assert not layers.Dense(3).built
    assert layers.Flatten()(keras.Input((4, 5))).shape == (None, 20)
    assert layers.Flatten()(keras.Input((None, 5))).shape == (None, None)
    joined = layers.Concatenate(axis=1)([keras.Input((None, 2)), keras.Input((3, 2))])
    assert joined.shape == (None, None, 2)
    assert layers.Dense(2).compute_output_shape((7, 5)) == (7, 2)


def test_stateless_call():
    layer = layers.BatchNormalization(momentum=0.5)
    x = np.array([[0.0], [2.0]], "float32")
    layer(x)
    trainable = [v.value for v in layer.trainable_variables]
    others = [v.value for v in layer.non_trainable_variables]
    y, updated = layer.stateless_call(trainable, others, x, training=True)
    assert y.shape == (2, 1)
    np.testing.assert_allclose([u.numpy()[0] for u in updated], [0.5, 1.0])
    np.testing.assert_array_equal(layer.moving_mean.numpy(), [0.0])


def test_gradients_reach_the_weights():
    layer = layers.Dense(1, kernel_initializer="ones")
    x = np.array([[1.0, 2.0]], "float32")
    layer(x)
    with weft.GradientTape() as tape:
        loss = weft.ops.sum(layer(x))
    kernel, bias = tape.gradient(loss, layer.trainable_weights)
    np.testing.assert_array_equal(kernel.numpy(), [[1.0], [2.0]])
    np.testing.assert_array_equal(bias.numpy(), [1.0])


def test_input_shape_of_keras_2_is_taken_with_one_note():
    from weft.keras.layers import layer as module

    module._INPUT_SHAPE_NOTES.clear()
    with pytest.warns(UserWarning, match="input_shape"):
        first = layers.Dense(4, input_shape=(3,))
    second = layers.Dense(2, input_dim=4)
    model = keras.Sequential([first, second])
    assert model.input_shape == (None, 3)


ERRORS = {
    "features": (
        lambda: _built(layers.Dense(2), (1, 3))(np.ones((1, 4))),
        "expected axis -1 of input shape to have value 3, but received input with shape",
    ),
    "rank": (lambda: layers.Dense(2)(np.ones(3)), "expected min_ndim=2, found ndim=1"),
    "units": (lambda: layers.Dense(0), "expected a positive integer"),
    "activation": (lambda: layers.Dense(1, activation="rleu"), "Did you mean 'relu'"),
    "initializer": (
        lambda: layers.Dense(1, kernel_initializer="glorot"),
        "Could not interpret initializer identifier: 'glorot'",
    ),
    "keyword": (lambda: layers.Dense(1, unitz=3), "unrecognized keyword arguments"),
    "name": (lambda: layers.Dense(1, name="a/b"), "without '/'"),
    "rate": (lambda: layers.Dropout(1.5), "between 0 and 1"),
    "concatenate": (
        lambda: layers.Concatenate()([np.ones((2, 3)), np.ones((3, 3))]),
        "matching shapes except for the concatenation axis",
    ),
    "merge": (
        lambda: layers.Add()([np.ones((2, 3)), np.ones((2, 4))]),
        "inputs have incompatible shapes",
    ),
    "merge_one": (lambda: layers.Add()(np.ones((2, 3))), "list of at least 1 input"),
    "reshape": (lambda: layers.Reshape((5,))(np.ones((2, 3))), "elements"),
    "permute": (lambda: layers.Permute((0, 1)), "start from 1"),
    "count": (lambda: layers.Dense(1).count_params(), "isn't built"),
    "policy": (
        lambda: layers.Dense(1, dtype="mixed_float"),
        "Did you mean 'mixed_float16'",
    ),
    "unknown_width": (lambda: layers.Dense(1)(keras.Input((None,))), "must be known"),
    "categories": (
        lambda: layers.CategoryEncoding(3)([[0, 5]]),
        "0 <= values < num_tokens",
    ),
}


def _built(layer, shape):
    layer(np.ones(shape))
    return layer


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name):
    action, words = ERRORS[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        action()
    assert words in str(caught.value)


def test_a_forgotten_super_init_is_pointed_out():
    class Forgetful(layers.Layer):
        def __init__(self):
            pass

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match="super"):
        Forgetful()(np.ones(2))


def test_lambda_is_saved_by_name_only():
    with pytest.raises(TypeError, match="lambda has no name"):
        keras.layers.serialize(layers.Lambda(lambda x: x))
    config = {"class_name": "__lambda__", "config": {"value": "…"}}
    with pytest.raises(ValueError, match="is not run"):
        keras.layers.deserialize(config)


@pytest.mark.parametrize("values, batches, epsilon, limits", [
    (5, 1, 0.01, [-1.2777058]),
    (40, 1, 0.1, [-7.039805, 0.0, 6.6378484]),
    (90, 3, 0.1, [-6.700532, -0.13261677, 6.974112]),
])  # fmt: skip
def test_bins_of_data_are_those_of_keras(values, batches, epsilon, limits):
    data = np.float32(10) * np.sin(np.arange(values) * 1.7).astype("float32")
    layer = layers.Discretization(num_bins=len(limits) + 1, epsilon=epsilon)
    layer.adapt(data if batches == 1 else iter(data.reshape(batches, -1)))
    np.testing.assert_allclose(layer.bin_boundaries, limits, rtol=1e-6)


@pytest.mark.parametrize("shape, one_hot, counts", [
    ((), (1, 2), (2,)), ((4,), (4, 2), (2,)), ((3, 1), (3, 2), (3, 2)),
    ((3, 4), (3, 4, 2), (3, 2)), ((1, 4, 1), (1, 4, 2), (1, 1, 2)),
    ((2, 3, 4), (2, 3, 4, 2), (2, 3, 2)),
])  # fmt: skip
def test_shapes_of_encodings(shape, one_hot, counts):
    modes = {"one_hot": one_hot, "multi_hot": counts, "count": counts}
    for mode, expected in modes.items():
        bins = layers.Discretization(bin_boundaries=[0.0], output_mode=mode)
        numbers = layers.CategoryEncoding(2, output_mode=mode)
        words = layers.IntegerLookup(vocabulary=[1, 5], num_oov_indices=0, output_mode=mode)
        for layer in (bins, numbers, words):
            found = layer(np.ones(shape, "int64"))
            assert found.shape == expected
            assert float(found.numpy().sum()) == (
                np.prod(expected[:-1] if mode != "count" else shape)
            )


@pytest.mark.parametrize("samples", [1, 3])
def test_samples_of_one_number(samples):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    assert model(np.ones(samples)).shape == (samples, 2)
    assert model.predict(np.ones(samples), batch_size=2, verbose=0).shape == (samples, 2)
    with pytest.raises(ValueError, match=r"expected shape=\(None, 1\)"):
        model(np.ones((samples, 2)))


def test_means_of_rows():
    layer = layers.Normalization(axis=0)
    data = np.arange(6.0).reshape(3, 2)
    layer.adapt(data)
    np.testing.assert_allclose(layer(data), [[-1, 1]] * 3, rtol=1e-6)


def test_one_hot_bins_of_a_column():
    layer = layers.Discretization(bin_boundaries=[0.0], output_mode="one_hot")
    assert layer([[1.0], [-1.0]]).tolist() == [[0.0, 1.0], [1.0, 0.0]]
