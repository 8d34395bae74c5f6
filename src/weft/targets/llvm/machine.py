"""What the compiler needs to know of a processor, and how many threads we may use.

    machine = host()            # this computer, as far as WEFT_CPU lets us use it
    machine.lanes(4)            # float32 lanes of a vector: 16 on AVX-512
    named("avx2")               # some computer of that kind, for cross compilation
    thread_count()              # honours WEFT_NUM_THREADS, affinity and cgroup limits

Every machine has the same Python code above it: vectors are a number, not a dialect.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor: what LLVM must know, and the sizes that choose tiles and blocks."""

    name: str
    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    has_fma: bool
    l1_bytes: int = 32 << 10
    l2_bytes: int = 1 << 20
    l3_bytes: int = 8 << 20

    def lanes(self, element_bytes: int) -> int:
        """Elements of `element_bytes` bytes in one vector register."""
        return self.vector_bytes // element_bytes

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "amd64"))

    @property
    def is_arm(self) -> bool:
        return self.triple.startswith(("aarch64", "arm64"))


@dataclass(frozen=True, slots=True)
class _Level:
    """A family of processors with the same vectors; `needs` are LLVM feature names."""

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    has_fma: bool
    needs: tuple[str, ...]


# LLVM avoids 512-bit vectors on some processors unless told otherwise. Our vectors are
# explicit, so that preference would only cut them in two.
_WIDE = "-prefer-256-bit"
_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
_AVX512 = ("avx512f", "avx512vl", "avx512bw", "avx512dq", "fma")

# From the widest to the narrowest: `host` takes the first that the processor has.
LEVELS = {
    "avx512": _Level(_X86, "skylake-avx512", _WIDE, 64, 32, True, _AVX512),
    "avx2": _Level(_X86, "haswell", "", 32, 16, True, ("avx2", "fma")),
    "sse2": _Level(_X86, "x86-64", "", 16, 16, False, ("sse2",)),
    "neon": _Level(_ARM, "generic", "+neon", 16, 32, True, ("neon",)),
}


def named(name: str) -> Machine:
    """A typical machine with the vectors `name`: avx512, avx2, sse2 or neon.

    Raises ValueError for another name.
    """
    level = _level(name)
    return Machine(
        name=name,
        triple=level.triple,
        cpu=level.cpu,
        features=level.features,
        vector_bytes=level.vector_bytes,
        registers=level.registers,
        has_fma=level.has_fma,
    )


def _level(name: str) -> _Level:
    if name in LEVELS:
        return LEVELS[name]
    raise ValueError(
        f"machine: a name must be one of {', '.join(LEVELS)}; received {name!r}; "
        "unset WEFT_CPU to use all that this processor has"
    )


@functools.cache
def host() -> Machine:
    """This computer, with its widest vectors, or those that WEFT_CPU names.

    The answer is kept: WEFT_CPU is read once. Raises ValueError when WEFT_CPU names
    vectors that this processor does not have.
    """
    import llvmlite.binding as llvm

    triple = _jit_triple(llvm.get_process_triple())
    present = llvm.get_host_cpu_features()
    family = _ARM if triple.startswith(("aarch64", "arm64")) else _X86
    usable = [
        name
        for name, level in LEVELS.items()
        if level.triple == family
        and all(present.get(need, False) for need in level.needs)
    ]
    asked = os.environ.get("WEFT_CPU", "").strip().lower()
    if asked:
        _level(asked)
        if asked not in usable:
            raise ValueError(
                f"machine: WEFT_CPU must name vectors that this processor has "
                f"({', '.join(usable)}); received {asked!r}; unset WEFT_CPU"
            )
        restricted = replace(named(asked), triple=triple)
        return _with_caches(restricted)
    name = usable[0] if usable else ("neon" if family == _ARM else "sse2")
    features = present.flatten()
    widest = replace(
        named(name),
        triple=triple,
        cpu=llvm.get_host_cpu_name(),
        features=f"{features},{_WIDE}" if name == "avx512" else features,
    )
    return _with_caches(widest)


def _jit_triple(triple: str) -> str:
    # ELF objects link the same way everywhere in memory; Windows' own format does not.
    return f"{triple}-elf" if "windows" in triple and "elf" not in triple else triple


# -- caches ----------------------------------------------------------------------------


def _with_caches(machine: Machine) -> Machine:
    """`machine` with the caches that the system tells of; others keep their defaults."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = _darwin_caches() if sys.platform == "darwin" else _linux_caches()
    return replace(
        machine,
        l1_bytes=found.get("l1_bytes") or machine.l1_bytes,
        l2_bytes=found.get("l2_bytes") or machine.l2_bytes,
        l3_bytes=found.get("l3_bytes") or machine.l3_bytes,
    )


def _linux_caches() -> dict[str, int]:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = (folder / "type").read_text().strip()
        if kind not in ("Data", "Unified"):
            continue
        level = (folder / "level").read_text().strip()
        text = (folder / "size").read_text().strip()
        size = int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)
        found[f"l{level}_bytes"] = size
    return found


def _darwin_caches() -> dict[str, int]:
    questions = {
        "l1_bytes": ("hw.perflevel0.l1dcachesize", "hw.l1dcachesize"),
        "l2_bytes": ("hw.perflevel0.l2cachesize", "hw.l2cachesize"),
        "l3_bytes": ("hw.perflevel0.l3cachesize", "hw.l3cachesize"),
    }
    ask = ctypes.CDLL(None).sysctlbyname
    found = {}
    for key, names in questions.items():
        for name in names:
            answer, size = ctypes.c_int64(0), ctypes.c_size_t(8)
            failed = ask(name.encode(), ctypes.byref(answer), ctypes.byref(size), None, 0)
            if not failed and answer.value > 0:
                found[key] = answer.value
                break
    return found


# -- threads ---------------------------------------------------------------------------


def thread_count() -> int:
    """Threads that one program may use, the calling one included.

    WEFT_NUM_THREADS if it is set, else the smallest of the processors in the affinity
    mask and the cgroup's share of processor time, rounded up.
    """
    asked = os.environ.get("WEFT_NUM_THREADS", "").strip()
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(
                f"threads: WEFT_NUM_THREADS must be a whole number from 1; "
                f"received {asked!r}; unset it to use all processors"
            )
        return int(asked)
    available = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        available = min(available, len(os.sched_getaffinity(0)))
    share = min(_cgroup_shares(), default=math.inf)
    return max(1, min(available, math.ceil(share))) if share < math.inf else available


def _cgroup_shares(
    listing: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")
) -> Iterator[float]:
    """Every limit on processor time above this process, in processors."""
    try:
        lines = listing.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inside = line.split(":", 2)
        if not controllers:  # version 2: one tree
            roots, read = [mount, mount / "unified"], _share_of_version_2
        elif "cpu" in controllers.split(","):
            roots, read = [mount / "cpu", mount / controllers], _share_of_version_1
        else:
            continue
        parts = [part for part in inside.split("/") if part]
        for root in roots:
            # Limits of parent groups hold for us as well.
            for depth in range(len(parts), -1, -1):
                with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
                    share = read(root.joinpath(*parts[:depth]))
                    if share > 0:
                        yield share


def _share_of_version_2(folder: Path) -> float:
    quota, period = (folder / "cpu.max").read_text().split()
    return math.inf if quota == "max" else int(quota) / int(period)


def _share_of_version_1(folder: Path) -> float:
    quota = int((folder / "cpu.cfs_quota_us").read_text())
    period = int((folder / "cpu.cfs_period_us").read_text())
    return quota / period if quota > 0 else math.inf
