"""MNIST: 70,000 handwritten digits, the first dataset of most textbooks.

The pictures were collected by NIST and prepared by Yann LeCun and Corinna Cortes, who hold
the copyright; they are under the Creative Commons Attribution-Share Alike 3.0 license.
"""

from __future__ import annotations

from pathlib import Path

from weft.keras.datasets._arrays import DIGIT_FORMS, Split, read_arrays, split
from weft.keras.utils.files import DownloadError, cached_path, download, get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_WHO = "mnist.load_data"


def load_data(path: str = "mnist.npz") -> Split:
    """Load MNIST as `(x_train, y_train), (x_test, y_test)`, NumPy arrays of uint8.

    `x_train` is (60000, 28, 28) and `x_test` (10000, 28, 28), grey from 0 (paper) to 255
    (ink); the labels are the digits 0 to 9.

    A file `path` in `~/.keras/datasets` (or below `$KERAS_HOME`) is used without the
    network, whichever way it was packed: its arrays are checked, its bytes need not be the
    published ones, and it is never changed. If none is there, it is downloaded once.

    Raises:
        ValueError: the file that is there does not hold MNIST's arrays.
        ConnectionError: it is not there and cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    file = cached_file(path)
    if file is None:
        try:
            file = Path(get_file(path, ORIGIN, file_hash=SHA256))
        except DownloadError as error:
            raise DownloadError(
                f"{error}\n{_WHO}: or take weft.keras.datasets.drawn_digits, which weft "
                "draws itself and which has the same shapes."
            ) from error
    return split(read_arrays(file, DIGIT_FORMS, _WHO))


def cached_file(path: str = "mnist.npz") -> Path | None:
    """The file of MNIST that lies in the cache, or None."""
    file = cached_path(path)
    return file if file.is_file() else None


def fetch(path: str = "mnist.npz", timeout: float = 30.0) -> Path:
    """Bring the published file into the cache, unless one is there; returns its path.

    Raises:
        ConnectionError: it cannot be fetched, or no answer comes for `timeout` seconds.
    """
    target = cached_path(path)
    if not target.is_file():
        download(ORIGIN, target, SHA256, timeout=timeout)
    return target


__all__ = ["cached_file", "fetch", "load_data"]
__dir__ = __all__.copy
