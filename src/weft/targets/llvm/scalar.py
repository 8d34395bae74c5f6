"""Elementwise primitives as LLVM instructions, one lane or many alike.

`APPLY[primitive](f, x, operands)` emits a primitive on values in their register form; `x`
is the loop language's `Apply`, with dtypes and parameters. In registers a bool is an i1, and
float16 and bfloat16 are float32, rounded to their own precision after every operation, as
NumPy does. In memory a bool is a byte and the 16-bit floats are 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weft.compiler.loops import Apply, Literal
from weft.dtypes import DType
from weft.targets.llvm.ir import F32, F64, I1, I8, I16, I32, I64, Function, Type, Value
from weft.targets.llvm.vector_math import VECTOR_MATH

_REGISTER = {
    "bool": I1, "int8": I8, "uint8": I8, "int16": I16, "uint16": I16, "int32": I32,
    "uint32": I32, "int64": I64, "uint64": I64, "float16": F32, "bfloat16": F32,
    "float32": F32, "float64": F64,
}  # fmt: skip
_MEMORY = {**_REGISTER, "bool": I8, "float16": I16, "bfloat16": I16}


def register_type(dtype: DType, lanes: int = 0) -> Type:
    """How an element of `dtype` is held while computing."""
    return _REGISTER[dtype.name].vector(lanes)


def memory_type(dtype: DType, lanes: int = 0) -> Type:
    """How an element of `dtype` lies in memory."""
    return _MEMORY[dtype.name].vector(lanes)


# -- between memory and registers ------------------------------------------------------------


def from_memory(f: Function, raw: Value, dtype: DType) -> Value:
    lanes = raw.type.lanes
    if dtype.name == "bool":
        return f.compare("ne", raw, 0)
    if dtype.name == "bfloat16":
        wide = f.cast("zext", raw, I32.vector(lanes)) << 16
        return f.bitcast(wide, F32.vector(lanes))
    if dtype.name == "float16":
        return _half_to_float(f, raw)
    return raw


def to_memory(f: Function, value: Value, dtype: DType) -> Value:
    lanes = value.type.lanes
    if dtype.name == "bool":
        return f.cast("zext", value, I8.vector(lanes))
    if dtype.name == "bfloat16":
        return f.cast("trunc", _bfloat_bits(f, value) >> 16, I16.vector(lanes))
    if dtype.name == "float16":
        return f.cast("trunc", _half_bits(f, value), I16.vector(lanes))
    return value


def _bfloat_bits(f: Function, x: Value) -> Value:
    """The float32 bits of `x` rounded to bfloat16 (half to even); NaN stays NaN."""
    bits = f.bitcast(x, I32.vector(x.type.lanes))
    rounded = (bits + ((bits >> 16) & 1) + 0x7FFF) & 0xFFFF0000
    quiet = (bits | 0x400000) & 0xFFFF0000
    return f.select(f.compare("uno", x, x), quiet, rounded)


def _half_to_float(f: Function, raw: Value) -> Value:
    """Exact widening, with integer and float32 operations that every CPU has."""
    lanes = raw.type.lanes
    i32 = I32.vector(lanes)
    wide = f.cast("zext", raw, i32)
    sign = (wide & 0x8000) << 16
    magnitude = (wide & 0x7FFF) << 13
    # Read as a float32, the exponent is too small by 112; a product repairs denormals too.
    scaled = f.bitcast(magnitude, F32.vector(lanes)) * 2.0**112
    special = f.compare("uge", magnitude, 0x7C00 << 13)
    finite = f.bitcast(scaled, i32)
    chosen = f.select(special, magnitude | 0x7F800000, finite)
    return f.bitcast(chosen | sign, F32.vector(lanes))


def _half_bits(f: Function, x: Value) -> Value:
    """The 16 bits (in an i32) of `x` rounded to float16, half to even."""
    lanes = x.type.lanes
    i32 = I32.vector(lanes)
    bits = f.bitcast(x, i32)
    sign = (bits >> 16) & 0x8000
    magnitude = bits & 0x7FFFFFFF
    # Normal results: drop 13 bits with rounding, and move the exponent.
    rounded = magnitude + (((bits >> 13) & 1) + 0xFFF)
    normal = (rounded - (112 << 23)) >> 13
    # Denormal results: adding 0.5 lets the adder round at the right bit.
    shifted = f.bitcast(magnitude, F32.vector(lanes)) + 0.5
    denormal = f.bitcast(shifted, i32) - 0x3F000000
    result = f.select(f.compare("ult", magnitude, 0x38800000), denormal, normal)
    result = f.select(f.compare("uge", magnitude, 0x477FF000), _splat(f, i32, 0x7C00), result)
    is_nan = f.compare("ugt", magnitude, 0x7F800000)
    result = f.select(is_nan, _splat(f, i32, 0x7E00), result)
    return result | sign


def _splat(f: Function, type: Type, number: float) -> Value:
    return f.constant(type, number)


def rounded(f: Function, value: Value, dtype: DType) -> Value:
    """A float32 result cut to the precision of float16 or bfloat16; else as it is."""
    lanes = value.type.lanes
    if dtype.name == "bfloat16":
        return f.bitcast(_bfloat_bits(f, value), F32.vector(lanes))
    if dtype.name == "float16":
        raw = f.cast("trunc", _half_bits(f, value), I16.vector(lanes))
        return _half_to_float(f, raw)
    return value


# -- tables ----------------------------------------------------------------------------------

Emit = Callable[[Function, Apply, Sequence[Value]], Value]
APPLY: dict[str, Emit] = {}


def applies(*names: str) -> Callable[[Emit], Emit]:
    def register(emit: Emit) -> Emit:
        for name in names:
            APPLY[name] = emit
        return emit

    return register


_EXACT = frozenset({"select", "negative", "absolute", "maximum", "minimum", "relu"})


def apply(f: Function, x: Apply, operands: Sequence[Value]) -> Value:
    """Emit `x` and round its result where its dtype is narrower than its register."""
    result = APPLY[x.name](f, x, operands)
    exact = x.name in _EXACT
    return result if exact else rounded(f, result, x.dtype)


def _is_signed(dtype: DType) -> bool:
    return dtype.kind == "int"


def _arithmetic(name: str, integer: str, floating: str) -> None:
    @applies(name)
    def _(f, x, operands):
        a, b = operands
        return f.op(floating if a.type.is_float else integer, a, b)


_arithmetic("add", "add", "fadd")
_arithmetic("subtract", "sub", "fsub")
_arithmetic("multiply", "mul", "fmul")
_arithmetic("divide", "sdiv", "fdiv")
_arithmetic("bitwise_and", "and", "and")
_arithmetic("bitwise_or", "or", "or")
_arithmetic("bitwise_xor", "xor", "xor")

_COMPARE = {
    # name: (float, signed, unsigned)
    "equal": ("oeq", "eq", "eq"), "not_equal": ("une", "ne", "ne"),
    "less": ("olt", "slt", "ult"), "less_equal": ("ole", "sle", "ule"),
    "greater": ("ogt", "sgt", "ugt"), "greater_equal": ("oge", "sge", "uge"),
}  # fmt: skip


def predicate(name: str, dtype: DType) -> str:
    """LLVM's predicate of a comparison on `dtype` (bools compare as 0 and 1)."""
    floating, signed, unsigned = _COMPARE[name]
    if dtype.is_floating:
        return floating
    return signed if _is_signed(dtype) else unsigned


def _comparison(name: str) -> None:
    @applies(name)
    def _(f, x, operands):
        return f.compare(predicate(name, x.operands[0].dtype), *operands)


for _name in _COMPARE:
    _comparison(_name)


@applies("bitwise_not")
def _(f, x, operands):
    (a,) = operands
    return a ^ (1 if a.type.kind == "i1" else -1)


@applies("negative")
def _(f, x, operands):
    return -operands[0]


@applies("select")
def _(f, x, operands):
    condition, a, b = operands
    return f.select(condition, a, b)


@applies("maximum", "minimum")
def _(f, x, operands):
    a, b = operands
    if a.type.is_float:
        for number, known, other in zip(x.operands, (a, b), (b, a)):
            if isinstance(number, Literal) and number.number == number.number:
                # A number that is not NaN: the comparison is false for a NaN, which stays.
                wins = f.compare("ogt" if x.name == "maximum" else "olt", known, other)
                return f.select(wins, known, other)
        return VECTOR_MATH[x.name](f, a, b)
    name = "greater" if x.name == "maximum" else "less"
    return f.select(f.compare(predicate(name, x.dtype), a, b), a, b)


@applies("relu")
def _(f, x, operands):
    (a,) = operands
    zero = f.constant(a.type, 0.0)
    return f.select(f.compare("ogt", zero, a), zero, a)


@applies("absolute")
def _(f, x, operands):
    (a,) = operands
    if a.type.is_float:
        return VECTOR_MATH["abs"](f, a)
    if not _is_signed(x.dtype):
        return a
    return f.select(f.compare("slt", a, 0), -a, a)


@applies("sign")
def _(f, x, operands):
    (a,) = operands
    if a.type.is_float:
        return VECTOR_MATH["sign"](f, a)
    positive = f.cast("zext", f.compare("ne", a, 0), a.type)
    if not _is_signed(x.dtype):
        return positive
    return f.select(f.compare("slt", a, 0), f.constant(a.type, -1), positive)


def _quotient(f: Function, x: Apply, a: Value, b: Value) -> tuple[Value, Value, Value]:
    """Quotient and remainder towards zero, and where b is zero; never traps."""
    zero = f.compare("eq", b, 0)
    signed = _is_signed(x.dtype)
    safe = f.select(zero, f.constant(b.type, 1), b)
    negated = None
    if signed:  # the least number divided by -1 traps: negate instead
        minus = f.compare("eq", b, -1)
        safe = f.select(minus, f.constant(b.type, 1), safe)
        negated = minus
    quotient = f.op("sdiv" if signed else "udiv", a, safe)
    rest = f.op("srem" if signed else "urem", a, safe)
    if negated is not None:
        quotient = f.select(negated, 0 - a, quotient)
        rest = f.select(negated, f.constant(a.type, 0), rest)
    return quotient, rest, zero


@applies("floor_divide")
def _(f, x, operands):
    a, b = operands
    if a.type.is_float:
        return _floor_divide_float(f, a, b)
    quotient, rest, zero = _quotient(f, x, a, b)
    if _is_signed(x.dtype):
        opposite = f.compare("slt", a ^ b, 0)
        down = f.compare("ne", rest, 0) & opposite
        quotient = f.select(down, quotient - 1, quotient)
    return f.select(zero, f.constant(a.type, 0), quotient)


def _floor_divide_float(f: Function, a: Value, b: Value) -> Value:
    """NumPy's: exact, through the remainder."""
    plain = a / b
    rest = VECTOR_MATH["fmod"](f, a, b)
    quotient = (a - rest) / b
    wrong_side = f.compare("une", rest, 0.0) & f.compare("olt", rest * f_sign(f, b), 0.0)
    quotient = f.select(wrong_side, quotient - 1.0, quotient)
    low = VECTOR_MATH["floor"](f, quotient)
    low = f.select(f.compare("ogt", quotient - low, 0.5), low + 1.0, low)
    zero = VECTOR_MATH["copysign"](f, f.constant(a.type, 0.0), plain)
    result = f.select(f.compare("oeq", quotient, 0.0), zero, low)
    return f.select(f.compare("oeq", b, 0.0), plain, result)


def f_sign(f: Function, x: Value) -> Value:
    """1 or -1 with the sign bit of x."""
    return VECTOR_MATH["copysign"](f, f.constant(x.type, 1.0), x)


@applies("remainder")
def _(f, x, operands):
    a, b = operands
    if a.type.is_float:
        return VECTOR_MATH["remainder"](f, a, b)
    _, rest, zero = _quotient(f, x, a, b)
    if _is_signed(x.dtype):
        across = f.compare("ne", rest, 0) & f.compare("slt", rest ^ b, 0)
        rest = f.select(across, rest + b, rest)
    return f.select(zero, f.constant(a.type, 0), rest)


@applies("power")
def _(f, x, operands):
    a, b = operands
    if a.type.is_float:
        return VECTOR_MATH["pow"](f, a, b)
    one, zero = f.constant(a.type, 1), f.constant(a.type, 0)
    negative = None
    if _is_signed(x.dtype):
        negative = f.compare("slt", b, 0)
        unit = f.compare("eq", a, 1) | f.compare("eq", a, -1)
        a = f.select(negative, f.select(unit, a, zero), a)
        b = f.select(negative, b & 1, b)
        # 0 or a unit: for a zero base any positive exponent will do
        b = f.select(negative & f.compare("eq", b, 0) & f.compare("eq", a, 0), one, b)
    result, base = one, a
    for bit in range(a.type.bits):
        taken = f.compare("ne", (b >> bit) & 1, 0)
        result = f.select(taken, result * base, result)
        base = base * base
    return result


@applies("shift_left", "shift_right")
def _(f, x, operands):
    a, b = operands
    bits = a.type.bits
    inside = f.compare("ult", b, bits)
    if x.name == "shift_left":
        return f.select(inside, f.op("shl", a, f.select(inside, b, 0)), 0)
    if not _is_signed(x.dtype):
        return f.select(inside, f.op("lshr", a, f.select(inside, b, 0)), 0)
    return f.op("ashr", a, f.select(inside, b, bits - 1))


_MATH = {
    "floor": "floor", "ceil": "ceil", "round": "round", "trunc": "trunc", "exp": "exp",
    "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt", "rsqrt": "rsqrt",
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "sigmoid": "sigmoid",
    "erf": "erf", "erfc": "erfc", "erfinv": "erf_inv", "lgamma": "lgamma",
    "digamma": "digamma",
}  # fmt: skip


def _math(primitive: str, name: str) -> None:
    @applies(primitive)
    def _(f, x, operands):
        return VECTOR_MATH[name](f, *operands)


for _primitive, _name in _MATH.items():
    _math(_primitive, _name)


@applies("is_finite", "is_nan", "is_inf")
def _(f, x, operands):
    (a,) = operands
    if a.type.is_float:
        return VECTOR_MATH[x.name](f, a)
    return f.constant(I1.vector(a.type.lanes), x.name == "is_finite")


@applies("nextafter")
def _(f, x, operands):
    a, b = operands
    integer = Type(f"i{a.type.bits}", a.type.lanes)
    bits = f.bitcast(a, integer)
    sign = 1 << (a.type.bits - 1)
    away = f.compare("slt", bits, 0) ^ f.compare("olt", a, b)  # magnitude grows
    stepped = f.bitcast(f.select(away, bits + 1, bits - 1), a.type)
    direction = f.bitcast(b, integer) & sign
    tiny = f.bitcast(direction | 1, a.type)
    stepped = f.select(f.compare("oeq", a, 0.0), tiny, stepped)
    result = f.select(f.compare("oeq", a, b), b, stepped)
    return f.select(f.compare("uno", a, b), a + b, result)


# -- cast ------------------------------------------------------------------------------------


@applies("cast")
def _(f, x, operands):
    return convert(f, operands[0], x.operands[0].dtype, x.dtype)


def convert(f: Function, value: Value, source: DType, target: DType) -> Value:
    """A conversion of dtypes; floats to integers saturate, and NaN gives 0."""
    to = register_type(target, value.type.lanes)
    if source is target:
        return value
    if target.name == "bool":
        return f.compare("une" if value.type.is_float else "ne", value, 0)
    if value.type.kind == "i1":
        return f.cast("uitofp" if to.is_float else "zext", value, to)
    if value.type.is_float:
        return _from_float(f, value, to, target)
    if to.is_float:
        return f.cast("sitofp" if _is_signed(source) else "uitofp", value, to)
    if to.bits == value.type.bits:
        return value
    if to.bits < value.type.bits:
        return f.cast("trunc", value, to)
    return f.cast("sext" if _is_signed(source) else "zext", value, to)


def _from_float(f: Function, value: Value, to: Type, target: DType) -> Value:
    if to.is_float:
        if to.bits == value.type.bits:
            return value
        if to.bits > value.type.bits:
            return f.cast("fpext", value, to)
        if target.name in ("float16", "bfloat16"):
            return _round_to_odd(f, value, to)
        return f.cast("fptrunc", value, to)
    name = "fptosi" if _is_signed(target) else "fptoui"
    intrinsic = f"llvm.{name}.sat.{to.suffix}.{value.type.suffix}"
    return f.call(intrinsic, to, value)


def _round_to_odd(f: Function, value: Value, to: Type) -> Value:
    """float64 to float32 so that a second rounding to 16 bits is right.

    Where the first rounding was not exact, the last bit is made odd: then it never looks
    like a tie to the second.
    """
    near = f.cast("fptrunc", value, to)
    back = f.cast("fpext", near, value.type)
    integer = I32.vector(to.lanes)
    bits = f.bitcast(near, integer)
    # Step back towards zero where rounding went away from it, then set the last bit.
    away = f.compare("ogt", VECTOR_MATH["abs"](f, back), VECTOR_MATH["abs"](f, value))
    bits = f.select(away, bits - 1, bits)
    inexact = f.compare("one", back, value)
    bits = f.select(inexact, bits | 1, bits)
    return f.bitcast(bits, to)


# -- random bits -----------------------------------------------------------------------------

_PHILOX_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_PHILOX_INCREMENTS = (0x9E3779B9, 0xBB67AE85)


@applies("random_bits")
def _(f, x, operands):
    """Philox4x32-10 (Salmon et al., 2011): element `number` of the stream of a key."""
    first, second, number = operands
    wide = x.dtype.name == "uint64"
    lanes = number.type.lanes
    i64 = I64.vector(lanes)
    if not wide:
        number = f.cast("zext", number, i64)
    widened = [f.cast("zext", key, I64.vector(key.type.lanes)) for key in (first, second)]
    keys = [_spread(f, key, lanes) for key in widened]
    block = number >> (1 if wide else 2)
    zero = f.constant(i64, 0)
    words = [block & 0xFFFFFFFF, block >> 32, zero, zero]
    for step in range(10):
        key = [(k + step * i) & 0xFFFFFFFF for k, i in zip(keys, _PHILOX_INCREMENTS)]
        products = [words[2 * j] * _PHILOX_MULTIPLIERS[j] for j in range(2)]
        words = [
            (products[1] >> 32) ^ words[1] ^ key[0],
            products[1] & 0xFFFFFFFF,
            (products[0] >> 32) ^ words[3] ^ key[1],
            products[0] & 0xFFFFFFFF,
        ]
    odd = f.compare("ne", number & 1, 0)
    if wide:
        low, high = f.select(odd, words[2], words[0]), f.select(odd, words[3], words[1])
        return low | (high << 32)
    upper = f.compare("ne", number & 2, 0)
    pair = [f.select(upper, words[2 + j], words[j]) for j in range(2)]
    return f.cast("trunc", f.select(odd, pair[1], pair[0]), I32.vector(lanes))


def _spread(f: Function, value: Value, lanes: int) -> Value:
    return value if value.type.lanes == lanes else f.splat(value, lanes)
