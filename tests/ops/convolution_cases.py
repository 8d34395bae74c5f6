"""Cases of convolution and pooling: a function, its tensors' shapes, its settings."""

from __future__ import annotations

import itertools

import numpy as np


def arrays_of(number: int, shapes: tuple) -> list[np.ndarray]:
    """The same random tensors for a case wherever it is run."""
    generator = np.random.default_rng(1000 + number)
    return [generator.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]


def digest(array: np.ndarray) -> list[float]:
    """Some sums with random weights, in which every element counts."""
    generator = np.random.default_rng(array.size)
    weights = generator.uniform(-1, 1, (6, array.size))
    return [float(f"{value:.7g}") for value in weights @ array.astype(np.float64).reshape(-1)]


def _conv() -> list:
    cases: list = []
    images, kernel = (2, 9, 8, 4), (3, 2, 4, 6)
    for padding, strides in itertools.product(("valid", "same"), (1, 2, (2, 3), 4)):
        cases.append(("conv", (images, kernel), {"padding": padding, "strides": strides}))
    for padding, rate in itertools.product(("valid", "same"), (2, (1, 3))):
        cases.append(("conv", (images, kernel), {"padding": padding, "dilation_rate": rate}))
    cases += [
        ("conv", ((2, 4, 9, 8), kernel), {"data_format": "channels_first"}),
        ("conv", (images, (3, 3, 2, 6)), {"padding": "same"}),
        ("conv", (images, (3, 3, 1, 4)), {"strides": 2}),
        ("conv", ((2, 11, 3), (4, 3, 5)), {"padding": "same", "strides": 3}),
        ("conv", ((2, 5, 6, 4, 2), (2, 3, 2, 2, 3)), {"padding": "same", "strides": 2}),
        ("conv", ((2, 2, 5, 6, 4), (2, 3, 2, 2, 3)), {"data_format": "channels_first"}),
    ]
    return cases


def _transposed() -> list:
    cases: list = []
    images = (2, 4, 5, 3)
    sizes, strides = ((3, 2), (1, 4), (5, 3)), (1, 2, (3, 2))
    for padding, size, step in itertools.product(("valid", "same"), sizes, strides):
        settings = {"padding": padding, "strides": step}
        cases.append(("conv_transpose", (images, (*size, 6, 3)), settings))
    cases += [
        ("conv_transpose", (images, (3, 3, 2, 3)), {"strides": 2, "output_padding": 1}),
        ("conv_transpose", (images, (3, 3, 2, 3)),
         {"strides": 2, "padding": "same", "output_padding": 0}),
        ("conv_transpose", (images, (3, 3, 2, 3)), {"dilation_rate": 2}),
        ("conv_transpose", (images, (3, 3, 2, 3)), {"dilation_rate": 2, "padding": "same"}),
        ("conv_transpose", ((2, 3, 4, 5), (3, 3, 2, 3)),
         {"strides": 2, "data_format": "channels_first"}),
        ("conv_transpose", ((2, 6, 3), (4, 2, 3)), {"strides": 3, "padding": "same"}),
        ("conv_transpose", ((1, 3, 2, 3, 2), (2, 3, 2, 4, 2)), {"strides": 2}),
    ]  # fmt: skip
    return cases


def _by_channel() -> list:
    images = (2, 8, 7, 3)
    return [
        ("depthwise_conv", (images, (3, 2, 3, 2)), {}),
        ("depthwise_conv", (images, (3, 3, 3, 1)), {"padding": "same", "strides": 2}),
        ("depthwise_conv", (images, (3, 3, 3, 2)), {"padding": "same", "dilation_rate": 2}),
        ("depthwise_conv", ((2, 3, 8, 7), (3, 2, 3, 2)), {"data_format": "channels_first"}),
        ("depthwise_conv", ((2, 9, 3), (4, 3, 2)), {"padding": "same"}),
        ("separable_conv", (images, (3, 2, 3, 2), (1, 1, 6, 5)), {"padding": "same"}),
        ("separable_conv", (images, (3, 2, 3, 1), (1, 1, 3, 4)), {"strides": 2}),
        ("separable_conv", ((2, 9, 3), (4, 3, 2), (1, 6, 2)), {}),
    ]


def _pooling() -> list:
    cases: list = []
    for name in ("max_pool", "average_pool"):
        for padding, step in itertools.product(("valid", "same"), (None, 1, 2, (1, 3))):
            settings = {"pool_size": (2, 3), "strides": step, "padding": padding}
            cases.append((name, ((2, 7, 8, 3),), settings))
        cases += [
            (name, ((2, 3, 7, 8),), {"pool_size": 2, "data_format": "channels_first"}),
            (name, ((2, 9, 3),), {"pool_size": 4, "strides": 2, "padding": "same"}),
            (name, ((1, 4, 5, 6, 2),), {"pool_size": (2, 3, 2), "padding": "same"}),
        ]
    for name in ("adaptive_max_pool", "adaptive_average_pool"):
        cases += [
            (name, ((2, 7, 8, 3),), {"output_size": 3, "data_format": "channels_last"}),
            (name, ((2, 3, 7, 5),), {"output_size": (4, 2), "data_format": "channels_first"}),
            (name, ((2, 10, 3),), {"output_size": 4, "data_format": "channels_last"}),
        ]
    return cases


CASES = [*_conv(), *_transposed(), *_by_channel(), *_pooling()]
