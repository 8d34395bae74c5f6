"""Sample rows of reductions, positions of extremes, and cumulative operations."""

from __future__ import annotations

import math

import numpy as np

from tests.samples import BOOL, FLOATS, NUMBERS, REALS, Input, Row
from tests.samples_elementwise import LAYOUTS

# Shapes with axes: none, one, several, all, out of order; odd, long and empty extents.
SHAPE_AXES = (
    ((), ()), ((5,), ()), ((1,), (0,)), ((7,), (0,)), ((3, 5), (0,)), ((3, 5), (1,)),
    ((3, 5), (0, 1)), ((3, 5), (1, 0)), ((2, 3, 4), (1,)), ((2, 3, 4), (0, 2)),
    ((2, 3, 4), (2, 0)), ((2, 3, 4, 5), (1, 2)), ((0,), (0,)), ((0, 3), (0,)),
    ((0, 3), (1,)), ((2, 0, 3), (0, 1)), ((1000,), (0,)), ((33, 65), (1,)),
    ((65, 33), (0,)),
)  # fmt: skip

SHAPE_AXIS = (
    ((1,), 0), ((7,), 0), ((3, 5), 0), ((3, 5), 1), ((2, 3, 4), 1), ((2, 3, 4), 2),
    ((100,), 0), ((33, 17), 0), ((0, 3), 1),
)  # fmt: skip

# Name, dtypes, low, high.
REDUCTIONS = (
    ("reduce_sum", NUMBERS, -2, 2),
    ("reduce_prod", NUMBERS, -1.5, 1.5),
    ("reduce_max", REALS, -9, 9),
    ("reduce_min", REALS, -9, 9),
    ("reduce_any", BOOL, 0, 1),
    ("reduce_all", BOOL, 0, 1),
)
CUMULATIVE = (
    ("cumulative_sum", NUMBERS, -2, 2),
    ("cumulative_prod", NUMBERS, -1.5, 1.5),
    ("cumulative_max", REALS, -9, 9),
    ("cumulative_min", REALS, -9, 9),
)
# Where two targets may add in different order.
ROUNDING = ("reduce_sum", "reduce_prod", "cumulative_sum", "cumulative_prod")

SPECIAL = (
    (1.0, np.nan, 3.0), (np.inf, 1.0, -np.inf), (np.nan, np.nan, 1.0), (-0.0, 0.0, -0.0),
    (65504.0, 65504.0, -65504.0), (3.3e38, 3.3e38, 3.3e38), (2.0, 2.0, 1.0),
)  # fmt: skip
ZEROS = ((1.5, 0.0, -2.0, 0.5), (0.0, 3.0, 0.0, 2.0), (0.0, 0.0, 0.0, 1.0))


def _tolerance(name: str, count: int) -> dict:
    if name not in ROUNDING:
        return {}
    return {"ulp": 1.0 + (count if "prod" in name else 0), "absolute": float(2 * count)}


def _reductions() -> list[Row]:
    rows = []
    for name, dtypes, low, high in REDUCTIONS:
        for shape, axes in SHAPE_AXES:
            count = math.prod(shape[axis] for axis in axes)
            few = math.prod(shape) <= 120
            rows.append(
                Row(name, (Input(shape, low, high),), {"axes": axes}, dtypes[:1],
                    gradient=math.prod(shape) > 0 and few, **_tolerance(name, count))
            )  # fmt: skip
        for layout in LAYOUTS:
            for axes in ((0,), (1,)):
                rows.append(
                    Row(name, (Input((9, 6), low, high, layout=layout),), {"axes": axes},
                        dtypes[:1], gradient=False, **_tolerance(name, 9))
                )  # fmt: skip
        for shape, axes in (((33, 5), (0,)), ((3, 65), (1,)), ((2, 3, 4), (0, 1, 2))):
            rows.append(
                Row(name, (Input(shape, low, high),), {"axes": axes}, dtypes[1:],
                    gradient=False, **_tolerance(name, 65))
            )  # fmt: skip
        if dtypes is not BOOL:
            rows.append(
                Row(name, (Input((7, 3), values=SPECIAL),), {"axes": (1,)}, FLOATS,
                    gradient=False, note="special", **_tolerance(name, 3))
            )  # fmt: skip
    return rows


def _positions() -> list[Row]:
    rows = []
    for name in ("argmax", "argmin"):
        rows += [
            Row(name, (Input(shape, -9, 9),), {"axis": axis}, REALS, gradient=False)
            for shape, axis in SHAPE_AXIS
        ]
        rows += [
            Row(name, (Input((9, 6), layout=layout),), {"axis": 1}, gradient=False)
            for layout in LAYOUTS
        ]
        rows.append(
            Row(name, (Input((7, 3), values=SPECIAL),), {"axis": 1}, FLOATS,
                gradient=False, note="special")
        )  # fmt: skip
    return rows


def _cumulative() -> list[Row]:
    rows = []
    for name, dtypes, low, high in CUMULATIVE:
        for reverse in (False, True):
            for shape, axis in SHAPE_AXIS:
                few = 0 < math.prod(shape) <= 24
                rows.append(
                    Row(name, (Input(shape, low, high),),
                        {"axis": axis, "reverse": reverse},
                        dtypes if shape == (3, 5) else dtypes[:1], gradient=few,
                        **_tolerance(name, shape[axis]))
                )  # fmt: skip
            for layout in LAYOUTS:
                rows.append(
                    Row(name, (Input((9, 6), low, high, layout=layout),),
                        {"axis": 0, "reverse": reverse}, dtypes[:1], gradient=False,
                        **_tolerance(name, 9))
                )  # fmt: skip
            rows.append(
                Row(name, (Input((7, 3), values=SPECIAL),), {"axis": 1, "reverse": reverse},
                    FLOATS, gradient=False, note="special", **_tolerance(name, 3))
            )  # fmt: skip
    return rows


def _products_with_zeros() -> list[Row]:
    inputs = (Input((3, 4), values=ZEROS),)
    rows = [
        Row("reduce_prod", inputs, {"axes": axes}, FLOATS, ulp=4, note="zeros")
        for axes in ((0,), (1,), (0, 1))
    ]
    rows += [
        Row("cumulative_prod", inputs, {"axis": 1, "reverse": reverse}, FLOATS, ulp=4,
            note="zeros")
        for reverse in (False, True)
    ]  # fmt: skip
    return rows


ROWS = (*_reductions(), *_positions(), *_cumulative(), *_products_with_zeros())
