"""Layer: weights, a computation, and the layers inside.

A layer of one's own defines `build` (make the weights) and `call` (compute):

    class Scale(keras.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

        def call(self, inputs):
            return inputs * self.factor
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft import tree
from weft.core.state import eager, recording
from weft.core.variable import Variable as _AnyVariable
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, TraceError, did_you_mean, warn
from weft.keras import activations, dtype_policies, regularizers
from weft.keras.backend.keras_tensor import KerasTensor, any_symbolic
from weft.keras.backend.names import current_path, path_scope
from weft.keras.backend.operation import Operation
from weft.keras.backend.scopes import SCOPES, StatelessScope, autocast, in_symbolic_scope
from weft.keras.backend.shapes import standardize_shape
from weft.keras.backend.symbolic import compute_output_spec
from weft.keras.backend.tracking import Tracker
from weft.keras.layers import calling, quick
from weft.keras.layers.calling import CALLS
from weft.keras.layers.input_spec import assert_input_compatibility
from weft.keras.layers.weights import Weights
from weft.keras.utils.inputs import convert_inputs
from weft.keras.utils.serialization import serialize_keras_object
from weft.random import SeedGenerator

_INPUT_SHAPE_NOTES: set[str] = set()

_LOCKED = (
    "You cannot add new elements of state (variables or sub-layers) to a layer that is "
    "already built. All state must be created in the `__init__()` method or in the "
    "`build()` method."
)


def _is_metric(x: Any) -> bool:
    # A layer with a vocabulary has such methods too; epochs do not reset it.
    is_layer = isinstance(x, Layer)
    return hasattr(x, "update_state") and hasattr(x, "reset_state") and not is_layer


def _around_build(build: Callable) -> Callable:
    """`build`, in the layer's name scope; it marks the layer as built, and closes it."""

    @functools.wraps(build)
    def build_once(self: Any, *args: Any, **kwargs: Any) -> None:
        if self._building:
            return build(self, *args, **kwargs)
        object.__setattr__(self, "_building", True)
        try:
            with path_scope(self._open_path()), eager(), recording(()):
                build(self, *args, **kwargs)
        finally:
            object.__setattr__(self, "_building", False)
        self._remember_build(build, args, kwargs)
        self.built = True
        self._post_build()
        self._lock_state()
        return None

    build_once._is_wrapped = True  # type: ignore[attr-defined]
    return build_once


class Layer(Weights, Operation):
    """The base of all layers.

    Args:
        activity_regularizer: what large outputs cost.
        trainable: whether its weights are trained.
        dtype: a dtype or policy, such as 'mixed_bfloat16'; None is the global one.
        autocast: whether float inputs are cast to the compute dtype.
        name: unique in a model; made from the class's name where it is left out.
        kwargs: Keras 2's `input_shape`, `batch_input_shape`, `input_dim`.

    Example:
        >>> import weft.keras as keras
        >>> class Double(keras.layers.Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> Double()([1.0, 2.0]).tolist()
        [2.0, 4.0]
    """

    settings: tuple[str, ...] = ()
    """The constructor's arguments that are attributes of the same name: the config."""

    supports_masking = False
    _building = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        build = cls.__dict__.get("build")
        if build is not None and not hasattr(build, "_is_wrapped"):
            cls.build = _around_build(build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._start_tracking()
        Operation.__init__(self, name=name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._input_shape_arg = _taken_input_shape(kwargs)
        if kwargs:
            raise ArgumentError(
                f"{type(self).__name__}: unrecognized keyword arguments: {kwargs}."
                f"{did_you_mean(next(iter(kwargs)), _parameters(type(self)))}"
            )
        self._dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self._input_spec: Any = None
        self._trainable = bool(trainable)
        self.built = False
        self._losses: list[Any] = []
        self._loss_ids: set[int] = set()
        self._parent_path: str | None = None
        self._build_shapes_dict: dict | None = None
        self._called = False

    def _start_tracking(self) -> None:
        if "_tracker" in self.__dict__:
            return
        stores: dict[str, list] = {
            name: []
            for name in ("_trainable_variables", "_non_trainable_variables", "_metrics",
                         "_layers", "_seed_generators")
        }  # fmt: skip
        tests: dict[str, Callable[[Any], bool]] = {
            "_trainable_variables": lambda x: isinstance(x, _AnyVariable) and x.trainable,
            "_non_trainable_variables": lambda x: isinstance(x, _AnyVariable),
            "_metrics": _is_metric,
            "_layers": lambda x: isinstance(x, Layer),
            "_seed_generators": lambda x: isinstance(x, SeedGenerator),
        }
        self.__dict__.update(stores)
        self.__dict__["_tracker"] = Tracker(
            {name: (test, stores[name]) for name, test in tests.items()}
        )

    # -- attributes ------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        tracker = self.__dict__.get("_tracker")
        if tracker is None:
            if name != "_init_arguments":
                self._start_tracking()
                tracker = self.__dict__["_tracker"]
        if tracker is not None and not name.startswith("_inbound"):
            value = tracker.track(value)
        self.__dict__.pop("_quick", None)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        if "_tracker" in self.__dict__:
            for leaf in tree.leaves(value):
                self._tracker.untrack(leaf)
        object.__delattr__(self, name)

    def _lock_state(self) -> None:
        self._tracker.lock(_LOCKED)

    @property
    def path(self) -> str:
        """The names of the layers it is in, and its own."""
        return self._open_path()

    def _open_path(self) -> str:
        if self._parent_path is None:
            object.__setattr__(self, "_parent_path", current_path())
        parent = self._parent_path
        return f"{parent}/{self.name}" if parent else self.name

    # -- dtypes ----------------------------------------------------------------------

    @property
    def dtype_policy(self) -> Any:
        """The policy that says which dtypes the layer uses."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.compute_dtype

    @property
    def quantization_mode(self) -> Any:
        return self._dtype_policy.quantization_mode

    # -- building ----------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights, for inputs of this shape (None where unknown).

        A layer of one's own makes its weights here with `add_weight`. With several
        arguments in `call`, name those of build `<argument>_shape`.
        """
        self.built = True

    def _remember_build(self, build: Callable, args: tuple, kwargs: dict) -> None:
        names = _build_names(build)
        shapes = dict(zip(names, args))
        shapes.update(kwargs)
        if shapes:
            object.__setattr__(self, "_build_shapes_dict", shapes)

    def _post_build(self) -> None:
        """For subclasses: after build."""

    def _maybe_build(self, arguments: dict[str, Any]) -> None:
        """Build for these arguments, once."""
        if self.built:
            return
        shapes = {
            name: calling.shape_structure(value)
            for name, value in calling.tensor_arguments(arguments).items()
        }
        names = _build_names(type(self).build)
        first = next(iter(shapes.values()), None)
        if type(self).build is Layer.build:
            Layer.build(self, first)
            object.__setattr__(self, "_build_shapes_dict", {"input_shape": first})
            self._post_build()
        elif len(names) == 1:
            self.build(first)
        else:
            given = {f"{name}_shape": shape for name, shape in shapes.items()}
            known = {name: shape for name, shape in given.items() if name in names}
            if not known and names:
                known = {names[0]: first}
            self.build(**known)
        if not self.built:
            self.built = True
            self._post_build()

    def get_build_config(self) -> dict | None:
        """The shapes that it was built for."""
        shapes = self._build_shapes_dict
        if shapes is None:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config: dict) -> None:
        """Build for the shapes of `get_build_config`."""
        if not config:
            return
        if "input_shape" in config:
            self.build(_shapes_from_config(config["input_shape"]))
        elif "shapes_dict" in config:
            shapes = config["shapes_dict"].items()
            self.build(**{name: _shapes_from_config(shape) for name, shape in shapes})

    def _build_at_init(self) -> None:
        """Mark a layer that has nothing to build as built."""
        self.built = True

    # -- calling -------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer: to tensors, arrays, structures of them, or symbolic tensors."""
        known = self.__dict__.get("_quick")
        if known is not None and len(args) == 1 and known.fits(args[0], kwargs):
            return known.call(self, args[0], kwargs.get("training"))
        self._require_super_init()
        signature = calling.signature_of(type(self).call)
        args, kwargs = self._converted(args, kwargs)
        symbolic = any_symbolic(*args, *kwargs.values())
        arguments = calling.bind_arguments(self, signature, args, kwargs)
        first = arguments.get(signature.names[0]) if signature.names else None
        if self._input_spec is not None:
            assert_input_compatibility(self._input_spec, first, self.name)
        if not self.built:
            with path_scope(self._open_path()):
                self._maybe_build(arguments)

        is_usual = len(args) == 1 and not symbolic and not kwargs.keys() - {"training"}

        # The training flag: given, of the layer around, the signature's.
        calls = CALLS
        before = (calls.entry, calls.training)
        training = given = kwargs.pop("training", None)
        if training is None:
            training = calls.training
        if training is None and signature.training:
            training = signature.training_default
        if signature.takes("training") and training is not None:
            if "training" in arguments and len(args) > signature.names.index("training"):
                args = args[: signature.names.index("training")]
            if signature.training:
                kwargs["training"] = training

        # The masks of inputs go to `mask`, or `<argument>_mask` where there are several.
        previous = None
        if symbolic or calling._MASKS:
            previous = calling.masks_of(first)
            self._fill_in_masks(signature, arguments, kwargs)

        calls.training = training
        if calls.entry is None:
            calls.entry = self
            self._clear_losses()
        try:
            if symbolic:
                # A graph of layers remembers the flag only where the user gave it.
                if given is None:
                    kwargs.pop("training", None)
                outputs = Operation.symbolic_call(self, *args, **kwargs)
            else:
                outputs = self._run(args, kwargs)
                if self.activity_regularizer is not None:
                    self._add_activity_losses(outputs)
        finally:
            calls.entry, calls.training = before
        if previous is not None:
            self._set_masks(first, outputs, previous)
        elif self._makes_masks:
            self._set_masks(first, outputs, None)
        self.__dict__["_called"] = True
        if is_usual:
            quick.remember(self, signature, args[0])
        return outputs

    _makes_masks = False
    """Whether it makes masks of its inputs' values (Embedding, Masking)."""

    def _converted(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        dtype = canonical(self.input_dtype) if self.autocast else None
        args = tuple([convert_inputs(x, dtype) for x in args])
        if kwargs:
            kwargs = {
                name: convert_inputs(x, dtype)
                if isinstance(x, np.ndarray) or calling.is_data(x) or
                isinstance(x, tuple | list | dict) else x
                for name, x in kwargs.items()
            }  # fmt: skip
        return args, kwargs

    def _run(self, args: tuple, kwargs: dict) -> Any:
        policy = self._dtype_policy
        call = calling.rewritten(self.call)
        with path_scope(self._open_path()):
            if self.autocast and policy.compute_dtype != policy.variable_dtype:
                with autocast(canonical(policy.compute_dtype)):
                    return call(*args, **kwargs)
            if SCOPES.autocast is not None:
                with autocast(None):
                    return call(*args, **kwargs)
            return call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, on tensors. A layer of one's own defines it."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `call()` method implemented."
        )

    def _fill_in_masks(self, signature: Any, arguments: dict, kwargs: dict) -> None:
        tensors = calling.tensor_arguments(arguments)
        for name, value in tensors.items():
            key = "mask" if len(tensors) == 1 else f"{name}_mask"
            if key in signature.names and arguments.get(key) is None:
                mask = calling.masks_of(value)
                if mask is not None:
                    kwargs[key] = mask

    def _set_masks(self, inputs: Any, outputs: Any, previous: Any) -> None:
        leaves = tree.leaves(outputs)
        if all(calling.get_keras_mask(leaf) is not None for leaf in leaves):
            return
        if not self.supports_masking and type(self).compute_mask is Layer.compute_mask:
            if previous is not None:
                warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an "
                    "input with a mask attached to it. However, this layer does not "
                    "support masking and will therefore destroy the mask information. "
                    "Downstream layers will not see the mask.",
                )
            return
        masks = self.compute_mask(inputs, previous)
        if masks is None:
            return
        for leaf, mask in zip(leaves, tree.leaves(masks)):
            if calling.get_keras_mask(leaf) is None and mask is not None:
                calling.set_keras_mask(leaf, mask)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output; the input's where nothing else is said."""
        return previous_mask

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple:
        """Call with these values of the variables: (outputs, new non-trainable values)."""
        self._require_built("stateless_call")
        own = (self.trainable_variables, self.non_trainable_variables)
        pairs = []
        for variables, values in zip(own, (trainable_variables, non_trainable_variables)):
            if len(variables) != len(values):
                raise ArgumentError(
                    f"stateless_call of {self.name!r}: needs {len(variables)} values for "
                    f"{[v.path for v in variables]}; received {len(values)}"
                )
            pairs += list(zip(variables, values))
        with StatelessScope(state_mapping=pairs) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
        updated = [scope.get_current_value(v) for v in own[1]]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer gives for these symbolic arguments."""
        try:
            return compute_output_spec(self._run_symbolically, args, kwargs)
        except (TraceError, NotImplementedError) as error:
            if type(self).compute_output_shape is Layer.compute_output_shape:
                self._explain(error, args, kwargs)
                raise
            # The computation can't be traced; the layer says what comes out.
            symbols = [x for x in tree.leaves((args, kwargs)) if isinstance(x, KerasTensor)]
            shape = self.compute_output_shape(symbols[0].shape)
            return KerasTensor(shape, dtype=self.compute_dtype)
        except ValueError as error:
            self._explain(error, args, kwargs)
            raise

    def _run_symbolically(self, args: tuple, kwargs: dict) -> Any:
        return self._run(args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for inputs of these shapes, None where unknown.

        Example:
            >>> import weft.keras as keras
            >>> keras.layers.Dense(3).compute_output_shape((None, 2))
            (None, 3)
        """
        dtype = self.compute_dtype
        symbols = [_symbols_of_shapes(shape, dtype) for shape in args]
        named = {
            name.removesuffix("_shape"): _symbols_of_shapes(shape, dtype)
            for name, shape in kwargs.items()
        }
        layer = self if self.built else self._twin()
        signature = calling.signature_of(type(layer).call)
        if not layer.built:
            layer._maybe_build(
                calling.bind_arguments(layer, signature, tuple(symbols), named)
            )
        outputs = layer.compute_output_spec(*symbols, **named)
        return tree.map(lambda symbol: getattr(symbol, "shape", None), outputs)

    def _twin(self) -> Layer:
        """A layer of the same settings, to look at shapes without building this one."""
        try:
            return type(self).from_config(self.get_config())
        except (NotImplementedError, TypeError):
            return self

    # -- losses --------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add a scalar to what training minimises, for example from inside `call`."""
        losses = loss if isinstance(loss, list | tuple) else [loss]
        if in_symbolic_scope():
            return
        if SCOPES.stateless and SCOPES.stateless[-1].collect_losses:
            for item in losses:
                SCOPES.stateless[-1].add_loss(item)
            return
        for item in losses:
            if isinstance(item, KerasTensor):
                raise ArgumentError(
                    f"add_loss of {self.name!r}: needs a value; received the symbolic "
                    f"{item}; call add_loss inside the call() of a layer"
                )
            self._losses.append(item)

    def _add_activity_losses(self, outputs: Any) -> None:
        for leaf in tree.leaves(outputs):
            if calling.is_data(leaf) and not isinstance(leaf, KerasTensor):
                # As a mean over samples, so that the batch size does not matter.
                size = leaf.shape[0] if leaf.shape else 1
                self.add_loss(self.activity_regularizer(leaf) / size)

    @property
    def losses(self) -> list[Any]:
        """Losses added in the last call, and the regularizers' costs."""
        found = list(self._own_losses())
        for layer in self._flatten_layers():
            found.extend(layer._losses)
        for variable in self.trainable_weights:
            regularizer = getattr(variable, "regularizer", None)
            if regularizer is not None:
                found.append(regularizer(variable))
        return found

    def _own_losses(self) -> list[Any]:
        return self._losses

    def _clear_losses(self) -> None:
        if self._losses:
            self._losses.clear()
        for layer in self._layers:
            layer._clear_losses()

    def _flatten_layers(
        self, include_self: bool = False, recursive: bool = True
    ) -> Iterator[Layer]:
        """The layers inside, each once."""
        seen: set[int] = {id(self)}
        if include_self:
            yield self
        waiting = list(reversed(self._layers))
        while waiting:
            layer = waiting.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            yield layer
            if recursive:
                waiting.extend(reversed(layer._layers))

    # -- config and files ----------------------------------------------------------------

    def get_config(self) -> dict:
        """The constructor's arguments as plain data.

        A layer of one's own that takes arguments adds them:
        `return {**super().get_config(), "units": self.units}`.
        """
        base = self._base_config()
        kind = type(self)
        if kind.settings or kind.__init__ is Layer.__init__ or _overrides_config(kind):
            return {**base, **{name: _setting(self, name) for name in kind.settings}}
        arguments = {
            name: value
            for name, value in (self._init_arguments or {}).items()
            if name not in ("name", "trainable", "dtype")
        }
        try:
            return {**base, **serialize_keras_object(arguments)}
        except ArgumentTypeError:
            return {**base, **Operation.get_config(self)}

    def _base_config(self) -> dict:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(
                self.activity_regularizer
            )
        return config

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer with the settings of `config`."""
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = dtype_policies.deserialize(config["dtype"])
        if cls.__module__.startswith("weft.keras."):
            # Keras writes settings that some versions do not know; empty ones say nothing.
            for name in _EMPTY_WHEN_NONE:
                if name in config and config[name] is None:
                    del config[name]
        return super().from_config(config)

    # -- checks --------------------------------------------------------------------------

    @property
    def input_spec(self) -> Any:
        """What inputs must look like: an InputSpec, or a structure of them."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    def _require_super_init(self) -> None:
        if "_called" not in self.__dict__:
            raise RuntimeError(
                f"{type(self).__name__}: its constructor must begin with "
                "super().__init__(**kwargs); received a layer whose base was never set up"
            )

    def _require_built(self, who: str) -> None:
        if not self.built:
            raise ArgumentError(
                f"{who} of {self.name!r}: the layer has no weights yet; call it on data, "
                "or use layer.build(input_shape), first"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __str__(self) -> str:
        return repr(self)

    def __getstate__(self) -> dict:
        return dict(self.__dict__)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)


_EMPTY_WHEN_NONE = ("quantization_config", "lora_rank", "lora_alpha")


def _overrides_config(kind: type[Layer]) -> bool:
    return kind.get_config is not Layer.get_config


def _setting(layer: Layer, name: str) -> Any:
    """A setting of a layer as plain data."""
    value = getattr(layer, name)
    if callable(value) and not isinstance(value, type):
        if name.endswith(("activation", "activation_fn")) or name == "activation":
            return activations.serialize(value)
    return serialize_keras_object(value)


@functools.lru_cache(maxsize=4096)
def _build_names(build: Callable) -> tuple[str, ...]:
    return calling.signature_of(build).names


def _shapes_from_config(shape: Any) -> Any:
    """Shapes out of JSON: lists of ints and None are tuples again."""
    if isinstance(shape, dict):
        return {key: _shapes_from_config(value) for key, value in shape.items()}
    if isinstance(shape, list | tuple):
        if all(extent is None or isinstance(extent, int) for extent in shape):
            return tuple(shape)
        return [_shapes_from_config(item) for item in shape]
    return shape


def _symbols_of_shapes(shape: Any, dtype: str) -> Any:
    if isinstance(shape, dict):
        return {key: _symbols_of_shapes(value, dtype) for key, value in shape.items()}
    if isinstance(shape, list | tuple):
        if any(isinstance(item, list | tuple | dict) for item in shape):
            return [_symbols_of_shapes(item, dtype) for item in shape]
        return KerasTensor(tuple(shape), dtype=dtype)
    return shape


def _parameters(kind: type) -> list[str]:
    """The names that a layer's constructor knows, its base classes' among them."""
    constructors = [
        vars(base)["__init__"] for base in kind.__mro__ if "__init__" in vars(base)
    ]
    return [name for one in constructors for name in inspect.signature(one).parameters]


def _taken_input_shape(kwargs: dict) -> tuple | None:
    """Keras 2's `input_shape` and its relatives: (batch size or None, shape)."""
    names = [n for n in ("input_shape", "batch_input_shape", "input_dim", "input_length",
                         "batch_size") if n in kwargs]  # fmt: skip
    if not names:
        return None
    found = {name: kwargs.pop(name) for name in names}
    if "note" not in _INPUT_SHAPE_NOTES:
        _INPUT_SHAPE_NOTES.add("note")
        warn(
            "Do not pass an `input_shape`/`input_dim` argument to a layer. When using "
            "Sequential models, prefer using an `Input(shape)` object as the first layer "
            "in the model instead.",
        )
    batch = found.get("batch_size")
    if found.get("batch_input_shape") is not None:
        batch, *shape = found["batch_input_shape"]
    elif found.get("input_shape") is not None:
        shape = standardize_shape(found["input_shape"], "input_shape")
    elif found.get("input_dim") is not None:
        length = [found["input_length"]] if "input_length" in found else []
        shape = [*length, found["input_dim"]]
    else:
        return None
    return (batch, *shape)
