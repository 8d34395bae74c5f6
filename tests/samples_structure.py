"""Rows of the primitives that move, index, contract and sort."""

from __future__ import annotations

import numpy as np

from tests.samples import FLOATS, INTEGERS, NUMBERS, REALS, Input, Row

SOME = ("float32", "float64", "bfloat16", "int32", "uint8", "bool")
NAN, INF = np.nan, np.inf


def indices(values: object, dtype: str = "int32") -> Input:
    """Given integers."""
    array = np.asarray(values)
    return Input(array.shape, values=array, dtype=dtype)


# -- shape -------------------------------------------------------------------------------


def reshape(shape, new, dtypes=SOME, layout="plain"):
    return Row("reshape", (Input(shape, layout=layout),), {"shape": new}, dtypes)


RESHAPE = [
    reshape((6, 4), (2, 3, 4), REALS),
    reshape((2, 3, 4), (24,)),
    reshape((), (1, 1)),
    reshape((1,), ()),
    reshape((0, 3), (7, 0)),
    reshape((5, 7), (7, 5), layout="transposed"),
    reshape((5, 7), (35,), layout="strided"),
    reshape((33, 17), (17, 33), layout="reversed"),
]


def transpose(shape, permutation, dtypes=SOME, layout="plain"):
    inputs = (Input(shape, layout=layout),)
    return Row("transpose", inputs, {"permutation": permutation}, dtypes)


TRANSPOSE = [
    transpose((3, 5), (1, 0), REALS),
    transpose((33, 65), (1, 0)),
    transpose((2, 3, 4), (2, 0, 1)),
    transpose((2, 3, 4, 5), (0, 2, 1, 3)),
    transpose((3, 1, 5), (1, 2, 0), layout="strided"),
    transpose((4, 5), (0, 1), layout="transposed"),
    transpose((4, 0, 2), (2, 1, 0)),
    transpose((), ()),
    transpose((7,), (0,)),
]


def broadcast(shape, new, dtypes=SOME, layout="plain"):
    return Row("broadcast", (Input(shape, layout=layout),), {"shape": new}, dtypes)


BROADCAST = [
    broadcast((1, 5), (3, 5), REALS),
    broadcast((5, 1), (5, 33)),
    broadcast((1, 3, 1, 2), (4, 3, 5, 2)),
    broadcast((1, 1), (17, 19)),
    broadcast((1, 4), (0, 4)),
    broadcast((0, 1), (0, 3)),
    broadcast((), ()),
    broadcast((2, 3), (2, 3)),
    broadcast((5, 1, 4), (5, 2, 4), layout="strided"),
]


def slice_(shape, start, stop, step, dtypes=SOME, layout="plain"):
    parameters = {"start": start, "stop": stop, "step": step}
    return Row("slice", (Input(shape, layout=layout),), parameters, dtypes)


SLICE = [
    slice_((7, 9), (1, 2), (6, 9), (1, 1), REALS),
    slice_((7, 9), (0, 1), (7, 8), (2, 3)),
    slice_((67,), (3,), (66,), (5,)),
    slice_((5, 4), (2, 1), (2, 3), (3, 1)),
    slice_((5, 4), (0, 0), (5, 4), (9, 4)),
    slice_((5, 0), (1, 0), (4, 0), (1, 2)),
    slice_((), (), (), ()),
    slice_((9, 9), (1, 1), (8, 8), (3, 2), layout="reversed"),
]


def pad(shape, low, high, interior, dtypes=SOME, layout="plain"):
    parameters = {"low": low, "high": high, "interior": interior}
    return Row("pad", (Input(shape, layout=layout), Input(())), parameters, dtypes)


PAD = [
    pad((3, 4), (1, 0), (2, 3), (0, 0), REALS),
    pad((3, 4), (0, 2), (1, 0), (2, 1)),
    pad((5,), (0,), (0,), (3,)),
    pad((0, 2), (2, 1), (1, 0), (3, 1)),
    pad((1, 1), (0, 0), (0, 0), (4, 4)),
    pad((), (), (), ()),
    pad((6, 3, 3), (0, 1, 1), (0, 1, 1), (0, 0, 0), layout="transposed"),
    pad((31, 17), (1, 2), (0, 3), (0, 0), layout="strided"),
]


def concatenate(*shapes, axis, dtypes=SOME, layout="plain"):
    inputs = tuple(Input(shape, layout=layout) for shape in shapes)
    return Row("concatenate", inputs, {"axis": axis}, dtypes)


CONCATENATE = [
    concatenate((2, 3), (4, 3), axis=0, dtypes=REALS),
    concatenate((2, 3), (2, 5), (2, 1), axis=1),
    concatenate((3, 2, 4), (3, 1, 4), axis=1),
    concatenate((5,), axis=0),
    concatenate((2, 0), (2, 3), (2, 0), axis=1),
    concatenate((0, 3), (0, 3), axis=0),
    concatenate((4, 33), (4, 31), axis=1, layout="strided"),
    concatenate((3, 5), (4, 5), axis=0, layout="reversed"),
]


def reverse(shape, axes, dtypes=SOME, layout="plain"):
    return Row("reverse", (Input(shape, layout=layout),), {"axes": axes}, dtypes)


REVERSE = [
    reverse((5,), (0,), REALS),
    reverse((3, 67), (1,)),
    reverse((3, 4, 5), (0, 2)),
    reverse((3, 4), ()),
    reverse((0, 4), (0, 1)),
    reverse((), ()),
    reverse((5, 6), (1,), layout="strided"),
    reverse((5, 6), (0, 1), layout="reversed"),
]

# -- indexing ----------------------------------------------------------------------------

# Some are out of range on both sides: gather clamps them, scatter drops them.
ROWS_OF_7 = [[[0], [6], [3]], [[-1], [9], [3]]]
PAIRS_OF_4_5 = [[0, 0], [3, 4], [1, -2], [1, 2], [8, 1], [1, 2]]


def gather(shape, positions, axes, dtypes=("float32", "int32"), layout="plain", note=""):
    inputs = (Input(shape, layout=layout), positions)
    return Row("gather", inputs, {"axes": axes}, dtypes, note=note)


GATHER = [
    gather((7, 5), indices(ROWS_OF_7), (0,), REALS),
    gather((5, 7), indices(ROWS_OF_7), (1,)),
    gather((2, 7, 3), indices(ROWS_OF_7), (1,), SOME),
    gather((4, 5), indices(PAIRS_OF_4_5), (0, 1)),
    gather((5, 3, 4), indices(PAIRS_OF_4_5), (2, 0)),
    gather((4, 5, 33), indices(PAIRS_OF_4_5), (0, 1)),
    gather((3, 4), indices(np.zeros((2, 0), int)), (), note="no axes"),
    gather((7, 5), indices(np.zeros((0, 1), int)), (0,), note="no indices"),
    gather((0, 5), indices(np.zeros((0, 1), int)), (0,), note="no rows"),
    gather((7, 0), indices(ROWS_OF_7), (0,), note="empty rows"),
    gather((7,), indices([6]), (0,), note="one"),
    gather((300, 2), indices([[255], [7]], "uint8"), (0,), note="uint8"),
    gather((7, 2), indices([[-128], [127]], "int8"), (0,), note="int8"),
    gather((7, 2), indices([[2**63], [1]], "uint64"), (0,), note="uint64"),
    gather((7, 2), indices([[-(2**40)], [2**40]], "int64"), (0,), note="int64"),
    gather((7, 9), indices(ROWS_OF_7), (0,), layout="strided"),
    gather((7, 9), indices(ROWS_OF_7), (0,), layout="transposed"),
    gather((4, 5, 3), indices(PAIRS_OF_4_5), (0, 1), layout="reversed"),
]


def scatter(
    shape, positions, axes, combine, dtypes=("float32", "int32"), layout="plain", note=""
):
    others = tuple(extent for axis, extent in enumerate(shape) if axis not in axes)
    updates = Input(positions.shape[:-1] + others, layout=layout)
    inputs = (Input(shape), positions, updates)
    parameters = {"axes": axes, "combine": combine}
    # Sums of a few numbers up to 2; halves are rounded once.
    inexact = combine in ("add", "multiply")
    return Row(
        "scatter",
        inputs,
        parameters,
        dtypes,
        ulp=2.0 if inexact else 0.0,
        absolute=4.0 if combine == "add" else 0.0,
        note=note,
    )


SCATTER = [
    scatter((7, 5), indices(ROWS_OF_7), (0,), "set", REALS),
    scatter((7, 5), indices(ROWS_OF_7), (0,), "add", NUMBERS),
    scatter((7, 5), indices(ROWS_OF_7), (0,), "multiply", NUMBERS),
    scatter((7, 5), indices(ROWS_OF_7), (0,), "maximum", REALS),
    scatter((7, 5), indices(ROWS_OF_7), (0,), "minimum", REALS),
    *[
        scatter(shape, indices(PAIRS_OF_4_5), axes, combine)
        for combine in ("set", "add", "multiply", "maximum", "minimum")
        for shape, axes in (((4, 5), (0, 1)), ((5, 3, 4), (2, 0)), ((4, 5, 33), (0, 1)))
    ],
    scatter((5, 7), indices(ROWS_OF_7), (1,), "set"),
    scatter((5, 7), indices(ROWS_OF_7), (1,), "add", layout="strided"),
    scatter((7,), indices([3]), (0,), "set", note="one"),
    scatter((3, 4), indices(np.zeros((2, 0), int)), (), "set", note="no axes"),
    scatter((3, 4), indices(np.zeros((2, 0), int)), (), "add", note="no axes"),
    scatter((7, 5), indices(np.zeros((0, 1), int)), (0,), "set", note="no indices"),
    scatter((7, 5), indices(np.zeros((0, 1), int)), (0,), "add", note="no indices"),
    scatter((0, 5), indices(ROWS_OF_7), (0,), "add", note="no rows"),
    scatter((7, 0), indices(ROWS_OF_7), (0,), "set", note="empty rows"),
    scatter((300, 2), indices([[255], [7]], "uint8"), (0,), "add", note="uint8"),
    scatter((7, 2), indices([[2**63], [1]], "uint64"), (0,), "set", note="uint64"),
    scatter((7, 2), indices([[-(2**40)], [2]], "int64"), (0,), "add", note="int64"),
]


def dynamic_slice(shape, starts, sizes, dtypes=("float32", "int32"), layout="plain"):
    inputs = (Input(shape, layout=layout), *map(indices, starts))
    note = "at " + ",".join(map(str, starts))
    return Row("dynamic_slice", inputs, {"sizes": sizes}, dtypes, note=note)


def dynamic_update_slice(shape, starts, sizes, dtypes=("float32", "int32"), layout="plain"):
    inputs = (Input(shape), Input(sizes, layout=layout), *map(indices, starts))
    note = "at " + ",".join(map(str, starts))
    return Row("dynamic_update_slice", inputs, {}, dtypes, note=note)


DYNAMIC = [
    make(*arguments)
    for make in (dynamic_slice, dynamic_update_slice)
    for arguments in (
        ((7, 9), (2, 3), (3, 4), REALS),
        ((7, 9), (-3, 8), (3, 4)),
        ((7, 9), (100, 0), (7, 1)),
        ((65,), (1,), (33,)),
        ((7, 9), (2, 3), (0, 4)),
        ((0, 3), (5, 1), (0, 2)),
        ((), (), ()),
        ((6, 8), (1, 2), (5, 5), ("float32",), "transposed"),
        ((6, 8), (1, 2), (4, 6), ("float32",), "strided"),
    )
]

IOTA = [
    Row("iota", (), {"shape": shape, "axis": axis, "dtype": dtype}, gradient=False)
    for dtype in NUMBERS
    for shape, axis in (((5,), 0), ((3, 17), 1), ((3, 4, 2), 1), ((4, 1), 0), ((2, 0), 1))
]

# -- contraction -------------------------------------------------------------------------

NONE = ((), ())
MATMUL = ((1,), (0,))
WIDTHS = ("float32", "float64", "float16", "bfloat16")


def dot(a, b, contract, batch=NONE, dtypes=("float32",), layouts=("plain", "plain")):
    inputs = (Input(a, layout=layouts[0]), Input(b, layout=layouts[1]))
    terms = int(np.prod([a[axis] for axis in contract[0]]))
    parameters = {"contract": contract, "batch": batch}
    note = "" if layouts == ("plain", "plain") else "@".join(layouts)
    # Each term is at most 4; sums may be taken in any order.
    return Row(
        "dot_general",
        inputs,
        parameters,
        dtypes,
        ulp=1.0,
        absolute=4.0 * terms,
        note=note,
    )


DOT_GENERAL = [
    dot((3, 5), (5, 4), MATMUL, dtypes=NUMBERS),
    dot((17, 33), (33, 65), MATMUL, dtypes=WIDTHS),
    dot((64, 48), (48, 32), MATMUL),
    dot((1, 70), (70, 1), MATMUL),
    dot((1, 9), (9, 35), MATMUL),
    dot((35, 9), (9, 1), MATMUL),
    dot((7, 1), (1, 6), MATMUL),
    dot((5, 3), (5, 4), ((0,), (0,)), dtypes=WIDTHS),
    dot((3, 5), (4, 5), ((1,), (1,)), dtypes=WIDTHS),
    dot((5, 3), (4, 5), ((0,), (1,))),
    dot((5,), (5,), ((0,), (0,)), dtypes=("float32", "int32", "bfloat16")),
    dot((4, 5), (5,), MATMUL),
    dot((5,), (5, 4), ((0,), (0,))),
    dot((3,), (4,), NONE),
    dot((), (), NONE),
    dot((), (3, 2), NONE),
    dot((2, 3), (4, 5), NONE),
    dot((6, 3, 5), (6, 5, 4), ((2,), (1,)), ((0,), (0,)), dtypes=WIDTHS),
    dot((2, 3, 7, 5), (2, 3, 5, 4), ((3,), (2,)), ((0, 1), (0, 1))),
    dot((2, 7, 3, 5), (2, 9, 3, 5), ((3,), (3,)), ((0, 2), (0, 2))),
    dot((2, 3, 7, 9), (2, 9, 3, 5), ((3,), (1,)), ((0, 1), (0, 2))),
    dot((7, 5, 6), (5, 4, 6), ((1,), (0,)), ((2,), (2,))),
    dot((2, 3, 5), (5, 4), ((2,), (0,))),
    dot((2, 3, 5), (2, 3, 4), ((0, 1), (0, 1))),
    dot((3, 4, 5), (5, 2, 3), ((0, 2), (2, 0))),
    dot((3, 4, 5), (4, 5, 3), ((2, 0, 1), (1, 2, 0))),
    dot((2, 3), (3, 2), NONE, ((1, 0), (0, 1))),
    dot((6, 4), (6, 4), ((1,), (1,)), ((0,), (0,))),
    dot((3, 0), (0, 4), MATMUL),
    dot((0, 3), (3, 4), MATMUL),
    dot((3, 4), (4, 0), MATMUL),
    dot((0, 3, 2), (0, 2, 4), ((2,), (1,)), ((0,), (0,))),
    *[
        dot((18, 19), (19, 17), MATMUL, layouts=layouts)
        for layouts in (
            ("strided", "plain"),
            ("plain", "strided"),
            ("transposed", "reversed"),
            ("reversed", "transposed"),
            ("repeated", "offset"),
            ("offset", "repeated"),
        )
    ],
    Row(
        "dot_general",
        (
            Input((2, 2), values=[[1, INF], [NAN, 0]]),
            Input((2, 2), values=[[1, 0], [1, -INF]]),
        ),
        {"contract": MATMUL, "batch": NONE},
        FLOATS,
        gradient=False,
        note="not finite",
    ),
]

# -- sorting -----------------------------------------------------------------------------

SPECIAL = [NAN, 1.0, -INF, 0.0, -0.0, INF, NAN, -1.0, 0.0, 1.0]
TIES = [[3, 1, 3, 1, 2], [0, 0, 0, 0, 0]]


def sorts(shape, axis, dtypes=SOME, layout="plain", values=None, note="", gradient=True):
    inputs = (Input(shape, layout=layout, values=values),)
    parameters = {"axis": axis}
    return [
        Row("sort", inputs, parameters, dtypes, gradient=gradient, note=note),
        Row("argsort", inputs, parameters, dtypes, gradient=False, note=note),
    ]


SORTING = [
    *sorts((9,), 0, REALS),
    *sorts((4, 67), 1, ("float32", "float64", "int32")),
    *sorts((13, 5), 0),
    *sorts((3, 6, 2), 1),
    *sorts((1,), 0),
    *sorts((0, 3), 0),
    *sorts((3, 0), 0),
    *sorts((10,), 0, FLOATS, values=SPECIAL, note="special", gradient=False),
    *sorts((2, 5), 1, FLOATS + INTEGERS, values=TIES, note="ties", gradient=False),
    *sorts((5, 8), 1, ("float32",), layout="strided"),
    *sorts((5, 8), 1, ("float32",), layout="reversed"),
    *sorts((5, 8), 0, ("float32",), layout="transposed"),
]

ROWS = [
    *RESHAPE,
    *TRANSPOSE,
    *BROADCAST,
    *SLICE,
    *PAD,
    *CONCATENATE,
    *REVERSE,
    *GATHER,
    *SCATTER,
    *DYNAMIC,
    *IOTA,
    *DOT_GENERAL,
    *SORTING,
]
