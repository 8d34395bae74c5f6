"""Sequential: layers one after the other."""

from __future__ import annotations

from typing import Any

from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras import dtype_policies
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import in_symbolic_scope
from weft.keras.layers import calling, quick
from weft.keras.layers.input_layer import InputLayer
from weft.keras.layers.layer import Layer
from weft.keras.models.functional import Functional
from weft.keras.models.model import Model
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class Sequential(Model):
    """Layers one after the other.

    The weights are made as soon as the shape of the input is known: from a `keras.Input`
    at the front, from the first layer's `input_shape`, or from the first data.

    Args:
        layers: a list of layers; more can be added with `add`.
        trainable: whether its weights are trained.
        name: the model's name.

    Example:
        >>> import weft.keras as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> model.count_params()
        10
    """

    _functional: Functional | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Model.__new__(cls)

    def __init__(
        self, layers: Any = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self.__dict__["_functional"] = None
        if isinstance(layers, Layer) or isinstance(trainable, Layer):
            raise ArgumentTypeError(
                "Sequential: the layers go into one list; received a layer; write "
                "Sequential([layer, …])"
            )
        if layers:
            for layer in layers:
                self.add(layer, rebuild=False)
            self._maybe_rebuild()

    # -- the list of layers --------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end."""
        own = self._layers
        if not own and getattr(layer, "_input_shape_arg", None) is not None:
            shape = layer._input_shape_arg
            self.add(
                InputLayer(batch_shape=shape, dtype=_input_dtype(layer)), rebuild=False
            )
        if isinstance(layer, KerasTensor):
            layer = _input_layer_of(layer)
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(
                "Only instances of `keras.Layer` can be added to a Sequential model. "
                f"Received: {layer} (of type {type(layer)}); a function goes into a layer: "
                "keras.layers.Lambda(function)"
            )
        if any(layer.name == other.name for other in own):
            raise ArgumentError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model. Update the "
                "`name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and own and isinstance(own[0], InputLayer):
            raise ArgumentError(
                f"Sequential model '{self.name}' has already been configured to use input "
                f"shape {own[0].batch_shape}. You cannot add a different Input layer to it."
            )
        own.append(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._forget_graph()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away, and return it."""
        if not self.layers:
            raise ArgumentError(f"Sequential {self.name!r}: there is no layer to take away")
        layer = self._layers.pop()
        self._forget_graph()
        if rebuild:
            self._maybe_rebuild()
        return layer

    def _forget_graph(self) -> None:
        self.built = False
        self.__dict__["_functional"] = None

    def _maybe_rebuild(self) -> None:
        self._forget_graph()
        own = self._layers
        if own and isinstance(own[0], InputLayer) and len(own) > 1:
            self.build(own[0].batch_shape)
        elif own and hasattr(own[0], "input_shape") and len(own) > 1:
            # A model at the front knows its input.
            shape = getattr(own[0], "input_shape", None)
            if isinstance(shape, tuple):
                self.build(shape)

    def _own_layers(self) -> list[Layer]:
        """The layers, without the InputLayer."""
        own = list(self._layers)
        return own[1:] if own and isinstance(own[0], InputLayer) else own

    # -- building and calling --------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Make the weights, for inputs of this shape (with the batch axis)."""
        own = self._layers
        if input_shape is None:
            if own and isinstance(own[0], InputLayer):
                input_shape = own[0].batch_shape
            else:
                raise ArgumentError(
                    f"You must provide an `input_shape` argument to build {self.name!r}, "
                    "as its first layer does not say one"
                )
        if not self.layers:
            raise ArgumentError(
                f"Sequential model {self.name} cannot be built because it has no layers. "
                "Call `model.add(layer)`."
            )
        if not _is_single_shape(input_shape):
            return
        if not isinstance(own[0], InputLayer):
            own.insert(0, InputLayer(batch_shape=input_shape, dtype=_input_dtype(own[0])))
        inputs = own[0].output
        x = inputs
        for layer in own[1:]:
            try:
                x = layer(x)
            except NotImplementedError:
                # A layer whose computation can't be traced: called one by one.
                return
        self.__dict__["_functional"] = Functional(inputs, x, name=self.name)

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        x = inputs
        for layer in self.layers:
            signature = calling.signature_of(type(layer).call)
            given = {}
            if signature.mask and mask is not None:
                given["mask"] = mask
            if signature.training and training is not None:
                given["training"] = training
            x = layer(x, **given)
            mask = calling.masks_of(x)
        return x

    def __call__(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any):
        known = self.__dict__.get("_quick")
        if known is not None and mask is None:
            x = quick.as_input(inputs)
            if known.fits(x, kwargs):
                return known.call(self, x, training)
        if not self.layers:
            raise ArgumentError(
                f"Sequential model {self.name} has no layers. Call `model.add(layer)`."
            )
        if self._functional is None and self.built and not in_symbolic_scope():
            self._maybe_rebuild()
        given = {"training": training, "mask": mask}
        kwargs.update({name: value for name, value in given.items() if value is not None})
        return super().__call__(inputs, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of this shape."""
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_output_spec(
        self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        return Layer.compute_output_spec(self, inputs, training=training, mask=mask)

    # -- facts -------------------------------------------------------------------------

    @property
    def input_shape(self) -> tuple:
        return self._graph("input shape").input_shape

    @property
    def output_shape(self) -> tuple:
        return self._graph("output shape").output_shape

    @property
    def inputs(self) -> list[KerasTensor]:
        return self._graph("inputs").inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        return self._graph("outputs").outputs

    @property
    def input(self) -> Any:
        return self._graph("input").input

    @property
    def output(self) -> Any:
        return self._graph("output").output

    @property
    def input_names(self) -> list[str]:
        return self._graph("input names").input_names

    @property
    def output_names(self) -> list[str]:
        return self._graph("output names").output_names

    @property
    def input_dtype(self) -> Any:
        """The dtype of the input; that of the first layer before it is known."""
        own = self._layers
        if own and isinstance(own[0], InputLayer):
            return own[0].dtype
        return super().input_dtype

    def _graph(self, what: str) -> Functional:
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {what} yet."
            )
        return self._functional

    # -- config ------------------------------------------------------------------------

    def get_config(self) -> dict:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
            "layers": [serialize_keras_object(layer) for layer in self._layers],
        }
        if self._functional is not None and self._layers:
            config["build_input_shape"] = self._layers[0].batch_shape
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Sequential:
        model = cls(name=config.get("name"))
        for data in config["layers"]:
            layer = deserialize_keras_object(data, custom_objects=custom_objects)
            model.add(layer, rebuild=False)
        model._maybe_rebuild()
        shape = config.get("build_input_shape")
        if shape and not model.built and model.layers:
            model.build(tuple(shape))
        if "trainable" in config and not config["trainable"]:
            model.trainable = False
        return model

    def get_build_config(self) -> dict | None:
        if self._functional is None:
            return None
        return {"input_shape": self._layers[0].batch_shape}

    def build_from_config(self, config: dict) -> None:
        if config and not self.built and config.get("input_shape"):
            self.build(tuple(config["input_shape"]))


def _is_single_shape(shape: Any) -> bool:
    return isinstance(shape, list | tuple) and all(
        extent is None or isinstance(extent, int) for extent in shape
    )


def _input_layer_of(symbol: KerasTensor) -> Layer:
    history = symbol._keras_history
    if history is None or not isinstance(history.operation, InputLayer):
        raise ArgumentTypeError(
            f"Sequential.add: needs a layer, or what keras.Input gives; received {symbol}"
        )
    return history.operation


def _input_dtype(layer: Layer) -> str:
    """Inputs come as the first layer computes; indices for an Embedding come as floats."""
    return layer.compute_dtype
