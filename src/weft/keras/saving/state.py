"""Walk through a model: every object with variables, and its path in a file.

    model ──► ("", model), ("layers/dense", Dense), …, ("optimizer", Adam)

The paths are those of Keras 3. They are made of names of attributes and, inside lists and
dicts, of classes (`dense`, `dense_1`, …), because the names of layers differ from one
process to the next. Attributes are visited in alphabetical order, private ones last.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from weft.errors import ArgumentError
from weft.keras.backend.names import to_snake_case
from weft.keras.layers.layer import Layer
from weft.keras.losses.loss import Loss
from weft.keras.metrics.metric import Metric
from weft.keras.optimizers.optimizer import Optimizer

_KINDS = (Layer, Optimizer, Metric, Loss)


@functools.cache
def _skipped(kind: type) -> frozenset[str]:
    """The attributes that every object of a kind has: no state of its own is in them."""
    from weft.keras.models.model import Model

    if kind is Layer:
        private = [name for name in dir(Model()) if name.startswith("_")]
        # Sequential and Functional keep what is in `layers` under these names too.
        private += ["operations", "_operations", "_functional"]
        return frozenset([*dir(Layer()), *private])
    if kind is Optimizer:
        return frozenset(dir(Optimizer(1.0))) - {"variables"}
    return frozenset(dir(kind()))


def _children(thing: Any) -> Iterator[tuple[str, Any]]:
    from weft.keras.models import Functional, Sequential

    if isinstance(thing, Functional | Sequential):
        yield "layers", thing.layers
    kind = next(kind for kind in _KINDS if isinstance(thing, kind))
    skipped = _skipped(kind)
    names = [name for name in dir(thing) if not name.startswith("__")]
    for name in sorted(names, key=lambda name: (name.startswith("_"), name)):
        if name in skipped:
            continue
        try:
            child = getattr(thing, name)
        except Exception:
            # A property that is not ready says nothing about state.
            continue
        if isinstance(child, (*_KINDS, list, tuple, dict)):
            yield name, child


def _members(container: Any) -> Iterator[tuple[str, Any]]:
    counts: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, _KINDS):
            name = to_snake_case(type(item).__name__)
        elif isinstance(item, list | tuple | dict):
            name = "container"
        else:
            continue
        number = counts.get(name, -1) + 1
        counts[name] = number
        yield (f"{name}_{number}" if number else name), item


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def save_state(root: Any, save: Callable[[str, Any], None], skipped: Any = ()) -> None:
    """Call `save(path, object)` for the root and everything inside that keeps state."""
    seen: set[int] = {id(thing) for thing in skipped}

    def visit(thing: Any, path: str) -> None:
        if id(thing) in seen:
            return
        seen.add(id(thing))
        if isinstance(thing, _KINDS):
            save(path, thing)
            children = _children(thing)
        else:
            children = _members(thing)
        for name, child in children:
            visit(child, _join(path, name))

    visit(root, "")


class _Loading:
    """One pass over a model: each object is tried at its paths until one succeeds."""

    def __init__(self, load: Callable[[str, Any], None], skipped: Any) -> None:
        self.load = load
        self.done: set[int] = {id(thing) for thing in skipped}
        self.tried: set[tuple[int, str]] = set()
        self.failures: dict[int, tuple[Any, Exception]] = {}

    def visit(self, thing: Any, path: str) -> None:
        key = (id(thing), path)
        if id(thing) in self.done or key in self.tried or path.count("/") > 200:
            return
        self.tried.add(key)
        before = len(self.failures)
        if isinstance(thing, _KINDS):
            self._load_one(thing, path)
            children = _children(thing)
        else:
            children = _members(thing)
        for name, child in children:
            self.visit(child, _join(path, name))
        if len(self.failures) <= before and id(thing) not in self.failures:
            self.done.add(id(thing))

    def _load_one(self, thing: Any, path: str) -> None:
        try:
            self.load(path, thing)
        except Exception as error:
            self.failures.setdefault(id(thing), (thing, error))
        else:
            self.failures.pop(id(thing), None)


def load_state(
    root: Any, load: Callable[[str, Any], None], who: str,
    skip_mismatch: bool = False, skipped: Any = (),
) -> None:  # fmt: skip
    """Call `load(path, object)` for everything inside that keeps state.

    Raises:
        ArgumentError: naming every object whose state does not fit, unless `skip_mismatch`.
    """
    loading = _Loading(load, skipped)
    loading.visit(root, "")
    if not loading.failures:
        return
    failures = list(loading.failures.values())
    names = ", ".join(
        f"{type(thing).__name__} {getattr(thing, 'name', '')!r}" for thing, _ in failures
    )
    message = (
        f"{who}: A total of {len(failures)} objects could not be loaded: {names}. "
        f"The first said: {failures[0][1]}"
    )
    if not skip_mismatch:
        remedy = " Give skip_mismatch=True to load the others." if "load_w" in who else ""
        raise ArgumentError(message + remedy) from failures[0][1]
    warnings.warn(message, stacklevel=4)
