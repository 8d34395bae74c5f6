"""keras.preprocessing.sequence: sequences of unequal lengths."""

from weft.keras.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
