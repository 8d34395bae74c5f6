"""Object files as one block of machine code that runs wherever it is put.

    block = link(objects)                  # plain data, which may be kept on disk
    code = Code(block)                     # in this process's memory
    code.address("kernel", 2)              # of the third object's function, as an integer

LLVM has a linker of its own (`jit.load`), but LLVM must be loaded to be asked: a program
that was compiled by an earlier process runs without it. Our kernels are position
independent and call next to nothing, so on x86-64 all there is to link is distances.

    text 0 | constants 0 | text 1 | … | stubs: jmp *slot | slots: addresses of memmove, …
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from weft.errors import CompileError

# ELF's numbers, from its specification for x86-64.
_X86_64, _RELOCATABLE = 62, 1
_PROGBITS, _SYMBOLS, _RELOCATIONS, _NO_BITS = 1, 2, 4, 8
_ALLOCATED = 2
_FUNCTION, _GLOBAL = 2, 1
_DISTANCE, _DISTANCE_TO_CALL = 2, 4  # R_X86_64_PC32 and PLT32: S + A - P

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QIIq")
_DISTANCE_FORMAT = struct.Struct("<i")

# Functions begin on a cache line of their own.
_LINE = 64
_STUB, _SLOT = 8, 8


class Block(NamedTuple):
    """Linked code: bytes, each object's functions and where the addresses of others go."""

    code: bytes
    functions: list[dict[str, int]]
    externals: dict[str, int]


@functools.cache
def can_link() -> bool:
    """Whether this system's object files are of the kind that `link` knows."""
    return sys.platform.startswith("linux") and os.uname().machine == "x86_64"


# -- linking ---------------------------------------------------------------------------


def link(objects: Sequence[bytes]) -> Block:
    """Put object files into one block. Raises CompileError for what it can't place."""
    image = bytearray()
    functions: list[dict[str, int]] = []
    calls: list[tuple[str, int, int]] = []  # name, place, addend
    known: dict[bytes, dict[str, int]] = {}
    for content in objects:
        try:
            if content not in known:
                known[content] = _Object(content).join(image, calls)
        except (struct.error, IndexError, ValueError) as error:
            raise CompileError(f"image: an object must link; received: {error}") from None
        functions.append(known[content])
    names = list(dict.fromkeys(name for name, _, _ in calls))
    _pad(image, _LINE)
    stubs = {name: len(image) + number * _STUB for number, name in enumerate(names)}
    first_slot = len(image) + len(names) * _STUB
    externals = {name: first_slot + number * _SLOT for number, name in enumerate(names)}
    for name in names:  # jmp *[rip + distance]
        distance = externals[name] - (stubs[name] + 6)
        image += b"\xff\x25" + _DISTANCE_FORMAT.pack(distance) + b"\xcc\xcc"
    image += bytes(len(names) * _SLOT)
    for name, place, addend in calls:
        _DISTANCE_FORMAT.pack_into(image, place, stubs[name] + addend - place)
    return Block(bytes(image), functions, externals)


def _pad(image: bytearray, alignment: int) -> None:
    image += bytes(-len(image) % alignment)


class _Object:
    """A relocatable ELF file."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        kind, machine = struct.unpack_from("<HH", content, 16)
        if content[:5] != b"\x7fELF\x02" or (kind, machine) != (_RELOCATABLE, _X86_64):
            raise ValueError("it is no object file for x86-64")
        table, size, count = struct.unpack_from("<Q10xHH", content, 40)
        self.sections = [
            _SECTION.unpack_from(content, table + number * size) for number in range(count)
        ]

    def join(
        self, image: bytearray, calls: list[tuple[str, int, int]]
    ) -> dict[str, int]:
        """Append code and constants; returns the functions' places.

        Distances inside are written at once, calls of others' functions are added to
        `calls`.
        """
        places: dict[int, int] = {}
        for number, section in enumerate(self.sections):
            _, kind, flags, _, offset, size, _, _, alignment, _ = section
            # Other allocated kinds describe frames for exceptions, which nobody throws.
            if flags & _ALLOCATED and kind in (_PROGBITS, _NO_BITS):
                _pad(image, max(alignment, _LINE))
                places[number] = len(image)
                image += bytes(size) if kind == _NO_BITS else self._bytes(offset, size)
        for section in self.sections:
            if section[1] == _RELOCATIONS and section[7] in places:
                self._relocate(section, places, image, calls)
        found = {}
        for section in self.sections:
            if section[1] == _SYMBOLS:
                for number in range(section[5] // _SYMBOL.size):
                    name, info, _, home, value, _ = self._symbol(section, number)
                    if info == _GLOBAL << 4 | _FUNCTION and home in places:
                        found[self._name(section, name)] = places[home] + value
        return found

    def _relocate(
        self,
        relocations: tuple,
        places: dict[int, int],
        image: bytearray,
        calls: list[tuple[str, int, int]],
    ) -> None:
        symbols, begin = self.sections[relocations[6]], places[relocations[7]]
        content = self._bytes(relocations[4], relocations[5])
        for offset, kind, number, addend in _RELOCATION.iter_unpack(content):
            if kind not in (_DISTANCE, _DISTANCE_TO_CALL):
                raise ValueError(f"it has a relocation of kind {kind}")
            name, _, _, home, value, _ = self._symbol(symbols, number)
            place = begin + offset
            if home in places:
                distance = places[home] + value + addend - place
                _DISTANCE_FORMAT.pack_into(image, place, distance)
            elif home == 0 and kind == _DISTANCE_TO_CALL:
                calls.append((self._name(symbols, name), place, addend))
            else:
                raise ValueError(f"it wants {self._name(symbols, name)!r}")

    def _bytes(self, offset: int, size: int) -> bytes:
        found = self.content[offset : offset + size]
        if len(found) != size:
            raise ValueError("it is cut off")
        return found

    def _symbol(self, table: tuple, number: int) -> tuple:
        return _SYMBOL.unpack_from(self.content, table[4] + number * _SYMBOL.size)

    def _name(self, table: tuple, offset: int) -> str:
        begin = self.sections[table[6]][4] + offset
        return self.content[begin : self.content.index(b"\0", begin)].decode()


# -- loading ---------------------------------------------------------------------------


class Code:
    """A block in this process's memory; the memory goes with the last reference."""

    __slots__ = ("__weakref__", "_memory", "base", "block")

    def __init__(self, block: Block) -> None:
        self.block = block
        size = max(len(block.code), 1)
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[: len(block.code)] = block.code
        for name, slot in block.externals.items():
            memory[slot : slot + _SLOT] = external(name).to_bytes(_SLOT, "little")
        # While the view lives, the mapping can't be closed.
        self._memory = ctypes.c_char.from_buffer(memory)
        self.base = ctypes.addressof(self._memory)
        # Never writable and executable at once: hardened systems forbid that.
        if _protect()(self.base, size, mmap.PROT_READ | mmap.PROT_EXEC):
            raise CompileError(
                "image: the system must allow new machine code; mprotect refused; "
                "allow executable memory for this process, or set WEFT_TARGET=numpy"
            )

    def address(self, name: str, number: int = 0) -> int:
        """Where the function `name` of an object begins. CompileError if it has none."""
        place = self.block.functions[number].get(name)
        if place is None:
            raise CompileError(f"image: object {number} must define {name}")
        return self.base + place


@functools.cache
def _protect() -> Any:
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return protect


@functools.cache
def external(name: str) -> int:
    """The address of one of the few functions that machine code may call unasked."""
    if name not in _EXTERNALS:
        known = ", ".join(_EXTERNALS)
        raise CompileError(f"image: machine code may only call {known}; received {name}")
    return ctypes.cast(_EXTERNALS[name](), ctypes.c_void_p).value or 0


def _of_the_system(name: str) -> Any:
    return getattr(ctypes.CDLL("ntdll" if os.name == "nt" else None), name)


_EXTERNALS: dict[str, Any] = {
    "memcpy": lambda: ctypes.memmove,
    "memmove": lambda: ctypes.memmove,
    "memset": lambda: ctypes.memset,
    # Processors without a fused instruction.
    "fma": lambda: _of_the_system("fma"),
    "fmaf": lambda: _of_the_system("fmaf"),
    # On Windows, touches the pages of a large stack frame one by one.
    "__chkstk": lambda: _of_the_system("__chkstk"),
}
