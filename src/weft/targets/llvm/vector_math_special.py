"""Error functions, logarithm of the gamma function, its derivative, cube root.

The polynomials are minimax fits (Remez exchange); the comment on each gives the largest
error of the function as a power of two, before rounding.
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
    round_even,
    select,
    square_root,
    two_product,
    with_sign,
)  # fmt: skip
from weft.targets.llvm.vector_math_exponential import (
    exp_of_negative,
    exp_parts,
    exponent_and_fraction,
    log,
)  # fmt: skip
from weft.targets.llvm.vector_math_trigonometric import sin_and_cos_near

INFINITY, NAN = float("inf"), float("nan")
PI, PI_LOW = 3.141592653589793, 1.2246467991473532e-16

# erf x / x - 1 in x², x in [0, 1].
ERF = {
    "float": (0.128379166, -0.37612626, 0.112835787, -0.0268533491, 0.00518717663,
              -0.000799810339, 7.80817209e-05),  # -29
    "double": (0.1283791670955126, -0.3761263890318375, 0.11283791670954857,
               -0.02686617064507286, 0.005223977624780499, -0.0008548326978720888,
               0.00012055331036134414, -1.4925593489007718e-05, 1.646097253959782e-06,
               -1.635002238504646e-07, 1.4657861441161053e-08, -1.1365597376141794e-09,
               5.945149799287426e-11),  # -56
}  # fmt: skip
# -log(erfc x), x in [1, 4]: relative to erf.
LOG_ERFC_FLOAT = (0.000341972685, 1.12708735, 0.638147891, 0.103104092, -0.0218367856,
                  0.00294733723, -0.000186346253)  # -30  # fmt: skip
# (1 + 2x) e**x² erfc x in (x - 4) / (x + 4), x in [0.46, 27.3] (the form is that of
# Shepherd and Laframboise, 1981).
SCALED_ERFC = (1.2329951186255526, -0.1396211168405625, 0.015379652102618931,
               0.06809705425469179, -0.10103906603624799, 0.09373283499839105,
               -0.06633036581374015, 0.03716751553656008, -0.016197734036739138,
               0.005031969989648933, -0.0007577734585538699, -0.0001992567858415547,
               0.0001506225333399119, -2.439875100568082e-05, -1.1224822146780515e-05,
               5.7081732233062615e-06, 2.9968330293670563e-07, -8.219838495298944e-07,
               6.692974043099146e-08, 1.052896886344236e-07, -1.2194368693564035e-08,
               -1.0364888112503471e-08)  # -54  # fmt: skip
# inverse erf x / x in w - 3.125, w = -log(1 - x²) below 6.25 (the variable is that of
# Giles, 2010).
ERF_INV_CENTRE = (
    1.6536545626831027, 0.24015818242558834, -0.006033670871426996, -0.0007407025341545547,
    0.00018673420802052973, -1.3882523394196109e-05, -1.3654691772640206e-06,
    4.2347881711897036e-07, -2.907038989592718e-08, -4.112660641831529e-09,
    1.0512225672169145e-09, -5.41429467048706e-11, -1.2978504306884835e-11,
    2.6305035772752546e-12, -8.079287984064895e-14, -4.0015919728619977e-14,
    6.533335175584364e-15, -3.98754390712766e-17, -1.2344794109004962e-16,
    1.554501383790704e-17, 6.956076344896977e-19, -3.4875722493400713e-19,
    1.6541607313564937e-20, 3.219232901168225e-21, -3.0020101364436563e-22,
)  # -55  # fmt: skip
# The same in √w - 4.25, w in [6.25, 37].
ERF_INV_TAIL = (
    4.09222342366813, 1.009978277161256, 0.0007127499726651261, -0.0006078940274831453,
    0.00021217671313970244, -6.441975046015967e-05, 2.1980129459514313e-05,
    -1.0197666923822114e-05, 5.807262188582629e-06, -3.2111205098530903e-06,
    1.4901918442060958e-06, -5.152789685975098e-07, 9.326100864706082e-08,
    2.5640476802067614e-08, -3.010735567987128e-08, 1.3407693351313972e-08,
    -3.095641858124422e-09, -1.6754611775915967e-10, 4.788605621177821e-10,
    -1.9838049421322755e-10, 2.738799981728219e-11, 6.760827204053338e-12,
    -2.2988032429045902e-12, 5.609813540382837e-13, -6.3257321551647e-13,
    1.4823420800503454e-13, 6.750038512335663e-14, -2.4787968622096903e-14,
    -1.5264964376594096e-15, 9.190716289360034e-16,
)  # -53  # fmt: skip
# log Γ(2 + t) / t, t in ±1/2.
LOG_GAMMA_NEAR_2 = (
    0.42278433509846713, 0.3224670334241133, -0.06735230105319484, 0.02058080842776188,
    -0.007385551029024114, 0.002890510332067784, -0.0011927538972613231,
    0.0005096694894672783, -0.00022315505601234654, 9.945801906100116e-05,
    -4.492280371810721e-05, 2.0502980077365664e-05, -9.462652700596787e-06,
    4.395941135922781e-06, -1.948816018548953e-06, 8.943868103528934e-07,
    -6.361067463894234e-07, 3.0288248495838134e-07, 4.9331690171805144e-08,
)  # -54  # fmt: skip
# x times what Stirling's formula leaves of log Γ(x), in 1/x², x >= 7.45.
STIRLING = (0.08333333333333333, -0.0027777777777559854, 0.0007936507768914278,
            -0.0005952332564581019, 0.0008410831486609675, -0.0018697229113976148,
            0.004653028735334347)  # -60  # fmt: skip
# (log x - 1/2x - ψ(x)) x² in 1/x², x >= 8.
DIGAMMA = (0.08333333333333333, -0.008333333333216807, 0.003968253868308084,
           -0.004166634041658378, 0.007570470317257602, -0.020633434764930556,
           0.06232337510052105)  # -64  # fmt: skip
# ∛m for m in [√½, √2].
CUBE_ROOT = (0.45167302170905893, 0.904792689313075, -0.5355904459305966,
             0.21691047661650978, -0.03778148210886968)  # -17  # fmt: skip


# -- error functions -----------------------------------------------------------------


def _erf_near(x: Value) -> Value:
    """erf x for |x| <= 1."""
    return multiply_add(x, polynomial(x * x, ERF[x.type.kind]), x)


def _erfc_far(size: Value) -> Value:
    """erfc of a double of at least 0.46: e**-x² times a function that hardly varies."""
    size = select(compare("ogt", size, 27.3), 27.3, size)
    place = (size - 4.0) / (size + 4.0)
    factor = polynomial(place, SCALED_ERFC) / multiply_add(size, 2.0, 1.0)
    square, error = two_product(size, size)
    return exp_of_negative(-square, -error, factor)


def erf(f: Function, x: Value) -> Value:
    """The error function, 2/√π times the integral of e**-t² from 0 to x."""
    form = format_of("erf", x)
    size = magnitude(x)
    if form.mantissa == 52:
        far = 1.0 - _erfc_far(size)
    else:
        size = select(compare("ogt", size, 4.0), 4.0, size)
        y, power = exp_parts(-polynomial(size, LOG_ERFC_FLOAT))
        far = 1.0 - from_bits(bits_of(y + 1.0) + power, x.type)
    # NaN takes the near branch, which keeps it.
    return select(compare("ogt", size, 1.0), with_sign(far, x), _erf_near(x))


def _erfc(f: Function, x: Value) -> Value:
    size = magnitude(x)
    far = _erfc_far(size)
    far = select(compare("olt", x, 0.0), 2.0 - far, far)
    return select(compare("ogt", size, 0.5), far, 1.0 - _erf_near(x))


def erfc(f: Function, x: Value) -> Value:
    """1 - erf x, accurate where that is small."""
    format_of("erfc", x)
    return in_double(_erfc)(f, x)


def _erf_inv(f: Function, x: Value) -> Value:
    size = magnitude(x)
    w = -log(f, (1.0 - size) * (1.0 + size))
    tail = compare("ogt", w, 6.25)
    root = square_root(select(tail, w, 6.25))
    centre = polynomial(select(tail, 6.25, w) - 3.125, ERF_INV_CENTRE)
    result = x * select(tail, polynomial(root - 4.25, ERF_INV_TAIL), centre)
    return select(compare("oeq", size, 1.0), with_sign(constant(x, INFINITY), x), result)


def erf_inv(f: Function, x: Value) -> Value:
    """The inverse of `erf`: ±inf at ±1, NaN outside [-1, 1]."""
    format_of("erf_inv", x)
    return in_double(_erf_inv)(f, x)


# -- gamma functions ------------------------------------------------------------------


def _sin_and_cos_of_half_turns(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """|sin πx|, |cos πx| and x less its nearest integer."""
    rest = x - round_even(f, x)
    size = magnitude(rest)
    near = compare("ole", size, 0.25)
    angle = select(near, size, 0.5 - size)
    r, low = two_product(angle, PI)
    r, low = fast_two_sum(r, multiply_add(angle, PI_LOW, low))
    sine, cosine = sin_and_cos_near(r, low)
    return select(near, sine, cosine), select(near, cosine, sine), rest


def _lgamma(f: Function, x: Value) -> Value:
    size = magnitude(x)
    large = compare("oge", size, 7.5)
    # Below 7.5: size = k + t, and Γ(size) = Γ(2 + t) times (size - 1) … (2 + t) for k > 2,
    # or divided by size for k = 1 and by size (size + 1) for k = 0.
    k = round_even(f, size)
    t = select(large, 0.0, size - k)
    below = compare("olt", k, 2.0)
    product = select(compare("olt", k, 1.0), size + 1.0, 1.0)
    product = select(below, product * size, 1.0)
    for i in range(1, 6):
        step = compare("oge", k, float(i + 2))
        product = select(step, product * (size - float(i)), product)
    logarithm = log(f, select(large, size, product))
    near = t * polynomial(t, LOG_GAMMA_NEAR_2)
    near = near + select(below, -logarithm, logarithm)
    # From 7.5 on: Stirling's formula.
    inverse = 1.0 / size
    rest = inverse * polynomial(inverse * inverse, STIRLING) + 0.4189385332046727
    positive = select(large, multiply_add(size - 0.5, logarithm - 1.0, rest), near)
    positive = select(compare("oeq", size, INFINITY), INFINITY, positive)
    # Below zero: Γ(-x) Γ(x) = -π / (x sin πx). Very near zero both signs are alike.
    sine, _, _ = _sin_and_cos_of_half_turns(f, size)
    reflected = log(f, PI / (size * sine)) - positive
    pole = compare("oeq", sine, 0.0) | compare("oeq", size, INFINITY)
    reflected = select(pole, INFINITY, reflected)
    return select(compare("olt", x, -(2.0**-60)), reflected, positive)


def lgamma(f: Function, x: Value) -> Value:
    """log |Γ(x)|; +inf at the poles 0, -1, -2, …"""
    format_of("lgamma", x)
    return in_double(_lgamma)(f, x)


def _digamma(f: Function, x: Value) -> Value:
    negative = compare("olt", x, 0.0)
    y = select(negative, 1.0 - x, x)
    # ψ(y) = ψ(y + 1) - 1/y, until y >= 8; the fractions are summed over one denominator.
    over, under = constant(x, 0.0), constant(x, 1.0)
    for _ in range(8):
        step = compare("olt", y, 8.0)
        over, under = (
            select(step, multiply_add(over, y, under), over),
            select(step, under * y, under),
        )
        y = select(step, y + 1.0, y)
    inverse = 1.0 / y
    square = inverse * inverse
    rest = multiply_add(square, polynomial(square, DIGAMMA), inverse * 0.5)
    result = (log(f, y) - rest) - over / under
    # ψ(x) = ψ(1 - x) - π / tan πx.
    sine, cosine, fraction = _sin_and_cos_of_half_turns(f, x)
    cotangent = with_sign(cosine / sine * PI, fraction)
    cotangent = select(compare("oeq", fraction, 0.0), NAN, cotangent)
    result = select(negative, result - cotangent, result)
    return select(compare("oeq", x, 0.0), with_sign(constant(x, INFINITY), -x), result)


def digamma(f: Function, x: Value) -> Value:
    """The derivative of log Γ; ∓inf at ±0, NaN at the other poles."""
    format_of("digamma", x)
    return in_double(_digamma)(f, x)


# -- cube root -------------------------------------------------------------------------


def cbrt(f: Function, x: Value) -> Value:
    """The real cube root."""
    form = format_of("cbrt", x)
    result = _cbrt(f, convert(x, F64), exact=form.mantissa == 52)
    return convert(result, x.type.scalar)


def _cbrt(f: Function, x: Value, exact: bool) -> Value:
    size = magnitude(x)
    e, fraction, _ = exponent_and_fraction(size)
    m = fraction + 1.0
    form = FORMATS["double"]
    # e = 3 thirds + left, left in -1, 0, 1.
    shifted = multiply_add(e, 1 / 3, form.round_magic)
    left = multiply_add(shifted - form.round_magic, -3.0, e)
    above, below = compare("ogt", left, 0.0), compare("olt", left, 0.0)
    root = polynomial(m, CUBE_ROOT)
    factor = select(below, constant(x, 0.5 ** (1 / 3)), 1.0)
    root = root * select(above, 2 ** (1 / 3), factor)
    m = m * select(above, 2.0, select(below, constant(x, 0.5), 1.0))
    # Halley's iteration cubes the error.
    cube = root * root * root
    root = root + root * (m - cube) / (cube + cube + m)
    if exact:
        # Once more, from 24 bits, whose square is exact.
        root = from_bits((bits_of(root) + (1 << 28)) & -(1 << 29), x.type)
        ratio = m / (root * root)
        root = root + root * (ratio - root) / (root + root + ratio)
    thirds = from_bits((bits_of(shifted) << 52) + form.pattern(1.0), x.type)
    result = with_sign(root * thirds, x)
    same = compare("oeq", x, 0.0) | compare("uge", size, INFINITY)
    return select(same, x, result)
