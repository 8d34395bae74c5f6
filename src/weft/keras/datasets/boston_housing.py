"""Boston housing: 506 districts of 1978, 13 features each, and the median price of houses.

From the StatLib library of Carnegie Mellon University, after Harrison and Rubinfeld (1978).
One feature was made from the share of Black inhabitants, on the assumption that segregation
raises prices: use `california_housing` unless a textbook asks for this one.
"""

from __future__ import annotations

from weft.keras.datasets._arrays import (
    ORIGIN_FOLDER,
    Split,
    check_test_split,
    in_cache,
    shuffled_split,
)
from weft.keras.datasets._housing import read_table

ORIGIN = f"{ORIGIN_FOLDER}boston_housing.npz"
SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
_WHO = "boston_housing.load_data"


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """Load Boston housing as `(x_train, y_train), (x_test, y_test)`, arrays of floats.

    The features are (404, 13) and (102, 13); the prices, in thousands of dollars, (404,)
    and (102,). `seed` sets the order in which the rows are split.

    Raises:
        ValueError: `test_split` is not in [0, 1), or the file holds something else.
        ConnectionError: the file cannot be fetched; says where to put it.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    check_test_split(test_split, _WHO)
    x, y = read_table(in_cache(path, ORIGIN, SHA256), 13, _WHO)
    return shuffled_split(x, y, test_split, seed, _WHO)


__all__ = ["load_data"]
__dir__ = __all__.copy
