"""Sines, cosines, tangents and their inverses, as instructions.

An angle is first brought to r in ±π/4 and a count n of quarter turns. Up to 2**17
(float) or 2**20 (double) that is x - n π/2 with π/2 in several parts (Cody and Waite).
Larger angles need hundreds of bits of 2/π (Payne and Hanek); they are rare, so one test
of the whole vector guards a loop that reduces its lanes one by one in integers.

The polynomials are minimax fits; the comment on each gives the largest error of the
function as a power of two, before rounding.
"""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction

from weft.targets.llvm.ir import F32, F64, I32, I64, Function, Type, Value
from weft.targets.llvm.vector_math_core import (
    any_lane,
    bits_of,
    compare,
    constant,
    convert,
    fast_two_sum,
    format_of,
    from_bits,
    has_fma,
    horner,
    magnitude,
    multiply_add,
    polynomial,
    select,
    square_root,
    two_product,
    two_sum,
    with_sign,
)  # fmt: skip

INFINITY, NAN = float("inf"), float("nan")
I128 = Type("i128")

# (sin r / r - 1) / r² and (cos r - 1 + r²/2) / r⁴ in r², on ±π/4.
SIN = {
    "float": (-0.166666552, 0.00833219104, -0.000195185989),  # -28
    "double": (-0.16666666666666632, 0.008333333333322472, -0.00019841269829836254,
               2.755731369753096e-06, -2.5050758519822326e-08,
               1.5896798243869082e-10),  # -58
}  # fmt: skip
COS = {
    "float": (0.0416666456, -0.00138873106, 2.4432542e-05),  # -33
    "double": (0.041666666666666595, -0.0013888888888873325, 2.480158728898385e-05,
               -2.7557314210183855e-07, 2.0875704293740763e-09,
               -1.1358684886505046e-11),  # -64
}  # fmt: skip
# (asin x / x - 1) / x² in x², x in [0, 1/2].
ASIN = {
    "float": (0.166667536, 0.0749525279, 0.0454758853, 0.0241531711, 0.0422095843),  # -27.6
    "double": (0.16666666666666763, 0.0749999999997013, 0.04464285717525475,
               0.030381942676811588, 0.022372215861790584, 0.01735159630871689,
               0.013981008675212915, 0.0113973748398295, 0.010788857682307687,
               0.0036739513441497893, 0.0217863170207411, -0.021110549550417315,
               0.032698278518528474),  # -60
}  # fmt: skip
# (atan t / t - 1) / t² in t², t in [0, 1].
ATAN = {
    "float": (-0.333332986, 0.199985296, -0.142640159, 0.109508865, -0.0839940608,
              0.0578859486, -0.0311057754, 0.0108763268, -0.00178529392),  # -28
    "double": (-0.33333333333333326, 0.19999999999998133, -0.14285714285569523,
               0.1111111110535198, -0.09090908952015223, 0.07692305458738195,
               -0.06666641196257607, 0.05882137990632758, -0.05261773076665744,
               0.04754933018643458, -0.04319898527292789, 0.03909690737393873,
               -0.03465101874996905, 0.02927587291391585, -0.02276876934126777,
               0.015673193000525807, -0.00916506311051182, 0.004357849234996899,
               -0.0016000873069987667, 0.0004223756087591158, -7.09549353416223e-05,
               5.676687097821009e-06),  # -56
}  # fmt: skip


# -- π, as many bits as needed ---------------------------------------------------------


@functools.cache
def _pi() -> Fraction:
    """π within 2**-1500, by Machin's formula."""
    one = 1 << 1520

    def arc_cotangent(n: int) -> int:
        term, total, odd, sign = one // n, 0, 1, 1
        while term:
            total += sign * (term // odd)
            term //= n * n
            odd, sign = odd + 2, -sign
        return total

    return Fraction(4 * (4 * arc_cotangent(5) - arc_cotangent(239)), one)


def _parts(number: Fraction, count: int, bits: int) -> tuple[float, ...]:
    """`number` as a sum of floats of at most `bits` bits each."""
    parts = []
    for _ in range(count):
        power = 0
        while abs(number) * Fraction(2) ** power < 1 << (bits - 1):
            power += 1
        part = Fraction(round(number * 2**power), 2**power)
        parts.append(float(part))
        number -= part
    return tuple(parts)


@functools.cache
def _half_pi_parts(count: int, bits: int) -> tuple[float, ...]:
    return _parts(_pi() / 2, count, bits)


@functools.cache
def _two_over_pi_words() -> tuple[int, ...]:
    """Sixty-four zero bits, then the fraction bits of 2/π, as signed 64-bit words."""
    words = 20
    bits = int(2 / _pi() * 2 ** (64 * (words - 1)))
    listed = [bits >> (64 * (words - 1 - i)) & (2**64 - 1) for i in range(words)]
    return tuple(word - (word >> 63 << 64) for word in listed)


# -- reduction to a quarter turn -------------------------------------------------------


def _reduce_one(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """(r, its low part, n) for one finite double x >= 2**-32, by Payne and Hanek's method.

    x = m 2**e. Of 2/π only the 192 bits matter that give multiples of m below four
    quarter turns and above 2**-137: enough, since no double comes nearer than 2**-62 to a
    quarter turn.
    """
    table = f.module.table("two_over_pi", I64, _two_over_pi_words())
    bits = bits_of(x)
    part = (bits & ((1 << 52) - 1)) | (1 << 52)
    power = (bits >> 52) - 1075
    first_bit = power + 62
    # Lanes that need no such reduction come here too: keep their index inside the table.
    first_bit = select(compare("slt", first_bit, 0), 0, first_bit)
    index, shift = first_bit >> 6, first_bit & 63
    words = [f.load(I64, f.element(table, I64, index + i)) for i in range(4)]
    high, middle, low = (
        f.intrinsic("fshl", a, b, shift) for a, b in itertools.pairwise(words)
    )
    wide = [f.cast("zext", word, I128) for word in (part, high, middle, low)]
    turns = (wide[0] * wide[1] << 64) + wide[0] * wide[2] + (wide[0] * wide[3] >> 64)
    # Two bits of quarter turns, then the fraction: round to the nearest quarter.
    quarter = (turns + (1 << 125)) >> 126
    fraction = turns - (quarter << 126)
    negative = compare("slt", fraction, 0)
    size = select(negative, 0 - fraction, fraction)
    zeros = f.call("llvm.ctlz.i128", I128, size, f.constant(Type("i1"), False))
    zeros = zeros & 127
    size = size << zeros
    top = f.cast("trunc", size >> 64, I64)
    rest = f.cast("trunc", size >> 22, I64) & ((1 << 53) - 1)
    zeros = f.cast("trunc", zeros, I64)
    scale = from_bits((1023 - 51 - zeros) << 52, F64)
    upper = f.cast("sitofp", top >> 11, F64) * scale
    lower = f.cast("sitofp", rest, F64) * (scale * 2.0**-53)
    half_pi, half_pi_low = _half_pi_parts(2, 53)
    r, error = two_product(upper, half_pi)
    error = error + multiply_add(upper, half_pi_low, lower * half_pi)
    r, error = fast_two_sum(r, error)
    r, error = select(negative, -r, r), select(negative, -error, error)
    return r, error, f.cast("trunc", quarter, I64)


def _reduce_moderate(x: Value, turns: Value) -> tuple[Value, Value]:
    """x - turns π/2 and its low part, for angles with few enough turns."""
    if has_fma(x):
        first, second, third = _half_pi_parts(3, 24 if x.type.kind == "float" else 53)
        r = multiply_add(turns, -first, x)  # exact
        product, error = two_product(turns, second)
        r, low = two_sum(r, -product)
        low = multiply_add(turns, -third, low - error)
    elif x.type.kind == "float":
        # In double, where products of these parts with the turns are exact.
        first, second = _half_pi_parts(2, 33)
        n = convert(turns, F64)
        wide = (convert(x, F64) - n * first) - n * second
        r = convert(wide, F32)
        return r, convert(wide - convert(r, F64), F32)
    else:
        # Parts of 33 bits, so that their products with up to 2**20 turns are exact.
        first, second, third, fourth = _half_pi_parts(4, 33)
        r = x - turns * first
        r, low = two_sum(r, -(turns * second))
        r, more = two_sum(r, -(turns * third))
        low = (low + more) - turns * fourth
    return fast_two_sum(r, low)


def reduce_angle(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """(r, its low part, n in the low two bits) with x = n π/2 + r + low, for x >= 0."""
    kind = x.type.kind
    form = format_of("reduce_angle", x)
    limit = 2.0**17 if kind == "float" else 2.0**20
    shifted = multiply_add(x, 0.6366197723675814, form.round_magic)
    r, low = _reduce_moderate(x, shifted - form.round_magic)
    large = compare("ogt", x, limit)
    n = bits_of(shifted)
    locals_ = [f.variable(value.type, value) for value in (r, low, n)]
    with f.when(any_lane(large)):
        lanes = max(1, x.type.lanes)
        given = f.scratch(x.type.scalar, lanes)
        made = [f.scratch(value.type.scalar, lanes) for value in (r, low, n)]
        f.store(x, given)
        with f.loop(0, lanes) as lane:
            one = f.load(x.type.scalar, f.element(given, x.type, lane))
            high, error, quarter = _reduce_one(f, convert(one, F64))
            if kind == "float":
                nearest = convert(high, F32)
                high, error = nearest, convert(high - convert(nearest, F64), F32)
                quarter = f.cast("trunc", quarter, I32)
            values = (high, error, quarter)
            for value, place in zip(values, made, strict=True):
                f.store(value, f.element(place, value.type, lane))
        for local, old, place in zip(locals_, (r, low, n), made, strict=True):
            local.set(select(large, f.load(old.type, place), old))
        # x - x is NaN at infinity.
        locals_[0].set(locals_[0].get() + select(large, x - x, 0.0))
    r, low, n = (local.get() for local in locals_)
    return r, low, n


# -- sine, cosine, tangent -------------------------------------------------------------


def sin_and_cos_near(r: Value, low: Value) -> tuple[Value, Value]:
    """sin and cos of r + low for r in ±π/4."""
    kind = r.type.kind
    square = r * r
    half = square * 0.5
    sine = polynomial(square, SIN[kind]) * (square * r)
    base = 1.0 - half
    cosine = square * square * polynomial(square, COS[kind])
    rounding = (1.0 - base) - half
    sine = multiply_add(low, base, sine)
    cosine = multiply_add(-r, low, cosine)
    return r + sine, base + (cosine + rounding)


def _sin_and_cos(f: Function, size: Value) -> tuple[Value, Value, Value]:
    """sin r, cos r and n of an angle that is not negative."""
    r, low, n = reduce_angle(f, size)
    return *sin_and_cos_near(r, low), n


def _flipped(x: Value, bits: Value) -> Value:
    """x with its sign changed where the top bit of `bits` is set."""
    form = format_of("sign", x)
    sign = 1 << (form.scalar.bits - 1)
    return from_bits(bits_of(x) ^ (bits & sign), x.type)


def sin(f: Function, x: Value) -> Value:
    """The sine of an angle in radians, for every finite angle."""
    form = format_of("sin", x)
    sine, cosine, n = _sin_and_cos(f, magnitude(x))
    result = select(compare("eq", n & 1, 0), sine, cosine)
    return _flipped(result, (n << (form.scalar.bits - 2)) ^ bits_of(x))


def cos(f: Function, x: Value) -> Value:
    """The cosine of an angle in radians, for every finite angle."""
    form = format_of("cos", x)
    sine, cosine, n = _sin_and_cos(f, magnitude(x))
    result = select(compare("eq", n & 1, 0), cosine, sine)
    return _flipped(result, (n + 1) << (form.scalar.bits - 2))


def tan(f: Function, x: Value) -> Value:
    """The tangent of an angle in radians, for every finite angle."""
    form = format_of("tan", x)
    sine, cosine, n = _sin_and_cos(f, magnitude(x))
    even = compare("eq", n & 1, 0)
    ratio = select(even, sine, cosine) / select(even, cosine, sine)
    # Odd quarters: -cos r / sin r.
    return _flipped(ratio, (n << (form.scalar.bits - 1)) ^ bits_of(x))


# -- inverses --------------------------------------------------------------------------


def _parts_of_pi(kind: str) -> tuple[float, float]:
    high, low = _half_pi_parts(2, 53 if kind == "double" else 24)
    return 2 * high, 2 * low


def _asin_parts(size: Value) -> tuple[Value, Value, Value]:
    """(near, s, asin s - s): s = |x| where near zero, else √((1 - |x|) / 2)."""
    near = compare("ole", size, 0.5)
    halved = 0.5 - size * 0.5
    square = select(near, size * size, halved)
    s = select(near, size, square_root(halved))
    return near, s, s * square * polynomial(square, ASIN[size.type.kind])


def asin(f: Function, x: Value) -> Value:
    """The angle in [-π/2, π/2] with this sine; NaN outside [-1, 1]."""
    format_of("asin", x)
    near, s, bend = _asin_parts(magnitude(x))
    pi, pi_low = _parts_of_pi(x.type.kind)
    far, rounding = fast_two_sum(constant(x, pi / 2), -(s + s))
    far = far + (rounding - (bend + bend - pi_low / 2))
    return with_sign(select(near, s + bend, far), x)


def acos(f: Function, x: Value) -> Value:
    """The angle in [0, π] with this cosine; NaN outside [-1, 1]."""
    format_of("acos", x)
    near, s, bend = _asin_parts(magnitude(x))
    pi, pi_low = _parts_of_pi(x.type.kind)
    s, bend = with_sign(s, x), with_sign(bend, x)
    middle = pi / 2 - (s - (pi_low / 2 - bend))
    double = s + s
    double_bend = bend + bend
    low_end = pi + (double + (double_bend + pi_low))
    end = select(compare("ogt", x, 0.0), double + double_bend, low_end)
    return select(near, middle, end)


def _atan_of_ratio(over: Value, under: Value) -> Value:
    """atan(over / under) in [0, π/2] for two numbers that are not negative."""
    kind = over.type.kind
    steep = compare("ogt", over, under)
    small, large = select(steep, under, over), select(steep, over, under)
    t = small / large
    square = t * t
    # Even and odd terms have opposite signs: apart, they would be large and cancel.
    bend = square * t * horner(square, ATAN[kind])
    pi, pi_low = _parts_of_pi(kind)
    return select(steep, pi / 2 - (t - (pi_low / 2 - bend)), t + bend)


def atan(f: Function, x: Value) -> Value:
    """The angle in [-π/2, π/2] with this tangent."""
    format_of("atan", x)
    return with_sign(_atan_of_ratio(magnitude(x), constant(x, 1.0)), x)


def atan2(f: Function, y: Value, x: Value) -> Value:
    """The angle of the point (x, y) in [-π, π], with C's rules at zeros and infinities."""
    format_of("atan2", y, x)
    over, under = magnitude(y), magnitude(x)
    # Both infinite counts as both one; both zero as 0 / 1.
    both = compare("oeq", over, INFINITY) & compare("oeq", under, INFINITY)
    over, under = select(both, 1.0, over), select(both, 1.0, under)
    nothing = compare("oeq", over, 0.0) & compare("oeq", under, 0.0)
    angle = _atan_of_ratio(over, select(nothing, 1.0, under))
    pi, pi_low = _parts_of_pi(x.type.kind)
    behind = compare("slt", bits_of(x), 0)
    angle = select(behind, pi - (angle - pi_low), angle)
    return select(compare("uno", x, y), NAN, with_sign(angle, y))
