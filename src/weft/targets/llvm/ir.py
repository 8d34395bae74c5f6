"""A small writer of LLVM's textual IR: types, values with operators, functions, loops.

The text form is the whole interface to LLVM: it can be printed, hashed for the cache and
compiled for any CPU. Code that emits arithmetic reads like arithmetic:

    module = Module()
    f = module.function("axpy", [("x", PTR), ("y", PTR), ("n", I64)])
    x, y, n = f.parameters
    with f.loop(f.i64(0), n, f.i64(1)) as i:
        a = f.load(F32, f.element(x, F32, i))
        f.store(a * a + 1.0, f.element(y, F32, i))
    f.ret()
    text = module.text()
"""

from __future__ import annotations

import contextlib
import functools
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BITS = {"half": 16, "bfloat": 16, "float": 32, "double": 64, "ptr": 64, "void": 0}
_FLOATS = ("half", "bfloat", "float", "double")
_SUFFIX = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"}


@dataclass(frozen=True, slots=True)
class Type:
    """A scalar type (`lanes == 0`) or a vector of `lanes` of them."""

    kind: str
    lanes: int = 0

    def __str__(self) -> str:
        return f"<{self.lanes} x {self.kind}>" if self.lanes else self.kind

    @property
    def scalar(self) -> Type:
        return Type(self.kind)

    def vector(self, lanes: int) -> Type:
        """The type of `lanes` such elements; `lanes` 0 gives the scalar type."""
        return Type(self.kind, lanes)

    @property
    def bits(self) -> int:
        """Bits of one element."""
        return _BITS.get(self.kind) or int(self.kind[1:])

    @property
    def bytes(self) -> int:
        """Bytes of one element in memory (a bool takes one)."""
        return max(1, self.bits // 8)

    @property
    def is_float(self) -> bool:
        return self.kind in _FLOATS

    @property
    def suffix(self) -> str:
        """The type's spelling in the names of intrinsics, as in `llvm.fma.v16f32`."""
        one = _SUFFIX.get(self.kind, self.kind)
        return f"v{self.lanes}{one}" if self.lanes else one


VOID, PTR = Type("void"), Type("ptr")
I1, I8, I16, I32, I64 = (Type(f"i{n}") for n in (1, 8, 16, 32, 64))
F16, BF16, F32, F64 = (Type(kind) for kind in _FLOATS)


@functools.lru_cache(maxsize=4096)
def _float_literal(kind: str, number: float, sign: float) -> str:
    # `sign` keeps 0.0 and -0.0, which are equal, apart in the cache.
    if kind == "double":
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    if kind == "float":  # written as the double of the rounded value
        try:
            rounded = struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            rounded = float("inf") if number > 0 else float("-inf")
        return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"
    import ml_dtypes
    import numpy as np

    if kind == "half":
        return f"0xH{int(np.float16(number).view(np.uint16)):04X}"
    return f"0xR{int(np.asarray(number, ml_dtypes.bfloat16).view(np.uint16)):04X}"


def literal(type: Type, number: float | int | bool) -> str:
    """The text of a constant of `type`; vectors are splats."""
    if type.kind == "i1":
        one = "true" if number else "false"
    elif type.is_float:
        one = _float_literal(type.kind, float(number), math.copysign(1.0, number))
    else:
        one = str(int(number))
    return f"splat ({type.kind} {one})" if type.lanes else one


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An SSA value (or constant) of a function under construction, with arithmetic.

    Operators take a value of the same type or a Python number. `/` on integers is not
    offered: signedness must be said (`Function.op("sdiv", a, b)`).
    """

    type: Type
    text: str
    function: Function

    def _binary(self, other: Value | float, integer: str, floating: str) -> Value:
        name = floating if self.type.is_float else integer
        return self.function.op(name, self, other)

    def __add__(self, other: Value | float) -> Value:
        return self._binary(other, "add", "fadd")

    def __radd__(self, other: float) -> Value:
        return self + other

    def __sub__(self, other: Value | float) -> Value:
        return self._binary(other, "sub", "fsub")

    def __rsub__(self, other: float) -> Value:
        return self.function.constant(self.type, other) - self

    def __mul__(self, other: Value | float) -> Value:
        return self._binary(other, "mul", "fmul")

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __truediv__(self, other: Value | float) -> Value:
        if not self.type.is_float:
            raise TypeError("integer division must say sdiv or udiv")
        return self.function.op("fdiv", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self.function.constant(self.type, other) / self

    def __and__(self, other: Value | int) -> Value:
        return self.function.op("and", self, other)

    def __or__(self, other: Value | int) -> Value:
        return self.function.op("or", self, other)

    def __xor__(self, other: Value | int) -> Value:
        return self.function.op("xor", self, other)

    def __lshift__(self, other: Value | int) -> Value:
        return self.function.op("shl", self, other)

    def __rshift__(self, other: Value | int) -> Value:
        """A logical shift (zeros come in)."""
        return self.function.op("lshr", self, other)

    def __neg__(self) -> Value:
        if self.type.is_float:
            return self.function.unary("fneg", self)
        return 0 - self


class Variable:
    """A mutable local; LLVM's `sroa` turns it into registers."""

    def __init__(self, function: Function, type: Type, pointer: Value) -> None:
        self.function, self.type, self.pointer = function, type, pointer

    def get(self) -> Value:
        return self.function.load(self.type, self.pointer)

    def set(self, value: Value) -> None:
        self.function.store(value, self.pointer)


class Function:
    """One function under construction: instructions are appended to the current block."""

    def __init__(
        self,
        module: Module,
        name: str,
        parameters: Sequence[tuple[str, Type]],
        returns: Type = VOID,
        *,
        internal: bool = False,
        attributes: str = "nounwind",
    ) -> None:
        self.module, self.name, self.returns = module, name, returns
        self.internal, self.attributes = internal, attributes
        self.parameters = tuple(Value(type, f"%{text}", self) for text, type in parameters)
        self._locals: list[str] = []
        self._lines: list[str] = []
        self._count = 0
        self._constants_in_memory = False
        self.block = "entry"

    # -- instructions ------------------------------------------------------------

    def fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def emit(self, line: str) -> None:
        """Append a raw line to the current block."""
        self._lines.append("  " + line)

    def result(self, type: Type, right_side: str) -> Value:
        """Append `%new = right_side` and return the new value."""
        name = self.fresh()
        self._lines.append(f"  {name} = {right_side}")
        return Value(type, name, self)

    def constant(self, type: Type, number: float | int | bool) -> Value:
        if self._constants_in_memory and type.is_float and type.lanes:
            return self.splat(self.constant(type.scalar, number), type.lanes)
        return Value(type, literal(type, number), self)

    @contextlib.contextmanager
    def constants_in_memory(self) -> Iterator[None]:
        """Inside, vectors of float constants are read from memory at each use.

        LLVM would keep them in registers, also through loops that need all registers for
        themselves and would then spill theirs. Volatile loads stay where they are written.
        """
        before, self._constants_in_memory = self._constants_in_memory, True
        try:
            yield
        finally:
            self._constants_in_memory = before

    def _from_memory(self, constant: Value) -> Value:
        type = constant.type
        address = self.module.stored(constant)
        return self.result(type, f"load volatile {type}, ptr {address}, align {type.bytes}")

    def i64(self, number: int) -> Value:
        return Value(I64, str(number), self)

    def undefined(self, type: Type) -> Value:
        return Value(type, "poison", self)

    def _coerce(self, type: Type, value: Value | float) -> Value:
        if isinstance(value, Value):
            if value.type != type:
                raise TypeError(f"{self.name}: expected {type}, got {value.type}")
            return value
        return self.constant(type, value)

    def op(self, name: str, a: Value, b: Value | float) -> Value:
        """A binary instruction such as `fadd`, `sdiv`, `ashr`."""
        b = self._coerce(a.type, b)
        return self.result(a.type, f"{name} {a.type} {a.text}, {b.text}")

    def unary(self, name: str, a: Value) -> Value:
        return self.result(a.type, f"{name} {a.type} {a.text}")

    def compare(self, predicate: str, a: Value, b: Value | float) -> Value:
        """`predicate` as in LLVM: olt, oeq, une … for floats; eq, slt, ult … for integers."""
        b = self._coerce(a.type, b)
        name = "fcmp" if a.type.is_float else "icmp"
        line = f"{name} {predicate} {a.type} {a.text}, {b.text}"
        return self.result(I1.vector(a.type.lanes), line)

    def select(self, condition: Value, a: Value | float, b: Value | float) -> Value:
        type = a.type if isinstance(a, Value) else b.type  # type: ignore[union-attr]
        a, b = self._coerce(type, a), self._coerce(type, b)
        return self.result(
            type,
            f"select {condition.type} {condition.text}, {type} {a.text}, {type} {b.text}",
        )

    def cast(self, name: str, value: Value, to: Type) -> Value:
        """A conversion instruction (`fpext`, `sitofp`, `bitcast`, …), lanes kept."""
        return self.result(to, f"{name} {value.type} {value.text} to {to}")

    def bitcast(self, value: Value, to: Type) -> Value:
        return self.cast("bitcast", value, to)

    def call(self, name: str, returns: Type, *arguments: Value) -> Value:
        """Call `@name`, declaring it when it is not defined in this module."""
        self.module.declare(name, returns, [a.type for a in arguments])
        listed = ", ".join(f"{a.type} {a.text}" for a in arguments)
        if returns == VOID:
            self.emit(f"call void @{name}({listed})")
            return Value(VOID, "", self)
        return self.result(returns, f"call {returns} @{name}({listed})")

    def intrinsic(self, name: str, first: Value, *more: Value | float) -> Value:
        """`llvm.NAME.<type>` whose operands and result all have the first's type."""
        arguments = [first, *(self._coerce(first.type, m) for m in more)]
        return self.call(f"llvm.{name}.{first.type.suffix}", first.type, *arguments)

    def fma(self, a: Value, b: Value | float, c: Value | float) -> Value:
        """a * b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    # -- memory ------------------------------------------------------------------

    def element(self, pointer: Value, type: Type, index: Value | int) -> Value:
        """The address of element `index` (in elements of `type.scalar`)."""
        index = self._coerce(I64, index)
        return self.result(
            PTR, f"getelementptr inbounds {type.scalar}, ptr {pointer.text}, i64 {index.text}"
        )

    def load(self, type: Type, pointer: Value, align: int | None = None) -> Value:
        """Load a scalar or a vector; alignment is that of one element unless given."""
        return self.result(type, f"load {type}, ptr {pointer.text}, align {align or type.bytes}")

    def store(self, value: Value, pointer: Value, align: int | None = None) -> None:
        align = align or value.type.bytes
        self.emit(f"store {value.type} {value.text}, ptr {pointer.text}, align {align}")

    def masked_load(self, type: Type, pointer: Value, mask: Value, other: float = 0) -> Value:
        """Load the lanes whose mask bit is set; the rest get `other`; nothing else is touched."""
        return self.call(
            f"llvm.masked.load.{type.suffix}.p0", type, pointer,
            Value(I32, str(type.bytes), self), mask, self.constant(type, other),
        )  # fmt: skip

    def masked_store(self, value: Value, pointer: Value, mask: Value) -> None:
        if value.type.scalar.bits < 32:
            mask = mask & self._unforeseen(value.type.lanes)
        self.call(
            f"llvm.masked.store.{value.type.suffix}.p0", VOID, value, pointer,
            Value(I32, str(value.type.bytes), self), mask,
        )  # fmt: skip

    def _unforeseen(self, lanes: int) -> Value:
        """A mask of all lanes, of which the optimiser does not know that it is.

        Where it knows that a mask has just one lane, and the value is a wider one truncated,
        LLVM 22 stores the wider one for x86: the bytes behind the lane are overwritten.
        """
        slot = self.scratch(I32, 1)
        self.store(Value(I32, "0", self), slot)
        zero = self.result(I32, f"load volatile i32, ptr {slot.text}, align 4")
        return self.splat(self.compare("eq", zero, 0), lanes)

    def variable(self, type: Type, initial: Value | float | None = None) -> Variable:
        pointer = Value(PTR, self.fresh(), self)
        self._locals.append(f"  {pointer.text} = alloca {type}")
        local = Variable(self, type, pointer)
        if initial is not None:
            local.set(self._coerce(type, initial))
        return local

    def scratch(self, type: Type, count: int, align: int = 64) -> Value:
        """The address of `count` elements on the stack (keep it small)."""
        pointer = Value(PTR, self.fresh(), self)
        self._locals.append(f"  {pointer.text} = alloca [{count} x {type}], align {align}")
        return pointer

    # -- vectors -----------------------------------------------------------------

    def splat(self, scalar: Value, lanes: int) -> Value:
        if not lanes:
            return scalar
        type = scalar.type.vector(lanes)
        if not scalar.text.startswith("%") and self._constants_in_memory and type.is_float:
            scalar = self._from_memory(scalar)
        elif not scalar.text.startswith("%"):
            return Value(type, f"splat ({scalar.type} {scalar.text})", self)
        one = self.result(
            type, f"insertelement {type} poison, {scalar.type} {scalar.text}, i64 0"
        )
        return self.shuffle(one, one, [0] * lanes)

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes of `a` then `b`, picked by number."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.result(
            a.type.vector(len(lanes)),
            f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{len(lanes)} x i32> <{mask}>",
        )

    def extract(self, vector: Value, lane: int | Value) -> Value:
        lane = self._coerce(I64, lane)
        return self.result(
            vector.type.scalar, f"extractelement {vector.type} {vector.text}, i64 {lane.text}"
        )

    def insert(self, vector: Value, scalar: Value, lane: int | Value) -> Value:
        lane = self._coerce(I64, lane)
        return self.result(
            vector.type,
            f"insertelement {vector.type} {vector.text}, {scalar.type} {scalar.text}, "
            f"i64 {lane.text}",
        )

    def lane_numbers(self, type: Type) -> Value:
        """The constant <0, 1, 2, …> of an integer vector type."""
        listed = ", ".join(f"{type.kind} {lane}" for lane in range(type.lanes))
        return Value(type, f"<{listed}>", self)

    def first_lanes(self, count: Value, lanes: int) -> Value:
        """A mask that is true in lanes numbered below `count` (an i64)."""
        numbers = self.lane_numbers(I64.vector(lanes))
        return self.compare("ult", numbers, self.splat(count, lanes))

    # -- control -----------------------------------------------------------------

    def new_label(self, hint: str) -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def start(self, label: str) -> None:
        """Make `label` the current block."""
        self._lines.append(f"{label}:")
        self.block = label

    def branch(self, label: str) -> None:
        self.emit(f"br label %{label}")

    def branch_if(self, condition: Value, yes: str, no: str) -> None:
        self.emit(f"br i1 {condition.text}, label %{yes}, label %{no}")

    @contextlib.contextmanager
    def loop(
        self, begin: Value | int, end: Value | int, step: Value | int = 1
    ) -> Iterator[Value]:
        """`for i in range(begin, end, step)` with i64 bounds and a positive step."""
        begin, end, step = (self._coerce(I64, v) for v in (begin, end, step))
        head, body, latch, done = (self.new_label(h) for h in ("head", "body", "latch", "done"))
        before, following = self.block, self.fresh()
        self.branch(head)
        self.start(head)
        i = self.result(I64, f"phi i64 [{begin.text}, %{before}], [{following}, %{latch}]")
        self.branch_if(self.compare("slt", i, end), body, done)
        self.start(body)
        yield i
        self.branch(latch)
        self.start(latch)
        self.emit(f"{following} = add nsw i64 {i.text}, {step.text}")
        self.branch(head)
        self.start(done)

    @contextlib.contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Run the block only if the i1 `condition` holds."""
        yes, done = self.new_label("then"), self.new_label("done")
        self.branch_if(condition, yes, done)
        self.start(yes)
        yield
        self.branch(done)
        self.start(done)

    def ret(self, value: Value | None = None) -> None:
        self.emit(f"ret {value.type} {value.text}" if value else "ret void")

    def text(self) -> str:
        listed = ", ".join(f"{p.type} {p.text}" for p in self.parameters)
        linkage = "internal " if self.internal else ""
        head = f"define {linkage}{self.returns} @{self.name}({listed}) {self.attributes} {{"
        return "\n".join([head, "entry:", *self._locals, *self._lines, "}"])


class Module:
    """Functions, the declarations that they need, and global constants."""

    def __init__(self) -> None:
        self._declared: dict[str, str] = {}
        self._globals: dict[str, str] = {}
        self.functions: dict[str, Function] = {}
        # Whether the machine fuses multiply and add; if not, `llvm.fma` would call the C library.
        self.has_fma = True

    def function(
        self, name: str, parameters: Sequence[tuple[str, Type]], returns: Type = VOID, **more
    ) -> Function:
        f = Function(self, name, parameters, returns, **more)
        self.functions[name] = f
        return f

    def declare(self, name: str, returns: Type, parameters: Sequence[Type]) -> None:
        if name not in self._declared:
            listed = ", ".join(map(str, parameters))
            self._declared[name] = f"declare {returns} @{name}({listed})"

    def table(self, name: str, type: Type, values: Sequence[float]) -> Value:
        """A private constant array; returns its address."""
        owner = next(iter(self.functions.values()))
        if name not in self._globals:
            listed = ", ".join(f"{type} {literal(type, v)}" for v in values)
            self._globals[name] = (
                f"@{name} = private unnamed_addr constant "
                f"[{len(values)} x {type}] [{listed}], align 64"
            )
        return Value(PTR, f"@{name}", owner)

    def stored(self, constant: Value) -> str:
        """The address of a scalar constant."""
        name = f"constant.{constant.type}.{constant.text}"
        self._globals.setdefault(
            name,
            f'@"{name}" = private unnamed_addr constant {constant.type} {constant.text}',
        )
        return f'@"{name}"'

    def text(self) -> str:
        declarations = [d for n, d in self._declared.items() if n not in self.functions]
        bodies = [f.text() for f in self.functions.values()]
        return "\n\n".join(
            ["\n".join(self._globals.values()), "\n".join(declarations), *bodies]
        ).strip() + "\n"
