"""Optimizers under the names that Keras 2.11 gave to its older ones.

They are the optimizers of `weft.keras.optimizers`; `lr=` and `decay=` are taken with a
warning that says how they are written now.
"""

from __future__ import annotations

from typing import Any

from weft.keras import optimizers
from weft.keras.utils.older import tell


def _told(kind: type) -> None:
    name = kind.__name__
    tell(f"keras.optimizers.legacy.{name}", f"write keras.optimizers.{name}")


class Optimizer(optimizers.Optimizer):
    """The base of optimizers of one's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(type(self))
        super().__init__(*args, **kwargs)


class Adagrad(optimizers.Adagrad):
    """`keras.optimizers.Adagrad`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(Adagrad)
        super().__init__(*args, **kwargs)


class Adam(optimizers.Adam):
    """`keras.optimizers.Adam`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(Adam)
        super().__init__(*args, **kwargs)


class Ftrl(optimizers.Ftrl):
    """`keras.optimizers.Ftrl`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(Ftrl)
        super().__init__(*args, **kwargs)


class RMSprop(optimizers.RMSprop):
    """`keras.optimizers.RMSprop`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(RMSprop)
        super().__init__(*args, **kwargs)


class SGD(optimizers.SGD):
    """`keras.optimizers.SGD`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _told(SGD)
        super().__init__(*args, **kwargs)


__all__ = ["Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop", "SGD"]
__dir__ = __all__.copy
