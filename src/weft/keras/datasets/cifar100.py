"""CIFAR-100: 60,000 colour pictures of 32 × 32 in a hundred classes, or twenty groups.

Collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (2009).
"""

from __future__ import annotations

from weft.errors import ArgumentError
from weft.keras.datasets._arrays import Split
from weft.keras.datasets._cifar import folder_of, in_data_format, read_batch

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
ROWS = {"train": 50000, "test": 10000}
_CLASSES = {"fine": 100, "coarse": 20}
_WHO = "cifar100.load_data"


def load_data(label_mode: str = "fine") -> Split:
    """Load CIFAR-100 as `(x_train, y_train), (x_test, y_test)`, NumPy arrays.

    `x_train` is (50000, 32, 32, 3) and `x_test` (10000, 32, 32, 3), uint8; the labels are
    columns, int64 as in Keras, of 0 to 99 ("fine") or of 0 to 19 ("coarse").

    Raises:
        ValueError: another label mode, or a file that does not hold the pictures.
        ConnectionError: the archive cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
    """
    if label_mode not in _CLASSES:
        raise ArgumentError(
            f"{_WHO}: `label_mode` must be one of {list(_CLASSES)}; received {label_mode!r}."
        )
    folder = folder_of("cifar-100-python", tuple(ROWS), ORIGIN, SHA256)
    train, test = (
        read_batch(folder / file, f"{label_mode}_labels", rows, _CLASSES[label_mode], _WHO)
        for file, rows in ROWS.items()
    )
    # Keras keeps these labels as they come, and those of CIFAR-10 as bytes.
    (x_train, y_train), (x_test, y_test) = in_data_format(train, test)
    return (x_train, y_train.astype("int64")), (x_test, y_test.astype("int64"))


__all__ = ["load_data"]
__dir__ = __all__.copy
