"""Imports point down: every room may use those below it, and no other.

base ← core ← primitives ← {autodiff, ops, compiler} ← {targets, function}
     ← {random, data, explain, debug} ← {keras, viz} ← {compat, commands}
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "weft"

# Room → height. Rooms of one height don't import each other, unless BESIDE says so.
HEIGHTS = {
    **dict.fromkeys(("errors", "config", "dtypes", "tree", "diagram", "writing"), 0),
    "core": 1,
    "primitives": 2,
    **dict.fromkeys(("autodiff", "ops", "compiler"), 3),
    **dict.fromkeys(("targets", "function"), 4),
    **dict.fromkeys(("random", "data", "explain", "debug"), 5),
    **dict.fromkeys(("keras", "viz"), 6),
    **dict.fromkeys(("compat", "cli", "demo", "doctor", "bench", "__main__"), 7),
}

# (from, to) within one height, and why it is so.
BESIDE = {
    ("config", "errors"): "settings complain in the house's words",
    ("dtypes", "errors"): "so do dtypes",
    ("tree", "errors"): "so do structures",
    ("writing", "errors"): "files pass such complaints on",
    ("dtypes", "config"): "a Python float has the default float dtype",
    ("ops", "autodiff"): "operations with derivatives of their own (custom_gradient)",
    ("function", "targets"): "a traced function is run by a target",
    ("data", "random"): "shuffling",
    ("bench", "doctor"): "a benchmark tells of its machine",
    ("cli", "demo"): "the command line starts all commands",
    ("cli", "doctor"): "so it does",
    ("cli", "bench"): "so it does",
    ("cli", "compat"): "so it does",
    ("__main__", "cli"): "so it does",
}

# Only these rooms may know these packages.
FOREIGN = {
    "llvmlite": ("targets/llvm/",),
    "jax": ("targets/xla/", "bench/worker_jax.py"),
    "matplotlib": ("viz/",),
    "h5py": ("keras/",),
}

FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def room_of(file: Path) -> str:
    first = file.parts[0]
    return first.removesuffix(".py")


def imported(file: Path) -> Iterator[tuple[str, int]]:
    """Names of modules that a file imports, with lines; inside functions too."""
    package = ["weft", *file.parts[:-1]]
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{module}.{alias.name}" if module == "weft" else module
                yield name, node.lineno


def only_for_types(file: Path) -> set[int]:
    """Lines under `if TYPE_CHECKING:`, which are never run."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def test_every_room_has_its_height():
    rooms = {room_of(file) for file in FILES} - {"__init__"}
    assert rooms <= set(HEIGHTS), f"give these a height: {sorted(rooms - set(HEIGHTS))}"


@pytest.mark.parametrize("file", [f for f in FILES if f != Path("__init__.py")], ids=str)
def test_imports_point_down(file):
    room, skipped = room_of(file), only_for_types(file)
    wrong = []
    for name, line in imported(file):
        if not name.startswith("weft.") or line in skipped:
            continue
        other = name.split(".")[1]
        if other == room or other not in HEIGHTS:
            continue
        down = HEIGHTS[other] < HEIGHTS[room]
        if not down and (room, other) not in BESIDE:
            wrong.append(f"line {line}: {room} imports {name}")
    assert not wrong, f"{file}: imports must point down; " + "; ".join(wrong)


def test_exceptions_are_still_needed():
    found = {
        (room_of(file), name.split(".")[1])
        for file in FILES
        for name, _ in imported(file)
        if name.startswith("weft.")
    }
    assert set(BESIDE) <= found, f"remove {set(BESIDE) - found}"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_foreign_packages_stay_in_their_rooms(file):
    for name, line in imported(file):
        rooms = FOREIGN.get(name.split(".")[0])
        if rooms is None or line in only_for_types(file):
            continue
        assert str(file).startswith(rooms), f"{file}, line {line}: only {rooms} use {name}"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_file_is_too_long(file):
    assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= 800
