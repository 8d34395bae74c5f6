"""What the vector mathematics is built of: bits, polynomials, exact sums, rounding.

Everything here takes and gives `Value`s, scalars or vectors alike, and emits only
instructions that every CPU has: no call ever leaves the module. Where `module.has_fma`
is False a product and a sum are rounded separately, and exact products are made of
split halves (Dekker 1971).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weft.targets.llvm.ir import F32, F64, I1, I32, I64, Function, Type, Value

Emitter = Callable[..., Value]


@dataclass(frozen=True)
class Format:
    """The facts of a binary floating-point format that algorithms are written with."""

    scalar: Type
    integer: Type
    mantissa: int  # stored bits of the significand
    bias: int
    round_magic: float  # adding it rounds to an integer and leaves that in the low bits
    integer_magic: float  # 2**mantissa: its low bits hold a non-negative integer
    least_normal: float
    denormal_scale: int  # power of two that makes every denormal normal
    no_change: float  # below it an odd function with slope one is its own argument
    split: float  # Dekker's factor

    def pattern(self, number: float) -> int:
        """The bits of `number` in this format, as an integer."""
        pack, unpack = ("<f", "<I") if self.mantissa == 23 else ("<d", "<Q")
        return struct.unpack(unpack, struct.pack(pack, number))[0]


FORMATS = {
    "float": Format(
        F32, I32, 23, 127, 1.5 * 2.0**23, 2.0**23, 2.0**-126, 24, 2.0**-14, 2.0**12 + 1
    ),
    "double": Format(
        F64, I64, 52, 1023, 1.5 * 2.0**52, 2.0**52, 2.0**-1022, 54, 2.0**-28, 2.0**27 + 1
    ),
}


def format_of(name: str, *values: Value) -> Format:
    """The format of the values, which must all be of one float or double type."""
    first = values[0].type
    for value in values:
        if value.type != first or value.type.kind not in FORMATS:
            received = ", ".join(str(v.type) for v in values)
            raise TypeError(
                f"{name}: vector math takes values of one float or double type; "
                f"received {received}; convert with fpext or sitofp first"
            )
    return FORMATS[first.kind]


def has_fma(value: Value) -> bool:
    return value.function.module.has_fma


# -- bits ------------------------------------------------------------------------


def integer_type(type: Type) -> Type:
    """The integer type of the same width and lanes."""
    return Type(f"i{type.bits}", type.lanes)


def bits_of(x: Value) -> Value:
    return x.function.bitcast(x, integer_type(x.type))


def from_bits(bits: Value, type: Type) -> Value:
    return bits.function.bitcast(bits, type)


def constant(like: Value, number: float) -> Value:
    return like.function.constant(like.type, number)


def select(condition: Value, a: Value | float, b: Value | float) -> Value:
    return condition.function.select(condition, a, b)


def compare(predicate: str, a: Value, b: Value | float) -> Value:
    return a.function.compare(predicate, a, b)


def magnitude(x: Value) -> Value:
    return x.function.intrinsic("fabs", x)


def with_sign(x: Value, sign: Value) -> Value:
    """The magnitude of `x` with the sign bit of `sign`."""
    return x.function.intrinsic("copysign", x, sign)


def square_root(x: Value) -> Value:
    return x.function.intrinsic("sqrt", x)


def any_lane(condition: Value) -> Value:
    """Whether a condition holds in any lane, as a scalar i1."""
    if not condition.type.lanes:
        return condition
    name = f"llvm.vector.reduce.or.{condition.type.suffix}"
    return condition.function.call(name, I1, condition)


def convert(x: Value, to: Type) -> Value:
    """`x` in the float type `to.kind`, lanes kept."""
    to = to.vector(x.type.lanes)
    if to == x.type:
        return x
    return x.function.cast("fpext" if to.bits > x.type.bits else "fptrunc", x, to)


def in_double(emit: Emitter) -> Emitter:
    """`emit` for double, made to serve float by computing in double and rounding once."""

    def either(f: Function, *values: Value) -> Value:
        wide = [convert(v, F64) for v in values]
        return convert(emit(f, *wide), values[0].type.scalar)

    return either


# -- products and sums -------------------------------------------------------------


def multiply_add(a: Value, b: Value | float, c: Value | float) -> Value:
    """a * b + c: fused where the machine can, else rounded twice."""
    return a.function.fma(a, b, c) if has_fma(a) else a * b + c


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """c[0] + c[1] x + c[2] x² + …

    Short ones by Horner's rule; long ones as even and odd parts in x², which halves the
    chain of dependent operations for one more multiplication.
    """
    if len(coefficients) > 8:
        square = x * x
        odd, even = horner(square, coefficients[1::2]), horner(square, coefficients[0::2])
        return multiply_add(x, odd, even)
    return horner(x, coefficients)


def horner(x: Value, coefficients: Sequence[float]) -> Value:
    """The same in the fewest operations, and with no large parts that cancel."""
    total = constant(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = multiply_add(total, x, coefficient)
    return total


def two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """The rounded sum and its exact error (Knuth)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def fast_two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """The same where |a| >= |b| or a is zero (Dekker)."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Value, b: Value | float) -> tuple[Value, Value]:
    """The rounded product and its exact error, short of overflow and underflow."""
    b = b if isinstance(b, Value) else constant(a, b)
    product = a * b
    if has_fma(a):
        return product, a.function.fma(a, b, -product)
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    error = a_high * b_high - product
    error = error + a_high * b_low + a_low * b_high
    return product, error + a_low * b_low


def _halves(a: Value) -> tuple[Value, Value]:
    scaled = a * FORMATS[a.type.kind].split
    high = scaled - (scaled - a)
    return high, a - high


# -- rounding ----------------------------------------------------------------------

# With FMA comes SSE4.1 (or NEON), where these are single instructions. Without it LLVM
# would call the C library, so a sum with 2**mantissa does the rounding.


def _round_even_magnitude(size: Value) -> Value:
    magic = FORMATS[size.type.kind].integer_magic
    rounded = (size + magic) - magic
    return select(compare("ult", size, magic), rounded, size)


def round_even(f: Function, x: Value) -> Value:
    """The nearest integer, halves to even."""
    if has_fma(x):
        return f.intrinsic("roundeven", x)
    return with_sign(_round_even_magnitude(magnitude(x)), x)


def floor(f: Function, x: Value) -> Value:
    if has_fma(x):
        return f.intrinsic("floor", x)
    rounded = round_even(f, x)
    step = select(compare("ogt", rounded, x), constant(x, 1.0), 0.0)
    return with_sign(rounded - step, x)


def ceil(f: Function, x: Value) -> Value:
    if has_fma(x):
        return f.intrinsic("ceil", x)
    rounded = round_even(f, x)
    step = select(compare("olt", rounded, x), constant(x, 1.0), 0.0)
    return with_sign(rounded + step, x)


def trunc(f: Function, x: Value) -> Value:
    if has_fma(x):
        return f.intrinsic("trunc", x)
    size = magnitude(x)
    rounded = _round_even_magnitude(size)
    step = select(compare("ogt", rounded, size), constant(x, 1.0), 0.0)
    return with_sign(rounded - step, x)


# -- signs and predicates ------------------------------------------------------------


def sign(f: Function, x: Value) -> Value:
    """-1, 0 or 1; NaN stays NaN."""
    unit = with_sign(constant(x, 1.0), x)
    unit = select(compare("oeq", x, 0.0), 0.0, unit)
    return select(compare("uno", x, x), x, unit)


def minimum(f: Function, a: Value, b: Value) -> Value:
    """The smaller; NaN where either is NaN."""
    first = compare("ole", a, b) | compare("uno", a, a)
    return select(first, a, b)


def maximum(f: Function, a: Value, b: Value) -> Value:
    """The larger; NaN where either is NaN."""
    first = compare("oge", a, b) | compare("uno", a, a)
    return select(first, a, b)


def is_nan(f: Function, x: Value) -> Value:
    return compare("uno", x, x)


def is_inf(f: Function, x: Value) -> Value:
    return compare("oeq", magnitude(x), float("inf"))


def is_finite(f: Function, x: Value) -> Value:
    return compare("olt", magnitude(x), float("inf"))


# -- division with remainder -----------------------------------------------------------


def _fmod(f: Function, x: Value, y: Value) -> Value:
    """x - trunc(x / y) y, exactly, with the sign of x."""
    a, b = magnitude(x), magnitude(y)
    quotient = trunc(f, a / b)
    if has_fma(x):
        rest = f.fma(-quotient, b, a)
        plain = compare("olt", quotient, 2.0**52)
    else:
        product, error = two_product(quotient, b)
        rest = (a - product) - error
        # Splitting b must not overflow, nor the product's error fall below the denormals.
        plain = compare("olt", quotient, 2.0**52) & compare("olt", b, 2.0**900)
        plain = plain & compare("ogt", b, 2.0**-900)
    # The rounded quotient may be one too large.
    rest = select(compare("olt", rest, 0.0), rest + b, rest)
    rest = select(compare("olt", a, b), a, rest)
    invalid = compare("uge", a, float("inf")) | compare("ueq", b, 0.0)
    rest = select(compare("uno", b, b) | invalid, float("nan"), rest)
    settled = plain | compare("ult", a, b) | invalid | compare("uno", b, b)
    result = f.variable(x.type, rest)
    # The rare lanes with a huge quotient: long division in integers, one lane at a time.
    open_lanes = select(settled, f.constant(settled.type, False), True)
    with f.when(any_lane(open_lanes)):
        lanes = max(1, x.type.lanes)
        left, right, out = (f.scratch(F64, lanes) for _ in range(3))
        f.store(a, left)
        # Lanes that are settled divide by one.
        f.store(select(settled, 1.0, b), right)
        with f.loop(0, lanes) as lane:
            over = f.load(F64, f.element(left, F64, lane))
            under = f.load(F64, f.element(right, F64, lane))
            f.store(_long_division(f, over, under), f.element(out, F64, lane))
        result.set(select(settled, rest, f.load(x.type, out)))
    return with_sign(result.get(), x)


def _significand(f: Function, x: Value) -> tuple[Value, Value]:
    """Integers m, e with |x| = m 2**e (times a fixed power of two); e >= 1."""
    bits = bits_of(x) & 0x7FFF_FFFF_FFFF_FFFF
    field, low = bits >> 52, bits & ((1 << 52) - 1)
    normal = compare("ne", field, 0)
    return select(normal, low | (1 << 52), low), select(normal, field, 1)


def _long_division(f: Function, x: Value, y: Value) -> Value:
    """fmod of two positive finite scalars by integer arithmetic, eleven bits a step."""
    x_part, x_power = _significand(f, x)
    y_part, y_power = _significand(f, y)
    gap = x_power - y_power
    rest = f.variable(I64, f.op("urem", x_part, y_part))
    left = f.variable(I64, select(compare("sgt", gap, 0), gap, 0))
    head, body, done = (f.new_label(hint) for hint in ("divide", "step", "divided"))
    f.branch(head)
    f.start(head)
    f.branch_if(compare("sgt", left.get(), 0), body, done)
    f.start(body)
    step = select(compare("slt", left.get(), 11), left.get(), 11)
    rest.set(f.op("urem", rest.get() << step, y_part))
    left.set(left.get() - step)
    f.branch(head)
    f.start(done)
    # rest * 2**(y_power - 1075), the power in two normal halves; the result is exact.
    half = y_power >> 1
    first = from_bits((half + (1023 - 537)) << 52, F64)
    second = from_bits((y_power - half + (1023 - 538)) << 52, F64)
    return f.cast("uitofp", rest.get(), F64) * first * second


def fmod(f: Function, x: Value, y: Value) -> Value:
    """C's fmod: exact, with the sign of x."""
    return in_double(_fmod)(f, x, y)


def _remainder(f: Function, x: Value, y: Value) -> Value:
    rest = _fmod(f, x, y)
    opposite = compare("slt", bits_of(rest) ^ bits_of(y), 0)
    return select(
        compare("oeq", rest, 0.0),
        with_sign(rest, y),
        select(opposite, rest + y, rest),
    )


def remainder(f: Function, x: Value, y: Value) -> Value:
    """Python's and NumPy's `%`: what `fmod` leaves, moved to the sign of y."""
    return in_double(_remainder)(f, x, y)
