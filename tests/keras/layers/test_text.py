"""Layers of words: as TensorFlow's Keras has them, in datasets, models and files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft
import weft.compat.tensorflow as tf
import weft.keras as keras
from weft import data

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
sys.path.insert(0, str(FIXTURES))

import text_cases  # noqa: E402

TEXTS = np.array(["a good film", "a bad film", "good good", "bad"])
STORED = json.loads((FIXTURES / "text.json").read_text())


def assert_same(one: Any, other: Any) -> None:
    """Equal, with floats up to rounding; where Keras has nothing, anything goes."""
    if other is None:
        return
    if isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in other:
            assert_same(one[key], other[key])
    elif isinstance(other, list) and not all(isinstance(x, float) for x in other):
        assert isinstance(one, list) and len(one) == len(other), (one, other)
        for pair in zip(one, other):
            assert_same(*pair)
    else:
        assert one == pytest.approx(other, abs=2e-6) if isinstance(other, list) else (
            one == other or one == pytest.approx(other, abs=2e-6)
        )  # fmt: skip


@pytest.mark.parametrize("name", text_cases.cases(), ids=lambda name: name[:90])
def test_as_in_keras(name: str) -> None:
    assert_same(text_cases.outcome(keras, name), STORED[name])


def make_model(kind: str) -> Any:
    """A model whose first layer reads texts."""
    layer = keras.layers.TextVectorization(
        output_mode="int" if kind == "numbers" else "multi_hot"
    )
    layer.adapt(TEXTS)
    dense = keras.layers.Dense(2, "softmax")
    if kind == "alone":
        return keras.Sequential([layer, dense])
    inputs = keras.Input((1,), dtype="string")
    x = layer(inputs)
    if kind == "numbers":
        x = keras.layers.Embedding(layer.vocabulary_size(), 3)(x)
        x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, dense(x))


@pytest.mark.parametrize("kind", ["numbers", "vectors", "alone"])
def test_models_read_texts(kind: str, tmp_path: Path) -> None:
    model = make_model(kind)
    labels = np.array([1, 0, 1, 0])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(TEXTS, labels, epochs=3, verbose=0)
    batches = data.Dataset.from_tensor_slices((TEXTS, labels)).batch(2)
    model.fit(batches, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert len(model.evaluate(TEXTS, labels, verbose=0)) == 2
    answers = model.predict(TEXTS, verbose=0)
    column = weft.convert_to_tensor(TEXTS[:, None])
    of_list = model.predict(list(TEXTS), verbose=0)
    for same in (model(column), model.predict_on_batch(TEXTS), of_list):
        np.testing.assert_allclose(same, answers, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(TEXTS, verbose=0), answers, atol=1e-6)


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.words = keras.layers.TextVectorization(vocabulary=["good", "bad"])
        self.bins = keras.layers.Hashing(num_bins=4, output_mode="multi_hot")
        self.embedding = keras.layers.Embedding(4, 3)
        self.dense = keras.layers.Dense(1)

    def call(self, texts: Any) -> Any:
        words = keras.ops.mean(self.embedding(self.words(texts)), axis=1)
        bins = self.bins(keras.ops.expand_dims(texts, -1))
        return self.dense(keras.ops.concatenate([words, bins], axis=-1))


def test_a_model_of_ones_own_reads_texts() -> None:
    model = Own()
    model.compile("adam", "mse", steps_per_execution=2)
    history = model.fit(TEXTS, np.ones(4), validation_split=0.5, batch_size=1, verbose=0)
    assert list(history.history) == ["loss", "val_loss"]
    assert model.predict(TEXTS, verbose=0).shape == (4, 1)


def test_text_goes_to_layers_of_text_only() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(TypeError, match="fit: x: expected numbers"):
        model.fit(TEXTS, np.zeros(4), verbose=0)
    with pytest.raises(TypeError, match="predict: x: expected numbers"):
        model.predict(TEXTS, verbose=0)
    model = make_model("alone")
    model.compile(loss="mse")
    with pytest.raises(TypeError, match="fit: y: expected numbers"):
        model.fit(TEXTS, TEXTS, verbose=0)


def test_in_datasets() -> None:
    layer = keras.layers.TextVectorization()
    texts = data.Dataset.from_tensor_slices((TEXTS, np.arange(4)))
    layer.adapt(texts.batch(2).map(lambda text, label: text))
    assert layer.get_vocabulary() == ["", "[UNK]", "good", "film", "bad", "a"]
    (first, label), _ = texts.batch(2).map(lambda text, label: (layer(text), label))
    assert first.tolist() == [[5, 2, 3], [5, 4, 3]] and label.tolist() == [0, 1]
    layer.adapt(texts.map(lambda text, label: text), steps=2)
    assert layer.get_vocabulary() == ["", "[UNK]", "film", "a", "good", "bad"]


def test_numbers_are_looked_up_inside_of_programs() -> None:
    lookup = keras.layers.IntegerLookup(vocabulary=[12, 36], output_mode="multi_hot")
    bins = keras.layers.Hashing(num_bins=3)
    numbers = np.array([[12, 5], [36, 36]])
    program = weft.function(lambda x: (lookup(x), bins(x)))
    for one, other in zip(program(numbers), (lookup(numbers), bins(numbers))):
        np.testing.assert_array_equal(one, other)
    model = keras.Sequential([keras.Input((2,), dtype="int64"), lookup])
    np.testing.assert_array_equal(model.predict(numbers, verbose=0), lookup(numbers))


def test_functions_of_ones_own() -> None:
    layer = keras.layers.TextVectorization(
        standardize=lambda texts: tf.strings.regex_replace(texts, "<br>", ","),
        split=lambda texts: tf.strings.split(texts, ","),
    )
    layer.adapt(["a<br>b", "b,c"])
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "c", "a"]
    assert layer(["c,x<br>a"]).tolist() == [[3, 1, 4]]


def in_capitals(texts: Any) -> Any:
    return tf.strings.upper(texts)


def test_functions_of_ones_own_are_saved_by_name(tmp_path: Path) -> None:
    layer = keras.layers.TextVectorization(standardize=in_capitals)
    layer.adapt(["a b"])
    keras.Sequential([keras.Input((1,), dtype="string"), layer]).save(tmp_path / "m.keras")
    names = {"in_capitals": in_capitals}
    model = keras.saving.load_model(tmp_path / "m.keras", custom_objects=names)
    column = weft.convert_to_tensor([["b"]])
    assert model(column).tolist() == [[2]] == layer(column).tolist()


def test_files_are_read_for_users_only(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("red\ngreen\n")
    layer = keras.layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "red", "green"]
    config = {**layer.get_config(), "vocabulary": str(path)}
    again = keras.layers.StringLookup.from_config(config)
    with pytest.raises(ValueError, match="set the layer's vocabulary"):
        again(["red"])


def test_new_vocabulary_and_its_rules() -> None:
    layer = keras.layers.StringLookup()
    with pytest.raises(ValueError, match="set the layer's vocabulary"):
        layer(["a"])
    layer.set_vocabulary(["x", "y"])
    assert layer(["y", "z"]).tolist() == [2, 0]
    with pytest.raises(ValueError, match="static vocabulary"):
        layer.adapt(["a"])
    strict = keras.layers.StringLookup(vocabulary=["x"], num_oov_indices=0)
    with pytest.raises(ValueError, match="should be in vocabulary"):
        strict(["z"])
    with pytest.raises(ValueError, match="inputs must be text"):
        layer([1, 2])
    for kind, wrong in (("StringLookup", [1]), ("IntegerLookup", ["a"])):
        with pytest.raises(ValueError, match="inputs must be"):
            getattr(keras.layers, kind)().adapt(wrong)
    pairs = data.Dataset.from_tensor_slices((TEXTS, np.arange(4))).batch(2)
    with pytest.raises(ValueError, match="inputs alone"):
        keras.layers.StringLookup().adapt(pairs)
    with pytest.raises(ValueError, match="dense tensors only"):
        keras.layers.TextVectorization(ragged=True)
    split = keras.layers.TextVectorization(vocabulary=["a"])
    with pytest.raises(ValueError, match="last shape dimension must be 1"):
        split([["a", "b"]])


def test_hash_buckets_are_tensorflows() -> None:
    words = ["", "a", "abcd", "x" * 20, "z" * 65]
    assert tf.strings.to_hash_bucket_fast(words, 2**62).numpy().tolist() == [
        1936946117179621455, 3694432073954588131, 1897425971756105985,
        3621402210320469444, 3688229565335330613,
    ]  # fmt: skip
    assert tf.strings.to_hash_bucket_strong(words[:3], 2**62, [1, 2]).numpy().tolist() == [
        443797209252341627, 546566331822570742, 4277338952175910099,
    ]  # fmt: skip
