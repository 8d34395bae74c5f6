"""Datasets out of folders: one folder of files per class.

main/
  cats/  a.jpg  b.jpg
  dogs/  c.jpg
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import ops
from weft.data import AUTOTUNE, Dataset
from weft.errors import ArgumentError
from weft.keras import config as keras_config
from weft.keras.utils.image_utils import (
    CHANNELS,
    img_to_array,
    load_img,
    resize,
    smart_resize,
)
from weft.random import make_default_seed

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_TEXTS = (".txt",)
_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of images (float32, 0 … 255) and labels out of a folder.

    Args:
        labels: 'inferred' from the names of the folders, None, or a list of ints, one per
            file in the sorted order of their names.
        label_mode: 'int', 'categorical' (one-hot), 'binary' (float32, two classes) or None.
        image_size: (height, width) to which all images are brought.
        subset: with validation_split: 'training', 'validation' or 'both' (two datasets).

    Returns:
        A Dataset with the attributes `class_names` and `file_paths`; two for 'both'.

    Raises:
        ArgumentError: arguments that do not go together, or no images.
        MissingExtraError: Pillow is not installed.
    """
    who = "image_dataset_from_directory"
    if color_mode not in CHANNELS:
        raise ArgumentError(
            f"{who}: color_mode must be one of {', '.join(CHANNELS)}; received {color_mode!r}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError(
            f"{who}: crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be True"
        )
    if len(image_size) != 2:
        raise ArgumentError(
            f"{who}: image_size must be (height, width); received {image_size}"
        )
    channels_first = (data_format or keras_config.image_data_format()) == "channels_first"

    def read(path: str) -> np.ndarray:
        with open(path, "rb") as file:
            image = load_img(io.BytesIO(file.read()), color_mode)
        array = img_to_array(image, "channels_last", "float32")
        if crop_to_aspect_ratio:
            array = smart_resize(array, image_size, interpolation)
        else:
            array = _padded(array, image_size) if pad_to_aspect_ratio else array
            array = resize(array, image_size, interpolation)
        return array.transpose(2, 0, 1) if channels_first else array

    return _from_directory(
        who, read, _IMAGES, directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, format, verbose,
    )  # fmt: skip


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of texts and labels out of a folder of .txt files.

    max_length: texts are cut after so many bytes. The other arguments and the result are
    those of `image_dataset_from_directory`.
    """

    def read(path: str) -> str:
        with open(path, "rb") as file:
            return file.read(max_length).decode("utf-8", "ignore")

    return _from_directory(
        "text_dataset_from_directory", read, _TEXTS, directory, labels, label_mode,
        class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format,
        verbose,
    )  # fmt: skip


def _padded(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image with black around it, so that it has the target's shape."""
    tall, wide = image.shape[:2]
    height, width = size
    box_tall = max(tall, int(wide * height / width))
    box_wide = max(wide, int(tall * width / height))
    padded = np.zeros((box_tall, box_wide, image.shape[2]), image.dtype)
    top, left = (box_tall - tall) // 2, (box_wide - wide) // 2
    padded[top : top + tall, left : left + wide] = image
    return padded


# -- folders -------------------------------------------------------------------------------


def _from_directory(
    who: str, read: Callable, endings: tuple[str, ...], directory: Any, labels: Any,
    label_mode: str | None, class_names: Sequence[str] | None, batch_size: int | None,
    shuffle: bool, seed: int | None, split: float | None, subset: str | None,
    follow_links: bool, format: str, verbose: bool,
) -> Any:  # fmt: skip
    _check(who, labels, label_mode, class_names, split, subset, shuffle, seed, format)
    seed = make_default_seed() % 1_000_000 if seed is None else int(seed)
    is_inferred = isinstance(labels, str)
    if labels is None:
        label_mode = None
    names, paths, classes = _index(who, os.fspath(directory), endings, is_inferred,
                                   class_names, follow_links)  # fmt: skip
    if labels is not None and not is_inferred:
        classes = list(labels)
        if len(classes) != len(paths):
            raise ArgumentError(
                f"{who}: labels must have one entry for each of {len(paths)} files; received "
                f"{len(classes)}"
            )
        names = [str(label) for label in sorted(set(classes))]
    if label_mode == "binary" and len(names) != 2:
        raise ArgumentError(
            f"{who}: label_mode='binary' needs exactly 2 classes; received {len(names)}: "
            f"{names}"
        )
    if not paths:
        raise ArgumentError(
            f"{who}: no files found in {str(directory)!r}; expected endings "
            f"{', '.join(endings)}"
        )
    if shuffle:
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths, classes = [paths[i] for i in order], [classes[i] for i in order]
    if verbose:
        kind = f" belonging to {len(names)} classes" if label_mode is not None else ""
        print(f"Found {len(paths)} files{kind}.")

    def load(path: Any, *label: Any) -> Any:
        content = read(path.numpy().decode())
        return (content, *label) if label else content

    def dataset(which: str | None, is_shuffled: bool) -> Dataset:
        part = _part(len(paths), split, which)
        if verbose and which is not None:
            print(f"Using {part.stop - part.start} files for {which}.")
        files = _labelled(paths[part], classes[part], label_mode, len(names))
        if is_shuffled:
            # Names are shuffled, not contents: the buffer costs nothing.
            files = files.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
        made = files.map(load, num_parallel_calls=AUTOTUNE)
        if batch_size is not None:
            made = made.batch(batch_size)
        made = made.prefetch(AUTOTUNE)
        made.class_names = list(names) or None  # type: ignore[attr-defined]
        made.file_paths = paths[part]  # type: ignore[attr-defined]
        return made

    if subset == "both":
        return dataset("training", shuffle), dataset("validation", False)
    return dataset(subset, shuffle)


def _check(
    who: str, labels: Any, label_mode: str | None, class_names: Any, split: float | None,
    subset: str | None, shuffle: bool, seed: int | None, format: str,
) -> None:  # fmt: skip
    if format != "tf":
        raise ArgumentError(f"{who}: format must be 'tf', a Dataset; received {format!r}")
    if label_mode not in _LABEL_MODES:
        raise ArgumentError(
            f"{who}: label_mode must be one of 'int', 'categorical', 'binary' or None; "
            f"received {label_mode!r}"
        )
    if isinstance(labels, str) and labels != "inferred":
        raise ArgumentError(
            f"{who}: labels must be 'inferred', None or a list of ints; received {labels!r}"
        )
    if not isinstance(labels, str) and class_names:
        raise ArgumentError(f"{who}: class_names go with labels='inferred' only")
    if (split is None) != (subset is None):
        raise ArgumentError(
            f"{who}: validation_split and subset must be given together; received "
            f"{split!r} and {subset!r}"
        )
    if split is None:
        return
    if not 0 < split < 1:
        raise ArgumentError(
            f"{who}: validation_split must be between 0 and 1; received {split!r}"
        )
    if subset not in _SUBSETS:
        raise ArgumentError(
            f"{who}: subset must be one of {', '.join(_SUBSETS)}; received {subset!r}"
        )
    if shuffle and seed is None and subset != "both":
        raise ArgumentError(
            f"{who}: with validation_split and shuffle give a seed, so that the subsets do "
            "not overlap"
        )


def _index(
    who: str, directory: str, endings: tuple[str, ...], is_inferred: bool,
    class_names: Sequence[str] | None, follow_links: bool,
) -> tuple[list[str], list[str], list[int]]:  # fmt: skip
    """Names of classes, paths of files, and the class of each file."""
    if not os.path.isdir(directory):
        raise ArgumentError(f"{who}: there is no folder {directory!r}")
    if not is_inferred:
        paths = _files_in(directory, endings, follow_links)
        return [], paths, [0] * len(paths)
    folders = sorted(
        entry.name
        for entry in os.scandir(directory)
        if entry.is_dir() and not entry.name.startswith(".")
    )
    names = list(class_names) if class_names is not None else folders
    if set(names) != set(folders):
        raise ArgumentError(
            f"{who}: class_names must be the names of the folders, {folders}; received {names}"
        )
    paths, classes = [], []
    for number, name in enumerate(names):
        found = _files_in(os.path.join(directory, name), endings, follow_links)
        paths += found
        classes += [number] * len(found)
    return names, paths, classes


def _files_in(folder: str, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    found = []
    for root, folders, files in os.walk(folder, followlinks=follow_links):
        folders.sort()
        found += [
            os.path.join(root, name)
            for name in sorted(files)
            if name.lower().endswith(endings) and not name.startswith(".")
        ]
    return found


def _part(count: int, split: float | None, subset: str | None) -> slice:
    if split is None:
        return slice(0, count)
    held_out = int(split * count)
    if subset == "training":
        return slice(0, count - held_out)
    return slice(count - held_out, count)


def _labelled(
    paths: list[str], classes: list[int], mode: str | None, count: int
) -> Dataset:
    """(path, label) of every file, or the path alone."""
    texts = np.array(paths, np.object_)
    if mode is None:
        return Dataset.from_tensor_slices(texts)
    labels = np.array(classes, "int32")
    if mode == "binary":
        return Dataset.from_tensor_slices((texts, labels[:, None].astype("float32")))
    if mode == "categorical":
        labels = np.asarray(ops.one_hot(labels, count, dtype="float32"))
    return Dataset.from_tensor_slices((texts, labels))


__all__ = ["image_dataset_from_directory", "text_dataset_from_directory"]
