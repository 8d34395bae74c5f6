"""model.explain: what a step does, without changing the model."""

from __future__ import annotations

import numpy as np

from weft import keras


def test_a_training_step_and_a_prediction_are_explained():
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    model.compile("adam", "mse")
    x, y = np.ones((16, 5), "float32"), np.zeros((16, 3), "float32")
    model.fit(x, y, verbose=0)
    before = [w.copy() for w in model.get_weights()]
    step = model.explain(x, y, measure=True)
    forward = model.explain(x)
    assert any("dot_general" in row.label for row in step.rows)
    assert len(forward.rows) < len(step.rows)
    assert "kernel" in str(step) and "<html" in step.to_html().lower()
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
