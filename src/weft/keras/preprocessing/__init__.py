"""keras.preprocessing: data from files and arrays."""

from weft.keras.preprocessing import image, sequence, text
from weft.keras.utils.directories import (
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from weft.keras.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
__dir__ = __all__.copy
