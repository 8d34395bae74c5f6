"""Warnings point at the user's line, however deep in the package they arise."""

from __future__ import annotations

import pytest

import weft
from weft import keras
from weft.keras.layers import layer


def old_shape():
    layer._INPUT_SHAPE_NOTES.clear()
    keras.layers.Dense(2, input_shape=(3,))


def old_shape_of_a_derived_layer():
    class Own(keras.layers.Dense):
        def __init__(self, **kwargs):
            super().__init__(2, **kwargs)

    layer._INPUT_SHAPE_NOTES.clear()
    Own(input_shape=(3,))


def unused_variable():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    variables = model.trainable_variables
    optimizer = keras.optimizers.SGD()
    with weft.GradientTape() as tape:
        loss = weft.ops.sum(variables[0])
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))


def integer_watched():
    with weft.GradientTape() as tape:
        tape.watch(weft.convert_to_tensor(3))


@pytest.mark.parametrize(
    "action", [old_shape, old_shape_of_a_derived_layer, unused_variable, integer_watched]
)
def test_the_line_of_the_user(action):
    with pytest.warns(UserWarning) as caught:
        action()
    assert [warning.filename for warning in caught] == [__file__]
