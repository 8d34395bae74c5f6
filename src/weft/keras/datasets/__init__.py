"""Small datasets to learn with: modules with `load_data()`, imported when first used.

>>> from weft.keras.datasets import drawn_digits
>>> (x_train, y_train), (x_test, y_test) = drawn_digits.load_data()  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from types import ModuleType

from weft.errors import did_you_mean

__all__ = [
    "boston_housing", "california_housing", "cifar10", "cifar100", "drawn_digits",
    "fashion_mnist", "imdb", "mnist", "reuters",
]  # fmt: skip
__dir__ = __all__.copy


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(
            f"weft.keras.datasets: no dataset is called {name!r}; there are {__all__}."
            f"{did_you_mean(name, __all__)}"
        )
    return importlib.import_module(f"{__name__}.{name}")
