"""Sample rows of the elementwise primitives."""

from __future__ import annotations

import numpy as np

from tests.samples import BITS, BOOL, FLOATS, INTEGERS, NUMBERS, REALS, Input, Row
from weft.dtypes import canonical

SHAPES = ((), (1,), (7,), (3, 5), (2, 3, 4), (0,), (2, 0, 3), (65,), (17, 33))
LAYOUTS = ("strided", "transposed", "reversed", "offset", "repeated")

# What is too large for a dtype becomes its infinity.
FLOAT_EDGES = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.0,
    1e-45, -1e-40, 1e-7, 6e-8, 1e-30, 88.8, -87.5, -104.0, 255.5, 65504.0, -65504.0, 1e10,
    3.38e38, -3.4028234e38, 1e300, 1.7e308,
)  # fmt: skip
FLOAT_PAIR_EDGES = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.0, 1e-40, 65504.0,
    -3.4028234e38,
)  # fmt: skip
# What is too large for a dtype wraps around, to an edge of that dtype.
INTEGER_EDGES = (
    0, 1, -1, 2, -2, 3, 7, -7, 8, 16, 31, 32, 63, 64, 127, -128, 255, 32767, -32768, 65535,
    2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63),
)  # fmt: skip

# Name, dtypes, low, high, ulp, absolute.
UNARY = (
    ("negative", NUMBERS, -9, 9, 0, 0),
    ("absolute", NUMBERS, -9, 9, 0, 0),
    ("sign", NUMBERS, -9, 9, 0, 0),
    ("floor", FLOATS, -9, 9, 0, 0),
    ("ceil", FLOATS, -9, 9, 0, 0),
    ("round", FLOATS, -9, 9, 0, 0),
    ("trunc", FLOATS, -9, 9, 0, 0),
    ("is_finite", REALS, -9, 9, 0, 0),
    ("is_nan", REALS, -9, 9, 0, 0),
    ("is_inf", REALS, -9, 9, 0, 0),
    ("bitwise_not", BITS, -9, 9, 0, 0),
    ("exp", FLOATS, -5, 5, 4, 0),
    ("expm1", FLOATS, -3, 3, 4, 0),
    ("log", FLOATS, 0.1, 9, 4, 0),
    ("log1p", FLOATS, -0.9, 9, 4, 0),
    ("sqrt", FLOATS, 0.1, 9, 1, 0),
    ("rsqrt", FLOATS, 0.1, 9, 4, 0),
    ("sin", FLOATS, -9, 9, 4, 0),
    ("cos", FLOATS, -9, 9, 4, 0),
    ("tan", FLOATS, -1.4, 1.4, 4, 0),
    ("arcsin", FLOATS, -0.95, 0.95, 4, 0),
    ("arccos", FLOATS, -0.95, 0.95, 4, 0),
    ("arctan", FLOATS, -9, 9, 4, 0),
    ("sinh", FLOATS, -4, 4, 4, 0),
    ("cosh", FLOATS, -4, 4, 4, 0),
    ("tanh", FLOATS, -4, 4, 4, 0),
    ("arcsinh", FLOATS, -9, 9, 4, 0),
    ("arccosh", FLOATS, 1.1, 9, 4, 0),
    ("arctanh", FLOATS, -0.9, 0.9, 4, 0),
    ("relu", FLOATS, -9, 9, 0, 0),
    ("sigmoid", FLOATS, -9, 9, 4, 0),
    ("erf", FLOATS, -3, 3, 4, 0),
    ("erfc", FLOATS, -3, 3, 8, 0),
    ("erfinv", FLOATS, -0.95, 0.95, 8, 0),
    ("lgamma", FLOATS, 0.2, 15, 8, 8),
    ("digamma", FLOATS, 0.2, 15, 8, 8),
    ("stop_gradient", REALS, -9, 9, 0, 0),
)

# Name, dtypes, low and high of x, low and high of y, ulp.
BINARY = (
    ("add", NUMBERS, -9, 9, -9, 9, 0),
    ("subtract", NUMBERS, -9, 9, -9, 9, 0),
    ("multiply", NUMBERS, -9, 9, -9, 9, 0),
    ("divide", FLOATS, -9, 9, 0.3, 9, 0),
    ("floor_divide", NUMBERS, -50, 50, 1, 9, 0),
    ("remainder", NUMBERS, -50, 50, 1, 9, 0),
    ("power", FLOATS, 0.2, 3, -3, 3, 4),
    ("power", INTEGERS, -3, 3, 0, 5, 0),
    ("maximum", REALS, -9, 9, -9, 9, 0),
    ("minimum", REALS, -9, 9, -9, 9, 0),
    ("arctan2", FLOATS, -3, 3, -3, 3, 4),
    ("nextafter", FLOATS, -3, 3, -3, 3, 0),
    ("equal", REALS, -2, 2, -2, 2, 0),
    ("not_equal", REALS, -2, 2, -2, 2, 0),
    ("less", REALS, -2, 2, -2, 2, 0),
    ("less_equal", REALS, -2, 2, -2, 2, 0),
    ("greater", REALS, -2, 2, -2, 2, 0),
    ("greater_equal", REALS, -2, 2, -2, 2, 0),
    ("bitwise_and", BITS, -99, 99, -99, 99, 0),
    ("bitwise_or", BITS, -99, 99, -99, 99, 0),
    ("bitwise_xor", BITS, -99, 99, -99, 99, 0),
    ("shift_left", INTEGERS, -99, 99, 0, 9, 0),
    ("shift_right", INTEGERS, -99, 99, 0, 9, 0),
)

# Derivatives that are declared, not measured.
DECLARED = ("stop_gradient", "nextafter")


def over_shapes(name: str, ranges: tuple, dtypes: tuple, **facts) -> list[Row]:
    """Inputs of one shape, each with its range: many shapes and layouts for the first
    dtype, a few for the others."""

    def row(shape, dtypes, layout="plain", gradient=False):
        inputs = [Input(shape, low, high, layout=layout) for low, high in ranges]
        return Row(name, tuple(inputs), dtypes=dtypes, gradient=gradient, **facts)

    smooth = () if name in DECLARED else ((), (7,), (2, 3, 4))
    rows = [row(shape, dtypes[:1], gradient=shape in smooth) for shape in SHAPES]
    rows += [row((5, 7), dtypes[:1], layout) for layout in LAYOUTS]
    if len(dtypes) > 1:
        rows += [row((33,), dtypes[1:]), row((3, 5), dtypes[1:], "strided")]
    return rows


def over_edges(name: str, count: int, dtypes: tuple, **facts) -> list[Row]:
    """All edge values; for two inputs all pairs of them."""
    floats = FLOAT_EDGES if count == 1 else FLOAT_PAIR_EDGES
    rows = []
    for edges, group in ((floats, FLOATS), (INTEGER_EDGES, INTEGERS), ((0, 1), BOOL)):
        found = tuple(dtype for dtype in dtypes if dtype in group)
        if not found:
            continue
        grids = np.meshgrid(*[np.asarray(edges)] * count)
        inputs = tuple(Input((grid.size,), values=grid.ravel()) for grid in grids)
        rows.append(Row(name, inputs, dtypes=found, gradient=False, note="edges", **facts))
    return rows


def _unary() -> list[Row]:
    rows = []
    for name, dtypes, low, high, ulp, absolute in UNARY:
        facts = {"ulp": ulp, "absolute": absolute}
        rows += over_shapes(name, ((low, high),), dtypes, **facts)
        rows += over_edges(name, 1, dtypes, **facts)
    return rows


def _binary() -> list[Row]:
    rows = []
    for name, dtypes, low, high, low_y, high_y, ulp in BINARY:
        rows += over_shapes(name, ((low, high), (low_y, high_y)), dtypes, ulp=ulp)
        rows += over_edges(name, 2, dtypes, ulp=ulp)
    return rows


def _polygamma() -> list[Row]:
    rows = []
    for n in (0, 1, 2, 4):
        facts = {"parameters": {"n": n}, "ulp": 16, "absolute": 16}
        rows += over_shapes("polygamma", ((0.4, 15),), FLOATS, **facts)
    return rows


def _select() -> list[Row]:
    def row(shape, dtypes, layout="plain", gradient=False):
        branches = Input(shape, layout=layout), Input(shape, layout=layout)
        return Row(
            "select", (Input(shape, dtype="bool"), *branches), dtypes=dtypes,
            gradient=gradient,
        )  # fmt: skip

    rows = [row(shape, REALS[:1], gradient=shape in ((), (7,))) for shape in SHAPES]
    rows += [row((5, 7), REALS[:1], layout) for layout in LAYOUTS]
    return [*rows, row((33,), REALS[1:])]


def _cast() -> list[Row]:
    rows = [
        row
        for dtype in REALS
        for row in [
            Row("cast", (Input((33,), -9, 9),), {"dtype": canonical(dtype)}, dtypes=REALS,
                gradient=dtype == "float64"),
            *over_edges("cast", 1, REALS, parameters={"dtype": canonical(dtype)}),
        ]
    ]  # fmt: skip
    to_integer = {"dtype": canonical("int32")}
    inputs = [Input(shape) for shape in SHAPES]
    inputs += [Input((5, 7), layout=layout) for layout in LAYOUTS]
    rows += [Row("cast", (item,), to_integer, gradient=False) for item in inputs]
    for small in ("float8_e4m3fn", "float8_e5m2"):
        rows += [
            Row("cast", (Input((33,), -9, 9),), {"dtype": canonical(small)}, dtypes=FLOATS,
                gradient=False),
            Row("cast", (Input((33,), -9, 9),), {"dtype": canonical("float32")},
                dtypes=(small,), gradient=False),
        ]  # fmt: skip
    return rows


# At points of special interest: the slope of a power at 0, an even or odd whole exponent.
POWERS = (
    Row("power", (Input((6,), values=(0.0, 0.0, 0.0, -2.0, -2.0, 3.0)),
                  Input((6,), values=(1.0, 2.0, 3.0, 3.0, 2.0, 0.0))),
        dtypes=FLOATS, ulp=4, gradient=False, note="whole exponents"),
)  # fmt: skip

ROWS = (*_unary(), *_binary(), *_polygamma(), *_select(), *_cast(), *POWERS)
