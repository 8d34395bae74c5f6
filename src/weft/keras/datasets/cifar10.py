"""CIFAR-10: 60,000 colour pictures of 32 × 32 in ten classes.

Collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (2009). The labels: 0 airplane,
1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.
"""

from __future__ import annotations

import numpy as np

from weft.keras.datasets._arrays import Split
from weft.keras.datasets._cifar import folder_of, in_data_format, read_batch

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ROWS_PER_BATCH = 10000
_TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST_FILE = "test_batch"
_WHO = "cifar10.load_data"


def load_data() -> Split:
    """Load CIFAR-10 as `(x_train, y_train), (x_test, y_test)`, NumPy arrays of uint8.

    `x_train` is (50000, 32, 32, 3) and `x_test` (10000, 32, 32, 3); the labels are columns,
    (50000, 1) and (10000, 1), of 0 to 9. The files are pickles, and are read without
    running anything that they name.

    Raises:
        ValueError: a file that is there does not hold the pictures.
        ConnectionError: the archive cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    files = (*_TRAIN_FILES, _TEST_FILE)
    folder = folder_of("cifar-10-batches-py", files, ORIGIN, SHA256)
    batches = [
        read_batch(folder / file, "labels", ROWS_PER_BATCH, 10, _WHO) for file in files
    ]
    pictures, labels = zip(*batches[:-1])
    return in_data_format((np.concatenate(pictures), np.concatenate(labels)), batches[-1])


__all__ = ["load_data"]
__dir__ = __all__.copy
