"""Digits drawn by weft itself: 70,000 synthetic pictures in the form of MNIST, offline.

Nobody wrote these digits. A program draws them: it takes one of a few ways of writing each
digit, shakes, bends, slants and turns it, and goes along it with a pen of some width. They
are for learning, for trying things out and for tests on a machine without a network;
results on them say nothing about handwriting, and should be reported as results on drawn
digits.

They are about as hard as MNIST: of the test digits a linear softmax classifier gets about
92 % right, a network with one layer of 512 relu units about 98.5 %.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np

from weft.keras.datasets._arrays import (
    DIGIT_FORMS,
    Arrays,
    BadDatasetFile,
    Split,
    read_arrays,
    split,
)
from weft.keras.datasets._drawn_pen import draw
from weft.keras.utils.files import cached_path
from weft.writing import replacing

__all__ = ["draw", "load_data"]

# The number is the edition of the drawing: other digits would get another name.
FILE_NAME = "drawn_digits-1.npz"
# Other seeds than these two give digits that are in neither part.
TRAIN_SEED, TEST_SEED = 1, 2


def load_data() -> Split:
    """The drawn digits as `(x_train, y_train), (x_test, y_test)`, NumPy arrays of uint8.

    `x_train` is (60000, 28, 28) and `x_test` (10000, 28, 28), grey from 0 (paper) to 255
    (ink); the labels are the digits 0 to 9. They are the same bits on every machine. The
    pictures are synthetic: see the text of this module.

    Drawing takes a second or two; the digits are then kept in the cache folder of
    `weft.keras.datasets.mnist`, or, where nothing can be written, drawn anew each time.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    path = cached_path(FILE_NAME)
    if path.is_file():
        try:
            return split(read_arrays(path, DIGIT_FORMS, "drawn_digits.load_data"))
        except BadDatasetFile as error:
            warnings.warn(f"{error} The digits are drawn anew for now.", stacklevel=2)
            return split(_draw_all())
    arrays: dict[str, Any] = _draw_all()
    # A cache is a convenience: a full disk or a read-only home must not stop the lesson.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            # Not compressed: reading it must be quicker than drawing.
            np.savez(file, **arrays)
    return split(arrays)


def _draw_all() -> Arrays:
    arrays = {}
    for part, seed in (("train", TRAIN_SEED), ("test", TEST_SEED)):
        count = DIGIT_FORMS[f"y_{part}"][0][0]
        arrays[f"x_{part}"], arrays[f"y_{part}"] = draw(count, seed)
    return arrays


__all__ = ["load_data"]
__dir__ = __all__.copy
