"""Metrics where values are constant, weights have fewer axes, labels are of the other kind.

The numbers are those of Keras 3.15.
"""

from __future__ import annotations

import numpy as np
import pytest

from weft import keras
from weft.keras import metrics

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
