"""ImageDataGenerator, as Keras 2 had it: batches of randomly changed images.

Newer code uses `keras.utils.image_dataset_from_directory` and augmentation layers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft.errors import ArgumentError, ShapeError
from weft.keras.backend.settings import standardize_data_format
from weft.keras.training.py_dataset import PyDataset
from weft.keras.utils.image_utils import array_to_img, img_to_array, load_img
from weft.random import make_default_seed

_FILLS = ("constant", "nearest", "reflect", "wrap")
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


class ImageDataGenerator:
    """Batches of images with random shifts, turns, flips and brightness.

    Args:
        rescale: a factor for all values, such as 1 / 255.
        rotation_range: turns up to so many degrees.
        width_shift_range, height_shift_range: shares of the size, or pixels from 1 on.
        shear_range: degrees; zoom_range: a share, or (smallest, largest).
        brightness_range: (smallest, largest) factor.
        channel_shift_range: added to channels, up to so much.
        fill_mode: what stands outside of the image: nearest, constant, reflect or wrap.
        featurewise_center, featurewise_std_normalization: use `fit`'s mean and deviation.
        zca_whitening: values become independent of their neighbours, by `fit`'s images.
        samplewise_center, samplewise_std_normalization: use each image's own.
        preprocessing_function: of one image, after the changes.
        data_format: 'channels_last' or 'channels_first'; by default that of the config.
        validation_split: the share that `subset='validation'` gives.

    Example:
        >>> import numpy as np
        >>> generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)
        >>> batches = generator.flow(np.ones((5, 8, 8, 3)), np.arange(5), batch_size=2)
        >>> len(batches), batches[0][0].shape
        (3, (2, 8, 8, 3))
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float = 0.0,
        height_shift_range: float = 0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | tuple[float, float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        dtype: Any = "float32",
    ) -> None:
        if fill_mode not in _FILLS:
            raise ArgumentError(
                f"ImageDataGenerator: fill_mode must be one of {', '.join(_FILLS)}; received "
                f"{fill_mode!r}"
            )
        self.data_format = standardize_data_format(data_format)
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        # What divides or whitens needs values around 0.
        self.featurewise_center = (
            featurewise_center or featurewise_std_normalization or zca_whitening
        )
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = brightness_range
        if isinstance(zoom_range, int | float):
            zoom_range = (1 - zoom_range, 1 + zoom_range)
        self.zoom_range = zoom_range
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self._validation_split, self.dtype = validation_split, dtype
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # -- statistics ----------------------------------------------------------------------

    def fit(
        self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None
    ) -> None:
        """Learn mean and deviation of the channels, and what whitens images of this size.

        The featurewise settings and `zca_whitening` need it.
        """
        images = np.asarray(x, self.dtype)
        if images.ndim != 4:
            raise ShapeError(
                "ImageDataGenerator.fit: expected images (n, height, width, channels); "
                f"received shape {images.shape}"
            )
        if augment:
            draws = np.random.default_rng(make_default_seed() if seed is None else seed)
            images = np.concatenate([
                [self._changed(image, draws) for image in images] for _ in range(rounds)
            ])  # fmt: skip
        axes = (0, 1, 2) if self.data_format == "channels_last" else (0, 2, 3)
        self.mean = images.mean(axis=axes, keepdims=True)[0]
        self.std = images.std(axis=axes, keepdims=True)[0]
        if self.zca_whitening:
            rows = self._normalized(images).reshape(len(images), -1)
            # Zero-phase whitening (Bell and Sejnowski, 1997), of the data's singular values.
            u, s, _ = np.linalg.svd(rows.T, full_matrices=False)
            scale = np.sqrt(len(rows)) / (s + self.zca_epsilon)
            self.zca_whitening_matrix = (u * scale) @ u.T

    def _normalized(self, x: np.ndarray) -> np.ndarray:
        if self.featurewise_center:
            x = x - self.mean
        if self.featurewise_std_normalization:
            x = x / (self.std + 1e-6)
        return x

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """One image (or batch) with the settings that are not random."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self.mean is None:
            raise ArgumentError(
                "ImageDataGenerator: the featurewise settings and zca_whitening need "
                "fit(images) first"
            )
        x = self._normalized(x)
        if self.zca_whitening:
            size = len(self.zca_whitening_matrix)
            x = (x.reshape(-1, size) @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    # -- changes -------------------------------------------------------------------------

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """One image, randomly changed."""
        draws = np.random.default_rng(make_default_seed() if seed is None else seed)
        return self._changed(np.asarray(x, self.dtype), draws)

    def _changed(self, image: np.ndarray, draws: np.random.Generator) -> np.ndarray:
        if self.data_format == "channels_first":
            return np.moveaxis(self._redrawn(np.moveaxis(image, 0, -1), draws), -1, 0)
        return self._redrawn(image, draws)

    def _redrawn(self, image: np.ndarray, draws: np.random.Generator) -> np.ndarray:
        matrix = self._random_matrix(image.shape, draws)
        if matrix is not None:
            image = _warped(image, matrix, self.fill_mode, self.cval)
        if self.channel_shift_range:
            shift = draws.uniform(-self.channel_shift_range, self.channel_shift_range)
            image = np.clip(image + shift, image.min(), image.max())
        if self.horizontal_flip and draws.random() < 0.5:
            image = image[:, ::-1]
        if self.vertical_flip and draws.random() < 0.5:
            image = image[::-1]
        if self.brightness_range is not None:
            image = np.clip(image * draws.uniform(*self.brightness_range), 0, 255)
        return image

    def _random_matrix(
        self, shape: tuple[int, ...], draws: np.random.Generator
    ) -> np.ndarray | None:
        """Where each pixel (row, column, 1) of the result lies in the image; None: there."""
        height, width = shape[:2]
        turn = np.deg2rad(draws.uniform(-1, 1) * self.rotation_range)
        shear = np.deg2rad(draws.uniform(-1, 1) * self.shear_range)
        smallest, largest = self.zoom_range
        zoom = draws.uniform(smallest, largest, size=2)
        down = _pixels(self.height_shift_range, height, draws)
        right = _pixels(self.width_shift_range, width, draws)
        matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0],
                           [0, 0, 1]])  # fmt: skip
        matrix = matrix @ np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
        matrix = matrix @ np.array(
            [[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]]
        )
        matrix = matrix @ np.diag([zoom[0], zoom[1], 1])
        if np.array_equal(matrix, np.eye(3)):
            return None
        centre = np.array([[1, 0, (height - 1) / 2], [0, 1, (width - 1) / 2], [0, 0, 1]])
        return centre @ matrix @ np.linalg.inv(centre)

    # -- sources -------------------------------------------------------------------------

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> ImageBatches:
        """Batches of arrays: images (n, height, width, channels), and what belongs to them."""
        images = np.asarray(x)
        if images.ndim != 4:
            raise ShapeError(
                "ImageDataGenerator.flow: expected images (n, height, width, channels); "
                f"received shape {images.shape}"
            )
        parts = [None if part is None else np.asarray(part) for part in (y, sample_weight)]
        if any(part is not None and len(part) != len(images) for part in parts):
            raise ArgumentError(
                "ImageDataGenerator.flow: y and sample_weight must have a row for each of "
                f"{len(images)} images"
            )
        rows = self._subset(len(images), subset)
        extra = [part for part in parts if part is not None]
        batches = ImageBatches(
            self, lambda row: images[row], extra, rows, batch_size, shuffle, seed
        )
        batches.save_as = (save_to_dir, save_prefix, save_format)
        return batches

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: list[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> ImageBatches:
        """Batches of image files: one folder for each class."""
        folder = os.fspath(directory)
        names = classes or sorted(
            entry.name for entry in os.scandir(folder) if entry.is_dir()
        )
        paths, numbers = [], []
        for number, name in enumerate(names):
            found = sorted(_files(os.path.join(folder, name), follow_links))
            kept = self._subset(len(found), subset)
            paths += [found[row] for row in kept]
            numbers += [number] * len(kept)
        print(f"Found {len(paths)} images belonging to {len(names)} classes.")

        def read(row: int) -> np.ndarray:
            image = load_img(paths[row], color_mode, target_size, interpolation,
                             keep_aspect_ratio)  # fmt: skip
            return img_to_array(image, self.data_format, self.dtype)

        labels = _labels(np.array(numbers, int), len(names), class_mode)
        batches = ImageBatches(
            self, read, labels, np.arange(len(paths)), batch_size, shuffle, seed
        )
        if class_mode == "input":
            batches.gives_input = True
        batches.save_as = (save_to_dir, save_prefix, save_format)
        batches.class_indices = {name: number for number, name in enumerate(names)}
        batches.classes = np.array(numbers, int)
        batches.filenames = [os.path.relpath(path, folder) for path in paths]
        batches.filepaths = paths
        return batches

    def _subset(self, count: int, subset: str | None) -> np.ndarray:
        if subset is None:
            return np.arange(count)
        if subset not in ("training", "validation"):
            raise ArgumentError(
                "ImageDataGenerator: subset must be 'training' or 'validation'; received "
                f"{subset!r}"
            )
        held_out = int(count * self._validation_split)
        rows = np.arange(count)
        return rows[:held_out] if subset == "validation" else rows[held_out:]


class ImageBatches(PyDataset):
    """Batches of an ImageDataGenerator: by number, and as an iterator without end."""

    class_indices: dict[str, int]
    classes: np.ndarray
    filenames: list[str]
    filepaths: list[str]

    def __init__(
        self, generator: ImageDataGenerator, read: Callable[[int], np.ndarray],
        extra: list[np.ndarray], rows: np.ndarray, batch_size: int, shuffle: bool,
        seed: int | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._generator, self._read, self._extra, self._rows = generator, read, extra, rows
        self.batch_size, self.shuffle = batch_size, shuffle
        self.n = self.samples = len(rows)
        self.seed = make_default_seed() if seed is None else seed
        self._epoch = 0
        self.gives_input = False
        self.save_as: tuple = (None, "", "png")
        self._endless: Iterator | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def __getitem__(self, index: int) -> Any:
        order = self._rows
        if self.shuffle:
            order = np.random.default_rng([self.seed, self._epoch]).permutation(order)
        rows = order[index * self.batch_size : (index + 1) * self.batch_size]
        draws = np.random.default_rng([self.seed, self._epoch, index])
        generator = self._generator
        images = []
        for row in rows:
            image = np.asarray(self._read(row), generator.dtype)
            images.append(generator.standardize(generator._changed(image, draws)))
        batch = np.stack(images).astype(generator.dtype)
        self._save(batch, index)
        if self.gives_input:
            return batch, batch
        parts = [part[rows] for part in self._extra]
        return (batch, *parts) if parts else batch

    def _save(self, batch: np.ndarray, index: int) -> None:
        folder, prefix, ending = self.save_as
        if folder:
            for number, image in enumerate(batch):
                name = f"{prefix}_{self._epoch}_{index}_{number}.{ending}"
                array_to_img(image, self._generator.data_format).save(
                    os.path.join(folder, name)
                )

    def __iter__(self) -> Iterator:
        while True:
            for index in range(len(self)):
                yield self[index]
            self.on_epoch_end()

    def __next__(self) -> Any:
        if self._endless is None:
            self._endless = iter(self)
        return next(self._endless)

    next = __next__

    def reset(self) -> None:
        """Begin anew with the first batch."""
        self._endless = None


def _pixels(setting: float, extent: int, draws: np.random.Generator) -> float:
    return draws.uniform(-1, 1) * (setting * extent if abs(setting) < 1 else setting)


def _warped(image: np.ndarray, matrix: np.ndarray, fill: str, value: float) -> np.ndarray:
    """The image with its pixels taken from where `matrix` says, between four neighbours."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    places = matrix[:2] @ np.stack([rows.ravel(), columns.ravel(), np.ones(rows.size)])
    low = np.floor(places).astype(int)
    part = (places - low).astype(image.dtype)[..., None]

    def pixels(down: int, right: int) -> np.ndarray:
        row, inside = _bounded(low[0] + down, height, fill)
        column, also = _bounded(low[1] + right, width, fill)
        found = image[row, column]
        if fill == "constant":
            found = np.where((inside & also)[:, None], found, value)
        return found

    top = pixels(0, 0) * (1 - part[1]) + pixels(0, 1) * part[1]
    bottom = pixels(1, 0) * (1 - part[1]) + pixels(1, 1) * part[1]
    return (top * (1 - part[0]) + bottom * part[0]).reshape(image.shape).astype(image.dtype)


def _bounded(places: np.ndarray, extent: int, fill: str) -> tuple[np.ndarray, np.ndarray]:
    inside = (places >= 0) & (places < extent)
    if fill == "wrap":
        return places % extent, inside
    if fill == "reflect":
        places = places % (2 * extent)
        return np.where(places < extent, places, 2 * extent - 1 - places), inside
    return np.clip(places, 0, extent - 1), inside


def _files(folder: str, follow_links: bool) -> Iterator[str]:
    for root, _, names in os.walk(folder, followlinks=follow_links):
        yield from (os.path.join(root, n) for n in names if n.lower().endswith(_IMAGES))


def _labels(numbers: np.ndarray, count: int, mode: str | None) -> list[np.ndarray]:
    made = {
        "categorical": lambda: [np.eye(count, dtype="float32")[numbers]],
        "binary": lambda: [numbers.astype("float32")],
        "sparse": lambda: [numbers.astype("float32")],
        "input": list,
        None: list,
    }.get(mode)
    if made is None:
        raise ArgumentError(
            "flow_from_directory: class_mode must be 'categorical', 'binary', 'sparse', "
            f"'input' or None; received {mode!r}"
        )
    return made()


__all__ = ["ImageBatches", "ImageDataGenerator"]
