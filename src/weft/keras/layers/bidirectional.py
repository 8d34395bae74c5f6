"""Bidirectional: a recurrent layer along the steps in both directions."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.errors import ArgumentError
from weft.keras.layers import calling
from weft.keras.layers.layer import Layer
from weft.keras.utils.serialization import (
    ObjectSharingScope,
    deserialize_keras_object,
    serialize_keras_object,
)

_MERGES = {
    "concat": lambda one, other: ops.concatenate([one, other], axis=-1),
    "sum": lambda one, other: one + other,
    "ave": lambda one, other: (one + other) / 2,
    "mul": lambda one, other: one * other,
    None: lambda one, other: (one, other),
}


class Bidirectional(Layer):
    """A recurrent layer forwards and a second one backwards, their outputs merged.

    Args:
        layer: an RNN, LSTM, GRU, … or a layer of one's own with `go_backwards`,
            `return_sequences`, `return_state`, `stateful` and a config. It is copied.
        merge_mode: 'concat', 'sum', 'ave', 'mul', or None for a tuple of both.
        weights: arrays of first values, forward then backward.
        backward_layer: the second layer; a copy of `layer` with `go_backwards` turned if
            left out.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))
        >>> layer(keras.ops.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, Layer) and (given is not None or name == "layer"):
                raise ArgumentError(
                    f"Bidirectional: `{name}` must be a keras.layers.Layer instance; "
                    f"received {given!r}"
                )
        if merge_mode not in _MERGES:
            raise ArgumentError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(**kwargs)
        self.forward_layer = _copied(layer, "forward_", {})
        if backward_layer is None:
            turned = {"go_backwards": not getattr(layer, "go_backwards", False)}
            backward_layer = _copied(layer, "backward_", turned)
        self.backward_layer = backward_layer
        self._require_a_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "use_cudnn"):
                one.use_cudnn = layer.use_cudnn
            # Sums and products of outputs must not see what a masked step carried along.
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences, self.return_state = (
            layer.return_sequences,
            layer.return_state,
        )
        self.input_spec = layer.input_spec
        self._first_weights = weights

    def _require_a_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ArgumentError(
                "Forward layer and backward layer should have different `go_backwards` "
                f"value. Received: forward_layer.go_backwards {one.go_backwards}, "
                f"backward_layer.go_backwards={other.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = [getattr(layer, name) for layer in (one, other)]
            if values[0] != values[1]:
                raise ArgumentError(
                    "Forward layer and backward layer are expected to have the same value "
                    f'for attribute "{name}", got "{values[0]}" for forward layer and '
                    f'"{values[1]}" for backward layer'
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights:
            self.set_weights(self._first_weights)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: Any = None,
    ) -> Any:
        layers = (self.forward_layer, self.backward_layer)
        halves: list = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            halves = [list(initial_state[:half]), list(initial_state[half:])]
        results = []
        for layer, first in zip(layers, halves):
            signature = calling.signature_of(type(layer).call)
            given = {"initial_state": first} if first is not None else {}
            if signature.training:
                given["training"] = training
            if signature.mask:
                given["mask"] = mask
            results.append(layer(sequences, **given))
        states: tuple = ()
        if self.return_state:
            states = (*results[0][1:], *results[1][1:])
            results = [result[0] for result in results]
        one, other = (ops.cast(result, self.compute_dtype) for result in results)
        if self.return_sequences:
            other = ops.flip(other, axis=1)
        output = _MERGES[self.merge_mode](one, other)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    @property
    def states(self) -> tuple | None:
        """The states of both layers where they are stateful, else None."""
        one, other = self.forward_layer.states, self.backward_layer.states
        return (*one, *other) if one and other else None

    def reset_state(self) -> None:
        """Begin anew: the states of both layers are 0."""
        if not self.stateful:
            raise AttributeError(
                f"Bidirectional {self.name!r}: reset_state needs a stateful layer; make the "
                "inner layer with stateful=True"
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        # States have no masks: what follows the outputs is left out.
        return masks if self.merge_mode is None or self.return_state else mask

    def get_config(self) -> dict:
        return {
            **self._base_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize_keras_object(
                    config[name], custom_objects=custom_objects
                )
        return super().from_config(config)


def _copied(layer: Layer, prefix: str, changes: dict) -> Any:
    """A layer of the same settings and of its own weights."""
    # A scope of its own: while a file is read, numbers of shared objects are the file's.
    with ObjectSharingScope():
        config = serialize_keras_object(layer)
        name = f"{prefix}{layer.name.removeprefix(prefix)}"
        config["config"] = {**config["config"], **changes, "name": name}
        return deserialize_keras_object(config)
