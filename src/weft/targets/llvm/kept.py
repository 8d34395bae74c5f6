"""Machine code and facts about it, kept on disk under the name of all that made them.

    name = name_of("runner")               # None: nothing can be kept on this system
    write(name, Entry(block, facts))
    entry = read(name)

`cache` keeps what LLVM made of a text. Here is what the whole compiler made of something, so
that neither LLVM nor the compiler need be loaded to use it again. The name therefore tells of
this processor, of LLVM's version, and of weft's own sources.
"""

from __future__ import annotations

import functools
import json
import os
import struct
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from weft.targets.llvm import image
from weft.targets.llvm.disk import default_folder, disk
from weft.targets.llvm.disk import name_of as disk_name_of
from weft.targets.llvm.image import Block, Code

FORMAT = 2

_LENGTH = struct.Struct("<Q")

_ROOT = Path(__file__).resolve().parents[2]

# Rooms of weft whose code has a part in what is kept.
_ROOMS = ("", "core", "primitives", "compiler", "targets", "targets/llvm")

# Of /proc/cpuinfo, the lines that tell what a processor can do.
_PROCESSOR = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")


class Entry(NamedTuple):
    """What is kept: linked code, facts for JSON, and more bytes."""

    block: Block
    facts: dict[str, Any]
    parts: Sequence[bytes] = ()


def read(name: str) -> Entry | None:
    """What was kept under this name, if it is there and whole."""
    payload = disk(default_folder()).read(name)
    if payload is None:
        return None
    (length,) = _LENGTH.unpack_from(payload)
    end = _LENGTH.size + length
    described = json.loads(payload[_LENGTH.size : end])
    parts = []
    for size in described["sizes"]:
        parts.append(payload[end : end + size])
        end += size
    code, *parts = parts
    block = Block(code, described["functions"], described["externals"])
    return Entry(block, described["facts"], parts)


def write(name: str, entry: Entry) -> None:
    """Keep an entry, if the disk lets us."""
    code, functions, externals = entry.block
    parts = (code, *entry.parts)
    described = {
        "functions": functions,
        "externals": externals,
        "facts": entry.facts,
        "sizes": [len(part) for part in parts],
    }
    head = json.dumps(described).encode()
    payload = b"".join((_LENGTH.pack(len(head)), head, *parts))
    disk(default_folder()).write(name, payload)


def code(label: str, compiled: Callable[[], Any]) -> Any:
    """Linked code that depends on nothing but weft: kept, or what `compiled` makes."""
    name = name_of(label)
    entry = read(name) if name else None
    if entry is not None:
        return Code(entry.block)
    made = compiled()
    if name and made.block is not None:
        write(name, Entry(made.block, {}))
    return made


# -- names -----------------------------------------------------------------------------


def name_of(*parts: str) -> str | None:
    """The name for something that weft makes of `parts`, or None if it can't be kept."""
    circumstances = _circumstances()
    if circumstances is None or default_folder() is None:
        return None
    return disk_name_of(circumstances, *parts)


@functools.cache
def _circumstances() -> str | None:
    """All that our machine code depends on beside what it computes.

    None where that can't be told without loading LLVM.
    """
    if not image.can_link():
        return None
    try:
        found = (FORMAT, _processor(), _llvm(), _sources())
    except OSError:
        return None
    asked = os.environ.get("WEFT_CPU", "").strip().lower()
    return repr((*found, asked)) if all(found) else None


def _processor() -> list[str]:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        lines = []
        for line in file:
            if not line.strip():  # the others are the same
                break
            if line.split("\t", 1)[0].split(":")[0].strip() in _PROCESSOR:
                lines.append(line.strip())
    return lines


def _llvm() -> str:
    """What tells one LLVM from another: the file that says llvmlite's version."""
    spec = PathFinder.find_spec("llvmlite")
    if spec is None or spec.origin is None:
        return ""
    return Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8")


def _sources() -> list[tuple[str, int, int]]:
    """Names, sizes and times of our files: who changes the compiler wants to see it."""
    found = []
    for room in _ROOMS:
        for entry in os.scandir(_ROOT / room):
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append((f"{room}/{entry.name}", status.st_size, status.st_mtime_ns))
    return sorted(found)
