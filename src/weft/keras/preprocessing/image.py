"""keras.preprocessing.image: images as files and as arrays."""

from weft.keras.preprocessing.image_generator import ImageDataGenerator
from weft.keras.utils.directories import image_dataset_from_directory
from weft.keras.utils.image_utils import (
    array_to_img,
    img_to_array,
    load_img,
    save_img,
    smart_resize,
)

__all__ = [
    "ImageDataGenerator",
    "array_to_img",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "save_img",
    "smart_resize",
]
__dir__ = __all__.copy
