"""Vector math against mpmath and NumPy, over the whole range of float and double.

Each function is measured in units in the last place of the true value; `lgamma` and
`digamma`, which have zeros that no short formula meets, in those of max(|value|, 1).
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
import re

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest

from weft.targets.llvm.ir import F16, F32, F64, I64, PTR, Module, Type
from weft.targets.llvm.vector_math import (
    ULP_BOUND,
    ULP_BOUND_NO_FMA,
    VECTOR_MATH,
)

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()

BINARY = {"pow", "atan2", "remainder", "fmod", "copysign", "minimum", "maximum"}
PREDICATES = {"is_finite", "is_nan", "is_inf"}
DTYPES = {"float": np.float32, "double": np.float64}
KINDS = ("float", "double")
INF, NAN = math.inf, math.nan

# What is measured against mpmath, and where its interesting arguments lie.
REFERENCES = {
    "exp": (mpmath.exp, (-750, 712)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-1080, 1025)),
    "expm1": (mpmath.expm1, (-60, 712)),
    "log": (mpmath.log, (0, 1000)),
    "log2": (lambda x: mpmath.log(x) / mpmath.ln2, (0, 4)),
    "log10": (mpmath.log10, (0, 4)),
    "log1p": (mpmath.log1p, (-1, 4)),
    "sqrt": (mpmath.sqrt, (0, 100)),
    "rsqrt": (lambda x: 1 / mpmath.sqrt(x), (0, 100)),
    "sin": (mpmath.sin, (-1e6, 1e6)),
    "cos": (mpmath.cos, (-1e6, 1e6)),
    "tan": (mpmath.tan, (-1e6, 1e6)),
    "asin": (mpmath.asin, (-1, 1)),
    "acos": (mpmath.acos, (-1, 1)),
    "atan": (mpmath.atan, (-10, 10)),
    "sinh": (mpmath.sinh, (-712, 712)),
    "cosh": (mpmath.cosh, (-712, 712)),
    "tanh": (mpmath.tanh, (-22, 22)),
    "asinh": (mpmath.asinh, (-10, 10)),
    "acosh": (mpmath.acosh, (1, 10)),
    "atanh": (mpmath.atanh, (-1, 1)),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), (-750, 50)),
    "erf": (mpmath.erf, (-6.5, 6.5)),
    "erfc": (mpmath.erfc, (-7, 28)),
    "erf_inv": (mpmath.erfinv, (-1, 1)),
    "lgamma": (lambda x: mpmath.log(abs(mpmath.gamma(x))), (-20, 50)),
    "digamma": (mpmath.digamma, (-20, 50)),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), (-100, 100)),
    "pow": (mpmath.power, (0, 10)),
    "atan2": (mpmath.atan2, (-2, 2)),
}
# Beyond these magnitudes mpmath would take minutes; the result is 0, 1 or infinite anyway.
TOO_LARGE = dict.fromkeys(
    "exp exp2 expm1 sinh cosh tanh sigmoid erf erfc lgamma digamma".split(), 2000.0
)
ANGLES = ("sin", "cos", "tan")
FROM_ONE = ("lgamma", "digamma")


# -- compiling -------------------------------------------------------------------------


def kernels(names: tuple[str, ...], type: Type, lanes: int, has_fma: bool) -> str:
    """A module with a loop over arrays for each function."""
    module = Module()
    module.has_fma = has_fma
    vector = type.vector(lanes)
    for name in names:
        f = module.function(f"run_{name}", [("x", PTR), ("y", PTR), ("z", PTR), ("n", I64)])
        x, y, z, n = f.parameters
        with f.loop(0, n, max(1, lanes)) as i:
            inputs = (x, y) if name in BINARY else (x,)
            values = [f.load(vector, f.element(place, type, i)) for place in inputs]
            result = VECTOR_MATH[name](f, *values)
            if name in PREDICATES:
                result = f.select(result, f.constant(vector, 1.0), 0.0)
            f.store(result, f.element(z, type, i))
        f.ret()
    return module.text()


def optimized(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    module.triple = machine.triple
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = options.slp_vectorization = False
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return module


def host_machine(has_fma: bool) -> llvm.TargetMachine:
    target = llvm.Target.from_default_triple()
    if not has_fma and target.name.startswith("x86"):
        return target.create_target_machine(cpu="x86-64", opt=1, jit=True)
    features = llvm.get_host_cpu_features().flatten()
    cpu = llvm.get_host_cpu_name()
    return target.create_target_machine(cpu=cpu, features=features, opt=1, jit=True)


def host_has_fma() -> bool:
    features = llvm.get_host_cpu_features()
    return bool(features.get("fma")) or not llvm.get_default_triple().startswith("x86")


class Library:
    """The functions compiled for this machine, callable on arrays."""

    def __init__(
        self, kind: str, lanes: int, has_fma: bool, names=tuple(VECTOR_MATH)
    ) -> None:
        machine = host_machine(has_fma)
        module = optimized(kernels(names, Type(kind), lanes, has_fma), machine)
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()
        self.dtype = DTYPES[kind]

    def __call__(self, name: str, x, y=None) -> np.ndarray:
        x = np.asarray(x, self.dtype)
        padding = np.ones(-len(x) % 16, self.dtype)
        x, y = (
            np.concatenate([np.asarray(v, self.dtype), padding])
            for v in (x, x if y is None else y)
        )
        z = np.empty_like(x)
        signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
        run = signature(self.engine.get_function_address(f"run_{name}"))
        run(x.ctypes.data, y.ctypes.data, z.ctypes.data, len(x))
        return z[: len(z) - len(padding)]


@functools.cache
def library(kind: str, lanes: int, has_fma: bool) -> Library:
    return Library(kind, lanes, has_fma)


def libraries(kind: str) -> list[tuple[Library, dict]]:
    """With and without fused multiply-add, each with its bounds."""
    lanes = 64 // np.dtype(DTYPES[kind]).itemsize
    found = [(library(kind, 0, False), ULP_BOUND_NO_FMA)]
    if host_has_fma():
        found.append((library(kind, lanes, True), ULP_BOUND))
    return found


# -- arguments -------------------------------------------------------------------------


def random_bits(dtype: type, count: int, generator: np.random.Generator) -> np.ndarray:
    raw = generator.integers(0, 2**64, count, dtype=np.uint64)
    return (raw.astype(np.uint32) if dtype == np.float32 else raw).view(dtype)


def edge_values(dtype: type) -> np.ndarray:
    """Zeros, denormals, boundaries, halves, integers, infinities, NaN; both signs."""
    info = np.finfo(dtype)
    least = info.smallest_subnormal
    listed = [
        0, least, 3 * least, info.tiny - least, info.tiny, info.tiny * 3, info.eps,
        0.5, 1, 1 - info.epsneg, 1 + info.eps, 1.5, 2, 2.5, 3, 3.5, 7, 10, 1e10,
        2.0 ** info.nmant, 2.0 ** info.nmant + 1, 2.0 ** (info.nmant - 1) + 0.5,
        2.0 ** (info.nmant + 1) + 2, info.max / 2, info.max, INF, NAN,
        math.pi, math.pi / 2, math.pi / 4, 88.72, 88.73, 103.9, 709.78, 709.79, 745.2,
    ]  # fmt: skip
    values = np.array(listed, np.float64).astype(dtype)
    return np.concatenate([values, -values])


@functools.cache
def arguments(name: str, kind: str) -> tuple[np.ndarray, ...]:
    """Arguments over the interesting interval, near 0 and 1, denormal, and any bits."""
    dtype, generator = DTYPES[kind], np.random.default_rng(len(name) * 7 + len(kind))
    low, high = REFERENCES[name][1]
    if kind == "float" and name not in (*ANGLES, "log"):
        low, high = max(low, -155), min(high, 130)
    bits = np.finfo(dtype).nmant + 1

    def scaled(count: int, least: int) -> np.ndarray:
        powers = generator.integers(least, 1, count)
        return np.ldexp(generator.uniform(-1, 1, count), powers)

    def one_set() -> np.ndarray:
        pieces = [
            generator.uniform(low, high, 1000),
            generator.uniform(-3, 3, 1000),
            1 + scaled(300, -bits),
            -1 + scaled(200, -bits),
            scaled(400, -40),
            random_bits(dtype, 500, generator),
            random_bits(dtype, 100, generator) * np.finfo(dtype).tiny,
            np.arange(-30, 31) / 2,
        ]
        return np.concatenate([p.astype(dtype) for p in pieces] + [edge_values(dtype)])

    with np.errstate(all="ignore"):
        x = one_set()
        if name not in BINARY:
            return (x,)
        y = generator.permutation(one_set())
        if name == "pow":
            # Exponents that bring the result anywhere in the range.
            x = np.abs(x)
            reach = generator.uniform(-1.05, 1.05, len(x)) * math.log(np.finfo(dtype).max)
            wanted = (reach / np.log(x.astype(np.float64))).astype(dtype)
            y = np.where(np.arange(len(x)) % 4 == 0, y, wanted)
        return x, y


# -- true values -----------------------------------------------------------------------


@functools.cache
def true_values(name: str, kind: str) -> list:
    """mpmath's values: None where there is no finite one, or none is asked for."""
    reference = REFERENCES[name][0]
    found = []
    for row in zip(*arguments(name, kind), strict=True):
        row = [float(v) for v in row]
        precise = name in ANGLES and abs(row[0]) > 1e5
        with mpmath.workprec(1250 if precise else 180):
            found.append(_true_value(name, reference, row))
    return found


def _true_value(name: str, reference, row: list[float]):
    if not all(map(math.isfinite, row)) or abs(row[0]) > TOO_LARGE.get(name, INF):
        return None
    if name == "atan2" and row[0] == 0:
        return None  # numbers of mpmath have no sign at zero
    if name == "pow" and (row[0] == 0 or abs(row[1] * math.log(row[0])) > 2000):
        return None
    try:
        value = reference(*map(mpmath.mpf, row))
    except (ValueError, ZeroDivisionError):
        return None
    return None if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value) else value


def ulp(value, dtype: type):
    """The distance of neighbours of `dtype` at `value`."""
    info = np.finfo(dtype)
    exponent = max(mpmath.frexp(value)[1] - 1, info.minexp) if value else info.minexp
    return mpmath.mpf(2) ** (exponent - info.nmant)


def worst_error(name: str, kind: str, got: np.ndarray) -> tuple[float, str]:
    """The largest error in ulp, with the place where it is."""
    dtype = DTYPES[kind]
    overflow = mpmath.mpf(2) ** np.finfo(dtype).maxexp
    overflow -= ulp(np.finfo(dtype).max, dtype) / 2
    worst = (0.0, "")
    for row, value, number in zip(
        zip(*arguments(name, kind), strict=True), true_values(name, kind), got, strict=True
    ):
        if value is None:
            continue
        unit = ulp(max(abs(value), 1) if name in FROM_ONE else value, dtype)
        number = float(number)
        if math.isinf(number) and (number > 0) == (value > 0):
            # An infinity counts as the first number too large.
            error = float(max(0, overflow - abs(value)) / unit)
        elif math.isfinite(number):
            error = float(abs(number - value) / unit)
        else:
            error = INF
        if error > worst[0]:
            worst = error, f"{name}{tuple(map(float, row))} = {number!r}, not {value}"
    return worst


# -- tests -----------------------------------------------------------------------------


def test_every_measured_function_states_its_bounds():
    for bounds in (ULP_BOUND, ULP_BOUND_NO_FMA):
        assert set(bounds) == set(REFERENCES)
        assert all(set(row) == set(KINDS) for row in bounds.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REFERENCES)
def test_errors_are_within_the_stated_bounds(name, kind):
    for run, bounds in libraries(kind):
        error, where = worst_error(name, kind, run(name, *arguments(name, kind)))
        assert error <= bounds[name][kind], f"{error:.3f} ulp at {where}"


# NumPy's double is near enough to the truth to judge float by a million points.
DENSE = {
    "exp": (np.exp, -104, 89), "exp2": (np.exp2, -151, 128), "expm1": (np.expm1, -20, 89),
    "log": (np.log, 0, 20), "log2": (np.log2, 0, 20), "log10": (np.log10, 0, 20),
    "log1p": (np.log1p, -1, 20), "tanh": (np.tanh, -10, 10), "sin": (np.sin, -50, 50),
    "cos": (np.cos, -50, 50), "tan": (np.tan, -50, 50), "asin": (np.arcsin, -1, 1),
    "acos": (np.arccos, -1, 1), "atan": (np.arctan, -10, 10), "sinh": (np.sinh, -89, 89),
    "cosh": (np.cosh, -89, 89), "cbrt": (np.cbrt, -100, 100), "asinh": (np.arcsinh, -9, 9),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -103, 20),
    "rsqrt": (lambda x: x**-0.5, 0, 9),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSE)
def test_float_is_within_its_bound_on_a_million_points(name):
    reference, low, high = DENSE[name]
    x = np.linspace(low, high, 1_000_003)[1:-1].astype(np.float32)
    true = reference(x.astype(np.float64))
    unit = np.ldexp(1.0, np.maximum(np.frexp(true)[1] - 24, -149))
    run, bounds = libraries("float")[-1]
    got = run(name, x).astype(np.float64)
    finite = np.abs(true) < np.finfo(np.float32).max
    error = np.abs(got - true)[finite] / unit[finite]
    place = x[finite][np.argmax(error)]
    assert error.max() <= bounds[name]["float"], f"{error.max():.3f} ulp at {name}({place})"


@pytest.mark.parametrize("kind", KINDS)
def test_lanes_give_the_same_bits(kind):
    if not host_has_fma():
        pytest.skip("needs fused multiply-add")
    dtype = DTYPES[kind]
    generator = np.random.default_rng(3)
    x = np.concatenate(
        [generator.uniform(-5, 5, 500), generator.uniform(-1, 1, 500)]
    ).astype(dtype)
    x = np.concatenate([x, random_bits(dtype, 1000, generator), edge_values(dtype)])
    y = generator.permutation(x)
    for name in VECTOR_MATH:
        alone, few, many = (library(kind, n, True)(name, x, y) for n in (0, 4, 16))
        for wide in (few, many):
            # Processors differ in which NaN they give, so all NaN count as one.
            same = (alone.tobytes() == wide.tobytes()) or np.array_equal(
                np.where(np.isnan(alone), 1, alone).view(f"u{alone.itemsize}"),
                np.where(np.isnan(wide), 1, wide).view(f"u{alone.itemsize}"),
            )
            assert same, name
            assert np.array_equal(np.isnan(alone), np.isnan(wide)), name


SPECIAL = [
    # name, arguments, result
    ("exp", (-INF,), 0.0), ("exp", (INF,), INF), ("exp", (0.0,), 1.0),
    ("exp", (1e30,), INF), ("exp", (-1e30,), 0.0), ("exp2", (INF,), INF),
    ("exp2", (-INF,), 0.0), ("exp2", (10.0,), 1024.0), ("exp2", (-126.0,), 2.0**-126),
    ("expm1", (-0.0,), -0.0), ("expm1", (-INF,), -1.0), ("expm1", (INF,), INF),
    ("log", (0.0,), -INF), ("log", (-0.0,), -INF), ("log", (-1.0,), NAN),
    ("log", (INF,), INF), ("log", (1.0,), 0.0), ("log2", (0.0,), -INF),
    ("log2", (8.0,), 3.0), ("log2", (2.0**-126,), -126.0), ("log10", (0.0,), -INF),
    ("log10", (1000.0,), 3.0), ("log10", (-INF,), NAN), ("log1p", (-1.0,), -INF),
    ("log1p", (-0.0,), -0.0), ("log1p", (-2.0,), NAN), ("log1p", (INF,), INF),
    ("sqrt", (-0.0,), -0.0), ("sqrt", (-1.0,), NAN), ("rsqrt", (0.0,), INF),
    ("rsqrt", (-0.0,), -INF), ("rsqrt", (INF,), 0.0), ("rsqrt", (-1.0,), NAN),
    ("sin", (-0.0,), -0.0), ("sin", (INF,), NAN), ("sin", (-INF,), NAN),
    ("cos", (0.0,), 1.0), ("cos", (INF,), NAN), ("tan", (-0.0,), -0.0),
    ("tan", (-INF,), NAN), ("asin", (-0.0,), -0.0), ("asin", (1.5,), NAN),
    ("asin", (INF,), NAN), ("acos", (1.0,), 0.0), ("acos", (-2.0,), NAN),
    ("acos", (INF,), NAN), ("atan", (-0.0,), -0.0), ("atan", (INF,), math.pi / 2),
    ("sinh", (-0.0,), -0.0), ("sinh", (-INF,), -INF), ("cosh", (-INF,), INF),
    ("cosh", (0.0,), 1.0), ("tanh", (-0.0,), -0.0), ("tanh", (INF,), 1.0),
    ("tanh", (-INF,), -1.0), ("asinh", (-0.0,), -0.0), ("asinh", (-INF,), -INF),
    ("acosh", (1.0,), 0.0), ("acosh", (0.5,), NAN), ("acosh", (INF,), INF),
    ("acosh", (-INF,), NAN), ("atanh", (-0.0,), -0.0), ("atanh", (1.0,), INF),
    ("atanh", (-1.0,), -INF), ("atanh", (2.0,), NAN), ("sigmoid", (0.0,), 0.5),
    ("sigmoid", (INF,), 1.0), ("sigmoid", (-INF,), 0.0), ("erf", (-0.0,), -0.0),
    ("erf", (INF,), 1.0), ("erf", (-INF,), -1.0), ("erfc", (INF,), 0.0),
    ("erfc", (-INF,), 2.0), ("erf_inv", (1.0,), INF), ("erf_inv", (-1.0,), -INF),
    ("erf_inv", (-0.0,), -0.0), ("erf_inv", (2.0,), NAN), ("lgamma", (1.0,), 0.0),
    ("lgamma", (2.0,), 0.0), ("lgamma", (0.0,), INF), ("lgamma", (-3.0,), INF),
    ("lgamma", (INF,), INF), ("lgamma", (-INF,), INF), ("digamma", (0.0,), -INF),
    ("digamma", (-0.0,), INF), ("digamma", (-2.0,), NAN), ("digamma", (INF,), INF),
    ("digamma", (-INF,), NAN), ("cbrt", (-0.0,), -0.0), ("cbrt", (-INF,), -INF),
    ("cbrt", (27.0,), 3.0), ("cbrt", (-8.0,), -2.0), ("floor", (-0.5,), -1.0),
    ("floor", (-0.0,), -0.0), ("ceil", (-0.5,), -0.0), ("ceil", (0.5,), 1.0),
    ("round", (2.5,), 2.0), ("round", (-0.5,), -0.0), ("trunc", (-0.9,), -0.0),
    ("trunc", (INF,), INF), ("sign", (-0.0,), 0.0), ("sign", (-INF,), -1.0),
    ("sign", (3.0,), 1.0), ("abs", (-INF,), INF), ("minimum", (1.0, NAN), NAN),
    ("minimum", (NAN, 1.0), NAN), ("minimum", (1.0, -2.0), -2.0),
    ("maximum", (1.0, NAN), NAN), ("maximum", (NAN, 1.0), NAN),
    ("maximum", (1.0, INF), INF), ("copysign", (2.0, -0.0), -2.0),
    ("is_nan", (NAN,), 1.0), ("is_nan", (INF,), 0.0), ("is_inf", (-INF,), 1.0),
    ("is_inf", (NAN,), 0.0), ("is_finite", (NAN,), 0.0), ("is_finite", (-1.0,), 1.0),
    ("is_finite", (INF,), 0.0),
]  # fmt: skip
# Functions of one argument that do not just tell about NaN give NaN for it.
KEEP_NAN = sorted(set(VECTOR_MATH) - BINARY - PREDICATES)


@pytest.mark.parametrize("kind", KINDS)
def test_special_values(kind):
    rows = SPECIAL + [(name, (NAN,), NAN) for name in KEEP_NAN]
    for run, _ in libraries(kind):
        for name, row, expected in rows:
            (got,) = run(name, *([v] for v in row))
            expected = run.dtype(expected)
            message = f"{name}{row}: {got!r}, not {expected!r}"
            assert got == expected or (np.isnan(got) and np.isnan(expected)), message
            assert np.isnan(got) or np.signbit(got) == np.signbit(expected), message


@pytest.mark.parametrize("kind", KINDS)
def test_nan_with_any_payload_stays_nan(kind):
    dtype = DTYPES[kind]
    numbers = random_bits(dtype, 4000, np.random.default_rng(2))
    unsigned = f"u{numbers.itemsize}"
    nans = (numbers.view(unsigned) | np.array(INF, dtype).view(unsigned)).view(dtype)
    nans = nans[np.isnan(nans)]
    for run, _ in libraries(kind):
        for name in KEEP_NAN:
            assert np.isnan(run(name, nans)).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_exact_functions_agree_with_numpy(kind):
    dtype = DTYPES[kind]
    generator = np.random.default_rng(1)
    x = np.concatenate(
        [
            edge_values(dtype),
            random_bits(dtype, 3000, generator),
            generator.uniform(-100, 100, 3000).astype(dtype),
            np.ldexp(
                generator.uniform(-1, 1, 1000), generator.integers(0, 60, 1000)
            ).astype(dtype),
        ]
    )
    y = generator.permutation(x)
    edges = edge_values(dtype)
    first, second = (v.ravel() for v in np.meshgrid(edges, edges))
    x, y = np.concatenate([x, first]), np.concatenate([y, second])
    twins = {
        "floor": np.floor, "ceil": np.ceil, "round": np.rint, "trunc": np.trunc,
        "abs": np.abs, "sqrt": np.sqrt, "copysign": np.copysign, "fmod": np.fmod,
        "remainder": np.remainder, "minimum": np.minimum, "maximum": np.maximum,
        "is_nan": np.isnan, "is_inf": np.isinf, "is_finite": np.isfinite,
    }  # fmt: skip
    for (run, _), (name, twin) in itertools.product(libraries(kind), twins.items()):
        with np.errstate(all="ignore"):
            expected = (twin(x, y) if name in BINARY else twin(x)).astype(dtype)
        got = run(name, x, y)
        np.testing.assert_array_equal(got, expected, err_msg=name)
        if name not in ("minimum", "maximum"):
            signs = np.signbit(got) == np.signbit(expected)
            assert (signs | np.isnan(expected)).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_pow_and_atan2_follow_c_at_the_edges(kind):
    dtype = DTYPES[kind]
    listed = [0, 0.5, 1, 1.5, 2, 3, 4, 2.0**24 - 1, 2.0**24, 2.0**53, 1e30, 1e-30, INF]
    listed = np.array(listed, dtype)
    listed = np.concatenate([listed, -listed, np.array([NAN], dtype)])
    x, y = (v.ravel() for v in np.meshgrid(listed, listed))
    for (run, _), name in itertools.product(libraries(kind), ("pow", "atan2")):
        with np.errstate(all="ignore"):
            twin = {"pow": np.power, "atan2": np.arctan2}[name]
            expected = twin(x.astype(np.float64), y.astype(np.float64)).astype(dtype)
        got = run(name, x, y)
        np.testing.assert_allclose(
            got, expected, rtol=4 * np.finfo(dtype).eps, err_msg=name
        )
        signs = np.signbit(got) == np.signbit(expected)
        assert (signs | np.isnan(expected)).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_angles_nearest_to_a_quarter_turn(kind):
    # The hardest arguments of each format: found by continued fractions of π (Kahan).
    numbers = [float.fromhex("0x1.6ac5b262ca1ffp+849"), 6381956970095103 * 2.0**797, 1e22]
    numbers = [16367173 * 2.0**72, 1e22] if kind == "float" else numbers
    numbers = np.array(numbers, DTYPES[kind])
    for run, bounds in libraries(kind):
        for name in ANGLES:
            for x, got in zip(numbers, run(name, numbers), strict=True):
                with mpmath.workprec(1300):
                    true = REFERENCES[name][0](mpmath.mpf(float(x)))
                    error = abs(float(got) - true) / ulp(true, DTYPES[kind])
                assert error <= bounds[name][kind], (name, x, got)


MACHINES = {
    "SSE2": ("x86_64-unknown-linux-gnu", "x86-64", False),
    "AVX2": ("x86_64-unknown-linux-gnu", "haswell", True),
    "AVX-512": ("x86_64-unknown-linux-gnu", "skylake-avx512", True),
    "NEON": ("aarch64-unknown-linux-gnu", "generic", True),
}
# A call or a jump to a name that is not a label of this file.
CALL = re.compile(r"^\s+(?:call\w*|jmp|bl|b)\s+(?!\.L)([A-Za-z_][\w@.]*)", re.MULTILINE)


@pytest.mark.parametrize("machine", MACHINES)
def test_no_code_is_called_outside_the_module(machine):
    triple, cpu, has_fma = MACHINES[machine]
    target = llvm.Target.from_triple(triple)
    host = target.create_target_machine(cpu=cpu, opt=1)
    for kind, lanes in (("float", 4), ("double", 4), ("float", 0)):
        text = kernels(tuple(VECTOR_MATH), Type(kind), lanes, has_fma)
        assembly = host.emit_assembly(optimized(text, host))
        assert CALL.findall(assembly) == []


def test_other_types_are_refused_with_a_remedy():
    f = Module().function("wrong", [("x", F16), ("y", F32), ("z", F64)])
    x, y, z = f.parameters
    with pytest.raises(TypeError, match=r"exp: .*received half; convert with fpext"):
        VECTOR_MATH["exp"](f, x)
    with pytest.raises(TypeError, match=r"pow: .*received float, double"):
        VECTOR_MATH["pow"](f, y, z)
