"""Fashion-MNIST: 70,000 small pictures of clothes, in the form of MNIST.

By Han Xiao, Kashif Rasul and Roland Vollgraf of Zalando Research (2017); under the MIT
license. The labels: 0 T-shirt or top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal,
6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from weft.keras.datasets._arrays import (
    DIGIT_FORMS,
    ORIGIN_FOLDER,
    Split,
    bad_file,
    check_form,
    in_cache,
    split,
)

ORIGIN = ORIGIN_FOLDER
_FOLDER = os.path.join("datasets", "fashion-mnist")
_WHO = "fashion_mnist.load_data"

_FILES = {
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_train": "train-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
}


def load_data() -> Split:
    """Load Fashion-MNIST as `(x_train, y_train), (x_test, y_test)`, arrays of uint8.

    `x_train` is (60000, 28, 28) and `x_test` (10000, 28, 28), grey from 0 to 255; the
    labels are 0 to 9. The four files lie in `~/.keras/datasets/fashion-mnist`, and are
    downloaded once if they are not there.

    Raises:
        ValueError: a file that is there does not hold the pictures or labels.
        ConnectionError: one is not there and cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    arrays = {}
    for name, file_name in _FILES.items():
        path = in_cache(file_name, ORIGIN + file_name, None, _FOLDER)
        shape, limit = DIGIT_FORMS[name]
        arrays[name] = _read_idx(path, shape)
        check_form(path, _WHO, name, arrays[name], shape, limit)
    return split(arrays)


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A packed array of bytes: a magic number, the sizes (big-endian), the content."""
    size = int(np.prod(shape))
    header = 4 + 4 * len(shape)
    try:
        with gzip.open(path) as file:
            # One byte more than there may be tells a file that is too long.
            content = file.read(header + size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise bad_file(path, _WHO, f"a file that cannot be read ({error})") from error
    sizes = (
        np.frombuffer(content[4:header], ">u4").tolist() if len(content) > header else []
    )
    magic = bytes((0, 0, 8, len(shape)))
    if content[:4] != magic or tuple(sizes) != shape or len(content) != header + size:
        raise bad_file(
            path, _WHO, f"sizes {sizes} and {len(content):,} bytes in place of {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


__all__ = ["load_data"]
__dir__ = __all__.copy
