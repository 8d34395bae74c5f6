"""Metrics where values are constant, weights have fewer axes, labels are of the other kind.

The numbers are those of Keras 3.15.
"""

from __future__ import annotations

import numpy as np
import pytest

from weft import keras, ops
from weft.keras import losses, metrics

VALUES = np.arange(6, dtype="float32").reshape(3, 2)


def test_sum_of_rows_with_weights():
    total = metrics.Sum()
    total.update_state(VALUES, sample_weight=[1.0, 0.5, 2.0])
    assert float(total.result()) == 1 + 0.5 * 5 + 2 * 9
    mean = metrics.Mean()
    mean.update_state(VALUES, sample_weight=[1.0, 0.5, 2.0])
    assert float(mean.result()) == pytest.approx((0.5 + 0.5 * 2.5 + 2 * 4.5) / 3.5)


def test_no_correlation_with_a_constant():
    found = metrics.pearson_correlation(
        [[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]] * 2
    )
    assert np.isnan(found.numpy()[0])
    assert found.numpy()[1] == pytest.approx(0.98198, abs=1e-4)


def test_class_numbers_for_one_hot_labels():
    model = keras.Sequential([keras.layers.Dense(2, "softmax")])
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=["categorical_accuracy"]
    )
    with pytest.raises(ValueError, match="go with 'sparse_categorical_accuracy'"):
        model.fit(VALUES, np.array([0, 1, 0]), verbose=0)


@pytest.mark.parametrize("name", ["MeanSquaredError", "RootMeanSquaredError"])
def test_every_sample_counts_once(name):
    """Also where batches differ in the lengths of samples, and in whether they have weights."""
    metric = getattr(metrics, name)()
    for length, error, weights in ((1, 1.0, None), (4, 2.0, None), (3, 3.0, [1.0, 1.0])):
        labels = np.zeros((2, length, 5), "float32")
        metric.update_state(labels, labels + error, sample_weight=weights)
    expected = (1.0 + 4.0 + 9.0) / 3
    assert float(metric.count) == 6
    assert float(metric.result()) == pytest.approx(
        expected**0.5 if name.startswith("Root") else expected
    )


def test_labels_that_name_no_class_are_not_among_the_best():
    found = metrics.sparse_top_k_categorical_accuracy(
        [9, -1, 1], [[0.1, 0.7, 0.2]] * 3, k=3
    )
    assert found.numpy().tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("kind", [metrics, losses])
def test_small_labels_and_a_class_beyond_them(kind):
    labels, scores = np.array([0, 1, 2], "uint8"), np.eye(3, dtype="float32")
    found = [
        float(
            kind.SparseCategoricalCrossentropy(ignore_class=ignored)(labels, scores + 0.5)
        )
        for ignored in (-1, None)
    ]
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize("kind", [metrics.MeanSquaredError, losses.MeanSquaredError])
def test_computing_in_the_dtype_of_a_policy(kind):
    found = kind(dtype="mixed_float16")
    assert found.dtype == "float16"
    assert found([[1.0]], [[3.0]]).dtype == "float16"


@pytest.mark.parametrize("labels, outputs", [((4, 1), (4, 5)), ((4, 5), (4, 1))])
def test_r2_of_other_shapes(labels, outputs):
    with pytest.raises(ValueError, match="R2Score: the shapes of y_true and y_pred"):
        metrics.R2Score()(np.ones(labels), np.ones(outputs))


def test_names_of_functions():
    def AbsoluteError(y_true, y_pred):
        return ops.abs(y_true - y_pred)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[AbsoluteError, lambda y_true, y_pred: y_pred])
    found = model.evaluate(VALUES, VALUES, verbose=0, return_dict=True)
    assert sorted(found) == ["absolute_error", "lambda", "loss"]
