"""Finding a function's syntax tree.

The whole file is parsed once, and the function is found in it by its line, its name and,
for lambdas, by its columns. Whatever `linecache` knows will do: files, notebook cells,
doctests. Functions made by `exec`, or typed into an old interactive prompt, have no source.
"""

from __future__ import annotations

import ast
import linecache
import threading
from types import CodeType
from typing import Any, NamedTuple

from weft.errors import WeftError

FunctionNode = ast.FunctionDef | ast.Lambda


class SourceNotFound(WeftError, LookupError):
    """The source of a function could not be found."""


class _File(NamedTuple):
    lines: list[str]
    functions: dict[tuple[int, str], list[ast.AST]]


_FILES: dict[str, _File] = {}
_KEPT_FILES = 64
_LOCK = threading.Lock()


def _first_line(node: ast.AST) -> int:
    """The line that the code object names as its first: a decorator's, if there is one."""
    decorators = getattr(node, "decorator_list", None)
    return decorators[0].lineno if decorators else node.lineno  # type: ignore[attr-defined]


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _index(lines: list[str], filename: str) -> _File:
    try:
        module = ast.parse("".join(lines), filename)
    except SyntaxError as error:
        # Notebook cells may hold lines that are not Python.
        raise SourceNotFound(
            f"the source in {filename} could not be parsed: {error}"
        ) from None
    functions: dict[tuple[int, str], list[ast.AST]] = {}
    for node in ast.walk(module):
        if isinstance(node, _FUNCTIONS):
            key = (_first_line(node), getattr(node, "name", "<lambda>"))
            functions.setdefault(key, []).append(node)
    return _File(lines, functions)


def _file(filename: str, module_globals: dict | None) -> _File:
    # "<string>" is every text that was handed to exec; newer Pythons file one of them there.
    lines = [] if filename == "<string>" else linecache.getlines(filename, module_globals)
    if not lines:
        raise SourceNotFound(f"the source of {filename} is not to be found")
    with _LOCK:
        known = _FILES.get(filename)
    if known is not None and known.lines is lines:
        return known
    known = _index(lines, filename)
    with _LOCK:
        if len(_FILES) >= _KEPT_FILES:
            _FILES.clear()
        _FILES[filename] = known
    return known


def find_function(code: CodeType, module_globals: dict | None = None) -> FunctionNode:
    """The node of the function whose code this is; it belongs to a shared tree: copy it.

    Raises:
        SourceNotFound: if there is no source, or it does not fit the code any more.
    """
    where = f"{code.co_filename}:{code.co_firstlineno}"
    file = _file(code.co_filename, module_globals)
    found = file.functions.get((code.co_firstlineno, code.co_name), [])
    found = [node for node in found if _parameters(node) == _parameters_of_code(code)]
    if len(found) > 1:
        found = [node for node in found if _covers(node, code)]
    if len(found) != 1:
        few = "has changed since it was loaded" if not found else "holds several like it"
        raise SourceNotFound(
            f"{code.co_name} is not to be told in its source: {where} {few}"
        )
    return found[0]  # type: ignore[return-value]


def _parameters(node: ast.AST) -> tuple[str, ...]:
    arguments = node.args  # type: ignore[attr-defined]
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stars = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return tuple([_unmangled(arg.arg) for arg in (*plain, *stars)])


def _parameters_of_code(code: CodeType) -> tuple[str, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
    return tuple([_unmangled(name) for name in code.co_varnames[:count]])


def _unmangled(name: str) -> str:
    # A parameter `__x` of a method of class A is called `_A__x` in its code.
    return name[name.index("__") :] if name.startswith("_") and "__" in name[1:] else name


def _covers(node: ast.AST, code: CodeType) -> bool:
    """Whether the instructions of the code stand where the body of the node stands."""
    body: Any = node.body if isinstance(node, ast.Lambda) else node
    starts, ends = [], []
    for line, end_line, column, end_column in code.co_positions():
        # Instructions that stand for no text have no columns, or none at all.
        if line is not None and end_column:
            starts.append((line, column))
            ends.append((end_line, end_column))
    if not starts:
        return False
    inside = (body.lineno, body.col_offset) == min(starts)
    return inside and (body.end_lineno, body.end_col_offset) == max(ends)
