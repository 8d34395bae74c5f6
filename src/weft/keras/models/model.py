"""Model: a layer that can be trained, saved and summarised."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.layers.layer import Layer
from weft.keras.training.trainer import Trainer
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


def _is_functional_call(args: tuple, kwargs: dict) -> bool:
    """Whether Model(…) was given inputs and outputs."""
    # Keras 1 wrote them in the singular.
    given = {name.removesuffix("s") for name in kwargs} & {"input", "output"}
    return len(args) >= 2 or (len(args) == 1 and "output" in given) or len(given) == 2


class Model(Trainer, Layer):
    """Layers put together, with training and inference.

    Made in three ways: `Model(inputs, outputs)` from symbolic tensors, `Sequential([...])`,
    or a subclass with layers in its constructor and a `call`.

    Example:
        >>> import weft.keras as keras
        >>> class Small(keras.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.dense = keras.layers.Dense(1)
        ...
        ...     def call(self, x):
        ...         return self.dense(x)
        >>> Small()(keras.ops.ones((2, 3))).shape
        (2, 1)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional_call(args, kwargs):
            from weft.keras.models.functional import Functional

            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Trainer.__init__(self)
        if _is_functional_call(args, kwargs):
            # A subclass whose constructor gives inputs and outputs.
            from weft.keras.models.functional import Functional

            inject_functional(type(self))
            # From here on it is one.
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
            return
        if args:
            raise ArgumentTypeError(
                f"{type(self).__name__}: a subclass of Model takes no positional arguments "
                f"here; received {args}; for a Functional model give inputs and outputs"
            )
        Layer.__init__(self, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"Model {type(self).__name__} does not have a `call()` method implemented."
        )

    # -- layers ------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside."""
        return self._own_layers()

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. "
            "Please use another name."
        )

    def _own_layers(self) -> list[Layer]:
        return list(self._flatten_layers(recursive=False))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that position.

        Raises:
            ArgumentError: naming the layers there are.
        """
        layers = self.layers
        if index is not None and name is not None:
            raise ArgumentError(
                "Provide only a layer name or a layer index. Received: "
                f"index={index}, name={name}."
            )
        if index is not None:
            if len(layers) <= index:
                raise ArgumentError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(layers)} layers."
                )
            return layers[index]
        if name is None:
            raise ArgumentError(
                "Provide either a layer name or layer index at `get_layer`."
            )
        for layer in layers:
            if layer.name == name:
                return layer
        raise ArgumentError(
            f"No such layer: {name}. Existing layers are: "
            f"{[layer.name for layer in layers]}."
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers with their output shapes and numbers of parameters."""
        from weft.keras.models.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    # -- building ----------------------------------------------------------------------

    def build_from_config(self, config: dict) -> None:
        if not config:
            return
        if "input_shape" in config and type(self).build is Model.build:
            self._build_by_shapes(config["input_shape"])
        else:
            super().build_from_config(config)

    def build(self, input_shape: Any) -> None:
        """Make the weights by calling the model on symbolic inputs of this shape."""
        self._build_by_shapes(input_shape)

    def _build_by_shapes(self, shapes: Any) -> None:
        if shapes is None or self._called:
            return
        shapes = _shape_leaves(shapes)
        symbols = (
            {key: KerasTensor(shape, self.input_dtype) for key, shape in shapes.items()}
            if isinstance(shapes, dict)
            else [KerasTensor(shape, self.input_dtype) for shape in shapes]
            if isinstance(shapes, list)
            else KerasTensor(shapes, self.input_dtype)
        )
        try:
            self.compute_output_spec(symbols)
        except NotImplementedError:
            raise
        except (TypeError, ValueError) as error:
            error.add_note(
                f"Raised while {type(self).__name__} {self.name!r} was built for inputs of "
                f"shape {shapes}; call the model on data instead, if its call() takes more "
                "than one input"
            )
            raise

    # -- files -------------------------------------------------------------------------

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Save settings, weights and training state as a `.keras` file."""
        from weft.keras.saving import save_model

        save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
    ) -> None:
        """Save the weights as a `.weights.h5` file."""
        from weft.keras.saving import save_weights

        save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any
    ) -> None:
        """Take the weights from a file."""
        from weft.keras.saving import load_weights

        load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def __reduce__(self) -> Any:
        from weft.keras.saving.copying import reduced

        return reduced(self)

    def to_json(self, **kwargs: Any) -> str:
        """The model's settings as JSON; `kwargs` go to `json.dumps`."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        from weft.keras.models.functional import Functional, functional_from_config

        keys = ("name", "layers", "input_layers", "output_layers")
        is_functional = all(key in config for key in keys)
        by_arguments = _takes(cls.__init__, keys[1:]) and cls.__init__ is not Model.__init__
        if is_functional and (cls in (Model, Functional) or not by_arguments):
            if cls not in (Model, Functional) and not issubclass(cls, Functional):
                inject_functional(cls)
            kind = Functional if cls is Model else cls
            return functional_from_config(kind, config, custom_objects)
        return super().from_config(config)

    def _get_variable_map(self) -> dict:
        return {variable.path: variable for variable in self.variables}

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict:
        """The values of all variables as nested dicts, by their paths.

        Args:
            value_format: 'backend_tensor' or 'numpy_array'.
        """
        groups = {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
        }
        if getattr(self, "optimizer", None) is not None:
            groups["optimizer_variables"] = self.optimizer.variables
        groups["metrics_variables"] = self.metrics_variables
        as_numpy = value_format == "numpy_array"
        return {
            group: _nested(
                {_path(v): v.numpy() if as_numpy else v.value for v in variables}
            )
            for group, variables in groups.items()
        }

    def set_state_tree(self, state_tree: dict) -> None:
        """Set variables from nested dicts as `get_state_tree` gives them."""
        groups = {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "metrics_variables": self.metrics_variables,
        }
        if getattr(self, "optimizer", None) is not None:
            groups["optimizer_variables"] = self.optimizer.variables
        for group, values in state_tree.items():
            known = {_path(v): v for v in groups.get(group, ())}
            for path, value in _flat(values).items():
                if path not in known:
                    raise ArgumentError(
                        f"set_state_tree: {group} has no variable {path!r}; it has "
                        f"{sorted(known)}"
                    )
                known[path].assign(value)


def _path(variable: Any) -> str:
    return getattr(variable, "path", variable.name)


def _nested(flat: dict[str, Any]) -> dict:
    result: dict = {}
    for path, value in flat.items():
        *parents, last = path.split("/")
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return result


def _flat(nested: dict, prefix: str = "") -> dict[str, Any]:
    found = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{key}/"))
        else:
            found[prefix + key] = value
    return found


def _shape_leaves(shapes: Any) -> Any:
    """A shape, a list of shapes, or a dict of them."""
    if isinstance(shapes, dict):
        return {key: tuple(shape) for key, shape in shapes.items()}
    if shapes and all(isinstance(item, list | tuple) for item in shapes):
        return [tuple(shape) for shape in shapes]
    return tuple(shapes)


def _takes(init: Callable, names: tuple[str, ...]) -> bool:
    return set(names) <= set(inspect.signature(init).parameters)


def inject_functional(cls: Any) -> Any:
    """Put Functional among the bases of a class that gives inputs and outputs."""
    from weft.keras.models.functional import Functional

    if cls is Model:
        return Functional
    if cls is object:
        return object
    cls.__bases__ = tuple([inject_functional(base) for base in cls.__bases__])
    cls.__new__(cls)
    return cls


def model_from_json(json_string: str, custom_objects: dict | None = None) -> Any:
    """The model that `Model.to_json` described; its weights are new."""
    return deserialize_keras_object(json.loads(json_string), custom_objects=custom_objects)
