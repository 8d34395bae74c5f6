"""Cases of convolution, pooling and margin layers: class, settings, shape of the inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

IMAGES, FIRST, LINE, VOLUME = (2, 8, 7, 4), (2, 4, 8, 7), (2, 9, 4), (2, 5, 6, 4, 3)

CASES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Conv1D", {"filters": 3, "kernel_size": 3}, LINE),
    ("Conv1D",
     {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, LINE),
    ("Conv1D",
     {"filters": 3, "kernel_size": 4, "padding": "same", "strides": 2, "use_bias": False}, LINE),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "activation": "relu"}, IMAGES),
    ("Conv2D",
     {"filters": 6, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same"}, IMAGES),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "dilation_rate": 2}, IMAGES),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "data_format": "channels_first"}, FIRST),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "strides": 2}, VOLUME),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, LINE),
    ("Conv2DTranspose",
     {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGES),
    ("Conv2DTranspose",
     {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 1}, IMAGES),
    ("Conv2DTranspose",
     {"filters": 3, "kernel_size": 2, "data_format": "channels_first"}, FIRST),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, VOLUME),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, LINE),
    ("DepthwiseConv2D",
     {"kernel_size": 3, "padding": "same", "activation": "tanh"}, IMAGES),
    ("DepthwiseConv2D",
     {"kernel_size": (2, 3), "depth_multiplier": 2, "strides": 2}, IMAGES),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3}, LINE),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, IMAGES),
    ("MaxPooling1D", {}, LINE),
    ("MaxPooling2D", {"pool_size": (2, 3), "strides": 1, "padding": "same"}, IMAGES),
    ("MaxPooling2D", {"data_format": "channels_first"}, FIRST),
    ("MaxPooling3D", {}, VOLUME),
    ("AveragePooling1D", {"pool_size": 3, "padding": "same"}, LINE),
    ("AveragePooling2D", {"pool_size": 2}, IMAGES),
    ("AveragePooling3D", {"pool_size": 2, "strides": 1}, VOLUME),
    ("AdaptiveMaxPooling2D", {"output_size": 3}, IMAGES),
    ("AdaptiveAveragePooling1D", {"output_size": 4}, LINE),
    ("GlobalAveragePooling1D", {}, LINE),
    ("GlobalAveragePooling2D", {"keepdims": True}, IMAGES),
    ("GlobalMaxPooling2D", {"data_format": "channels_first"}, FIRST),
    ("GlobalMaxPooling3D", {}, VOLUME),
    ("ZeroPadding1D", {"padding": (1, 2)}, LINE),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, IMAGES),
    ("ZeroPadding2D", {"padding": (2, 1), "data_format": "channels_first"}, FIRST),
    ("ZeroPadding3D", {}, VOLUME),
    ("Cropping1D", {}, LINE),
    ("Cropping2D", {"cropping": ((1, 2), (0, 3))}, IMAGES),
    ("Cropping3D", {"cropping": 1}, VOLUME),
    ("UpSampling1D", {"size": 3}, LINE),
    ("UpSampling2D", {"size": (2, 3)}, IMAGES),
    ("UpSampling2D", {"size": 2, "interpolation": "bilinear"}, IMAGES),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "bicubic"}, IMAGES),
    ("UpSampling2D",
     {"size": 2, "interpolation": "lanczos3", "data_format": "channels_first"}, FIRST),
    ("UpSampling3D", {"size": (1, 2, 2)}, VOLUME),
]

NAMES = [f"{number}-{kind}" for number, (kind, _, _) in enumerate(CASES)]


def numbers(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def outcome(keras: Any, number: int) -> dict[str, Any]:
    """What a layer of `keras` says of itself, and sums of what it gives."""
    kind, settings, shape = CASES[number]
    layer = getattr(keras.layers, kind)(**settings, name="layer")
    inputs = numbers(number, shape)
    layer(inputs)
    weights = layer.get_weights()
    layer.set_weights([numbers(100 + i, w.shape) for i, w in enumerate(weights)])
    found = np.asarray(layer(inputs))
    sums = np.random.default_rng(found.size).uniform(-1, 1, (4, found.size)) @ found.ravel()
    unknown = (None, *[n if n == 4 or n == 3 else None for n in shape[1:]])
    return {
        "weights": [[weight.path, list(weight.shape)] for weight in layer.weights],
        "config": layer.get_config(),
        "shape": list(found.shape),
        "unknown": list(keras.layers.deserialize(keras.layers.serialize(layer))
                        .compute_output_shape((None, *shape[1:]))),
        "digest": [float(f"{value:.6g}") for value in sums],
        "symbolic": list(_symbolic(keras, kind, settings, unknown)),
    }  # fmt: skip


def _symbolic(keras: Any, kind: str, settings: dict, shape: tuple) -> tuple:
    """The output's shape where batch and spatial extents are unknown."""
    layer = getattr(keras.layers, kind)(**settings)
    return tuple(layer(keras.Input(shape[1:])).shape)
