"""California housing: 20,640 districts of 1990, 8 features each, and the median price.

From the StatLib library, after Pace and Barry (1997). The features: longitude, latitude,
median age of houses, rooms, bedrooms, inhabitants, households, median income.
"""

from __future__ import annotations

from weft.errors import ArgumentError
from weft.keras.datasets._arrays import (
    ORIGIN_FOLDER,
    Split,
    check_test_split,
    in_cache,
    shuffled_split,
)
from weft.keras.datasets._housing import read_table

ORIGIN = f"{ORIGIN_FOLDER}california_housing.npz"
SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_ROWS = {"large": None, "small": 600}
_WHO = "california_housing.load_data"


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Split:
    """Load California housing as `(x_train, y_train), (x_test, y_test)`, arrays of floats.

    Args:
        version: "large" for all 20,640 rows, "small" for the first 600.
        path: the name of the file in the cache.
        test_split: the part of the rows for tests.
        seed: of the order in which the rows are split.

    Raises:
        ValueError: another version, a `test_split` not in [0, 1), or another file.
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data("small")  # doctest: +SKIP
    """
    if version not in _ROWS:
        raise ArgumentError(
            f"{_WHO}: `version` must be one of {list(_ROWS)}; received {version!r}."
        )
    check_test_split(test_split, _WHO)
    x, y = read_table(in_cache(path, ORIGIN, SHA256), 8, _WHO)
    rows = _ROWS[version]
    return shuffled_split(x[:rows], y[:rows], test_split, seed, _WHO)


__all__ = ["load_data"]
__dir__ = __all__.copy
