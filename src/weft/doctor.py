"""`weft doctor`: what weft finds on this computer, how fast it is, and what is wrong.

facts ──► measurements ──► problems, each with a remedy ──► text or JSON
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import weft
from weft import targets
from weft.errors import did_you_mean

# Every setting of the environment, and what it does.
SETTINGS = {
    "WEFT_NUM_THREADS": "threads of a program; without it: affinity and cgroup limits",
    "WEFT_CPU": "the vectors that are used: avx512, avx2, sse2 or neon",
    "WEFT_TARGET": "what runs functions: llvm (default) or numpy",
    "WEFT_CACHE": "0 turns the cache of compiled kernels off",
    "WEFT_CACHE_DIR": "the folder of that cache",
    "WEFT_SHOW": "stages to print: graph, kernels, memory, llvm, time",
    "WEFT_MKL": "MKL's library, for benchmarks/contraction.py",
}

# What may be installed beside weft: module → (distribution, use, how to get it).
EXTRAS = {
    "matplotlib": (
        "matplotlib",
        "pictures (weft.viz, weft demo)",
        'pip install "weft[plot]"',
    ),
    "h5py": ("h5py", "Keras's weight files", 'pip install "weft[files]"'),
    "jax": ("jax", "a peer for weft bench", "pip install jax"),
    "tensorflow": ("tensorflow", "a peer for weft bench", "pip install tensorflow-cpu"),
    "torch": ("torch", "a peer for weft bench", "pip install torch"),
    "keras": ("keras", "comparing tests", "pip install keras"),
}

_WORKING_SETS = (32 << 10, 256 << 10, 1 << 20, 8 << 20, 32 << 20, 128 << 20)
# A machine that does this much less with its kernels than in registers is disturbed.
_POOR_SHARE = 0.35


@dataclass(slots=True)
class Problem:
    """Something that is not as it should be, and what to do about it."""

    what: str
    remedy: str


@dataclass(slots=True)
class Findings:
    """All that the doctor found. Speeds are in units per second."""

    weft: dict[str, Any]
    processor: dict[str, Any]
    threads: dict[str, Any]
    cache: dict[str, Any]
    extras: dict[str, str | None]
    settings: dict[str, str]
    speed: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def run(as_json: bool = False, measure: bool = True) -> int:
    """Print what was found; returns 0, or 1 if there are problems."""
    findings = examine(measure=measure)
    print(json.dumps(asdict(findings), indent=2) if as_json else text(findings))
    return 1 if findings.problems else 0


def examine(measure: bool = True) -> Findings:
    """Look at everything; with `measure` also take speeds, which needs a few seconds."""
    problems: list[Problem] = []

    def careful(look: Callable[[], dict[str, Any]], what: str) -> dict[str, Any]:
        try:
            return look()
        except Exception as error:
            problems.append(Problem(f"{what}: {error}", "see the message"))
            return {}

    findings = Findings(
        weft=careful(_versions, "versions"),
        processor=careful(_processor, "processor"),
        threads=careful(_threads, "threads"),
        cache=careful(_cache, "cache"),
        extras={module: _version_of(facts[0]) for module, facts in EXTRAS.items()},
        settings={k: v for k, v in sorted(os.environ.items()) if k.startswith("WEFT_")},
    )
    if measure and findings.processor:
        findings.speed = careful(lambda: _speeds(findings.threads.get("count", 1)), "speed")
    findings.problems = [*problems, *_problems(findings)]
    return findings


# -- facts -------------------------------------------------------------------------------


def _versions() -> dict[str, Any]:
    from weft.targets.llvm import jit

    return {
        "version": weft.__version__,
        "folder": str(Path(weft.__file__).parent),
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "numpy": _version_of("numpy"),
        "llvm": jit.llvm_version(),
        "target": os.environ.get("WEFT_TARGET", "llvm"),
    }


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> dict[str, Any]:
    from weft.targets.llvm.machine import host

    machine = host()
    return {
        "name": _processor_name(),
        "count": os.cpu_count(),
        "vectors": machine.name,
        "vector_bits": 8 * machine.vector_bytes,
        "vector_registers": machine.registers,
        "fused_multiply_add": machine.has_fma,
        "llvm_name": machine.cpu,
        "l1_bytes": machine.l1_bytes,
        "l2_bytes": machine.l2_bytes,
        "l3_bytes": machine.l3_bytes,
        "features": [f[1:] for f in machine.features.split(",") if f.startswith("+")],
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
    }


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _threads() -> dict[str, Any]:
    from weft.targets.llvm.machine import thread_count

    limits: dict[str, float] = {"processors": os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):
        limits["affinity mask"] = len(os.sched_getaffinity(0))
    asked = os.environ.pop("WEFT_NUM_THREADS", None)
    try:
        free = thread_count()
    finally:
        if asked is not None:
            os.environ["WEFT_NUM_THREADS"] = asked
    count = thread_count()
    if asked and asked.strip():
        why = "WEFT_NUM_THREADS"
    elif free < min(limits.values()):
        why = "the cgroup's share of processor time"
    else:
        why = min(limits, key=lambda name: limits[name])
    return {"count": count, "why": why, "without_setting": free, "limits": limits}


def _cache() -> dict[str, Any]:
    from weft.targets.llvm import disk

    folder = disk.default_folder()
    if folder is None:
        return {"folder": None, "writable": False, "entries": 0, "bytes": 0}
    sizes = [path.stat().st_size for path in folder.glob("??/*.weft")]
    return {
        "folder": str(folder),
        "writable": _is_writable(folder),
        "entries": len(sizes),
        "bytes": sum(sizes),
        "limit": disk.SIZE_LIMIT,
    }


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made in the folder, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


# -- speeds ------------------------------------------------------------------------------


def _speeds(most_threads: int) -> dict[str, Any]:
    from weft.targets.llvm import speed

    counts = sorted({1, most_threads})
    sizes = {"float32": 1024, "float64": 768}
    begin = time.perf_counter()
    found: dict[str, Any] = {
        "fused_multiply_add": {
            dtype: {n: speed.fused_multiply_adds(dtype, n) for n in counts}
            for dtype in sizes
        },
        "matrix_multiply": {
            dtype: {n: speed.matrix_multiply(dtype, size, n) for n in counts}
            for dtype, size in sizes.items()
        },
        "bandwidth": {
            n: {size: speed.bandwidth(size, n) for size in _WORKING_SETS} for n in counts
        },
    }
    found["seconds"] = time.perf_counter() - begin
    return found


# -- problems ----------------------------------------------------------------------------


def _problems(findings: Findings) -> list[Problem]:
    checks = (_settings_problems, _thread_problems, _cache_problems, _speed_problems)
    return [problem for check in checks for problem in check(findings)]


def _settings_problems(findings: Findings) -> list[Problem]:
    found = []
    for name, value in findings.settings.items():
        if name not in SETTINGS:
            hint = did_you_mean(name, SETTINGS)
            found.append(
                Problem(f"{name} is not a setting of weft.{hint}", f"unset {name}")
            )
        if name == "WEFT_TARGET" and value not in targets.TARGETS:
            known = ", ".join(targets.TARGETS)
            found.append(Problem(f"WEFT_TARGET={value}: known are {known}", "unset it"))
    if findings.settings.get("WEFT_TARGET") == "numpy":
        found.append(
            Problem(
                "WEFT_TARGET=numpy: functions are not compiled and run slowly",
                "unset WEFT_TARGET",
            )
        )
    return found


def _thread_problems(findings: Findings) -> list[Problem]:
    threads = findings.threads
    if not threads or threads["count"] <= threads["without_setting"]:
        return []
    return [
        Problem(
            f"WEFT_NUM_THREADS={threads['count']} is more than the "
            f"{threads['without_setting']} processors that this process may use",
            "unset it: threads that wait for a processor make the others wait",
        )
    ]


def _cache_problems(findings: Findings) -> list[Problem]:
    cache = findings.cache
    if not cache or cache["writable"]:
        return []
    if cache["folder"] is None:
        return [
            Problem(
                "the cache of compiled kernels is off: each process compiles anew",
                "unset WEFT_CACHE, or name a folder with WEFT_CACHE_DIR",
            )
        ]
    return [
        Problem(
            f"the cache folder {cache['folder']} cannot be written: each process compiles "
            "anew",
            "make it writable, or name another one with WEFT_CACHE_DIR",
        )
    ]


def _speed_problems(findings: Findings) -> list[Problem]:
    speed = findings.speed
    if not speed:
        return []
    found = []
    for dtype, by_threads in speed["matrix_multiply"].items():
        peak = max(speed["fused_multiply_add"][dtype].values())
        reached = max(by_threads.values())
        if reached < _POOR_SHARE * peak:
            found.append(
                Problem(
                    f"matrix products in {dtype} reach {reached / 1e9:.0f} of "
                    f"{peak / 1e9:.0f} GFLOP/s",
                    "other programs may be using the processor: look at the load, and "
                    "run weft doctor again",
                )
            )
    load, count = findings.processor.get("load"), findings.processor.get("count") or 1
    if load and load[0] > 1.5 * count + 1:
        found.append(
            Problem(
                f"other programs keep the processors busy: load {load[0]:.1f} on {count}",
                "measure when the machine is quiet",
            )
        )
    return found


# -- text --------------------------------------------------------------------------------


def text(findings: Findings) -> str:
    """The findings as a page of text."""
    parts = [
        _section("weft", _weft_lines(findings)),
        _section("processor", _processor_lines(findings)),
        _section("speed", _speed_lines(findings)),
        _section("cache", _cache_lines(findings)),
        _section("extras", _extras_lines(findings)),
        _section("settings", _settings_lines(findings)),
        _section("problems", _problem_lines(findings)),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, lines: list[tuple[str, str]]) -> str:
    if not lines:
        return ""
    width = max(len(name) for name, _ in lines)
    return "\n".join(
        [title, *[f"  {name:{width}}  {value}".rstrip() for name, value in lines]]
    )


def _weft_lines(findings: Findings) -> list[tuple[str, str]]:
    facts = findings.weft
    if not facts:
        return []
    return [
        ("version", f"{facts['version']} in {facts['folder']}"),
        ("python", f"{facts['python']} ({facts['executable']})"),
        ("system", facts["system"]),
        ("numpy", str(facts["numpy"])),
        ("llvm", f"{facts['llvm']} (LLVM / llvmlite)"),
        ("target", facts["target"]),
    ]


def _processor_lines(findings: Findings) -> list[tuple[str, str]]:
    facts, threads = findings.processor, findings.threads
    if not facts or not threads:
        return []
    fma = "fused multiply-add" if facts["fused_multiply_add"] else "no fused multiply-add"
    levels = [f"L{level} {_size(facts[f'l{level}_bytes'])}" for level in (1, 2, 3)]
    return [
        ("name", f"{facts['name']} ({facts['count']} processors)"),
        ("vectors", f"{facts['vectors']}: {facts['vector_registers']} registers of "
         f"{facts['vector_bits']} bits, {fma}"),
        ("caches", ", ".join(levels)),
        ("threads", f"{threads['count']} (set by {threads['why']})"),
    ]  # fmt: skip


def _speed_lines(findings: Findings) -> list[tuple[str, str]]:
    speed = findings.speed
    if not speed:
        return []
    lines = []
    for title, key in (
        ("multiply-adds in registers", "fused_multiply_add"),
        ("matrix multiply", "matrix_multiply"),
    ):
        for dtype, by_threads in speed[key].items():
            values = ", ".join(
                f"{value / 1e9:.0f} on {_threads_text(n)}"
                for n, value in by_threads.items()
            )
            lines.append((f"{title}, {dtype}", f"{values}  GFLOP/s"))
    for n, by_size in speed["bandwidth"].items():
        values = ", ".join(f"{_size(s)}: {v / 1e9:.0f}" for s, v in by_size.items())
        lines.append((f"memory on {_threads_text(n)}", f"{values}  GB/s"))
    return lines


def _threads_text(count: int) -> str:
    return f"{count} thread" + ("s" if count > 1 else "")


def _cache_lines(findings: Findings) -> list[tuple[str, str]]:
    cache = findings.cache
    if not cache:
        return []
    if cache["folder"] is None:
        return [("folder", "none: the cache is off")]
    state = "writable" if cache["writable"] else "NOT writable"
    return [
        ("folder", f"{cache['folder']} ({state})"),
        ("content", f"{cache['entries']} kernels, {_size(cache['bytes'])} of at most "
         f"{_size(cache['limit'])}"),
    ]  # fmt: skip


def _extras_lines(findings: Findings) -> list[tuple[str, str]]:
    lines = []
    for module, version in findings.extras.items():
        _, use, command = EXTRAS[module]
        lines.append((module, f"{version or 'not installed'}: {use}" if version
                      else f"not installed; for {use}: {command}"))  # fmt: skip
    return lines


def _settings_lines(findings: Findings) -> list[tuple[str, str]]:
    lines = [
        (name, f"{value}   ({SETTINGS.get(name, 'unknown')})")
        for name, value in findings.settings.items()
    ]
    return lines or [("none", "no WEFT_* variable is set")]


def _problem_lines(findings: Findings) -> list[tuple[str, str]]:
    if not findings.problems:
        return [("none", "")]
    return [
        (f"{number}.", f"{problem.what}\n      → {problem.remedy}")
        for number, problem in enumerate(findings.problems, 1)
    ]


def _size(count: int) -> str:
    for scale, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= scale:
            return f"{count / scale:.4g} {unit}"
    return f"{count} B"
