"""The rewriting of one function: statements into local functions, conditions into calls.

    if x > 0:                      def if_true():
        x = x * x                      nonlocal x
                             →         x = x * x
                                   def if_false():
                                       pass
                                   ag__.if_stmt(x > 0, if_true, if_false,
                                                get_state, set_state, ('x',), 1)

The local functions share the names of their function (`nonlocal`), so that Python's own
meaning is kept wherever the condition turns out to be a Python value. New nodes have the
place of the statement that they stand for: tracebacks show the user's lines.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from weft.function.autograph import scopes
from weft.function.autograph.build import (
    RUNTIME,
    Names,
    Statements,
    assign,
    call,
    constant,
    function,
    lambda_of,
    load,
    none_of,
    statement,
    store,
    tuple_of,
)
from weft.function.autograph.jumps import Jumps
from weft.function.autograph.scopes import Plan, Scope, plan_of

_MUTATORS = frozenset(
    "append extend insert pop remove clear update add discard setdefault popitem "
    "appendleft extendleft write".split()
)
_HIGHER_ORDER = frozenset(
    "cond while_loop scan map map_fn fori_loop switch switch_case case vectorized_map "
    "associative_scan foldl foldr vmap reduce custom_gradient".split()
)
"""Functions of libraries that call the functions they are given."""

_COMPARED = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip


def is_generator(node: ast.AST) -> bool:
    """Whether the function yields or awaits: such functions are left alone."""
    if isinstance(node, ast.AsyncFunctionDef):
        return True
    pending = list(node.body) if isinstance(node.body, list) else [node.body]  # type: ignore
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(inner))
    return False


class Rewriter:
    """Rewrites one function and, with it, the functions inside.

    Args:
        names: gives names that the whole function does not use.
        is_plain: whether a name means a module whose functions need no rewriting.
        outer: the scopes of the functions around this one.
    """

    def __init__(
        self, names: Names, is_plain: Callable[[str], bool], outer: tuple[Scope, ...] = ()
    ) -> None:
        self.names, self.is_plain, self.outer = names, is_plain, outer
        self.scope = Scope(frozenset(), frozenset(), frozenset(), frozenset())
        self.first_parameter = ""
        # The name that holds which graph was traced when the function began.
        self.entry = ""
        self.depth = 0
        self.is_caught = False

    # -- functions -----------------------------------------------------------------

    def function(self, node: ast.FunctionDef) -> None:
        """Rewrite the body in place."""
        declarations, body = _declarations_and_rest(node.body)
        documentation = body[:1] if ast.get_docstring(node, clean=False) else []
        body = Jumps(self.names).rewrite(body[len(documentation) :])
        self._enter(node.args, [*declarations, *body])
        scopes.analyse(self.scope, body)
        new = self.block(body)
        start: Statements = [
            assign(name, call("Undefined", constant(name)))
            for name in sorted(self.scope.may_be_undefined - self.scope.parameters)
        ]
        if self.entry:
            start.append(assign(self.entry, call("entry")))
        for made in start:
            _place(made, node)
        node.body = [*documentation, *declarations, *start, *new] or [ast.Pass()]

    def lambda_(self, node: ast.Lambda) -> None:
        """Rewrite the expression in place."""
        self._enter(node.args, [])
        node.body = self.expression(node.body)

    def _enter(self, arguments: ast.arguments, body: Statements) -> None:
        self.scope = scopes.scope_of(arguments, body)
        first = [*arguments.posonlyargs, *arguments.args][:1]
        self.first_parameter = first[0].arg if first else ""

    def _inside(self) -> Rewriter:
        return Rewriter(self.names, self.is_plain, (*self.outer, self.scope))

    # -- statements ----------------------------------------------------------------

    def block(self, statements: Statements) -> Statements:
        new: Statements = []
        for node in statements:
            rewrite = _STATEMENTS.get(type(node), Rewriter._other)
            for made in rewrite(self, node):
                new.append(_place(made, node))
        return new

    def _inner_block(self, statements: Statements) -> Statements:
        """A block that may be traced on its own."""
        self.depth += 1
        new = self.block(statements)
        self.depth -= 1
        return new

    def expression(self, node: ast.expr) -> ast.expr:
        return _Expressions(self).visit(node)

    def _other(self, node: ast.stmt) -> Statements:
        """A statement that stays: its expressions and blocks are rewritten."""
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, name, self.expression(value))
            elif isinstance(value, list) and value:
                if isinstance(value[0], ast.stmt):
                    setattr(node, name, self.block(value))
                else:
                    setattr(node, name, [self._part(part) for part in value])
        return [node]

    def _part(self, part: ast.AST) -> ast.AST:
        """Handlers, with-items and match cases hold expressions and blocks too."""
        if isinstance(part, ast.expr):
            return self.expression(part)
        self._other(part)  # type: ignore[arg-type]
        return part

    def _assignment(self, node: ast.Assign | ast.AugAssign) -> Statements:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        before: Statements = []
        after: Statements = []
        for target in targets:
            outside = self.outside_root(target)
            if outside:
                note = statement(
                    "side_effect", load(outside), constant(ast.unparse(target))
                )
                # A name tells afterwards what it was given: variables may be kept outside.
                (after if isinstance(target, ast.Name) else before).append(note)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if self.is_unsure(node.target):
                before.append(ast.Expr(call("defined", load(node.target.id))))
        self._other(node)
        return [*before, node, *after]

    def _annotated(self, node: ast.AnnAssign) -> Statements:
        # A nonlocal name cannot be annotated.
        if node.value is None:
            return []
        if not isinstance(node.target, ast.Name):
            return self._other(node)
        return [ast.Assign([self.expression(node.target)], self.expression(node.value))]

    def _delete(self, node: ast.Delete) -> Statements:
        new: Statements = []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in self.scope.forced:
                new.append(ast.Expr(call("defined", load(target.id))))
                new.append(assign(target.id, call("Undefined", constant(target.id))))
            else:
                new.append(ast.Delete([self.expression(target)]))
        return new

    def _assert(self, node: ast.Assert) -> Statements:
        test, message = self.expression(node.test), node.msg
        text = constant(ast.unparse(node.test))
        if message is None:
            return [ast.Assert(call("asserted", test, text), None)]
        message = self.expression(message)
        return [ast.Assert(call("asserted", test, text, lambda_of(message)), message)]

    def _raise(self, node: ast.Raise) -> Statements:
        self._other(node)
        if node.exc is None or not self.depth or self.is_caught:
            return [node]
        if not self.entry:
            self.entry = self.names.new("entry")
        node.exc = call("raised", load(self.entry), node.exc)
        return [node]

    def _try(self, node: ast.Try) -> Statements:
        """Errors that are caught here are Python's: they are raised while tracing."""
        before, self.is_caught = self.is_caught, self.is_caught or bool(node.handlers)
        node.body = self.block(node.body)
        self.is_caught = before
        node.handlers = [self._part(handler) for handler in node.handlers]  # type: ignore
        node.orelse, node.finalbody = self.block(node.orelse), self.block(node.finalbody)
        return [node]

    def _nested(self, node: ast.FunctionDef) -> Statements:
        node.decorator_list = [self.expression(d) for d in node.decorator_list]
        self._defaults(node.args)
        if not is_generator(node):
            inner = self._inside()
            inner.function(node)
        return [node]

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.expression(d) for d in arguments.defaults]
        arguments.kw_defaults = [
            None if d is None else self.expression(d) for d in arguments.kw_defaults
        ]

    def _class(self, node: ast.ClassDef) -> Statements:
        node.decorator_list = [self.expression(d) for d in node.decorator_list]
        node.bases = [self.expression(base) for base in node.bases]
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and not is_generator(member):
                self._inside().function(member)
        return [node]

    # -- if, while, for ------------------------------------------------------------

    def _if(self, node: ast.If) -> Statements:
        plan = plan_of(node)
        test = self.expression(node.test)
        true, false = self.names.new("if_true"), self.names.new("if_false")
        arms = []
        for name, block in ((true, node.body), (false, node.orelse)):
            declared = self._declarations(plan, block)
            arms.append(function(name, (), self._inner_block(block), declared))
        access, arguments = self._state(plan)
        run = statement("if_stmt", test, load(true), load(false), *arguments)
        return [*access, *arms, run]

    def _while(self, node: ast.While) -> Statements:
        plan = plan_of(node)
        test = self.expression(node.test)
        if node.flags:  # type: ignore[attr-defined]
            test = call("and_", none_of(node.flags), lambda_of(test))  # type: ignore
        test_name, body_name = self.names.new("loop_test"), self.names.new("loop_body")
        declared = self._declarations(plan, node.body)
        functions = [
            function(test_name, (), [ast.Return(test)]),
            function(body_name, (), self._inner_block(node.body), declared),
        ]
        access, arguments = self._state(plan)
        run = statement("while_stmt", load(test_name), load(body_name), *arguments)
        return [*access, *functions, run]

    def _for(self, node: ast.For) -> Statements:
        plan = plan_of(node)
        iterable = self.expression(node.iter)
        item, body_name = self.names.new("item"), self.names.new("loop_body")
        declared = self._declarations(plan, [node.target, *node.body])
        first = ast.Assign([self.expression(node.target)], load(item))
        body = [first, *self._inner_block(node.body)]
        functions = [function(body_name, (item,), body, declared)]
        more: ast.expr = constant(None)
        if node.flags:  # type: ignore[attr-defined]
            more_name = self.names.new("loop_goes_on")
            goes_on: Statements = [ast.Return(none_of(node.flags))]  # type: ignore
            functions.append(function(more_name, (), goes_on))
            more = load(more_name)
        access, arguments = self._state(plan)
        run = statement("for_stmt", iterable, more, load(body_name), *arguments)
        return [*access, *functions, run]

    def _declarations(self, plan: Plan, block: list) -> Statements:
        """`nonlocal` and `global` for the names of the state that a block assigns."""
        inside = scopes.stores(block)
        assigned = set(inside.names) | (self.scope.remote if inside.calls else set())
        names = [name for name in plan.state if name in assigned]
        return self._declared(names)

    def _declared(self, names: list[str]) -> Statements:
        outside = [name for name in names if name in self.scope.declared_global]
        inside = [name for name in names if name not in outside]
        made: Statements = []
        if outside:
            made.append(ast.Global(outside))
        if inside:
            made.append(ast.Nonlocal(inside))
        return made

    def _state(self, plan: Plan) -> tuple[Statements, list[ast.expr]]:
        """`get_state` and `set_state`, and the arguments that tell a statement of them."""
        names, places = plan.state, plan.places
        if not names and not places:
            return [], []
        live, rest = names[: plan.live], names[plan.live :]
        reads: list[ast.expr] = [load(name) for name in live]
        targets: list[ast.expr] = [store(name) for name in live]
        puts: Statements = []
        for place in places.values():
            reads.append(call("peek", lambda_of(_loaded(place))))
            value = self.names.new("value")
            targets.append(store(value))
            puts.append(_put(place, load(value)))
        reads += [load(name) for name in rest]
        targets += [store(name) for name in rest]
        get, put = self.names.new("get_state"), self.names.new("set_state")
        given = self.names.new("values")
        take: Statements = [ast.Assign([tuple_of(targets, ast.Store())], load(given))]
        functions: Statements = [
            function(get, (), [ast.Return(tuple_of(reads))]),
            function(put, (given,), [*take, *puts], self._declared(list(names))),
        ]
        labels = [constant(name) for name in (*live, *places, *rest)]
        count = constant(len(live) + len(places))
        return functions, [load(get), load(put), tuple_of(labels), count]

    # -- what expressions ask ------------------------------------------------------

    def is_unsure(self, node: ast.Name) -> bool:
        """Whether the name may stand for nothing yet."""
        if node.id in self.scope.may_be_undefined:
            return getattr(node, "is_unsure", False)
        if node.id in self.scope.locals:
            return False
        return any(node.id in scope.may_be_undefined for scope in self.outer)

    def is_known_module(self, name: str) -> bool:
        """Whether a name means a module whose functions need no rewriting."""
        return not self._is_local(name) and self.is_plain(name)

    def _is_local(self, name: str) -> bool:
        for scope in (self.scope, *reversed(self.outer)):
            if name in scope.declared_global:
                return False
            if name in scope.locals:
                return True
        return False

    def outside_root(self, node: ast.expr) -> str:
        """The name that a place hangs on if it comes from outside of the function."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if not isinstance(node, ast.Name) or self._is_local(node.id):
            return ""
        return "" if self.is_plain(node.id) else node.id


_STATEMENTS: dict[type, Callable] = {
    ast.If: Rewriter._if,
    ast.While: Rewriter._while,
    ast.For: Rewriter._for,
    ast.Assert: Rewriter._assert,
    ast.Raise: Rewriter._raise,
    ast.Try: Rewriter._try,
    ast.Assign: Rewriter._assignment,
    ast.AugAssign: Rewriter._assignment,
    ast.AnnAssign: Rewriter._annotated,
    ast.Delete: Rewriter._delete,
    ast.FunctionDef: Rewriter._nested,
    ast.AsyncFunctionDef: lambda self, node: [node],
    ast.ClassDef: Rewriter._class,
}


class _Expressions(ast.NodeTransformer):
    """Conditions and calls inside of expressions."""

    def __init__(self, rewriter: Rewriter) -> None:
        self.rewriter = rewriter
        # Names that comprehensions and lambdas around have made their own.
        self.shadowed: list[set[str]] = []

    def _is_shadowed(self, name: str) -> bool:
        return any(name in names for names in self.shadowed)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and not self._is_shadowed(node.id):
            if self.rewriter.is_unsure(node):
                return _at(call("defined", node), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        rewriter = self.rewriter
        if _is_plain_super(node) and rewriter.first_parameter:
            node.args = [load("__class__"), load(rewriter.first_parameter)]
            return _at(node, node)
        name = _root(node.func)
        if name == RUNTIME:
            self.generic_visit(node)
            return node
        needs_rewriting = not (
            name and not self._is_shadowed(name) and rewriter.is_known_module(name)
        )
        outside = ""
        if isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
            outside = rewriter.outside_root(node.func)
            outside = "" if self._is_shadowed(outside) else outside
        text = constant(ast.unparse(node.func)) if outside else None
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name
        self.generic_visit(node)
        if last in _HIGHER_ORDER and not needs_rewriting:
            node.args = [self._function_argument(value) for value in node.args]
            for keyword in node.keywords:
                keyword.value = self._function_argument(keyword.value)
        if outside:
            function = call("outside", node.func, text)  # type: ignore[arg-type]
        elif needs_rewriting:
            function = call("converted", node.func)
        else:
            return node
        node.func = _at(function, node.func)
        return node

    def _function_argument(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.List | ast.Tuple):
            node.elts = [self._function_argument(inner) for inner in node.elts]
        if isinstance(node, ast.Name | ast.Attribute | ast.Call):
            return _at(call("argument", node), node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        if any(_has_walrus(value) for value in node.values[1:]):
            return node
        helper = "and_" if isinstance(node.op, ast.And) else "or_"
        others = [lambda_of(value) for value in node.values[1:]]
        return _at(call(helper, node.values[0], *others), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return _at(call("not_", node.operand), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if _has_walrus(node.body) or _has_walrus(node.orelse):
            return node
        arms = lambda_of(node.body), lambda_of(node.orelse)
        return _at(call("if_exp", node.test, *arms), node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        operators = [constant(_COMPARED[type(operator)]) for operator in node.ops]
        if len(operators) == 1:
            if not isinstance(node.ops[0], ast.In | ast.NotIn):
                return node
            arguments = [node.left, operators[0], node.comparators[0]]
            return _at(call("compared", *arguments), node)
        if any(_has_walrus(value) for value in node.comparators[1:]):
            return node
        arguments = [node.left, operators[0], node.comparators[0]]
        for operator, value in zip(operators[1:], node.comparators[1:]):
            arguments += [operator, lambda_of(value)]
        return _at(call("chain", *arguments), node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        self.rewriter._defaults(node.args)
        self.shadowed.append(scopes.parameter_names(node.args))
        node.body = self.visit(node.body)
        self.shadowed.pop()
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        # The first iterable belongs to the surroundings, all else to the comprehension.
        generators = node.generators  # type: ignore[attr-defined]
        first = self.visit(generators[0].iter)
        generators[0].iter = constant(None)
        targets = scopes.stores([generator.target for generator in generators]).names
        self.shadowed.append(set(targets))
        for generator in generators:
            tests = [_at(call("filtered", test), test) for test in generator.ifs]
            generator.ifs = tests
        self.generic_visit(node)
        self.shadowed.pop()
        generators[0].iter = first
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


# -- small helpers -----------------------------------------------------------------------


def _at(node: ast.expr, like: ast.AST) -> ast.expr:
    return ast.copy_location(node, like)


def _place(node: ast.stmt, like: ast.AST) -> ast.stmt:
    """Give a new node the place of a statement: of its first line, not all of its block.

    What it holds and has no place takes over this one in the end.
    """
    if not hasattr(node, "lineno"):
        head = getattr(like, "test", None) or getattr(like, "iter", None)
        has_head = getattr(head, "end_lineno", None) is not None
        end = head if has_head else like
        node.lineno, node.col_offset = like.lineno, like.col_offset  # type: ignore
        node.end_lineno = end.end_lineno  # type: ignore[attr-defined,union-attr]
        node.end_col_offset = end.end_col_offset  # type: ignore[attr-defined,union-attr]
    return node


class _Undeclared(ast.NodeTransformer):
    """Takes `global` and `nonlocal` out: they move to the start of the function."""

    def __init__(self) -> None:
        self.declarations: Statements = []

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        self.declarations.append(node)
        return ast.copy_location(ast.Pass(), node)

    visit_Nonlocal = visit_Global

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef  # type: ignore


def _declarations_and_rest(body: Statements) -> tuple[Statements, Statements]:
    taken = _Undeclared()
    rest = [taken.visit(node) for node in body]
    own = [node for node in rest if node not in taken.declarations]
    return taken.declarations, own


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_plain_super(node: ast.Call) -> bool:
    is_super = isinstance(node.func, ast.Name) and node.func.id == "super"
    return is_super and not node.args and not node.keywords


def _has_walrus(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))


def _loaded(place: ast.expr) -> ast.expr:
    """A place, read instead of written."""
    if isinstance(place, ast.Attribute):
        return ast.Attribute(place.value, place.attr, ast.Load())
    assert isinstance(place, ast.Subscript)
    return ast.Subscript(place.value, place.slice, ast.Load())


def _put(place: ast.expr, value: ast.expr) -> ast.stmt:
    if isinstance(place, ast.Attribute):
        return statement("put_attribute", place.value, constant(place.attr), value)
    assert isinstance(place, ast.Subscript)
    return statement("put_item", place.value, place.slice, value)
