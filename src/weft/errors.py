"""What weft raises. Every message says who, the rule, what was received, and a remedy.

Each class is also the built-in exception that users of NumPy and Keras expect, so that
`except ValueError` works.
"""

from __future__ import annotations

import builtins
import difflib
import functools
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

_PACKAGE = str(Path(__file__).resolve().parent)
P = ParamSpec("P")
R = TypeVar("R")


class WeftError(Exception):
    """The base of all errors that weft raises on purpose."""

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self)


class InvalidArgumentError(WeftError):
    """Something passed by the user that does not fit; TensorFlow knows it by this name."""


class ShapeError(InvalidArgumentError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(InvalidArgumentError, TypeError):
    """A dtype that an operation does not take."""


class ArgumentError(InvalidArgumentError, ValueError):
    """A value that an argument does not take."""


class ArgumentTypeError(InvalidArgumentError, TypeError):
    """An argument of a type that can't be used."""


class IndexError(InvalidArgumentError, builtins.IndexError):
    """An index outside of a tensor."""


class TraceError(WeftError, TypeError):
    """A traced tensor used where only a concrete value can be."""


class TextError(TraceError):
    """Text where only a program's tensors can be."""


class GraphError(WeftError, ValueError):
    """A graph that breaks its grammar: a defect of the pass that made it."""


class CompileError(WeftError, RuntimeError):
    """A program that could not be compiled or run."""


class OutOfMemoryError(WeftError, MemoryError):
    """A tensor that does not fit into memory."""


class MissingFileError(WeftError, FileNotFoundError):
    """A file that is not there."""


class MissingExtraError(WeftError, ImportError):
    """An optional package that is needed now and is not installed."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` with the nearest known name, or an empty text."""
    lowered = {str(k).lower(): str(k) for k in known}
    near = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    return f" Did you mean {lowered[near[0]]!r}?" if near else ""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line: the nearest one outside of the package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_tracebacks = {"are_short": True}


def disable_traceback_filtering() -> None:
    """Show weft's own lines in tracebacks."""
    _tracebacks["are_short"] = False


def enable_traceback_filtering() -> None:
    """Leave weft's own lines out of tracebacks, where that is possible."""
    _tracebacks["are_short"] = True


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks leave weft's own lines out."""
    return _tracebacks["are_short"]


def with_short_traceback(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose errors leave the package's lines out of their tracebacks."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            leave_out_own_lines(error)
            raise

    return called


def leave_out_own_lines(error: BaseException) -> None:
    """Leave the package's lines out of an error's traceback; the user's and one stay.

    Nothing happens while filtering is disabled. Errors that are raised by accident inside
    of the package keep theirs: they are its own.
    """
    first = error.__traceback__
    if first is None or not _tracebacks["are_short"]:
        return
    theirs, last = [], first
    while last.tb_next is not None:
        last = last.tb_next
        if not last.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            theirs.append(last)
    is_on_purpose = isinstance(error, WeftError) or last in theirs
    if not is_on_purpose:
        return
    for link in (first, *theirs):
        link.tb_next = None
    for link, following in itertools.pairwise((first, *theirs)):
        link.tb_next = following
