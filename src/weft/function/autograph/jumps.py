"""Blocks without jumps: `return`, `break` and `continue` become values and flags.

    while x > 0:                          broken_ = False
        if x == 5:                        while x > 0:         # and not broken_
            break                 →           if x == 5:
        x = x - 1                                 broken_ = True
                                              else:
                                                  x = x - 1

Where an arm always leaves, what follows moves into the other arm; where it only may leave,
what follows is guarded by the flag. Afterwards control flow is nested `if`, `while` and
`for` alone, which can be staged one by one. `else` of loops, walruses in loop conditions
and `match` on plain values are unfolded here too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from weft.errors import WeftError
from weft.function.autograph.build import (
    Names,
    Statements,
    assign,
    call,
    constant,
    lambda_of,
    load,
    none_of,
)

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.While)
_JUMPS = (ast.Return, ast.Break, ast.Continue)


RETURN_VALUE = "return_value_"
FLAGS = ("returned_", "broken_", "continued_")
"""How the names begin that hold what a function returns, and which jumps were taken."""


class NotConvertible(WeftError, SyntaxError):
    """A function whose control flow cannot be rewritten."""


class _Loop:
    """The loop around a statement, and the flags that its jumps set."""

    def __init__(self) -> None:
        self.break_flag = ""
        self.continue_flag = ""


def _own_statements(statements: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The nodes of these statements, without those of functions and classes inside."""
    for node in statements:
        yield node
        if not isinstance(node, _SCOPES):
            yield from _own_statements(ast.iter_child_nodes(node))


def _jumps(statements: Iterable[ast.stmt]) -> bool:
    return any(isinstance(node, _JUMPS) for node in _own_statements(statements))


def _has_work(node: ast.stmt) -> bool:
    return any(isinstance(inner, (*_JUMPS, *_LOOPS)) for inner in _own_statements([node]))


def _always_leaves(statements: Statements) -> bool:
    """Whether the end of the block is never reached."""
    for node in statements:
        if isinstance(node, (*_JUMPS, ast.Raise)):
            return True
        if isinstance(node, ast.If) and node.orelse:
            if _always_leaves(node.body) and _always_leaves(node.orelse):
                return True
    return False


class Jumps:
    """Rewrites the body of one function."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.value_name = ""
        self.return_flag = ""
        self.used_flags: set[str] = set()

    def rewrite(self, body: Statements) -> Statements:
        """The body with jumps lowered; its only `return`, if any, stands at the end."""
        body = self._unfolded(body)
        returns = [n for n in _own_statements(body) if isinstance(n, ast.Return)]
        ends_plainly = not returns or (len(returns) == 1 and body[-1] is returns[0])
        if ends_plainly:
            lowered, _ = self._block(body[:-1] if returns else body, None)
            lowered += body[-1:] if returns else []
            return self._without_idle_flags(lowered)
        self.value_name = self.names.new(RETURN_VALUE)
        self.return_flag = self.names.new("returned_")
        if not _always_leaves(body):
            body = [*body, _at(ast.Return(constant(None)), body[-1])]
        lowered, _ = self._block(body, None)
        lowered = self._without_idle_flags(lowered)
        lowered.append(_at(ast.Return(load(self.value_name)), returns[-1]))
        if self.return_flag in self.used_flags:
            lowered[:0] = [
                _at(assign(self.return_flag, constant(False)), body[0]),
                _at(assign(self.value_name, call("NoReturn")), body[0]),
            ]
        return lowered

    # -- blocks --------------------------------------------------------------------

    def _block(
        self, statements: Statements, loop: _Loop | None
    ) -> tuple[Statements, set[str]]:
        """The block without jumps, and the flags that may be set when it ends."""
        done: Statements = []
        flags: set[str] = set()
        for position, node in enumerate(statements):
            rest = statements[position + 1 :]
            if isinstance(node, _JUMPS):
                done += self._jump(node, loop, flags)
                return done, flags
            if not _has_work(node):
                done.append(node)
                continue
            if isinstance(node, ast.If) and self._if_takes_rest(node, rest, loop, flags):
                done.append(node)
                return done, flags
            before, raised = self._compound(node, loop)
            done += before
            flags |= raised
            if raised and rest:
                guarded, more = self._block(rest, loop)
                done.append(
                    _at(ast.If(self._unless(raised), guarded or [ast.Pass()], []), node)
                )
                return done, flags | more
        return done, flags

    def _unless(self, flags: set[str]) -> ast.expr:
        self.used_flags |= flags
        return none_of(sorted(flags))

    def _jump(self, node: ast.stmt, loop: _Loop | None, flags: set[str]) -> Statements:
        if isinstance(node, ast.Return):
            flag = self.return_flag
            value = node.value or constant(None)
            done: Statements = [_at(assign(self.value_name, value), node)]
        elif isinstance(node, ast.Break):
            assert loop is not None
            flag = loop.break_flag = loop.break_flag or self.names.new("broken_")
            done = []
        else:
            assert loop is not None
            flag = loop.continue_flag = loop.continue_flag or self.names.new("continued_")
            done = []
        flags.add(flag)
        setting = _at(assign(flag, constant(True)), node)
        setting.flag = flag  # type: ignore[attr-defined]
        return [*done, setting]

    def _if_takes_rest(
        self, node: ast.If, rest: Statements, loop: _Loop | None, flags: set[str]
    ) -> bool:
        """Move what follows into the arm that goes on, if the other one always leaves."""
        body, orelse = node.body, node.orelse
        if _jumps(body) and _always_leaves(body):
            orelse = [*orelse, *rest]
        elif _jumps(orelse) and _always_leaves(orelse):
            body = [*body, *rest]
        else:
            return False
        node.body, in_body = self._block(body, loop)
        node.orelse, in_orelse = self._block(orelse, loop)
        node.body = node.body or [_at(ast.Pass(), node)]
        flags |= in_body | in_orelse
        return True

    def _compound(self, node: ast.stmt, loop: _Loop | None) -> tuple[Statements, set[str]]:
        """A statement that holds blocks; the flags that may be set after it."""
        if isinstance(node, _LOOPS):
            return self._loop(node, loop)
        flags: set[str] = set()
        if isinstance(node, ast.Try | getattr(ast, "TryStar", ast.Try)):
            self._try(node, loop, flags)  # type: ignore[arg-type]
        elif isinstance(node, ast.Match):
            for case in node.cases:
                case.body = self._inner(case.body, loop, flags)
        else:
            for field in ("body", "orelse"):
                block = getattr(node, field, None)
                if block:
                    setattr(node, field, self._inner(block, loop, flags))
        return [node], flags

    def _inner(self, block: Statements, loop: _Loop | None, flags: set[str]) -> Statements:
        lowered, found = self._block(block, loop)
        flags |= found
        return lowered or [_at(ast.Pass(), block[0])]

    def _try(self, node: ast.Try, loop: _Loop | None, flags: set[str]) -> None:
        if _jumps(node.finalbody):
            raise NotConvertible(
                f"line {node.lineno}: a jump out of `finally` can't be rewritten; "
                "move it behind the try statement"
            )
        in_body: set[str] = set()
        node.body = self._inner(node.body, loop, in_body)
        flags |= in_body
        if node.orelse:
            orelse = self._inner(node.orelse, loop, flags)
            # `else` of a try is not run when its body jumps away.
            guard = [_at(ast.If(self._unless(in_body), orelse, []), orelse[0])]
            node.orelse = guard if in_body else orelse
        for handler in node.handlers:
            handler.body = self._inner(handler.body, loop, flags)

    # -- loops ---------------------------------------------------------------------

    def _loop(self, node: ast.stmt, outer: _Loop | None) -> tuple[Statements, set[str]]:
        assert isinstance(node, _LOOPS)
        loop = _Loop()
        if isinstance(node, ast.While) and _has_walrus(node.test):
            self._test_inside(node)
        node.body, flags = self._block(node.body, loop)
        if loop.continue_flag in self.used_flags:
            fresh = _at(assign(loop.continue_flag, constant(False)), node)
            node.body = [fresh, *node.body]
        node.body = node.body or [_at(ast.Pass(), node)]
        stops = flags - {loop.continue_flag}
        self.used_flags |= stops
        node.flags = sorted(stops)  # type: ignore[union-attr]
        done: Statements = [node]
        if loop.break_flag in stops:
            done.insert(0, _at(assign(loop.break_flag, constant(False)), node))
        leaving = stops - {loop.break_flag}
        orelse, node.orelse = node.orelse, []
        if orelse:
            lowered, more = self._block(orelse, outer)
            guard = _at(ast.If(self._unless(stops), lowered, []), node) if stops else None
            done += [guard] if guard is not None else lowered
            leaving |= more
        return done, leaving

    def _test_inside(self, node: ast.While) -> None:
        """`while test: body` → `while True: if test: body; else: break`.

        A name that the test assigns must be assigned in the body to be carried along.
        """
        leave: Statements = [_at(ast.Break(), node)]
        node.body = [_at(ast.If(_negated(node.test), leave, []), node), *node.body]
        node.test = ast.copy_location(constant(True), node.test)

    def _without_idle_flags(self, statements: Statements) -> Statements:
        """Drop flags that nothing asks for."""
        kept: Statements = []
        for node in statements:
            if isinstance(node, _SCOPES):
                kept.append(node)
                continue
            flag = getattr(node, "flag", None)
            if flag is not None and flag not in self.used_flags:
                continue
            for holder in (
                node,
                *getattr(node, "handlers", ()),
                *getattr(node, "cases", ()),
            ):
                for field in ("body", "orelse", "finalbody"):
                    block = getattr(holder, field, None)
                    if isinstance(block, list) and block:
                        left = self._without_idle_flags(block)
                        empty = not left and field == "body"
                        setattr(holder, field, [_at(ast.Pass(), node)] if empty else left)
            kept.append(node)
        return kept

    # -- match ---------------------------------------------------------------------

    def _unfolded(self, body: Statements) -> Statements:
        return _MatchToIf(self.names).visit(ast.Module(body, [])).body


class _MatchToIf(ast.NodeTransformer):
    """`match` whose patterns are plain values → `if` and `elif`, so that tensors can match.

    `case 0 | 1:` compares with `==`, as Python does. Patterns that take apart sequences,
    mappings or classes look at the shape of Python objects, and stay as they are.
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef  # type: ignore

    def visit_Match(self, node: ast.Match) -> ast.AST | Statements:
        self.generic_visit(node)
        if not all(_is_plain(case.pattern) for case in node.cases):
            return node
        subject = self.names.new("subject")
        chain: Statements = []
        for case in reversed(node.cases):
            chain = self._arm(case, subject, chain)
        first = _at(assign(subject, node.subject), node)
        return [first, *chain]

    def _arm(self, case: ast.match_case, subject: str, otherwise: Statements) -> Statements:
        test = _pattern_test(case.pattern, subject)
        named = case.pattern.name if isinstance(case.pattern, ast.MatchAs) else None
        binding: Statements = [assign(named, load(subject))] if named else []
        if case.guard is not None:
            test = case.guard if test is None else call("and_", test, lambda_of(case.guard))
        if test is None:
            return [_at(statement, case.pattern) for statement in binding] + case.body
        arm = _at(ast.If(test, case.body, otherwise), case.pattern)
        return [*[_at(statement, case.pattern) for statement in binding], arm]


def _is_plain(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchValue | ast.MatchSingleton):
        return True
    if isinstance(pattern, ast.MatchOr):
        return all(
            _is_plain(p) and not isinstance(p, ast.MatchAs) for p in pattern.patterns
        )
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _pattern_test(pattern: ast.pattern, subject: str) -> ast.expr | None:
    """The condition under which a plain pattern matches; None if always."""
    if isinstance(pattern, ast.MatchValue):
        return ast.Compare(load(subject), [ast.Eq()], [pattern.value])
    if isinstance(pattern, ast.MatchSingleton):
        return ast.Compare(load(subject), [ast.Is()], [constant(pattern.value)])
    if isinstance(pattern, ast.MatchOr):
        tests = [_pattern_test(inner, subject) for inner in pattern.patterns]
        return ast.BoolOp(ast.Or(), tests)  # type: ignore[arg-type]
    return None


# -- small helpers -----------------------------------------------------------------------


def _at(node, like: ast.AST):
    """`node` with the place of `like`."""
    return ast.copy_location(node, like)


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _has_walrus(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))
