"""Which names a statement assigns, which are read later, and which may have no value yet.

The analysis runs on blocks without jumps, so it is two walks over nested statements:
forwards for the names that surely have a value, backwards for those that are still read.
It leaves on every `if`, `while` and `for` a `Plan`: the names to hand through it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from weft.function.autograph.build import Statements, clone, identifiers

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_TRY = (ast.Try, getattr(ast, "TryStar", ast.Try))

Names = frozenset[str]
_NONE: Names = frozenset()


@dataclass
class Plan:
    """What an `if` or a loop must know about names.

    Attributes:
        modified: names assigned inside, in the order in which they first appear.
        places: attributes and items assigned inside, such as `self.x`, by their text.
        defined: names that surely have a value before it.
        needed: names read after it, or at the start of its blocks.
        live_after: names read after it.
    """

    modified: tuple[str, ...]
    places: dict[str, ast.expr]
    defined: Names = _NONE
    needed: Names = _NONE
    live_after: Names = _NONE
    state: tuple[str, ...] = ()
    live: int = 0


def plan_of(node: ast.stmt) -> Plan:
    """The plan that the analysis has put on an `if` or a loop."""
    return node.plan  # type: ignore[attr-defined]


@dataclass
class Scope:
    """What is known of one function's names."""

    parameters: Names
    locals: Names
    declared_global: Names
    declared_nonlocal: Names
    captured: Names = _NONE
    remote: Names = _NONE
    may_be_undefined: set[str] = field(default_factory=set)

    @property
    def forced(self) -> set[str]:
        """Names that must be handed through wherever they are assigned."""
        declared = self.declared_global | self.declared_nonlocal
        return {*self.captured, *self.may_be_undefined, *declared, *self.remote}


# -- names of an expression or statement -------------------------------------------------


def loads(node: ast.AST | None) -> set[str]:
    """Names read anywhere inside, also by functions and comprehensions in it."""
    if node is None:
        return set()
    return {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
    }


class _Stores(ast.NodeVisitor):
    """Names and places assigned in a function, without those of functions inside."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.places: dict[str, ast.expr] = {}
        self.calls = False

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.names[node.id] = None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._place(node)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._place(node)
        self.generic_visit(node)

    def _place(self, node: ast.expr) -> None:
        if place_names(node) is not None:
            self.places.setdefault(ast.unparse(node), node)

    def visit_Call(self, node: ast.Call) -> None:
        self.calls = True
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names[node.name] = None

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names[node.name] = None

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def _comprehension(self, node: ast.AST) -> None:
        # Its own targets stay inside; a walrus in it assigns outside.
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self.names[inner.target.id] = None
            elif isinstance(inner, ast.Call):
                self.calls = True

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_alias(self, node: ast.alias) -> None:
        self.names[(node.asname or node.name).split(".")[0]] = None

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.names[node.name] = None
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.names[node.name] = None

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.names[node.rest] = None
        self.generic_visit(node)


def stores(nodes: Iterable[ast.AST]) -> _Stores:
    found = _Stores()
    for node in nodes:
        found.visit(node)
    return found


def place_names(node: ast.expr) -> set[str] | None:
    """The names in a place that can be looked up again (`a.b[0]`, `d[k]`), else None."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return place_names(node.value)
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.UnaryOp):
            key = key.operand
        if not isinstance(key, ast.Constant | ast.Name):
            return None
        inside = place_names(node.value)
        return None if inside is None else inside | place_names_of_key(key)
    return None


def place_names_of_key(key: ast.expr) -> set[str]:
    return {key.id} if isinstance(key, ast.Name) else set()


# -- a function's scope ------------------------------------------------------------------


def parameter_names(arguments: ast.arguments) -> set[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stars = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return {arg.arg for arg in (*every, *stars)}


def scope_of(arguments: ast.arguments, body: Statements) -> Scope:
    """Names of the function with these parameters and this body (its own ones only)."""
    parameters = parameter_names(arguments)
    assigned = set(stores(body).names)
    declared: dict[type, set[str]] = {ast.Global: set(), ast.Nonlocal: set()}
    captured: set[str] = set()
    remote: set[str] = set()
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            declared[type(node)].update(node.names)
        if isinstance(node, ast.GeneratorExp):
            # It runs later.
            captured |= loads(node)
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            captured |= _free_names(node)
            for inner in ast.walk(node):
                if isinstance(inner, ast.Nonlocal):
                    remote.update(inner.names)
            continue
        pending.extend(ast.iter_child_nodes(node))
    outside = declared[ast.Global] | declared[ast.Nonlocal]
    own = frozenset((parameters | assigned) - outside)
    return Scope(
        frozenset(parameters),
        own,
        frozenset(declared[ast.Global]),
        frozenset(declared[ast.Nonlocal]),
        captured=frozenset(captured & (own | outside)),
        remote=frozenset(remote & own),
    )


def _free_names(node: ast.AST) -> set[str]:
    """Names that a nested function or class may take from outside (rather too many)."""
    if isinstance(node, ast.ClassDef):
        return identifiers(node)
    used = identifiers(node)
    own = parameter_names(node.args)  # type: ignore[attr-defined]
    body = node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
    declared = {
        name
        for inner in ast.walk(node)
        if isinstance(inner, ast.Nonlocal)
        for name in inner.names
    }
    defaults = {name for default in _defaults(node) for name in loads(default)}
    return (used - own - (set(stores(body).names) - declared)) | defaults


def _defaults(node: ast.AST) -> list[ast.expr]:
    arguments = node.args  # type: ignore[attr-defined]
    return [*arguments.defaults, *[d for d in arguments.kw_defaults if d is not None]]


# -- the two walks -----------------------------------------------------------------------


def analyse(scope: Scope, body: Statements) -> None:
    """Put a Plan on every `if`, `while` and `for` of the body.

    Names that may be read, or handed through a statement, before they have a value are
    collected in `scope.may_be_undefined`; such reads get the attribute `is_unsure`.
    """
    for node in _flow(body):
        blocks = [*node.body, *node.orelse]
        tests = [node.test] if isinstance(node, ast.If | ast.While) else [node.target]
        # Names that an `if` assigns in its test are assigned before it.
        inside = stores(blocks if isinstance(node, ast.If) else [*tests, *blocks])
        names = dict(inside.names)
        if inside.calls:
            names.update(dict.fromkeys(sorted(scope.remote)))
        places = {
            text: clone(place)
            for text, place in inside.places.items()
            if not (place_names(place) or set()) & set(names)
        }
        setattr(node, "plan", Plan(tuple(names), places))  # noqa: B010
    _Defined(scope).block(body, scope.parameters)
    _Live(scope).block(body, _NONE)
    for node in _flow(body):
        plan = plan_of(node)
        state = _handed_through(plan, scope, scope.captured | scope.remote)
        unsure = (set(state) & scope.locals) - plan.defined
        scope.may_be_undefined |= unsure
    scope.may_be_undefined |= _deleted(body) & scope.locals
    for node in _flow(body):
        plan = plan_of(node)
        state = _handed_through(plan, scope, frozenset(scope.forced))
        after = plan.live_after | scope.captured | scope.remote
        after |= scope.declared_global | scope.declared_nonlocal
        carried = [name for name in state if name in after]
        if isinstance(node, ast.While | ast.For):
            carried = [name for name in state if name in after | plan.needed]
        plan.state = (*carried, *[name for name in state if name not in carried])
        plan.live = len(carried)


def _handed_through(plan: Plan, scope: Scope, forced: Names) -> list[str]:
    wanted = plan.needed | plan.live_after | forced
    wanted |= scope.declared_global | scope.declared_nonlocal
    return [name for name in plan.modified if name in wanted]


def _flow(body: Iterable[ast.AST]) -> Iterable[ast.If | ast.While | ast.For]:
    """The `if`s and loops of a function, outer ones first."""
    for node in body:
        if isinstance(node, ast.If | ast.While | ast.For):
            yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.expr)):
            yield from _flow(ast.iter_child_nodes(node))


def _deleted(body: Iterable[ast.AST]) -> set[str]:
    """Names that a `del` inside of an `if` or loop takes away."""
    blocks = [block for node in _flow(body) for block in (node.body, node.orelse)]
    deletions = [
        inner for block in blocks for node in block for inner in ast.walk(node)
        if isinstance(inner, ast.Delete)
    ]  # fmt: skip
    return set(stores(deletions).names)


class _Defined:
    """Forwards: the names that surely have a value."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def block(self, statements: Statements, before: Names) -> Names:
        for node in statements:
            before = self.statement(node, before)
        return before

    def reads(self, node: ast.AST | None, before: Names) -> None:
        if node is None:
            return
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id not in before:
                inner.is_unsure = inner.id in self.scope.locals  # type: ignore[attr-defined]

    def statement(self, node: ast.stmt, before: Names) -> Names:
        if isinstance(node, ast.If):
            self.reads(node.test, before)
            before |= frozenset(stores([node.test]).names)
            plan_of(node).defined = before
            body = self.block(node.body, before)
            orelse = self.block(node.orelse, before)
            return _joined([(node.body, body), (node.orelse, orelse)], before)
        if isinstance(node, ast.While | ast.For):
            return self._loop(node, before)
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.reads(item.context_expr, before)
                before |= frozenset(stores([item]).names)
            return self.block(node.body, before)
        if isinstance(node, _TRY):
            return self._try(node, before)  # type: ignore[arg-type]
        if isinstance(node, ast.Match):
            self.reads(node.subject, before)
            ends = [(case.body, self._case(case, before)) for case in node.cases]
            last = node.cases[-1]
            whole = last.guard is None and isinstance(last.pattern, ast.MatchAs)
            whole = whole and last.pattern.pattern is None  # type: ignore[attr-defined]
            return _joined(ends, before) if whole else before
        self.reads(node, before)
        if isinstance(node, ast.Delete):
            return before - frozenset(stores([node]).names)
        if isinstance(node, ast.AnnAssign) and node.value is None:
            return before
        return before | frozenset(stores([node]).names)

    def _loop(self, node: ast.While | ast.For, before: Names) -> Names:
        plan_of(node).defined = before
        if isinstance(node, ast.While):
            self.reads(node.test, before)
            self.block(node.body, before | frozenset(stores([node.test]).names))
            return before
        self.reads(node.iter, before)
        self.block(node.body, before | frozenset(stores([node.target]).names))
        return before

    def _case(self, case: ast.match_case, before: Names) -> Names:
        inside = before | frozenset(stores([case.pattern]).names)
        self.reads(case.guard, inside)
        return self.block(case.body, inside)

    def _try(self, node: ast.Try, before: Names) -> Names:
        body = self.block(node.orelse, self.block(node.body, before))
        ends = [([*node.body, *node.orelse], body)]
        for handler in node.handlers:
            self.reads(handler.type, before)
            named = frozenset([handler.name]) if handler.name else _NONE
            ends.append((handler.body, self.block(handler.body, before | named) - named))
        last = self.block(node.finalbody, before)
        return _joined(ends, before) | last


def _joined(ends: list[tuple[Statements, Names]], before: Names) -> Names:
    """What is defined after one of several blocks; those that raise do not count."""
    reached = [names for block, names in ends if not _raises(block)]
    return frozenset.intersection(*reached) if reached else before


def _raises(block: Statements) -> bool:
    return any(isinstance(node, ast.Raise) for node in block)


class _Live:
    """Backwards: the names that are still read."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        # What is read if an exception is raised here: by handlers, and after them.
        self.on_error = _NONE

    def block(self, statements: Statements, after: Names) -> Names:
        for node in reversed(statements):
            after = self.statement(node, after)
        return after

    def statement(self, node: ast.stmt, after: Names) -> Names:
        after = after | self.on_error
        if isinstance(node, ast.If):
            plan = plan_of(node)
            plan.live_after = after
            plan.needed = self.block(node.body, after) | self.block(node.orelse, after)
            return plan.needed | loads(node.test)
        if isinstance(node, ast.While | ast.For):
            return self._loop(node, after)
        if isinstance(node, ast.With | ast.AsyncWith):
            after = self.block(node.body, after)
            return after | frozenset().union(*[loads(item) for item in node.items])
        if isinstance(node, _TRY):
            return self._try(node, after)  # type: ignore[arg-type]
        if isinstance(node, ast.Match):
            before = after | loads(node.subject)
            for case in node.cases:
                before |= self.block(case.body, after) | loads(case.guard)
                before |= loads(case.pattern)
            return before
        if isinstance(node, ast.Return):
            after = self.on_error
        return self._simple(node, after)

    def _simple(self, node: ast.stmt, after: Names) -> Names:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Delete | ast.Import):
            killed = set(stores([node]).names)
            # A walrus may not be reached.
            killed -= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
            after -= killed
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            after -= {node.name}
        read = loads(node)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
        return after | read

    def _loop(self, node: ast.While | ast.For, after: Names) -> Names:
        plan = plan_of(node)
        plan.live_after = after
        flags = frozenset(node.flags)  # type: ignore[union-attr]
        own = flags | (loads(node.test) if isinstance(node, ast.While) else _NONE)
        targets = set(stores([node.target]).names) if isinstance(node, ast.For) else set()
        head = after | own
        while True:
            grown = head | (self.block(node.body, head) - targets)
            if grown == head:
                break
            head = grown
        plan.needed = head
        return head | (loads(node.iter) if isinstance(node, ast.For) else _NONE)

    def _try(self, node: ast.Try, after: Names) -> Names:
        last = self.block(node.finalbody, after)
        handled = last
        for handler in node.handlers:
            handled |= self.block(handler.body, last) | loads(handler.type)
        outer, self.on_error = self.on_error, self.on_error | handled
        before = self.block(node.body, self.block(node.orelse, last))
        self.on_error = outer
        return before | handled
