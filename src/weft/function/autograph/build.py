"""Small makers of syntax nodes: what the passes say in one line each."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

RUNTIME = "ag__"
"""The name under which rewritten code finds `weft.function.autograph.runtime`."""

Statements = list[ast.stmt]


def load(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def store(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Store())


def constant(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]


def assign(identifier: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([store(identifier)], value)


def call(helper: str, *arguments: ast.expr) -> ast.Call:
    """`ag__.helper(*arguments)`."""
    function = ast.Attribute(load(RUNTIME), helper, ast.Load())
    return ast.Call(function, list(arguments), [])


def statement(helper: str, *arguments: ast.expr) -> ast.Expr:
    return ast.Expr(call(helper, *arguments))


def tuple_of(
    items: Iterable[ast.expr], context: ast.expr_context | None = None
) -> ast.Tuple:
    return ast.Tuple(list(items), context or ast.Load())


def arguments(*identifiers: str) -> ast.arguments:
    positional = [ast.arg(identifier) for identifier in identifiers]
    return ast.arguments([], positional, None, [], [], None, [])


def lambda_of(body: ast.expr) -> ast.Lambda:
    return ast.Lambda(arguments(), body)


def function(
    identifier: str,
    parameters: Sequence[str],
    body: Statements,
    outer: Sequence[ast.stmt] = (),
) -> ast.FunctionDef:
    """A local function; `outer` are its nonlocal and global declarations."""
    node = ast.FunctionDef(
        identifier, arguments(*parameters), [*outer, *(body or [ast.Pass()])], [], None
    )
    if "type_params" in ast.FunctionDef._fields:
        node.type_params = []  # type: ignore[attr-defined]
    return node


def none_of(flags: Sequence[str]) -> ast.expr:
    """`not (a or b)` of flags, which may be tensors."""
    first = load(flags[0])
    if len(flags) == 1:
        return call("not_", first)
    others = [lambda_of(load(flag)) for flag in flags[1:]]
    return call("not_", call("or_", first, *others))


def clone(node):
    """A copy of a tree, places included; what is no node is shared."""
    new = type(node).__new__(type(node))
    state = new.__dict__
    for name, value in node.__dict__.items():
        if isinstance(value, ast.AST):
            value = clone(value)
        elif isinstance(value, list):
            value = [clone(item) if isinstance(item, ast.AST) else item for item in value]
        state[name] = value
    return new


class Names:
    """Gives names that the function does not use."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.made: set[str] = set()

    def new(self, wanted: str) -> str:
        identifier, number = wanted, 1
        while identifier in self.taken:
            number += 1
            identifier = f"{wanted}_{number}"
        self.taken.add(identifier)
        self.made.add(identifier)
        return identifier


def identifiers(node: ast.AST) -> set[str]:
    """Every name that occurs in a function."""
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.arg):
            found.add(inner.arg)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(inner.name)
        elif isinstance(inner, ast.Global | ast.Nonlocal):
            found.update(inner.names)
        elif isinstance(inner, ast.alias):
            found.add((inner.asname or inner.name).split(".")[0])
    return found
