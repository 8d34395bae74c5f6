"""What a call of a traced function looks like: the key of its cache, and declared inputs.

Tensors and arrays are known by shape and dtype, variables and other objects by identity,
Python values by value.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import tree
from weft.core.spec import Spec
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.dtypes import DType, canonical, result_type
from weft.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError, TraceError
from weft.ops.convert import convert_to_tensor
from weft.primitives.elementwise import cast


class TensorSpec:
    """Shape and dtype that an argument must have; None stands for any extent.

    Example:
        >>> from weft.function import TensorSpec
        >>> TensorSpec([None, 3], "float32")
        TensorSpec(shape=(None, 3), dtype=float32, name=None)
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = None if shape is None else tuple(shape)
        self.dtype: DType = canonical(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor."""
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a tensor fits, or may be of both specs."""
        other = spec_or_value
        if not hasattr(other, "dtype"):
            other = convert_to_tensor(other, self.dtype)
        if canonical(other.dtype) is not self.dtype:
            return False
        if self.shape is None or other.shape is None:
            return True
        pairs = zip(self.shape, other.shape)
        return len(self.shape) == len(other.shape) and all(
            mine is None or yours is None or mine == yours for mine, yours in pairs
        )

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype}, name={self.name!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorSpec)
            and self.shape == other.shape
            and self.dtype is other.dtype
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    @property
    def is_known(self) -> bool:
        """Whether every extent is given."""
        return self.shape is not None and None not in self.shape

    def admits(self, shape: Sequence[int]) -> bool:
        """Whether a tensor of this shape fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            wanted is None or wanted == extent for wanted, extent in zip(self.shape, shape)
        )


def _is_spec(x: Any) -> bool:
    return isinstance(x, TensorSpec | Spec) or (
        hasattr(x, "shape") and hasattr(x, "dtype") and not hasattr(x, "__array__")
        and not isinstance(x, Tensor | Variable)
    )  # fmt: skip


# -- arguments by name -------------------------------------------------------------------


class Arguments:
    """The parameters of a Python function, in one order with defaults filled in."""

    def __init__(self, function: Callable, bound: bool = False) -> None:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1 if bound else 0 :]
        self.signature = inspect.Signature(parameters)
        self.names = [parameter.name for parameter in parameters]
        kinds = [parameter.kind for parameter in parameters]
        plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        # With this many arguments and no keywords there is nothing to sort.
        self.plain_count = len(parameters) if all(k in plain for k in kinds) else -1
        self.kinds = kinds

    def ordered(self, who: str, args: tuple, kwargs: dict) -> tuple:
        """One value per parameter, defaults filled in.

        Raises:
            ArgumentTypeError: they do not fit the parameters.
        """
        if not kwargs and len(args) == self.plain_count:
            return args
        bound = self._bound(who, self.signature.bind, args, kwargs)
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def partial(self, who: str, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The values that are given, by the names of their parameters."""
        return self._bound(who, self.signature.bind_partial, args, kwargs).arguments

    def _bound(self, who: str, bind: Callable, args: tuple, kwargs: dict) -> Any:
        try:
            return bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentTypeError(f"{who}: {error}; it takes {self.signature}") from None

    def call(self, function: Callable, values: Sequence[Any]) -> Any:
        """`function` with one value per parameter."""
        args: list = []
        kwargs: dict = {}
        for name, kind, value in zip(self.names, self.kinds, values, strict=True):
            if kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(value)
            elif kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return function(*args, **kwargs)


# -- keys --------------------------------------------------------------------------------


class Key:
    """The parts of a cache key while it is made, with the tensors found on the way."""

    __slots__ = ("objects", "parts", "tensors")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.tensors: list[Tensor] = []
        # Known by identity: an entry must not outlive them, for ids are used again.
        self.objects: list[Any] = []

    def add_all(self, values: Sequence[Any]) -> None:
        parts = self.parts
        for value in values:
            if type(value) is Tensor:
                array = value._array
                parts.append(array.shape)
                parts.append(array.dtype)
                self.tensors.append(value)
            else:
                handler = _HANDLERS.get(type(value))
                if handler is None:
                    handler = _HANDLERS[type(value)] = _handler_for(type(value))
                handler(self, value)


def _add_array(key: Key, array: Any) -> None:
    # Copied: the caller may change his array, and results may be views of it.
    key.add_all((convert_to_tensor(array),))


def _add_number(key: Key, value: Any) -> None:
    # 0.0 and -0.0 are equal, and not the same.
    key.parts.append((type(value), value if value else repr(value)))


def _add_value(key: Key, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        _add_object(key, value)
    else:
        key.parts.append((type(value), value))


def _add_object(key: Key, value: Any) -> None:
    key.parts.append((type(value), id(value)))
    key.objects.append(value)


def _add_sequence(key: Key, value: Any) -> None:
    key.parts.append((type(value), len(value)))
    key.add_all(value)


def _add_mapping(key: Key, value: dict) -> None:
    names = tree._sorted_keys(value)
    key.parts.append((type(value), names))
    key.add_all([value[name] for name in names])


def _refuse_traced(key: Key, value: Any) -> None:
    raise TraceError(
        f"a traced tensor ({value.spec}) is an argument of a function that is called after "
        "tracing ended; return it from the function that made it"
    )


def _handler_for(kind: type) -> Callable[[Key, Any], None]:
    if issubclass(kind, TracedTensor):
        return _refuse_traced
    if issubclass(kind, Tensor):
        return lambda key, tensor: key.add_all((Tensor(tensor._array),))
    if issubclass(kind, np.ndarray | np.generic):
        return _add_array
    if issubclass(kind, Variable):
        return _add_object
    if issubclass(kind, dict):
        return _add_mapping
    if issubclass(kind, tuple | list):
        return _add_sequence
    if issubclass(kind, int | float | complex):
        return _add_number
    if kind.__hash__ in (None, object.__hash__) or kind.__eq__ is object.__eq__:
        return _add_object
    return _add_value


_HANDLERS: dict[type, Callable[[Key, Any], None]] = {}


def replace_tensors(values: Sequence[Any], tensors: Sequence[Tensor]) -> list[Any]:
    """`values` with their tensors and arrays replaced, in the order of the key."""
    new = iter(tensors)

    def change(leaf: Any) -> Any:
        return next(new) if isinstance(leaf, Tensor | np.ndarray | np.generic) else leaf

    return [tree.map(change, value) for value in values]


def when_dead(objects: Sequence[Any], forget: Callable[[Any], None]) -> list[Any]:
    """References that call `forget` when an object dies; strong ones where none can be."""
    references = []
    for value in objects:
        try:
            references.append(weakref.ref(value, forget))
        except TypeError:
            references.append(value)
    return references


# -- descriptions for messages -----------------------------------------------------------


def describe(value: Any) -> str:
    """A short text of an argument, for messages about tracing again."""
    if isinstance(value, Tensor | Variable):
        return str(value.spec)
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(describe, value)) + ")"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# -- declared inputs ---------------------------------------------------------------------


class InputSignature:
    """The declared inputs of a function: one structure of TensorSpecs per parameter."""

    def __init__(self, who: str, specs: Any, arguments: Arguments) -> None:
        if not isinstance(specs, tuple | list):
            raise ArgumentTypeError(
                f"function {who}: input_signature must be a list of TensorSpecs, one per "
                f"argument; received {type(specs).__name__}"
            )
        self.who, self.specs, self.names = who, list(specs), arguments.names
        for leaf in tree.leaves(self.specs):
            if not _is_spec(leaf):
                raise ArgumentTypeError(
                    f"function {who}: input_signature holds TensorSpecs; received {leaf!r}"
                )
        if len(self.specs) > len(self.names):
            raise ArgumentError(
                f"function {who}: input_signature has {len(self.specs)} entries, and the "
                f"function takes {len(self.names)} arguments"
            )

    def fit(self, values: Sequence[Any]) -> tuple:
        """The arguments as tensors of the declared dtypes; further ones as they are."""
        declared = [
            self._fit_one(name, spec, value)
            for name, spec, value in zip(self.names, self.specs, values)
        ]
        return (*declared, *values[len(declared) :])

    def _fit_one(self, name: str, spec: Any, value: Any) -> Any:
        if _is_spec(spec):
            return self._fit_leaf(name, spec, value)
        specs, structure = tree.flatten(spec)
        parts = tree.leaves(value) if tree.is_container(value) else [value]
        if len(parts) != len(specs):
            raise ArgumentError(
                f"function {self.who}: argument {name!r} must have the structure "
                f"{structure!r} of its input_signature; received {describe(value)}"
            )
        fitted = [self._fit_leaf(name, s, part) for s, part in zip(specs, parts)]
        return tree.unflatten(tree.flatten(value)[1], fitted)

    def _fit_leaf(self, name: str, spec: Any, value: Any) -> Tensor:
        return fit_tensor(f"function {self.who}", name, spec, value, "input_signature")


def fit_tensor(
    who: str, name: str, spec: Any, value: Any, declared: str = "signature"
) -> Tensor:
    """A value as the tensor that a spec asks for.

    Raises:
        ShapeError, DTypeError: it is none.
    """
    wanted = TensorSpec(spec.shape, spec.dtype)
    is_array = isinstance(value, np.ndarray | np.generic)
    same_kind = is_array and wanted.dtype.is_floating and value.dtype.kind == "f"
    if isinstance(value, Tensor | Variable) or (is_array and not same_kind):
        tensor = convert_to_tensor(value)
    elif (tensor := convert_to_tensor(value)).dtype.is_floating <= wanted.dtype.is_floating:
        # Python's numbers take any dtype, except that floats are not cut to integers.
        tensor = convert_to_tensor(value, wanted.dtype)
    if tensor.dtype is not wanted.dtype:
        is_text = "string" in (tensor.dtype, wanted.dtype)
        if is_text or result_type(tensor.dtype, wanted.dtype) is not wanted.dtype:
            raise DTypeError(
                f"{who}: argument {name!r} must be {wanted.dtype}, as its {declared} says; "
                f"received {tensor.spec}; cast it first"
            )
        tensor = cast.bind(tensor, dtype=wanted.dtype)
    if not wanted.admits(tensor.shape):
        raise ShapeError(
            f"{who}: argument {name!r} must have the shape {wanted.shape} of its "
            f"{declared}; received {tensor.spec}"
        )
    return tensor


def spec_of(value: Any, name: str | None) -> Any:
    """The spec of a tensor, an array or a spec, with a name; other things as they are."""
    is_tensor = isinstance(value, Tensor | np.ndarray | np.generic)
    if not is_tensor and not _is_spec(value):
        return value
    dtype = convert_to_tensor(value).dtype if is_tensor else value.dtype
    return TensorSpec(value.shape, dtype, getattr(value, "name", None) or name)


def example_of(spec: Any) -> Any:
    """A tensor of zeros for a spec whose shape is known; other things as they are."""
    if not _is_spec(spec) or isinstance(spec, np.ndarray | np.generic):
        return spec
    shape = spec.shape
    if shape is None or None in tuple(shape):
        raise ArgumentError(
            f"function: to trace, every extent must be known; received {spec}; give a "
            "number instead of None"
        )
    dtype = canonical(spec.dtype)
    if dtype == "string":
        raise ArgumentError(
            f"function: no program is made for text; received {spec}; call the function, "
            "which runs as Python then"
        )
    return Tensor(np.broadcast_to(np.zeros((), dtype.numpy), tuple(shape)))
