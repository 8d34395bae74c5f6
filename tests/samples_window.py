"""Rows of the primitives that slide windows over tensors."""

from __future__ import annotations

from tests.samples import FLOATS, NUMBERS, REALS, Input, Row

SOME = ("float32", "float64", "bfloat16", "int32", "uint8", "bool")


def windows(shape, sizes, dtypes=SOME, layout="plain", first=1, **given):
    count = len(sizes)
    parameters = {
        "axes": tuple(range(first, first + count)), "sizes": sizes, "strides": (1,) * count,
        "dilations": (1,) * count, "low": (0,) * count, "high": (0,) * count,
        "interior": (0,) * count, **given,
    }  # fmt: skip
    return Row("windows", (Input(shape, layout=layout), Input(())), parameters, dtypes)


WINDOWS = [
    windows((2, 7, 6, 3), (3, 2), REALS),
    windows((2, 7, 6, 3), (3, 2), low=(1, 0), high=(2, 1)),
    windows((2, 8, 5, 2), (2, 2), strides=(2, 2)),
    windows((1, 9, 9, 2), (2, 3), strides=(3, 2), dilations=(2, 3), low=(0, 1), high=(1, 0)),
    windows((2, 4, 5, 2), (3, 3), interior=(1, 2), low=(2, 2), high=(2, 1)),
    windows((2, 9, 3), (3,), low=(-2,), high=(-1,)),
    windows((2, 5, 3), (2,), interior=(2,), low=(-2,), high=(-3,), strides=(2,)),
    windows((3, 11, 33), (4,), strides=(2,), layout="strided"),
    windows((2, 4, 5, 4, 3), (2, 3, 2), strides=(1, 2, 1), low=(1, 1, 0), high=(0, 1, 1)),
    windows((7,), (3,), first=0),
    windows((5, 7), (2,), first=1, layout="transposed"),
    windows((6, 5), (1,), first=0, strides=(2,)),
    windows((6, 5), (1,), first=0),
    windows((0, 6, 2), (3,)),
]


def window_max(shape, sizes, strides, low=None, high=None, dtypes=SOME, layout="plain"):
    count = len(sizes)
    parameters = {
        "axes": tuple(range(1, count + 1)), "sizes": sizes, "strides": strides,
        "low": low or (0,) * count, "high": high or (0,) * count,
    }  # fmt: skip
    return Row("window_max", (Input(shape, layout=layout),), parameters, dtypes)


WINDOW_MAX = [
    window_max((2, 6, 8, 3), (2, 2), (2, 2), dtypes=REALS),
    window_max((2, 7, 5, 17), (2, 2), (2, 2)),
    window_max((1, 7, 9, 2), (3, 3), (2, 2), (1, 1), (1, 1)),
    window_max((3, 9, 4), (4,), (1,), (2,), (1,)),
    window_max((2, 4, 5, 4, 3), (2, 3, 2), (2, 2, 2), (0, 1, 0), (0, 1, 1)),
    window_max((2, 6, 3), (1,), (2,)),
    window_max((2, 33, 5), (2,), (2,), layout="strided"),
    window_max((2, 5, 5, 1), (5, 5), (1, 1)),
]


def conv(shape, kernel, dtypes=("float32",), layout="plain", groups=1, **given):
    count = len(kernel) - 2
    parameters = {
        "strides": (1,) * count, "low": (0,) * count, "high": (0,) * count,
        "dilations": (1,) * count, "interior": (0,) * count, "groups": groups, **given,
    }  # fmt: skip
    inputs = Input(shape, layout=layout), Input(kernel)
    # The sums have different orders; none of their terms is above 4.
    terms = 1.0
    for extent in kernel[:-1]:
        terms *= extent
    return Row("conv", inputs, parameters, dtypes, ulp=2, absolute=4 * terms)


CONV = [
    conv((2, 7, 6, 3), (3, 2, 3, 4), NUMBERS),
    conv((2, 7, 6, 3), (3, 3, 3, 5), FLOATS, low=(1, 1), high=(1, 1)),
    conv((1, 9, 8, 16), (3, 3, 16, 32)),
    conv((2, 9, 8, 16), (3, 3, 16, 32), low=(1, 1), high=(1, 1)),
    conv((3, 13, 13, 32), (3, 3, 32, 64), ("float32", "bfloat16")),
    conv((2, 28, 28, 1), (3, 3, 1, 32)),
    conv((2, 9, 9, 3), (3, 3, 3, 8), strides=(2, 2), low=(0, 1), high=(1, 1)),
    conv((2, 12, 11, 5), (2, 3, 5, 4), dilations=(3, 2)),
    conv((2, 5, 4, 3), (3, 3, 3, 2), interior=(1, 1), low=(2, 2), high=(2, 2)),
    conv((2, 5, 4, 3), (2, 3, 3, 2), interior=(2, 1), strides=(2, 3), low=(1, 0), high=(3, 2)),
    conv((4, 17, 6), (5, 6, 7), FLOATS, low=(4,)),
    conv((2, 10, 4), (1, 4, 3), layout="strided"),
    conv((2, 10, 4), (1, 4, 3), strides=(3,)),
    conv((2, 9, 4), (3, 4, 3), low=(-1,), high=(-2,)),
    conv((1, 5, 6, 4, 2), (2, 3, 2, 2, 3), strides=(1, 2, 1), low=(1, 0, 0), high=(0, 0, 1)),
    conv((2, 6, 6, 4), (3, 3, 2, 6), groups=2),
    conv((2, 6, 5, 8), (3, 3, 1, 8), FLOATS, groups=8, low=(1, 1), high=(1, 1)),
    conv((2, 6, 5, 3), (3, 2, 1, 6), groups=3, strides=(2, 2)),
    conv((2, 8, 6), (3, 2, 3), groups=3),
    conv((2, 8, 12), (3, 3, 8), groups=4),
    conv((0, 5, 2), (3, 2, 4)),
    conv((1, 20, 20, 24), (5, 5, 24, 10), low=(2, 2), high=(2, 2)),
]

ROWS = [*WINDOWS, *WINDOW_MAX, *CONV]
