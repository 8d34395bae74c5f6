"""Recurrent layers: the numbers of real Keras, states, dropout, cells of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import weft
from tests.fixtures import recurrent_cases as cases
from weft import keras
from weft.keras import layers

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
NUMBERS = np.load(FIXTURES / "recurrent.npz")
TEXTS = json.loads((FIXTURES / "recurrent.json").read_text())

KINDS = (layers.SimpleRNN, layers.LSTM, layers.GRU)


def sequences(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def close(received, expected, **limits):
    for one, other in zip(cases.leaves(received), cases.leaves(expected), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        np.testing.assert_allclose(one, other, **{"rtol": 2e-5, "atol": 2e-6, **limits})


# -- as Keras ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", cases.CASES)
def test_outputs_and_gradients(name):
    received = cases.outcome(keras, name, cases.gradient_by_weft)
    expected = {key: NUMBERS[key] for key in NUMBERS.files if key.startswith(f"{name}/")}
    assert sorted(received) == sorted(expected)
    for key, values in expected.items():
        close(received[key], values, rtol=5e-5, atol=1e-5)


@pytest.mark.parametrize("name", cases.CASES)
def test_compiled(name):
    layer, call = cases.prepared(keras, name)

    @weft.function
    def outputs_and_gradients(x):
        gradients = cases.gradient_by_weft(keras, layer, call)
        return [*cases.leaves(layer(x, **call)), *gradients]

    x = cases.data((cases.BATCH, cases.STEPS, cases.FEATURES))
    expected = [NUMBERS[key] for key in NUMBERS.files if key.startswith(f"{name}/")]
    close(list(outputs_and_gradients(x)), expected, rtol=5e-5, atol=1e-5)


def plain(config):
    """Without what is unset, and the paths in which shared objects are numbered."""
    if isinstance(config, dict):
        return {
            key: plain(value)
            for key, value in config.items()
            if key not in ("build_config", "shared_object_id") and value is not None
        }
    return [plain(item) for item in config] if isinstance(config, list) else config


def _same_classes(config):
    """Without names: they are numbered in the order in which layers are made."""
    if isinstance(config, dict):
        return {k: _same_classes(v) for k, v in config.items() if k != "name"}
    return [_same_classes(item) for item in config] if isinstance(config, list) else config


@pytest.mark.parametrize("name", cases.CASES)
def test_config(name):
    made = cases.make(keras, cases.CASES[name][0])
    config = json.loads(json.dumps(made.get_config()))
    theirs = TEXTS[name]["config"]
    assert _same_classes(plain(config)) == _same_classes(plain(theirs))
    assert plain(type(made).from_config(config).get_config()) == plain(config)
    twin = type(made).from_config(theirs)
    twin.build((cases.BATCH, cases.STEPS, cases.FEATURES))
    layer, call = cases.prepared(keras, name)
    twin.set_weights(layer.get_weights())
    x = cases.data((cases.BATCH, cases.STEPS, cases.FEATURES))
    close(twin(x, **call), layer(x, **call), rtol=0, atol=0)


@pytest.mark.parametrize("name", cases.CASES)
def test_paths_of_weights(name):
    keras.backend.clear_session()
    made = cases.make(keras, cases.CASES[name][0])
    made.build((cases.BATCH, cases.STEPS, cases.FEATURES))
    assert [w.path for w in made.weights] == TEXTS[name]["paths"]


# -- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_symbolic_shapes(kind):
    x = keras.Input((None, 3))
    assert kind(4)(x).shape == (None, 4)
    assert kind(4, return_sequences=True)(x).shape == (None, None, 4)
    output, *states = kind(4, return_state=True)(x)
    assert [s.shape for s in [output, *states]] == [(None, 4)] * (1 + len(states))
    assert kind(4, return_sequences=True).compute_output_shape((2, 5, 3)) == (2, 5, 4)


def test_sequences_of_any_length_in_one_model():
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(4), layers.Dense(1)])
    for steps in (1, 4, 9):
        x = sequences(2, steps, 3)
        close(model.predict(x, verbose=0), model(x), rtol=1e-4, atol=1e-5)


def test_encoder_and_decoder():
    source, target = keras.Input((None, 3)), keras.Input((None, 2))
    _, h, c = layers.LSTM(4, return_state=True)(source)
    decoded = layers.LSTM(4, return_sequences=True)(target, initial_state=[h, c])
    model = keras.Model([source, target], layers.Dense(2)(decoded))
    model.compile("adam", "mse")
    x, y = sequences(8, 6, 3), sequences(8, 5, 2)
    history = model.fit([x, y], y, epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]
    assert keras.Model.from_config(model.get_config())([x, y]).shape == (8, 5, 2)


# -- masks ---------------------------------------------------------------------------------


def test_mask_of_an_embedding_goes_through():
    numbers = np.array([[3, 1, 2, 0, 0], [4, 2, 0, 0, 0]])
    embedding = layers.Embedding(5, 3, mask_zero=True)
    first, second = (
        layers.GRU(4, return_sequences=True),
        layers.Bidirectional(layers.LSTM(2)),
    )
    model = keras.Sequential([embedding, first, second])
    whole = model(numbers)
    for row, length in ((0, 3), (1, 2)):
        alone = second(first(embedding(numbers[row : row + 1, :length])))
        close(whole[row : row + 1], alone)


def test_masked_steps_in_training():
    numbers = np.random.default_rng(0).integers(0, 4, (32, 6))
    model = keras.Sequential(
        [layers.Embedding(4, 3, mask_zero=True), layers.LSTM(4), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    target = (numbers > 0).sum(1, keepdims=True).astype("float32")
    loss = model.fit(numbers, target, epochs=3, verbose=0).history["loss"]
    assert loss[-1] < loss[0]


# -- stateful ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layer_goes_on_where_it_stopped(kind):
    layer = kind(4, stateful=True, return_sequences=True)
    x = sequences(2, 6, 3)
    halves = [layer(x[:, :3]), layer(x[:, 3:])]
    assert len(layer.weights) == 3
    stateless = kind.from_config({**layer.get_config(), "stateful": False})
    stateless.build(x.shape)
    stateless.set_weights(layer.get_weights())
    whole = stateless(x)
    close(np.concatenate(halves, axis=1), whole)
    layer.reset_state()
    close(layer(x), whole)


def test_stateful_model_in_fit():
    model = keras.Sequential(
        [keras.Input(batch_shape=(4, 3, 2)), layers.LSTM(3, stateful=True), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = sequences(8, 3, 2)
    model.fit(x, sequences(8, 1), batch_size=4, shuffle=False, verbose=0)
    layer = model.layers[0]
    assert all(np.abs(state.numpy()).max() > 0 for state in layer.states)
    close(model.predict(x[:4], verbose=0).shape, (4, 1))
    layer.reset_states()
    assert all(np.abs(state.numpy()).max() == 0 for state in layer.states)


def test_stateful_layer_knows_its_batch():
    layer = layers.LSTM(3, stateful=True)
    layer(sequences(4, 3, 2))
    with pytest.raises(ValueError, match="expected 4; received 5"):
        layer(sequences(5, 3, 2))
    with pytest.raises(ValueError, match="batch size must be static"):
        layers.LSTM(3, stateful=True)(keras.Input((3, 2)))


def test_bidirectional_states():
    layer = layers.Bidirectional(layers.GRU(3, stateful=True))
    x = sequences(2, 4, 3)
    first, second = np.asarray(layer(x)), np.asarray(layer(x))
    assert np.abs(first - second).max() > 1e-3
    assert [s.shape for s in layer.states] == [(2, 3)] * 2
    layer.reset_state()
    close(layer(x), first)
    with pytest.raises(AttributeError, match="stateful"):
        layers.Bidirectional(layers.GRU(3)).reset_state()


# -- dropout -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.4, 0.3)])
def test_dropout(kind, rates):
    layer = kind(16, dropout=rates[0], recurrent_dropout=rates[1], seed=1)
    x = sequences(4, 5, 8)
    close(layer(x), layer(x))
    one, other = layer(x, training=True), layer(x, training=True)
    assert np.abs(one.numpy() - other.numpy()).max() > 1e-3
    compiled = weft.function(lambda x: layer(x, training=True))
    assert np.abs(compiled(x).numpy() - compiled(x).numpy()).max() > 1e-3


def test_dropout_is_the_same_at_all_steps():
    layer = layers.SimpleRNN(
        64, activation=None, dropout=0.5, kernel_initializer="identity",
        recurrent_initializer="zeros", return_sequences=True,
    )  # fmt: skip
    outputs = np.asarray(layer(np.ones((2, 5, 64), "float32"), training=True))
    assert set(outputs.ravel()) == {0.0, 2.0}
    assert (outputs == outputs[:, :1]).all()
    assert (outputs[0] != outputs[1]).any()


def test_gates_have_masks_of_their_own():
    cell = layers.LSTMCell(3, recurrent_dropout=0.5)
    masks = cell.get_recurrent_dropout_mask(np.ones((2, 3), "float32"))
    assert len(masks) == 4
    assert cell.get_recurrent_dropout_mask(np.ones((2, 3), "float32")) is masks
    cell.reset_recurrent_dropout_mask()
    assert cell.get_recurrent_dropout_mask(np.ones((2, 3), "float32")) is not masks
    assert layers.LSTMCell(3).get_dropout_mask(np.ones((2, 3), "float32")) is None


# -- cells ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_cell_by_hand(kind):
    layer = getattr(layers, kind)(4, return_sequences=True)
    x = sequences(2, 5, 3)
    expected = layer(x)
    states = layer.cell.get_initial_state(batch_size=2)
    for step in range(5):
        output, states = layer.cell(x[:, step], states)
        close(output, expected[:, step])


class Smoothing(layers.Layer):
    """A cell of one's own: a running mean, and how many steps there were."""

    state_size = (3, 1)
    output_size = 3

    def build(self, input_shape):
        self.share = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs, states):
        mean, count = states
        count = count + 1
        mean = mean + self.share * (inputs - mean) / count
        return 2 * mean, (mean, count)


@pytest.mark.parametrize("arguments", [{}, {"unroll": True}, {"return_sequences": True}])
def test_cell_of_ones_own(arguments):
    layer = layers.RNN(Smoothing(), **arguments)
    x = sequences(2, 5, 3)
    expected = 2 * np.cumsum(x, 1) / np.arange(1, 6)[:, None]
    expected = expected if "return_sequences" in arguments else expected[:, -1]
    close(layer(x), expected)
    close(weft.function(lambda x: layer(x))(x), expected)
    assert layers.RNN(Smoothing())(keras.Input((None, 3))).shape == (None, 3)


class PlainCell:
    """Not a layer."""

    state_size = 3

    def call(self, inputs, states):
        return inputs + states[0], [inputs + states[0]]


def test_cell_that_is_no_layer():
    x = sequences(2, 5, 3)
    close(layers.RNN(PlainCell())(x), x.sum(1), atol=1e-5)
    close(layers.RNN([PlainCell(), PlainCell()])(x), np.cumsum(x, 1).sum(1), atol=1e-5)


def test_cell_whose_call_is_overridden():
    class Doubling(layers.LSTMCell):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states, training)
            return 2 * output, states

    cell, x = Doubling(4), sequences(2, 5, 3)
    layer = layers.RNN(cell, return_state=True)
    output, h, _ = layer(x)
    close(output, 2 * h)


def test_mixed_precision():
    layer = layers.LSTM(4, dtype="mixed_bfloat16", return_sequences=True)
    x = sequences(2, 5, 3)
    outputs = layer(x)
    assert outputs.dtype == "bfloat16"
    assert layer.cell.kernel.dtype == "float32"
    full = layers.LSTM(4, return_sequences=True)
    full.build(x.shape)
    full.set_weights(layer.get_weights())
    close(np.asarray(outputs, "float32"), full(x), rtol=0.1, atol=0.05)
    compiled = weft.function(lambda x: layer(x))(x)
    close(np.asarray(compiled, "float32"), np.asarray(outputs, "float32"), atol=0.02)


# -- files and errors ----------------------------------------------------------------------


def test_saved_and_loaded(tmp_path):
    # One object for several weights and one policy for several layers: both are shared.
    first = keras.initializers.RandomNormal(seed=1)
    lstm = layers.LSTM(
        4, return_sequences=True, dropout=0.1, kernel_initializer=first,
        recurrent_initializer=first, dtype=keras.DTypePolicy("float32"),
    )  # fmt: skip
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.Dense(3, kernel_initializer=first, dtype=lstm.dtype_policy),
            layers.Bidirectional(lstm, dtype=lstm.dtype_policy),
            layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)]),
        ]
    )
    model.save(tmp_path / "model.keras")
    x = sequences(2, 5, 3)
    close(keras.models.load_model(tmp_path / "model.keras")(x), model(x), rtol=0, atol=0)


ERRORS = {
    "units": (lambda: layers.LSTM(0), "positive integer, got 0"),
    "merge": (lambda: layers.Bidirectional(layers.LSTM(2), "max"), "Invalid merge mode"),
    "layer": (lambda: layers.Bidirectional(3), "must be a keras.layers.Layer"),
    "direction": (
        lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
        "different `go_backwards`",
    ),
    "pair": (
        lambda: layers.Bidirectional(
            layers.LSTM(2),
            backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True),
        ),
        'attribute "return_sequences"',
    ),
    "cell": (lambda: layers.RNN(3), "no `call`"),
    "unroll": (
        lambda: layers.LSTM(2, unroll=True)(keras.Input((None, 2))),
        "time dimension is undefined",
    ),
    "states": (
        lambda: layers.LSTM(2)(sequences(1, 2, 3), initial_state=[sequences(1, 2)]),
        "needs 2 tensors; received 1",
    ),
    "rank": (lambda: layers.LSTM(2)(sequences(2, 3)), "expected ndim=3"),
    "cudnn": (lambda: layers.GRU(2, use_cudnn="yes"), "use_cudnn"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    act, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        act()
