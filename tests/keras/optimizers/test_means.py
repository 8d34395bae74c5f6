"""Running means that have died out are 0, not some number that is slow to compute with."""

import numpy as np
import pytest

from weft import keras

LEAST = np.finfo("float32").smallest_normal
OPTIMIZERS = {
    "SGD": {"momentum": 0.9},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "Adam": {},
    "AdamW": {},
    "Adamax": {},
    "Nadam": {},
    "Adadelta": {},
    "Lion": {},
    "Lamb": {},
    "Muon": {},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dying_means_reach_zero(name):
    optimizer = getattr(keras.optimizers, name)(**OPTIMIZERS[name])
    weight = keras.Variable(np.ones((3, 4), "float32"))
    optimizer.build([weight])
    slots = [v for v in optimizer.variables if v.shape == weight.shape]
    assert slots
    for slot in slots:
        slot.assign(np.full(slot.shape, LEAST, "float32"))
    optimizer.apply([np.zeros(weight.shape, "float32")], [weight])
    for slot in slots:
        found = np.abs(slot.numpy())
        assert ((found == 0) | (found >= LEAST)).all(), slot.path
    assert any((slot.numpy() == 0).all() for slot in slots)


def test_half_precision_keeps_its_small_numbers():
    optimizer = keras.optimizers.SGD(momentum=0.5)
    weight = keras.Variable(np.ones(2, "float16"))
    optimizer.build([weight])
    (slot,) = [v for v in optimizer.variables if v.shape == weight.shape]
    slot.assign(np.full(2, 3e-5, "float16"))
    optimizer.apply([np.zeros(2, "float16")], [weight])
    assert (slot.numpy() != 0).all()
