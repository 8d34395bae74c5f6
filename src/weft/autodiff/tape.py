"""GradientTape: records operations, and differentiates what was recorded.

x = weft.convert_to_tensor(3.0)
with weft.GradientTape() as tape:
    tape.watch(x)
    y = x * x
tape.gradient(y, x)        # 6.0
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft import tree
from weft.autodiff.backward import Record, backward, ones_like, zeros_like
from weft.autodiff.jacobians import batch_jacobian_of, jacobian_of
from weft.core.primitive import Primitive
from weft.core.state import STATE, recording
from weft.core.tensor import Tensor
from weft.core.variable import Variable, read_variable
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError, warn


class UsedTapeError(ArgumentError, RuntimeError):
    """A tape that is not persistent was asked a second time."""


class GradientTape:
    """Watches tensors and variables, and gives gradients of what is computed from them.

    Trainable variables are watched when they are read; tensors by `watch`. Tapes nest for
    derivatives of higher order, eagerly and inside of a `weft.function`.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether to watch trainable variables by themselves.

    Example:
        >>> import weft
        >>> x = weft.convert_to_tensor(3.0)
        >>> with weft.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(
        self, persistent: bool = False, watch_accessed_variables: bool = True
    ) -> None:
        self._persistent = persistent
        self._accessed = watch_accessed_variables
        self._used = False
        self._clear()

    def _clear(self) -> None:
        self._records: list[Record] = []
        # Ids of what gradients may flow to; the records, or the values here, keep the
        # objects alive, so that an id means one object.
        self._watched: dict[int, Any] = {}
        self._variables: dict[int, Variable] = {}

    # -- recording -----------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self._is_recording():
            raise ArgumentError(
                "GradientTape: this tape is recording already; open a new tape inside it "
                "for derivatives of higher order"
            )
        STATE.tapes = (*STATE.tapes, self)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def _is_recording(self) -> bool:
        return any(tape is self for tape in STATE.tapes)

    def _stop(self) -> None:
        STATE.tapes = tuple([tape for tape in STATE.tapes if tape is not self])

    def record(
        self, primitive: Primitive, inputs: tuple, outputs: Any, parameters: dict
    ) -> None:
        """Keep an operation if gradients may flow through it; called by `bind`."""
        watched = self._watched
        for tensor in inputs:
            if id(tensor) in watched:
                break
        else:
            if primitive is not read_variable:
                return
            if not (self._accessed and inputs[0].trainable):
                return
            watched[id(inputs[0])] = inputs[0]
        if primitive is read_variable:
            self._variables[id(inputs[0])] = inputs[0]
        if type(outputs) is not tuple:
            outputs = (outputs,)
        floating = [output for output in outputs if output.dtype.is_differentiable]
        if floating:
            self._records.append(Record(primitive, inputs, outputs, parameters))
            for output in floating:
                watched[id(output)] = None

    def watches(self, tensor: Any) -> bool:
        """Whether gradients may flow to or through this tensor or variable."""
        return id(tensor) in self._watched

    def watch(self, tensor: Any) -> None:
        """Let gradients flow to a tensor, a variable, or a structure of them."""
        for leaf in tree.leaves(tensor):
            if not isinstance(leaf, Tensor | Variable):
                raise ArgumentTypeError(
                    f"GradientTape.watch: expected tensors or variables; received "
                    f"{type(leaf).__name__}; make it a tensor first: "
                    "weft.convert_to_tensor(x)"
                )
            if not leaf.dtype.is_differentiable:
                warn(
                    f"GradientTape.watch: gradients flow to floating tensors only; "
                    f"received {leaf.spec}",
                )
                continue
            self._watched[id(leaf)] = leaf
            if isinstance(leaf, Variable):
                self._variables[id(leaf)] = leaf

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables that were read while watched, in the order of their first use."""
        return tuple(self._variables.values())

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """What is computed inside leaves no trace on this tape."""
        if not self._is_recording():
            raise ArgumentError("GradientTape.stop_recording: this tape is not recording")
        with recording(tuple([tape for tape in STATE.tapes if tape is not self])):
            yield

    def reset(self) -> None:
        """Forget everything that was recorded and watched."""
        self._clear()
        self._used = False

    # -- gradients -----------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = "none",
    ) -> Any:
        """The gradient of the target (of the sum of all targets) in the sources.

        Args:
            target: a tensor or a structure of tensors.
            sources: a tensor, a variable, or a structure of them; the result has the
                same structure.
            output_gradients: one weight tensor per target; ones by default.
            unconnected_gradients: "none" or "zero": what a source gets that the target
                does not depend on.

        Raises:
            ArgumentError: on the second call, unless the tape is persistent.
        """
        zero = _wants_zero(unconnected_gradients)
        leaves, structure = _source_leaves(sources)
        seeds = _seeds(target, output_gradients)
        records = self._take_records()
        found = backward(records, seeds, _differentiable_ids(leaves))
        return tree.unflatten(structure, _results(found, leaves, zero))

    def jacobian(
        self,
        target: Tensor,
        sources: Any,
        unconnected_gradients: Any = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Derivatives of every element of the target: `target.shape + source.shape`.

        The last two arguments are taken for compatibility and change nothing.
        """
        zero = _wants_zero(unconnected_gradients)
        leaves, structure = _source_leaves(sources)
        records = self._take_records()
        found = jacobian_of(records, target, leaves)
        shapes = [(*target.shape, *leaf.shape) for leaf in leaves]
        return tree.unflatten(structure, _results(found, leaves, zero, shapes))

    def batch_jacobian(
        self,
        target: Tensor,
        source: Any,
        unconnected_gradients: Any = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Jacobians row by row, where row i of the target depends on row i of the source.

        For a target `[b, …]` and a source `[b, …]` the result is
        `[b, *target.shape[1:], *source.shape[1:]]`.
        """
        zero = _wants_zero(unconnected_gradients)
        if not target.shape or not source.shape or target.shape[0] != source.shape[0]:
            raise ShapeError(
                f"GradientTape.batch_jacobian: target and source must have one number of "
                f"rows; received {target.spec} and {source.spec}"
            )
        records = self._take_records()
        found = batch_jacobian_of(records, target, source)
        shape = (*target.shape, *source.shape[1:])
        return _results(found, [source], zero, [shape])[0]

    def _take_records(self) -> list[Record]:
        """The records; a tape that is not persistent gives them away once."""
        if self._persistent:
            return list(self._records)
        if self._used:
            raise UsedTapeError(
                "GradientTape: gradient was called a second time, and a tape forgets what "
                "it recorded after the first; use GradientTape(persistent=True)"
            )
        self._used = True
        self._stop()
        records = self._records
        self._records = []
        return records


# -- arguments and results ---------------------------------------------------------------


def _wants_zero(unconnected: Any) -> bool:
    name = str(getattr(unconnected, "value", unconnected)).lower()
    if name not in ("none", "zero"):
        raise ArgumentError(
            f"GradientTape: unconnected_gradients is 'none' or 'zero'; "
            f"received {unconnected!r}"
        )
    return name == "zero"


def _source_leaves(sources: Any) -> tuple[list, Any]:
    leaves, structure = tree.flatten(sources)
    for leaf in leaves:
        if not isinstance(leaf, Tensor | Variable):
            raise ArgumentTypeError(
                f"GradientTape: sources are tensors or variables; received "
                f"{type(leaf).__name__}"
            )
        _warn_unless_floating(leaf, "source")
    return leaves, structure


def _warn_unless_floating(tensor: Any, what: str) -> bool:
    if tensor.dtype.is_differentiable:
        return True
    warn(
        f"GradientTape: the {what} must have a floating dtype; received {tensor.spec}, "
        f"whose gradient is None; cast it to float32 first",
    )
    return False


def _seeds(target: Any, output_gradients: Any) -> list[tuple[Any, Tensor]]:
    targets = tree.leaves(target)
    if output_gradients is None:
        weights: list = [None] * len(targets)
    elif not tree.is_container(target) and not _holds_tensors(output_gradients):
        weights = [output_gradients]
    else:
        weights = tree.leaves(output_gradients)
    if len(weights) != len(targets):
        raise ArgumentError(
            f"GradientTape: output_gradients must be one per target; received "
            f"{len(weights)} for {len(targets)}"
        )
    seeds = []
    for leaf, weight in zip(targets, weights):
        if not isinstance(leaf, Tensor | Variable):
            raise ArgumentTypeError(
                f"GradientTape: the target is made of tensors; received "
                f"{type(leaf).__name__}, which was not computed by weft"
            )
        if _warn_unless_floating(leaf, "target"):
            seeds.append((leaf, _seed(leaf, weight)))
    return seeds


def _holds_tensors(tree_of: Any) -> bool:
    leaves = tree.leaves(tree_of)
    return any(isinstance(leaf, Tensor | Variable | np.ndarray) for leaf in leaves)


def _seed(target: Any, weight: Any) -> Tensor:
    if weight is None:
        return ones_like(target.spec)
    if isinstance(weight, Variable):
        weight = weight.value
    if not isinstance(weight, Tensor):
        weight = Tensor(np.array(weight, target.dtype.numpy))
    if weight.spec != target.spec:
        raise ShapeError(
            f"GradientTape: an output gradient must have its target's shape and dtype; "
            f"received {weight.spec} for {target.spec}"
        )
    return weight


def _differentiable_ids(leaves: list) -> list[int]:
    return [id(leaf) for leaf in leaves if leaf.dtype.is_differentiable]


def _results(
    found: dict[int, Tensor], leaves: list, zero: bool, shapes: list | None = None
) -> list[Tensor | None]:
    results: list[Tensor | None] = []
    for position, leaf in enumerate(leaves):
        result = found.get(id(leaf))
        if result is None and zero:
            spec = leaf.spec
            result = zeros_like(spec.with_shape(shapes[position]) if shapes else spec)
        results.append(result)
    return results
