"""Exponentials, logarithms, powers and the hyperbolic functions, as instructions.

    exp    x = n ln 2 + r, |r| <= ln 2 / 2;   e**x = 2**n (1 + r + r² q(r))
    log    x = 2**e m, m in [√½, √2);         log x = e ln 2 + log1p(m - 1)

The polynomials are minimax fits (Remez exchange, 45 digits, then rounded to the
format). The comment on each gives the largest error of the function as a power of two,
before rounding.
"""

from __future__ import annotations

from weft.targets.llvm.ir import F64, Function, Value
from weft.targets.llvm.vector_math_core import (
    FORMATS,
    bits_of,
    compare,
    constant,
    convert,
    fast_two_sum,
    format_of,
    from_bits,
    in_double,
    magnitude,
    multiply_add,
    polynomial,
    select,
    square_root,
    trunc,
    two_product,
    two_sum,
    with_sign,
)  # fmt: skip

INFINITY, NAN = float("inf"), float("nan")
LOG2_E, LOG10_E = 1.4426950408889634, 0.4342944819032518
LN2 = 0.6931471805599453

# ln 2 and log10 2 in two parts, the first so short that its product with an exponent
# is exact.
LN2_PARTS = {
    "float": (0.693145751953125, 1.42860677e-06),
    "double": (0.6931471803691238, 1.9082149292705877e-10),
}
LOG10_2_PARTS = {
    "float": (0.301025390625, 4.60503898e-06),
    "double": (0.3010299955494702, 1.1451100898021838e-10),
}
# log2 e and log10 e as the format's nearest and the rest.
LOG2_E_PARTS = {
    "float": (1.44269502, 1.92596299e-08),
    "double": (LOG2_E, 2.0355273740931033e-17),
}
LOG10_E_PARTS = {
    "float": (0.434294492, -1.01030501e-08),
    "double": (LOG10_E, 1.098319650216765e-17),
}

# (e**r - 1 - r) / r² on ±ln 2 / 2: relative to e**r - 1.
EXPM1 = {
    "float": (0.5, 0.166666359, 0.0416665114, 0.00834167376, 0.00139305706,
              0.000149057101),  # -28
    "double": (0.5, 0.16666666666666677, 0.041666666666666505, 0.008333333333321508,
               0.001388888888896437, 0.0001984126988648971, 2.480158716953849e-05,
               2.7557243792594955e-06, 2.7557404471412694e-07, 2.5109198926952816e-08,
               2.0874980164592533e-09),  # -60
}  # fmt: skip
# (2**r - 1) / r on ±1/2.
EXP2 = {
    "float": (0.693147182, 0.240226522, 0.0555040538, 0.00961794518, 0.00133388862,
              0.000154850044, 1.38471123e-05),  # -31
    "double": (0.6931471805599453, 0.24022650695909997, 0.055504108664823776,
               0.009618129107670322, 0.0013333558145893255, 0.00015403530315635458,
               1.5252734327264468e-05, 1.3215549718800344e-06, 1.0177858470291447e-07,
               7.031817762044769e-09, 4.485156180086608e-10,
               5.71954819062711e-11),  # -57
}  # fmt: skip
# (sinh r - r) / r³ and (cosh r - 1) / r² in r², on ±ln 2 / 2.
SINH = {
    "float": (0.166666672, 0.00833318941, 0.000199579663),  # -34
    "double": (0.16666666666666669, 0.008333333333327015, 0.0001984126987421239,
               2.755725495833579e-06, 2.510562451670717e-08),  # -61
}  # fmt: skip
COSH = {
    "float": (0.5, 0.0416664854, 0.00139331131),  # -33
    "double": (0.5, 0.041666666666666685, 0.0013888888888873387, 2.480158734900306e-05,
               2.75572519792766e-07, 2.092172439483698e-09),  # -68
}  # fmt: skip
# (log1p f - f + f²/2) / f³ on [√½ - 1, √2 - 1].
LOG1P_FLOAT = (0.333333313, -0.250008255, 0.200012624, -0.166232243, 0.142008513,
               -0.131605819, 0.127683654, -0.0764204934)  # -27  # fmt: skip
# (log((1 + s) / (1 - s)) / s - 2) / s² in s², s = f / (2 + f).
LOG_RATIO = (0.6666666666666666, 0.40000000000004926, 0.28571428569409235,
             0.22222222607334388, 0.181817783213956, 0.15386990486134777,
             0.13252108801448267, 0.13235150302487017)  # -66  # fmt: skip
# (atanh s / s - 1 - s²/3) / s⁴ in s², for `pow`.
ATANH = (0.2, 0.1428571428571595, 0.11111111110143167, 0.0909090928755822,
         0.07692287391370646, 0.06667848303755189, 0.05843144556168555,
         0.059506605845355116)  # -72  # fmt: skip


# -- powers of two ------------------------------------------------------------------


def _nearest_integer(x: Value, factor: float) -> tuple[Value, Value]:
    """n = x * factor rounded, as a float, and its bits shifted to where exponents live."""
    form = FORMATS[x.type.kind]
    shifted = multiply_add(x, factor, form.round_magic)
    # The low bits of the magic number are zero where they would meet the exponent's.
    return shifted - form.round_magic, bits_of(shifted) << form.mantissa


def _scale(y: Value, power: Value, small: Value) -> Value:
    """y * 2**n for y near 1 and n as the exponent field `power`.

    `small` marks the lanes where the result may be denormal: there the product is made
    larger first, so that the one rounding is the last multiplication's.
    """
    form = FORMATS[y.type.kind]
    lift = 2 * form.denormal_scale
    power = power + select(small, constant(power, lift << form.mantissa), 0)
    y = from_bits(bits_of(y) + power, y.type)
    return y * select(small, constant(y, 2.0**-lift), 1.0)


EXP_TOP = {"float": 88.7228394, "double": 709.782712893384}
EXP_NORMAL = {"float": -80.0, "double": -690.0}
EXP_ZERO = {"float": -106.0, "double": -750.0}


def exp_parts(x: Value, low: Value | None = None) -> tuple[Value, Value]:
    """(e**r - 1, the exponent field of n) with x + low = n ln 2 + r."""
    kind = x.type.kind
    high_ln2, low_ln2 = LN2_PARTS[kind]
    n, power = _nearest_integer(x, LOG2_E)
    r = multiply_add(n, -low_ln2, multiply_add(n, -high_ln2, x))
    if low is not None:
        r = r + low
    return multiply_add(r * r, polynomial(r, EXPM1[kind]), r), power


def exp_of_negative(
    x: Value, low: Value | None = None, factor: Value | None = None
) -> Value:
    """factor * e**(x + low), for x at most a little above zero; a NaN in x gives garbage.

    `factor`, near one, is applied before the result can lose bits to a denormal.
    """
    kind = x.type.kind
    x = select(compare("olt", x, EXP_ZERO[kind]), EXP_ZERO[kind], x)
    y, power = exp_parts(x, low)
    y = y + 1.0 if factor is None else multiply_add(y, factor, factor)
    return _scale(y, power, compare("olt", x, EXP_NORMAL[kind]))


def exp(f: Function, x: Value) -> Value:
    """e**x."""
    kind = format_of("exp", x).scalar.kind
    result = exp_of_negative(x)
    # Infinity where it overflows; NaN stays NaN.
    return select(compare("ugt", x, EXP_TOP[kind]), x + INFINITY, result)


def exp2(f: Function, x: Value) -> Value:
    """2**x."""
    form = format_of("exp2", x)
    least = float(-form.bias - form.mantissa - 2)
    clamped = select(compare("olt", x, least), least, x)
    n, power = _nearest_integer(clamped, 1.0)
    r = clamped - n
    y = multiply_add(r, polynomial(r, EXP2[x.type.kind]), 1.0)
    result = _scale(y, power, compare("olt", clamped, float(2 - form.bias)))
    # One ulp below the first power that overflows still rounds to a finite number.
    return select(compare("uge", x, float(form.bias + 1)), x + INFINITY, result)


def expm1(f: Function, x: Value) -> Value:
    """e**x - 1, accurate near zero."""
    form = format_of("expm1", x)
    clamped = select(compare("olt", x, -50.0), -50.0, x)
    y, power = exp_parts(clamped)
    # Half of 2**n, so that the largest n does not overflow.
    half = from_bits(power + form.pattern(0.5), x.type)
    result = multiply_add(half, y, half - 0.5) * 2.0
    result = select(compare("ogt", x, EXP_TOP[x.type.kind]), INFINITY, result)
    tiny = compare("olt", magnitude(x), 2.0 ** -(form.mantissa + 2))
    return select(tiny, x, result)


def sigmoid(f: Function, x: Value) -> Value:
    """1 / (1 + e**-x), as small as denormals for negative x."""
    format_of("sigmoid", x)
    e = exp_of_negative(-magnitude(x))
    # q is the result below zero; written so, its rounding errors matter less.
    q = e / (e + 1.0)
    result = select(compare("olt", x, 0.0), multiply_add(-e, q, e), 1.0 - q)
    return select(compare("uno", x, x), x, result)


def tanh(f: Function, x: Value) -> Value:
    """(e**2x - 1) / (e**2x + 1) = y / (y + 2), both from the same e**r - 1.

    The quotient's rounding errors are kept off the leading digits: above one half the
    result is 1 - 2 / (y + 2), below it is y/2 - y/2 times the quotient.
    """
    form = format_of("tanh", x)
    size = magnitude(x)
    limit = 10.0 if form.mantissa == 23 else 20.0
    size = select(compare("ogt", size, limit), limit, size)
    y, power = exp_parts(size + size)
    scale = from_bits(power + form.pattern(1.0), x.type)
    over = multiply_add(scale, y, scale - 1.0)
    under = multiply_add(scale, y, scale + 1.0)
    large = compare("ogt", size, 0.5493)
    ratio = select(large, 2.0, over) / under
    half = over * 0.5
    return with_sign(select(large, 1.0 - ratio, multiply_add(-half, ratio, half)), x)


def _halved_powers(x: Value, limit: float) -> tuple[Value, Value, Value]:
    """r and 2**n / 8, 2**-n / 8 for x cut to ±limit."""
    form = FORMATS[x.type.kind]
    size = select(compare("ogt", magnitude(x), limit), limit, magnitude(x))
    high_ln2, low_ln2 = LN2_PARTS[x.type.kind]
    n, power = _nearest_integer(size, LOG2_E)
    r = multiply_add(n, -low_ln2, multiply_add(n, -high_ln2, size))
    growing = from_bits(power + form.pattern(0.125), x.type)
    shrinking = form.pattern(0.125) - power
    # Where 2**-n would leave the normal numbers it no longer matters.
    shrinking = select(compare("slt", shrinking, 0), 0, shrinking)
    return r, growing, from_bits(shrinking, x.type)


# Just past the overflow, where 2**n / 8 is still finite.
HYPERBOLIC_LIMIT = {"float": 90.0, "double": 711.0}


def sinh(f: Function, x: Value) -> Value:
    """(e**x - e**-x) / 2: (a - b) cosh r + (a + b) sinh r, a and b halves of 2**±n."""
    form = format_of("sinh", x)
    kind = x.type.kind
    r, a, b = _halved_powers(x, HYPERBOLIC_LIMIT[kind])
    square = r * r
    sinh_r = multiply_add(square * r, polynomial(square, SINH[kind]), r)
    cosh_r = square * polynomial(square, COSH[kind])
    difference = a - b
    rest = multiply_add(a + b, sinh_r, difference * cosh_r)
    result = with_sign((difference + rest) * 4.0, x)
    return select(compare("olt", magnitude(x), form.no_change), _cubed(x, 1 / 6), result)


def _cubed(x: Value, third: float) -> Value:
    """x + third x³, for arguments so small that this is all; keeps denormals and -0."""
    return multiply_add(x * x * x, third, x)


def cosh(f: Function, x: Value) -> Value:
    """(e**x + e**-x) / 2."""
    format_of("cosh", x)
    kind = x.type.kind
    r, a, b = _halved_powers(x, HYPERBOLIC_LIMIT[kind])
    square = r * r
    sinh_r = multiply_add(square * r, polynomial(square, SINH[kind]), r)
    cosh_r = square * polynomial(square, COSH[kind])
    # a e**r + b e**-r, with the exact a last.
    falling = b * ((cosh_r - sinh_r) + 1.0)
    return (a + multiply_add(a, cosh_r + sinh_r, falling)) * 4.0


# -- logarithms ---------------------------------------------------------------------


def exponent_and_fraction(x: Value) -> tuple[Value, Value, Value]:
    """(e, m - 1, biased e as bits) with x = 2**e m, m in [√½, √2); x positive, finite."""
    form = FORMATS[x.type.kind]
    small = compare("olt", x, form.least_normal)
    lifted = select(small, x * 2.0**form.denormal_scale, x)
    root = form.pattern(0.5**0.5)
    moved = bits_of(lifted) + (form.pattern(1.0) - root)
    biased = moved >> form.mantissa
    fraction = from_bits((moved & ((1 << form.mantissa) - 1)) + root, x.type) - 1.0
    exact = from_bits(biased | form.pattern(form.integer_magic), x.type)
    usual = form.integer_magic + form.bias
    bias = select(small, constant(x, usual + form.denormal_scale), usual)
    return exact - bias, fraction, biased


def _log1p_rest(fraction: Value) -> Value:
    """log(1 + f) - f, for 1 + f in [√½, √2)."""
    square = fraction * fraction
    if fraction.type.kind == "float":
        cubic = square * fraction * polynomial(fraction, LOG1P_FLOAT)
        return multiply_add(square, -0.5, cubic)
    half = square * 0.5
    s = fraction / (fraction + 2.0)
    ratio = s * s
    rest = ratio * polynomial(ratio, LOG_RATIO)
    return multiply_add(s, half + rest, -half)


def _log_at_edges(x: Value, result: Value) -> Value:
    """`result` for positive finite x; -inf at zero, NaN below, x itself at inf and NaN."""
    form = FORMATS[x.type.kind]
    # One unsigned comparison: zero wraps round, a sign bit is large.
    edge = compare("uge", bits_of(x) - 1, form.pattern(INFINITY) - 1)
    special = select(compare("olt", x, 0.0), NAN, x)
    special = select(compare("oeq", x, 0.0), -INFINITY, special)
    return select(edge, special, result)


def log(f: Function, x: Value) -> Value:
    """The natural logarithm."""
    kind = format_of("log", x).scalar.kind
    high, low = LN2_PARTS[kind]
    e, fraction, _ = exponent_and_fraction(x)
    rest = multiply_add(e, low, _log1p_rest(fraction))
    return _log_at_edges(x, multiply_add(e, high, fraction + rest))


def _other_base(name: str, x: Value, unit: tuple[float, float], two: tuple[float, float]):
    """log x / log b, given 1 / log b and log 2 / log b in two parts each."""
    format_of(name, x)
    e, fraction, _ = exponent_and_fraction(x)
    rest = _log1p_rest(fraction)
    rest = multiply_add(fraction, unit[1], rest * unit[0])
    if two[1]:
        rest = multiply_add(e, two[1], rest)
    part = multiply_add(fraction, unit[0], rest)
    return _log_at_edges(x, multiply_add(e, two[0], part))


def log2(f: Function, x: Value) -> Value:
    """The logarithm to base 2; exact for powers of two."""
    return _other_base("log2", x, LOG2_E_PARTS[x.type.kind], (1.0, 0.0))


def log10(f: Function, x: Value) -> Value:
    """The logarithm to base 10."""
    kind = x.type.kind
    return _other_base("log10", x, LOG10_E_PARTS[kind], LOG10_2_PARTS[kind])


def log1p(f: Function, x: Value) -> Value:
    """log(1 + x), accurate near zero."""
    form = format_of("log1p", x)
    high, low = LN2_PARTS[x.type.kind]
    total = x + 1.0
    e, fraction, biased = exponent_and_fraction(total)
    # What was lost in 1 + x, brought to the scale of m.
    lost = select(compare("oge", x, 1.0), 1.0 - (total - x), x - (total - 1.0))
    # (The largest numbers count as smaller: nothing that matters is lost in them.)
    power = select(compare("ugt", biased, 2 * form.bias), 2 * form.bias, biased)
    scale = from_bits((2 * form.bias - power) << form.mantissa, x.type)
    lost = lost * scale
    # lost / (1 + f), nearly.
    lost = lost * multiply_add(fraction, fraction - 1.0, 1.0)
    same = compare("oeq", e, 0.0)
    fraction = select(same, x, fraction)
    lost = select(same, 0.0, lost)
    rest = multiply_add(e, low, lost) + _log1p_rest(fraction)
    result = _log_at_edges(total, multiply_add(e, high, fraction + rest))
    tiny = compare("olt", magnitude(x), 2.0 ** -(form.mantissa + 2))
    return select(tiny, x, result)


# -- inverse hyperbolic functions ------------------------------------------------------


def _asinh(f: Function, x: Value) -> Value:
    size = magnitude(x)
    # Past 2**28 it is log(2 size), and the square might overflow.
    large = compare("ogt", size, 2.0**28)
    safe = select(large, 1.0, size)
    square = safe * safe
    inner = safe + square / (square_root(square + 1.0) + 1.0)
    result = log1p(f, select(large, size - 1.0, inner))
    result = result + select(large, constant(x, LN2), 0.0)
    result = select(compare("olt", size, 2.0**-28), size, result)
    return with_sign(result, x)


def _acosh(f: Function, x: Value) -> Value:
    large = compare("ogt", x, 2.0**28)
    above = select(large, 1.0, x) - 1.0
    inner = above + square_root(multiply_add(above, above, above + above))
    inner = select(compare("olt", x, 1.0), NAN, inner)
    result = log1p(f, select(large, x - 1.0, inner))
    return result + select(large, constant(x, LN2), 0.0)


def _atanh(f: Function, x: Value) -> Value:
    size = magnitude(x)
    result = log1p(f, (size + size) / (1.0 - size)) * 0.5
    result = select(compare("olt", size, 2.0**-28), size, result)
    return with_sign(result, x)


asinh, acosh, atanh = (in_double(emit) for emit in (_asinh, _acosh, _atanh))


# -- powers --------------------------------------------------------------------------


def _log_in_two_parts(x: Value) -> tuple[Value, Value]:
    """log x to about 68 bits, for positive finite double x.

    log m = 2 atanh s with s = (m - 1) / (m + 1); s, s² and the first terms of the series
    are carried with their errors.
    """
    e, fraction, _ = exponent_and_fraction(x)
    under = fraction + 2.0
    under_low = fraction - (under - 2.0)
    s = fraction / under
    product, error = two_product(s, under)
    s_low = ((fraction - product) - error - s * under_low) / under
    square, square_low = two_product(s, s)
    square_low = multiply_add(s + s, s_low, square_low)
    tail = square * polynomial(square, ATANH)
    third, third_low = fast_two_sum(constant(x, 1 / 3), tail)
    third_low = third_low + 1.850371707708594e-17  # what 1/3 as a double lacks
    series, series_low = two_product(square, third)
    series_low = series_low + multiply_add(square, third_low, square_low * third)
    double = s + s
    bent, bent_low = two_product(double, series)
    bent_low = bent_low + multiply_add(double, series_low, s_low * 2.0 * (series + 1.0))
    high, low = fast_two_sum(double, bent)
    low = low + bent_low
    ln2, ln2_low = LN2_PARTS["double"]
    total, total_low = two_sum(e * ln2, high)
    return fast_two_sum(total, total_low + multiply_add(e, ln2_low, low))


def _power_of_size(size: Value, y: Value) -> Value:
    """size**y for positive finite double size."""
    high, low = _log_in_two_parts(size)
    product, error = two_product(y, high)
    error = multiply_add(y, low, error)
    # Beyond ±800 the result is infinite or zero; the rest must not turn it into NaN.
    far = compare("ogt", magnitude(product), 800.0)
    product = select(far, with_sign(constant(y, 800.0), product), product)
    result = exp_of_negative(product, select(far, 0.0, error))
    return select(compare("ogt", product, EXP_TOP["double"] + 1e-9), INFINITY, result)


def _float_power_of_size(size: Value, y: Value) -> Value:
    """The same to the precision that float needs."""
    exponent = y * log2(y.function, size)
    return exp2(y.function, exponent)


def pow(f: Function, x: Value, y: Value) -> Value:
    """x**y with C's rules: pow(x, 0) = 1, pow(1, y) = 1, NaN for x < 0 and fractional y."""
    form = format_of("pow", x, y)
    original = x.type.scalar
    power_of_size = _power_of_size if form.mantissa == 52 else _float_power_of_size
    x, y = convert(x, F64), convert(y, F64)
    size = magnitude(x)
    # No |log x| is below 2**-53: a larger y changes nothing, but might overflow.
    most = with_sign(constant(y, 2.0**70), y)
    bounded = select(compare("ogt", magnitude(y), 2.0**70), most, y)
    edge = compare("oeq", size, 0.0) | compare("oeq", size, INFINITY)
    result = power_of_size(select(edge, 1.0, size), bounded)
    grows = compare("ogt", size, 1.0) ^ compare("olt", y, 0.0)
    result = select(edge, select(grows, constant(x, INFINITY), 0.0), result)
    # A negative base: the sign of odd powers, NaN for fractional ones.
    half = y * 0.5
    whole = compare("oeq", trunc(f, y), y)
    odd = whole & compare("one", trunc(f, half), half)
    result = select(odd, with_sign(result, x), result)
    fractional = compare("une", trunc(f, y), y) & compare("olt", x, 0.0)
    fractional = fractional & compare("ogt", x, -INFINITY)
    result = select(fractional, NAN, result)
    result = select(compare("uno", x, y), NAN, result)
    one = compare("oeq", y, 0.0) | compare("oeq", x, 1.0)
    return convert(select(one, 1.0, result), original)
