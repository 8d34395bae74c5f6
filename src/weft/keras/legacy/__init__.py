"""keras.legacy: names that Keras 3 keeps for older programs."""

from weft.keras.legacy import saving

__all__ = ["saving"]
