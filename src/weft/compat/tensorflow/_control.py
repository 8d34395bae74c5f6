"""Control flow, scopes and calls into Python, under TensorFlow's names and arguments."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft import ops, tree
from weft.compat.conversion import as_dtype, convert_to_tensor, tensor
from weft.core.spec import Spec
from weft.core.state import STATE, eager
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.errors import ArgumentError, ArgumentTypeError
from weft.function import control
from weft.primitives.effects import host_call, host_effect

# -- branches ----------------------------------------------------------------------------


def cond(
    pred: Any, true_fn: Callable | None = None, false_fn: Callable | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`true_fn()` where `pred` is true, else `false_fn()`.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> int(tf.cond(tf.constant(3) > 0, lambda: tf.constant(1), lambda: tf.constant(2)))
        1
    """
    return control.cond(pred, true_fn, false_fn, name="tf.cond")


def case(
    pred_fn_pairs: Any, default: Callable | None = None, exclusive: bool = False,
    strict: bool = False, name: str = "case",
) -> Any:  # fmt: skip
    """The result of the first function whose predicate holds, else of `default`."""
    pairs = (
        list(pred_fn_pairs.items())
        if isinstance(pred_fn_pairs, dict)
        else list(pred_fn_pairs)
    )
    pairs = [(pred.deref() if hasattr(pred, "deref") else pred, fn) for pred, fn in pairs]
    if not pairs:
        raise ArgumentError("tf.case: at least one pair (predicate, function) is needed")
    if exclusive and STATE.trace is None and sum(bool(pred) for pred, _ in pairs) > 1:
        raise ArgumentError("tf.case: exclusive=True, and more than one predicate holds")
    if default is None:
        (_, default), rest = pairs[-1], pairs[:-1]
        if STATE.trace is None and not any(bool(pred) for pred, _ in pairs):
            raise ArgumentError("tf.case: no predicate holds, and there is no default")
        pairs = rest
    return _first_that_holds(pairs, default)


def _first_that_holds(pairs: Sequence, default: Callable) -> Any:
    if not pairs:
        return default()
    (pred, fn), *rest = pairs
    return control.cond(pred, fn, lambda: _first_that_holds(rest, default), name="tf.case")


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable | None = None,
    name: str = "switch_case",
) -> Any:  # fmt: skip
    """The result of the function with that number; of `default` (or the last) for others."""
    if isinstance(branch_fns, dict):
        branches = dict(branch_fns)
    else:
        items = list(branch_fns)
        numbered = [item for item in items if isinstance(item, tuple)]
        branches = dict(numbered) if numbered else dict(enumerate(items))
    if sorted(branches) != list(range(len(branches))):
        raise ArgumentError(
            f"tf.switch_case: branches must be numbered 0 … n-1; received {sorted(branches)}"
        )
    ordered = [branches[number] for number in range(len(branches))]
    index = tensor("tf.switch_case", branch_index)
    last = default if default is not None else ordered[-1]
    inside = ops.logical_and(index >= 0, index < len(ordered))
    place = ops.where(inside, index, len(ordered))
    return control.switch(place, [*ordered, last])


# -- loops -------------------------------------------------------------------------------


def while_loop(
    cond: Callable, body: Callable, loop_vars: Any, shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    maximum_iterations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """While `cond(*loop_vars)` holds, `loop_vars = body(*loop_vars)`.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> (i,) = tf.while_loop(lambda i: i < 10, lambda i: (i + 3,), (tf.constant(0),))
        >>> int(i)
        12
    """
    loop_vars = tree.map(_numbers_as_tensors, loop_vars)
    return control.while_loop(cond, body, loop_vars, maximum_iterations)


def _numbers_as_tensors(leaf: Any) -> Any:
    if isinstance(leaf, bool | int | float | np.ndarray | np.generic | Variable):
        return convert_to_tensor(leaf)
    return leaf


def map_fn(
    fn: Callable, elems: Any, dtype: Any = None, parallel_iterations: Any = None,
    back_prop: Any = None, swap_memory: Any = None, infer_shape: bool = True,
    name: str | None = None, fn_output_signature: Any = None,
) -> Any:  # fmt: skip
    """`fn` applied to each element along the first axis, results stacked.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.map_fn(lambda x: x * x, tf.constant([1, 2, 3])).numpy().tolist()
        [1, 4, 9]
    """
    wanted = fn_output_signature if fn_output_signature is not None else dtype
    elems = _structure(elems)
    if any(leaf.dtype == "string" for leaf in tree.leaves(elems)):
        found = _mapped_eagerly(fn, elems)
    else:
        found = control.map(fn, elems)
    if wanted is None:
        return found
    kinds = tree.leaves(wanted)
    leaves, structure = tree.flatten(found)
    if len(kinds) == len(leaves):
        checked = [_of_signature(leaf, kind) for leaf, kind in zip(leaves, kinds)]
        return tree.unflatten(structure, checked)
    return found


def _structure(elems: Any) -> Any:
    """Structures of tensors leaf by leaf; a plain list of numbers is one tensor."""
    if isinstance(elems, list) and not any(
        isinstance(x, Tensor | np.ndarray) for x in elems
    ):
        return convert_to_tensor(elems)
    if isinstance(elems, tuple | list | dict):
        return tree.map(convert_to_tensor, elems) if not isinstance(elems, tuple) else tuple(
            [_structure(item) for item in elems]
        )  # fmt: skip
    return convert_to_tensor(elems)


def _of_signature(leaf: Tensor, kind: Any) -> Tensor:
    wanted = as_dtype(getattr(kind, "dtype", kind))
    if leaf.dtype is wanted:
        return leaf
    raise ArgumentTypeError(
        f"tf.map_fn: fn_output_signature says {wanted.name}; received {leaf.spec}; "
        f"cast in the function: tf.cast(y, tf.{wanted.name})"
    )


def _mapped_eagerly(fn: Callable, elems: Any) -> Any:
    """Text is handled by Python, element by element."""
    leaves, structure = tree.flatten(elems)
    rows = [
        fn(tree.unflatten(structure, [ops.get_item(leaf, i) for leaf in leaves]))
        for i in range(leaves[0].shape[0])
    ]
    columns = list(zip(*[tree.leaves(row) for row in rows]))
    stacked = [ops.stack([convert_to_tensor(x) for x in column]) for column in columns]
    return tree.unflatten(tree.flatten(rows[0])[1], stacked)


def vectorized_map(
    fn: Callable, elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """The results of `map_fn`."""
    return map_fn(fn, elems)


def scan(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True,
    reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """All values of a state that goes along the first axis: state = fn(state, element).

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy().tolist()
        [1, 3, 6]
    """
    elems = _structure(elems)
    if initializer is not None:
        state = _structure(initializer)
        return control.scan(_both(fn), state, elems, reverse=reverse)[1]
    first = tree.map(lambda x: ops.get_item(x, -1 if reverse else 0), elems)
    cut = slice(0, -1) if reverse else slice(1, None)
    rest = tree.map(lambda x: ops.get_item(x, cut), elems)
    states = control.scan(_both(fn), first, rest, reverse=reverse)[1]

    def joined(begin: Tensor, others: Tensor) -> Tensor:
        row = ops.expand_dims(begin, 0)
        return ops.concatenate([others, row] if reverse else [row, others], axis=0)

    return tree.map(joined, first, states)


def _both(fn: Callable) -> Callable:
    def step(state: Any, element: Any) -> tuple:
        new = fn(state, element)
        return new, new

    return step


def _fold(fn: Callable, elems: Any, initializer: Any, reverse: bool) -> Any:
    elems = _structure(elems)
    if initializer is None:
        state = tree.map(lambda x: ops.get_item(x, -1 if reverse else 0), elems)
        cut = slice(0, -1) if reverse else slice(1, None)
        elems = tree.map(lambda x: ops.get_item(x, cut), elems)
    else:
        state = _structure(initializer)
    return control.scan(lambda s, x: (fn(s, x), ()), state, elems, reverse=reverse)[0]


def foldl(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The last state of `scan`, from the first element on."""
    return _fold(fn, elems, initializer, False)


def foldr(
    fn: Callable, elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The last state of `scan`, from the last element back."""
    return _fold(fn, elems, initializer, True)


# -- scopes ------------------------------------------------------------------------------


class device:
    """Where operations run: `with tf.device("/CPU:0")`; other devices run on the CPU too."""

    def __init__(self, device_name: Any) -> None:
        if not (
            device_name is None or isinstance(device_name, str) or callable(device_name)
        ):
            raise ArgumentTypeError(
                f"tf.device: a name such as '/CPU:0' is needed; received {device_name!r}"
            )
        self.device_name = device_name

    def __enter__(self) -> device:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


@contextlib.contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Nothing to do: effects happen in the order of the program."""
    yield


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Operations inside are evaluated at once, also while a function is traced."""
    with eager():
        yield


def executing_eagerly() -> bool:
    """Whether operations are evaluated at once, not traced."""
    return STATE.trace is None


def inside_function() -> bool:
    """Whether a function is being traced."""
    return STATE.trace is not None


def group(*inputs: Any, **kwargs: Any) -> None:
    """Nothing: what the inputs do is done."""


def no_op(name: str | None = None) -> None:
    """Nothing."""


def tuple_of(tensors: Any, control_inputs: Any = None, name: str | None = None) -> list:
    """The tensors as a list."""
    return [convert_to_tensor(one) for one in tensors]


# -- Python from inside ------------------------------------------------------------------


def numpy_function(
    func: Callable | None = None, inp: Any = (), Tout: Any = None, stateful: bool = True,
    name: str | None = None,
) -> Any:  # fmt: skip
    """A Python function of NumPy arrays; in a traced function it is called at each run.

    While tracing, the function is called once with zeros, to learn the shapes of its results.
    """
    assert func is not None
    inputs = [convert_to_tensor(x) for x in inp]
    kinds = Tout if isinstance(Tout, list | tuple) else [Tout]
    is_several = isinstance(Tout, list | tuple)

    def run(*arrays: np.ndarray) -> list[np.ndarray]:
        found = func(*arrays)
        results = list(found) if is_several else [found]
        return [np.asarray(x, as_dtype(kind).numpy) for x, kind in zip(results, kinds)]

    if STATE.trace is not None and not any(kinds):
        # It gives nothing: it is called for what it does, once per run.
        host_effect.bind(*inputs, function=func)
        return [] if is_several else None
    if any(isinstance(x, TracedTensor) for x in inputs):
        zeros = [np.zeros(x.shape, x.dtype.numpy) for x in inputs]
        specs = [Spec(x.shape, as_dtype(kind)) for x, kind in zip(run(*zeros), kinds)]
        outputs = list(host_call.bind(*inputs, function=run, specs=tuple(specs)))
    else:
        outputs = [Tensor(array) for array in run(*[x._array for x in inputs])]
    return outputs if is_several else outputs[0]


def py_function(
    func: Callable | None = None, inp: Any = (), Tout: Any = None, name: str | None = None
) -> Any:
    """A Python function of tensors; in a traced function it is called at each run.

    Gradients flow through it eagerly; in a traced function they do not.
    """
    assert func is not None
    if STATE.trace is None:
        kinds = Tout if isinstance(Tout, list | tuple) else [Tout]
        found = func(*[convert_to_tensor(x) for x in inp])
        if not isinstance(Tout, list | tuple):
            return None if Tout is None else ops.cast(found, as_dtype(kinds[0]))
        return [ops.cast(x, as_dtype(kind)) for x, kind in zip(found, kinds)]

    def on_arrays(*arrays: np.ndarray) -> Any:
        with eager():
            found = func(*[Tensor(array) for array in arrays])
        if isinstance(found, list | tuple):
            return [np.asarray(x) for x in found]
        return np.asarray(found)

    return numpy_function(on_arrays, inp, Tout)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The same values, through which no gradient flows."""
    from weft.autodiff import stop_gradient as stop

    return stop(tree.map(convert_to_tensor, input))


def grad_pass_through(f: Callable) -> Callable:
    """A function whose gradient is that of the identity."""
    from weft.autodiff import custom_gradient

    def straight(x: Any) -> Any:
        return f(x), lambda upstream: upstream

    return custom_gradient(straight)


def is_symbolic_tensor(x: Any) -> bool:
    """Whether it is a tensor of a traced function, whose values are not known."""
    return isinstance(x, TracedTensor)


def identity_n(input: Any, name: str | None = None) -> list:
    """The tensors as a list."""
    return [convert_to_tensor(one) for one in input]


def recompute_grad(f: Callable) -> Callable:
    """The function itself: what its gradient needs is kept."""
    return f
