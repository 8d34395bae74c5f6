"""Recurrent layers: a cell along the steps of a sequence. RNN, SimpleRNN, LSTM, GRU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import ops, tree
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.keras.backend.scopes import known_shape
from weft.keras.backend.variable import Variable
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    RecurrentCell,
    SimpleRNNCell,
    StackedRNNCells,
    initial_state_of,
    require_cell,
    unfold_cell,
)
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class RNN(Layer):
    """A cell along the steps of a sequence.

    Args:
        cell: a cell, or a list of cells, which are stacked.
        return_sequences: the outputs of all steps, (batch, steps, …), not the last only.
        return_state: the last states too: `output, *states`.
        go_backwards: from the last step to the first; outputs are in that order.
        stateful: each batch begins with the last states of the batch before, until
            `reset_state()`. The batch size must be known and stay.
        unroll: a copy of the step for each step in place of a loop.
        zero_output_for_mask: outputs of masked steps are 0, not the output before.

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of
    tensors; `mask` (batch, steps), False where a step is left out: states and output stay
    as they are; `training`.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.RNN(keras.layers.LSTMCell(4), return_sequences=True)
        >>> layer(keras.ops.ones((2, 5, 3))).shape
        (2, 5, 4)
    """

    supports_masking = True
    states: Any

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        zero_output_for_mask: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        require_cell(type(self).__name__, cell)
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.single_state = not isinstance(cell.state_size, list | tuple)
        self.state_size = [cell.state_size] if self.single_state else list(cell.state_size)
        self._keep_states(None)

    # -- states ------------------------------------------------------------------------

    def _keep_states(self, states: Any) -> None:
        # They are no weights: files and get_weights leave them out.
        object.__setattr__(self, "states", states)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        batch, _, *features = sequences_shape
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((batch, *features))
            self.cell.built = True
        if not self.stateful:
            return
        if self.states is not None:
            self.reset_state()
        elif batch is None:
            raise ArgumentError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found "
                f"dynamic batch size: sequence.shape={tuple(sequences_shape)}; give it with "
                "keras.Input(batch_shape=…)"
            )
        else:
            self._keep_states(tree.map(self._state_variable, self.get_initial_state(batch)))

    def _state_variable(self, value: Tensor) -> Variable:
        dtype = self.variable_dtype
        return Variable(value, trainable=False, dtype=dtype, name="rnn_state")

    def get_initial_state(self, batch_size: Any) -> list:
        """The cell's first states, zeros if it says nothing else."""
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return initial_state_of(self.cell, batch_size, dtype)

    def reset_state(self) -> None:
        """Begin anew: a stateful layer's states are 0."""
        for state in tree.leaves(self.states):
            if state is not None:
                state.assign(ops.zeros(state.shape, dtype=state.dtype))

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def _first_states(self, sequences: Tensor, initial_state: Any) -> list:
        batch = sequences.shape[0]
        if self.stateful and self.states is not None:
            expected = tree.leaves(self.states)[0].shape[0]
            if known_shape((batch,))[0] not in (None, expected):
                raise ShapeError(
                    "If an RNN is stateful, the batch size of the input sequences must be "
                    f"the same as the batch size of the initial state. {self.name!r} "
                    f"expected {expected}; received {batch}"
                )
        if initial_state is None:
            own = self.states if self.stateful else None
            initial_state = self.get_initial_state(batch) if own is None else own
        if not isinstance(initial_state, list | tuple):
            initial_state = [initial_state]
        if len(initial_state) != len(self.state_size):
            raise ArgumentError(
                f"{type(self).__name__} {self.name!r}: initial_state needs "
                f"{len(self.state_size)} tensors; received {len(initial_state)}"
            )
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return tree.map(lambda x: ops.cast(x, dtype), list(initial_state))

    # -- the loop ------------------------------------------------------------------------

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: Any = False,
    ) -> Any:
        if self.unroll and known_shape(sequences.shape)[1] is None:
            raise ArgumentError(
                f"Cannot unroll a RNN if the time dimension is undefined. {self.name!r} "
                f"received {known_shape(sequences.shape)}; give the number of steps in "
                "keras.Input(shape=…)"
            )
        states = self._first_states(sequences, initial_state)
        last, outputs, states = self.inner_loop(sequences, states, mask, training)
        _reset_masks(self.cell)
        if self.stateful and self.states is not None:
            for variable, state in zip(tree.leaves(self.states), tree.leaves(states)):
                variable.assign(ops.cast(state, variable.dtype))
        output = ops.cast(outputs if self.return_sequences else last, self.compute_dtype)
        if not self.return_state:
            return output
        return (output, *tree.map(lambda x: ops.cast(x, self.compute_dtype), states))

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: Any = False
    ) -> tuple[Tensor, Tensor | None, list]:
        """All steps: (last output, all outputs or None, last states)."""
        if not isinstance(initial_state, list | tuple):
            initial_state = [initial_state]
        # Scans and loops walk along the leading axis.
        x = _swapped(sequences)
        if isinstance(mask, list | tuple):
            mask = mask[0]
        if mask is not None:
            mask = _swapped(ops.cast(mask, "bool"))
            if len(mask.shape) > 2:
                mask = ops.any(mask, axis=tuple(range(2, len(mask.shape))))
        if type(self.cell) is StackedRNNCells:
            last, outputs, states = self._stacked(x, list(initial_state), mask, training)
        else:
            last, outputs, states = self._along(
                self.cell, x, list(initial_state), mask, training, self.return_sequences
            )
        if outputs is not None and self.go_backwards:
            outputs = ops.flip(outputs, axis=0)
        return last, None if outputs is None else _swapped(outputs), states

    def _stacked(self, x: Tensor, states: list, mask: Any, training: Any) -> tuple:
        # The first cell goes along all steps, then the second, …: each then has all its
        # inputs before its loop. A masked step leaves the states of all cells alone, so
        # what the cells before put out there does not matter.
        last: Any = None
        outputs: Any = x
        new_states: list = []
        final = len(states) - 1
        for number, (cell, own) in enumerate(zip(self.cell.cells, states)):
            wanted = number < final or self.return_sequences
            is_single = not isinstance(own, list | tuple)
            own = [own] if is_single else list(own)
            last, outputs, new = self._along(cell, outputs, own, mask, training, wanted)
            new_states.append(new[0] if is_single else new)
        return last, outputs, new_states

    def _along(
        self, cell: Any, x: Tensor, states: list, mask: Any, training: Any, all_wanted: bool
    ) -> tuple[Tensor, Tensor | None, list]:
        """One cell along all steps; outputs stand where their inputs stood."""
        x, step = unfold_cell(cell, x, training, self.compute_dtype)
        carries_output = False

        def body(states: list, given: tuple) -> tuple[list, Any]:
            nonlocal carries_output
            x, keeps = given
            output, new = step(x, states)
            carries_output = output is new[0]
            if keeps is not None:
                before = ops.zeros_like(output) if self.zero_output_for_mask else states[0]
                masked = _chosen(keeps, output, before)
                new = tree.map(lambda a, b: _chosen(keeps, a, b), new, states)
                carries_output = carries_output and not self.zero_output_for_mask
                output = new[0] if carries_output else masked
            # What is carried need not be stacked to know the last of it.
            stacked = output if all_wanted or not carries_output else None
            return list(new), stacked

        walk = _unrolled if self.unroll else _scanned
        states, outputs = walk(body, states, (x, mask), self.go_backwards)
        if carries_output:
            return states[0], outputs, states
        return outputs[0 if self.go_backwards else -1], outputs, states

    # -- masks and config ----------------------------------------------------------------

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        mask = tree.leaves(mask)[0]
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def get_config(self) -> dict:
        options = {name: getattr(self, name) for name in _OPTIONS}
        cell = serialize_keras_object(self.cell)
        return {**self._base_config(), **options, "cell": cell}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        config = dict(config)
        config["cell"] = deserialize_keras_object(
            config["cell"], custom_objects=custom_objects
        )
        return super().from_config(config)


_OPTIONS = (
    "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
    "zero_output_for_mask",
)  # fmt: skip


def _swapped(x: Tensor) -> Tensor:
    """(batch, steps, …) ↔ (steps, batch, …)."""
    return ops.swapaxes(x, 0, 1)


def _chosen(keeps: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` for samples whose step counts, `old` for the others."""
    ones = (1,) * (len(new.shape) - 1)
    return ops.where(ops.reshape(keeps, (keeps.shape[0], *ones)), new, old)


def _scanned(body: Callable, states: list, xs: tuple, reverse: bool) -> tuple:
    return ops.scan(body, states, xs, reverse=reverse)


def _unrolled(body: Callable, states: list, xs: tuple, reverse: bool) -> tuple:
    steps = range(xs[0].shape[0])
    rows = []
    for t in reversed(steps) if reverse else steps:
        states, row = body(states, tuple([x if x is None else x[t] for x in xs]))
        rows.append(row)
    if reverse:
        rows.reverse()
    return states, None if rows[0] is None else ops.stack(rows)


def _reset_masks(cell: Any) -> None:
    """The next call draws its own dropout masks."""
    for one in getattr(cell, "cells", None) or [cell]:
        if isinstance(one, RecurrentCell):
            one.reset_dropout_mask()
            one.reset_recurrent_dropout_mask()


# -- layers of one cell ------------------------------------------------------------------


class _OneCell(RNN):
    """A recurrent layer that makes its cell; the cell's settings are its own."""

    cell_class: Any
    cell_name: str
    settings: tuple[str, ...] = ()

    def __init__(self, given: dict[str, Any]) -> None:
        kwargs = given["kwargs"]
        of_cell = {name: given[name] for name in self.cell_class.settings}
        shared = {
            name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs
        }  # fmt: skip
        if "implementation" in kwargs and self.cell_class.gates > 1:
            shared["implementation"] = kwargs.pop("implementation")
        cell = self.cell_class(**of_cell, **shared, name=self.cell_name)
        options = {name: given[name] for name in _OPTIONS if name in given}
        regularizer = given["activity_regularizer"]
        super().__init__(cell, **options, activity_regularizer=regularizer, **kwargs)
        self.input_spec = InputSpec(ndim=3)
        self.use_cudnn = given.get("use_cudnn", "auto")
        if self.use_cudnn not in ("auto", True, False):
            raise ArgumentError(
                "Invalid valid received for argument `use_cudnn`. Expected one of {'auto', "
                f"True, False}}. Received: use_cudnn={self.use_cudnn}"
            )

    def get_config(self) -> dict:
        config = super().get_config()
        del config["cell"]
        of_cell = self.cell.get_config()
        return {
            **config,
            "activity_regularizer": serialize_keras_object(self.activity_regularizer),
            **{name: of_cell[name] for name in self.cell_class.settings},
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        return super(RNN, cls).from_config(config)


def _with_settings_of(cell_class: type[RecurrentCell]) -> Callable[[type], type]:
    """Give a layer class its cell's settings as properties."""

    def of_cell(name: str) -> property:
        return property(lambda self: getattr(self.cell, name), doc=f"`cell.{name}`.")

    def decorate(layer_class: type) -> type:
        layer_class.cell_class = cell_class  # type: ignore[attr-defined]
        for name in cell_class.settings:
            setattr(layer_class, name, of_cell(name))
        return layer_class

    return decorate


@_with_settings_of(SimpleRNNCell)
class SimpleRNN(_OneCell):
    """h' = activation(x @ kernel + h @ recurrent_kernel + bias), step by step.

    Arguments as in SimpleRNNCell and RNN.

    Shapes: (batch, steps, features) → (batch, units), or (batch, steps, units) with
    `return_sequences`.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.SimpleRNN(4, return_sequences=True, return_state=True)
        >>> outputs, state = layer(keras.ops.ones((32, 10, 8)))
        >>> outputs.shape, state.shape
        ((32, 10, 4), (32, 4))
    """

    cell_name = "simple_rnn_cell"

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0,
        return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())


@_with_settings_of(LSTMCell)
class LSTM(_OneCell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), step by step.

    Arguments as in LSTMCell and RNN; `use_cudnn` says nothing here.

    Shapes: (batch, steps, features) → (batch, units), or (batch, steps, units) with
    `return_sequences`. The states are h and c, (batch, units) each.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.LSTM(4, return_sequences=True, return_state=True)
        >>> outputs, h, c = layer(keras.ops.ones((32, 10, 8)))
        >>> outputs.shape, c.shape
        ((32, 10, 4), (32, 4))
    """

    cell_name = "lstm_cell"

    def __init__(
        self, units: int, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None,
        return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        use_cudnn: Any = "auto", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())


@_with_settings_of(GRUCell)
class GRU(_OneCell):
    """Gated recurrent units (Cho and others, 2014), step by step.

    Arguments as in GRUCell and RNN; `use_cudnn` says nothing here.

    Shapes: (batch, steps, features) → (batch, units), or (batch, steps, units) with
    `return_sequences`.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.GRU(4)(keras.ops.ones((32, 10, 8))).shape
        (32, 4)
    """

    cell_name = "gru_cell"

    def __init__(
        self, units: int, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None,
        return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        reset_after: bool = True, use_cudnn: Any = "auto", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())
