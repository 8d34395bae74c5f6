"""Converting functions: from a Python function to its rewritten twin, once per code.

The twin shares the globals, defaults and closure cells of the original; its code carries
the file name and lines of the original, so that tracebacks show the user's source.
"""

from __future__ import annotations
import __future__

import ast
import builtins as python_builtins
import functools
import inspect
import sys
import threading
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.core.state import STATE
from weft.errors import TraceError
from weft.function.autograph.build import (
    RUNTIME,
    Names,
    assign,
    clone,
    constant,
    identifiers,
)
from weft.function.autograph.builtins import TABLE
from weft.function.autograph.jumps import NotConvertible
from weft.function.autograph.notes import side_effect
from weft.function.autograph.rewrite import Rewriter, is_generator
from weft.function.autograph.source import FunctionNode, SourceNotFound, find_function

# Packages whose functions are called as they are: none of them branches on traced tensors.
_LEFT_ALONE = frozenset(
    "weft numpy scipy ml_dtypes llvmlite jax jaxlib matplotlib pandas PIL h5py sklearn "
    "tqdm rich pytest _pytest pluggy hypothesis IPython ipykernel mpmath".split()
)
_STANDARD = str(Path(inspect.__file__).parent)
_COMPILER_FLAGS = functools.reduce(
    lambda flags, name: flags | getattr(__future__, name).compiler_flag,
    __future__.all_feature_names,
    0,
)
_NOT_CONVERTED = "__weft_not_converted__"


class Conversion:
    """A converted code object: its new code, and the tree to show it."""

    def __init__(
        self, code: types.CodeType, node: FunctionNode, original: types.CodeType
    ) -> None:
        self.code, self.node = code, node
        self.filename = original.co_filename

    @functools.cached_property
    def source(self) -> str:
        return ast.unparse(self.node)


class _Refused:
    """Why a code object is left as it is."""

    def __init__(self, why: str, filename: str) -> None:
        self.why, self.filename = why, filename


_CONVERSIONS: weakref.WeakKeyDictionary[types.CodeType, Conversion | _Refused] = (
    weakref.WeakKeyDictionary()
)
# Code that came out of a conversion: what it defines needs none.
_MADE: weakref.WeakSet[types.CodeType] = weakref.WeakSet()
_LOCK = threading.RLock()


# -- the public functions ----------------------------------------------------------------


def convert(python_function: Callable) -> Callable:
    """The function with its control flow on tensors rewritten.

    Functions whose source is not to be found (typed into a prompt, made by `exec`),
    generators and coroutines are traced as they are; a condition on a tensor in them raises
    a TraceError that says why.

    Example:
        >>> import weft
        >>> from weft.function.autograph import convert
        >>> convert(len) is len
        True
    """
    if isinstance(python_function, types.MethodType):
        function = convert(python_function.__func__)
        return types.MethodType(function, python_function.__self__)
    if isinstance(python_function, functools.partial):
        function = convert(python_function.func)
        return functools.partial(
            function, *python_function.args, **python_function.keywords
        )
    if not isinstance(python_function, types.FunctionType):
        return _convert_object(python_function)
    if _is_left_alone(python_function):
        return python_function
    found = _conversion(python_function)
    if isinstance(found, _Refused):
        return _explaining(python_function, found.why)
    return _twin(python_function, found)


def _convert_object(x: Any) -> Any:
    """An object that is called: its `__call__`, if that is the user's."""
    call = getattr(type(x), "__call__", None)  # noqa: B004
    if not isinstance(call, types.FunctionType) or isinstance(x, type):
        return x
    if _is_left_alone(call):
        return x
    return types.MethodType(convert(call), x)


def converted(x: Any) -> Any:
    """What rewritten code calls in place of `x`: its conversion, or `x` itself.

    Outside of tracing, and for functions of weft, NumPy and Python, that is `x`. Code of
    weft that calls a user's function while tracing (a layer's `call`) goes through this.
    """
    if STATE.trace is None:
        return x
    if isinstance(x, types.FunctionType):
        if _is_left_alone(x):
            return x
        found = _conversion(x)
        if isinstance(found, Conversion):
            return _twin(x, found)
        return _explaining(x, found.why)
    if isinstance(x, types.MethodType):
        function = converted(x.__func__)
        return x if function is x.__func__ else types.MethodType(function, x.__self__)
    if isinstance(x, functools.partial):
        return functools.partial(converted(x.func), *x.args, **x.keywords)
    replacement = _in_table(x)
    if replacement is not None:
        return replacement
    if isinstance(x, type) or type(x).__module__.partition(".")[0] in _LEFT_ALONE:
        return x
    return _convert_object(x)


def _in_table(x: Any) -> Any:
    try:
        return _TABLE.get(x)
    except TypeError:  # It has no hash.
        return None


def argument(x: Any) -> Any:
    """A function handed to one that will call it, such as `weft.scan`: its conversion."""
    is_function = isinstance(x, types.FunctionType | types.MethodType | functools.partial)
    return converted(x) if is_function else x


def _calling(python: Callable) -> Callable:
    """`map` and its like: what they call is converted."""

    @functools.wraps(python, updated=())
    def calling(function: Any, *rest: Any, **keywords: Any) -> Any:
        return python(argument(function), *rest, **keywords)

    return calling


_TABLE = TABLE | {python: _calling(python) for python in (map, filter, functools.reduce)}


def outside(method: Any, text: str) -> Any:
    """A method that changes something outside of the function, which is worth a word."""
    if isinstance(method, types.BuiltinMethodType):
        side_effect(method.__self__, text + "(...)")
        return method
    return converted(method)


def do_not_convert(function: Callable) -> Callable:
    """Decorator: call this function as it is, also from functions that are converted."""
    setattr(function, _NOT_CONVERTED, True)
    return function


def source_of(function: Callable) -> str | None:
    """The rewritten source of a converted function; None for all others."""
    function = getattr(function, "__func__", function)
    conversion = getattr(function, "__weft_conversion__", None)
    return None if conversion is None else conversion.source


# -- what is converted -------------------------------------------------------------------


def _is_left_alone(function: types.FunctionType) -> bool:
    code = function.__code__
    if hasattr(function, _NOT_CONVERTED) or _is_standard(code.co_filename):
        return True
    module = function.__globals__.get("__name__") or ""
    # Doctests run in the module that they explain.
    if module.partition(".")[0] in _LEFT_ALONE and not code.co_filename.startswith(
        "<doctest"
    ):
        return True
    return code in _MADE


def _is_standard(filename: str) -> bool:
    """Whether the file belongs to Python itself."""
    if filename.startswith("<frozen"):
        return True
    return filename.startswith(_STANDARD) and "site-packages" not in filename


def _conversion(function: types.FunctionType) -> Conversion | _Refused:
    code = function.__code__
    with _LOCK:
        found = _CONVERSIONS.get(code)
        if found is not None and found.filename == code.co_filename:
            return found
    try:
        found = _made(function)
    except (SourceNotFound, NotConvertible) as error:
        found = _Refused(str(error), code.co_filename)
    with _LOCK:
        _CONVERSIONS[code] = found
    return found


def _explaining(function: types.FunctionType, why: str) -> Callable:
    """The function as it is; errors for want of rewriting say why there was none."""

    @functools.wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TraceError as error:
            name = function.__qualname__
            error.add_note(f"{name} was traced as plain Python: {why}. Write it in a file.")
            raise

    setattr(explained, _NOT_CONVERTED, True)
    return explained


# -- making ------------------------------------------------------------------------------


def _made(function: types.FunctionType) -> Conversion:
    code = function.__code__
    if code.co_flags & (
        inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    ):
        raise NotConvertible("generators and coroutines are not rewritten")
    node = clone(find_function(code, function.__globals__))
    if is_generator(node):
        raise NotConvertible("generators and coroutines are not rewritten")
    _mangle(node, function.__qualname__)
    names = Names({*identifiers(node), RUNTIME})
    rewriter = Rewriter(names, functools.partial(_is_plain, function))
    defaults = node.args.defaults, node.args.kw_defaults
    if isinstance(node, ast.Lambda):
        rewriter.lambda_(node)
    else:
        node.decorator_list = []
        rewriter.function(node)
    new = _compiled(node, function, names.made)
    node.args.defaults, node.args.kw_defaults = defaults
    return Conversion(new, node, code)


def _is_plain(function: types.FunctionType, name: str) -> bool:
    """Whether `name` means a module or class in whose functions there is nothing to do."""
    free = function.__code__.co_freevars
    if name in free:
        assert function.__closure__ is not None
        try:
            value = function.__closure__[free.index(name)].cell_contents
        except ValueError:  # It has no value yet.
            return False
    elif name in function.__globals__:
        value = function.__globals__[name]
    else:
        value = getattr(python_builtins, name, None)
        return value in _PLAIN_BUILTINS
    if not isinstance(value, types.ModuleType):
        return False
    if value.__name__.partition(".")[0] in _LEFT_ALONE:
        return True
    filename = getattr(value, "__file__", None)
    return value.__name__ in sys.stdlib_module_names and (
        filename is None or _is_standard(filename)
    )


_PLAIN_BUILTINS = frozenset(
    (
        len,
        abs,
        isinstance,
        issubclass,
        type,
        getattr,
        setattr,
        hasattr,
        id,
        repr,
        str,
        super,
    )
    + (
        list,
        tuple,
        dict,
        set,
        frozenset,
        slice,
        round,
        pow,
        divmod,
        locals,
        globals,
        vars,
        eval,
    )
    + (exec, callable, object, format, iter, next)
)


class _Mangled(ast.NodeTransformer):
    """`self.__x` in a method of class A means `self._A__x`."""

    def __init__(self, owner: str) -> None:
        self.prefix = "_" + owner.lstrip("_")

    def _mangled(self, name: str) -> str:
        if name.startswith("__") and not name.endswith("__") and "." not in name:
            return self.prefix + name
        return name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._mangled(node.attr)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._mangled(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._mangled(node.arg)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node


def _mangle(node: FunctionNode, qualified_name: str) -> None:
    owner = qualified_name.rpartition(".")[0].rpartition(".")[2]
    if owner and owner != "<locals>" and owner.strip("_"):
        _Mangled(owner).visit(node)


def _compiled(
    node: FunctionNode, function: types.FunctionType, made: set[str]
) -> types.CodeType:
    """The code of the rewritten function, with the free names that the original has."""
    code = function.__code__
    node.args.defaults = []
    node.args.kw_defaults = [None] * len(node.args.kwonlyargs)
    annotated = _take_annotations(node)
    # Under its own name it would hide what that name means to itself, if it is recursive.
    inner: ast.stmt
    if isinstance(node, ast.FunctionDef):
        own_name, node.name = node.name, "made__"
        inner = node
    else:
        inner = assign("made__", node)
    free = [assign(name, constant(None)) for name in code.co_freevars]
    factory = ast.parse(f"def factory__({RUNTIME}):\n    return made__").body[0]
    assert isinstance(factory, ast.FunctionDef)
    factory.body[:0] = [*free, inner]
    for statement in (factory, *free, inner):
        if not hasattr(statement, "lineno"):
            ast.copy_location(statement, node)
    module = ast.fix_missing_locations(ast.Module([factory], []))
    flags = code.co_flags & _COMPILER_FLAGS
    compiled = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    _put_annotations(annotated)
    name = "<lambda>"
    if isinstance(node, ast.FunctionDef):
        name, node.name = node.name, own_name
    factory_code = _inner_code(compiled, "factory__")
    return _as_of(_inner_code(factory_code, name), code, made)


def _take_annotations(node: FunctionNode) -> list[tuple[ast.AST, str, Any]]:
    """Annotations are the original's; they are not evaluated again."""
    taken: list[tuple[ast.AST, str, Any]] = []
    holders: list[tuple[ast.AST, str]] = [
        (argument, "annotation")
        for argument in ast.walk(node.args)
        if isinstance(argument, ast.arg)
    ]
    if isinstance(node, ast.FunctionDef):
        holders.append((node, "returns"))
    for holder, field in holders:
        taken.append((holder, field, getattr(holder, field)))
        setattr(holder, field, None)
    return taken


def _put_annotations(taken: list[tuple[ast.AST, str, Any]]) -> None:
    for holder, field, annotation in taken:
        setattr(holder, field, annotation)


def _inner_code(code: types.CodeType, name: str) -> types.CodeType:
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType) and inner.co_name == name:
            return inner
    raise NotConvertible(f"{name} was lost in its conversion")


def _as_of(
    code: types.CodeType, original: types.CodeType, made: set[str]
) -> types.CodeType:
    """The code under the original's name; the local functions made by rewriting too."""
    inner = []
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            is_made = value.co_name in made
            value = _as_of(
                value, original if is_made else _named(value, code, original), made
            )
        inner.append(value)
    new = code.replace(
        co_consts=tuple(inner), co_name=original.co_name, co_qualname=original.co_qualname
    )
    _MADE.add(new)
    return new


def _named(
    value: types.CodeType, code: types.CodeType, original: types.CodeType
) -> types.CodeType:
    """An inner function of the user keeps its own name."""
    tail = value.co_qualname.rpartition("<locals>.")[2]
    return value.replace(co_qualname=f"{original.co_qualname}.<locals>.{tail}")


def _twin(function: types.FunctionType, conversion: Conversion) -> types.FunctionType:
    """A function of the new code with the surroundings of the original."""
    code = conversion.code
    own = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    cells = [_runtime_cell() if name == RUNTIME else own[name] for name in code.co_freevars]
    twin = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, tuple(cells)
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__, twin.__module__ = function.__qualname__, function.__module__
    twin.__doc__ = function.__doc__
    # From Python 3.14 on annotations are evaluated when they are asked for.
    annotations = "__annotate__" if hasattr(function, "__annotate__") else "__annotations__"
    setattr(twin, annotations, getattr(function, annotations))
    twin.__dict__.update(function.__dict__)
    twin.__weft_conversion__ = conversion  # type: ignore[attr-defined]
    return twin


@functools.cache
def _runtime_cell() -> types.CellType:
    from weft.function.autograph import runtime

    return types.CellType(runtime)
