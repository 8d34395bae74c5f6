"""LLVM's pages are given back, and LLVM works on."""

import sys

import pytest

from weft.targets.llvm import jit, pages
from weft.targets.llvm.machine import host

SOURCE = "define i64 @answer() {{ ret i64 {} }}"


def resident(library: str) -> int:
    """Kilobytes of a library's file in this process's memory."""
    total, is_its = 0, False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            if "-" in line.split()[0]:
                is_its = line.rstrip().endswith(library)
            elif is_its and line.startswith("Rss:"):
                total += int(line.split()[1])
    return total


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells of mappings")
def test_many_modules_leave_few_pages():
    from llvmlite.binding import ffi

    jit.compile_objects([SOURCE.format(n) for n in range(3)], host())
    used = resident(ffi.lib._name)
    jit.compile_objects([SOURCE.format(n) for n in range(20)], host())
    left = resident(ffi.lib._name)
    assert left < used / 2
    # And again: what was given back comes back.
    objects = jit.compile_objects([SOURCE.format(n) for n in range(20)], host())
    assert jit.load(objects[7]).address("answer")


def test_an_unknown_library_is_left_alone():
    pages.release("/no/such/library.so")
