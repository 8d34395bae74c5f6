"""Datasets that only pick rows train like arrays, and like datasets that do more."""

import numpy as np
import pytest

from weft import keras
from weft.data import Dataset
from weft.keras.training.data_adapters import BatchAdapter, RowsAdapter, adapter_for

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(23, 3)).astype("float32")
Y = RANDOM.normal(size=(23, 1)).astype("float32")
WEIGHT = RANDOM.uniform(size=23).astype("float32")

PIPELINES = {
    "slices": lambda ds: ds.batch(5),
    "shuffle": lambda ds: ds.shuffle(23, seed=3).batch(4),
    "small buffer": lambda ds: ds.shuffle(6, seed=3).batch(4, drop_remainder=True),
    "once": lambda ds: ds.shuffle(23, seed=3, reshuffle_each_iteration=False).batch(8),
    "take, skip": lambda ds: ds.skip(2).take(11).batch(3),
    "repeat": lambda ds: ds.shuffle(9, seed=1).repeat(2).batch(7),
    "prefetch": lambda ds: ds.cache().shuffle(23, seed=2).batch(6).prefetch(2),
}


def network():
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def trained(dataset, **more):
    model = network()
    history = model.fit(dataset, epochs=3, verbose=0, **more).history
    return history, model.get_weights()


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("parts", [(X, Y), (X, Y, WEIGHT)], ids=["plain", "weighted"])
def test_like_batches_one_by_one(name, parts):
    rows = PIPELINES[name](Dataset.from_tensor_slices(parts))
    # A function over batches makes it a source like any other.
    batches = PIPELINES[name](Dataset.from_tensor_slices(parts)).map(lambda *batch: batch)
    assert type(adapter_for(rows)) is RowsAdapter
    assert type(adapter_for(batches)) is BatchAdapter
    rows = PIPELINES[name](Dataset.from_tensor_slices(parts))
    (found, weights), (expected, others) = trained(rows), trained(batches)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-5)
    for one, other in zip(weights, others):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_validation_evaluation_prediction():
    dataset = Dataset.from_tensor_slices((X, Y)).batch(6)
    model = network()
    history = model.fit(X, Y, validation_data=dataset, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(dataset, verbose=0)[0])
    both = model.predict(dataset, verbose=0), model.predict(X, verbose=0)
    np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "dataset",
    [
        Dataset.from_tensor_slices((X.astype("float64"), Y)).batch(4),
        Dataset.from_tensor_slices((X, Y)).repeat().batch(4).take(3),
        Dataset.from_tensor_slices((X, Y)).batch(4).shuffle(3),
        Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (2 * x, y)).batch(4),
        Dataset.range(9).batch(2).map(lambda n: (X[:2], Y[:2])),
    ],
    ids=["another dtype", "endless", "batches in another order", "function", "no rows"],
)
def test_others_are_taken_batch_by_batch(dataset):
    assert type(adapter_for(dataset)) is BatchAdapter


def test_eager_steps_see_the_same_rows():
    model = network()
    model.compile("sgd", "mse", run_eagerly=True)
    shuffled = Dataset.from_tensor_slices((X, Y)).shuffle(23, seed=3).batch(4)
    model.fit(shuffled, epochs=2, verbose=0)
    again = network()
    again.compile("sgd", "mse")
    again.fit(
        Dataset.from_tensor_slices((X, Y)).shuffle(23, seed=3).batch(4), epochs=2, verbose=0
    )
    for one, other in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
