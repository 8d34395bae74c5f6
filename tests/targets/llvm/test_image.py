"""Linking without LLVM: the same functions, in memory that is let go again."""

import ctypes
import gc
import struct
import weakref

import pytest

from weft.errors import CompileError
from weft.targets.llvm import image, jit
from weft.targets.llvm.machine import host

pytestmark = pytest.mark.skipif(not image.can_link(), reason="needs ELF on x86-64")

TABLE = """
@table = internal constant [4 x i64] [i64 2, i64 3, i64 5, i64 7]
define i64 @kernel(i64 %i) {
  %place = getelementptr [4 x i64], ptr @table, i64 0, i64 %i
  %found = load i64, ptr %place
  ret i64 %found
}
"""
HALF = "define double @kernel(double %x) { %y = fmul double %x, 0.37 ret double %y }"
MOVE = """
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @kernel(ptr %to, ptr %from, i64 %n) {
  call void @llvm.memmove.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
  ret void
}
define void @clear(ptr %to, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %to, i8 0, i64 %n, i1 false)
  ret void
}
"""
ELSEWHERE = """
declare i64 @elsewhere()
define i64 @kernel() { %x = call i64 @elsewhere() ret i64 %x }
"""


def objects(*sources: str) -> list[bytes]:
    return jit.compile_objects(list(sources), host())


def test_functions_constants_and_calls():
    code = image.Code(image.link(objects(TABLE, HALF, MOVE, TABLE)))
    for number in (0, 3):
        table = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address("kernel", number))
        assert [table(i) for i in range(4)] == [2, 3, 5, 7]
    assert code.address("kernel", 0) == code.address("kernel", 3)
    half = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(code.address("kernel", 1))
    assert half(2.0) == 2.0 * 0.37
    kernel, clear = code.address("kernel", 2), code.address("clear", 2)
    source, to = ctypes.create_string_buffer(b"abcdef"), ctypes.create_string_buffer(7)
    text, number = ctypes.c_char_p, ctypes.c_int64
    ctypes.CFUNCTYPE(None, text, text, number)(kernel)(to, source, 4)
    assert to.value == b"abcd"
    ctypes.CFUNCTYPE(None, text, number)(clear)(to, 3)
    assert to.raw == b"\0\0\0d\0\0\0"


def test_a_block_is_data_and_can_be_loaded_twice():
    block = image.link(objects(TABLE, MOVE))
    one, two = image.Code(block), image.Code(image.Block(*block))
    assert one.base != two.base
    for code in (one, two):
        function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address("kernel"))
        assert function(3) == 7


def test_the_memory_is_executable_and_not_writable():
    code = image.Code(image.link(objects(HALF)))
    with open("/proc/self/maps") as lines:
        (rights,) = [
            line.split()[1]
            for line in lines
            if int(line.split("-")[0], 16) <= code.base < int(line.split("-")[1].split()[0], 16)
        ]
    assert rights == "r-xp"


def test_dropped_code_leaves_no_memory_behind():
    def anonymous_code() -> int:
        """Bytes of executable memory that belongs to no file."""
        total = 0
        with open("/proc/self/maps") as lines:
            for line in lines:
                span, rights, *_, inode = line.split()[:5]
                if rights == "r-xp" and inode == "0":
                    begin, end = span.split("-")
                    total += int(end, 16) - int(begin, 16)
        return total

    block = image.link(objects(HALF))
    gc.collect()
    before = anonymous_code()
    codes = [image.Code(block) for _ in range(50)]
    gone, held = weakref.ref(codes[0]), anonymous_code()
    assert held >= before + 50 * len(block.code)
    del codes
    gc.collect()
    assert gone() is None and anonymous_code() == before


def test_who_calls_what_is_not_there_is_told():
    block = image.link(objects(ELSEWHERE))
    with pytest.raises(CompileError, match=r"may only call .*memmove.*received elsewhere"):
        image.Code(block)
    with pytest.raises(CompileError, match="object 0 must define other"):
        image.Code(image.link(objects(HALF))).address("other")


def test_what_is_no_object_is_refused():
    (good,) = objects(TABLE)
    other = bytearray(good)
    struct.pack_into("<H", other, 18, 183)  # for AArch64
    for bad in (b"", b"\x7fELF", b"no object file" * 9, bytes(other), good[:200], good[:-9]):
        with pytest.raises(CompileError, match="must link"):
            image.link([bad])
