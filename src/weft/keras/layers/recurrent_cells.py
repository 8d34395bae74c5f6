"""The cells of recurrent layers: what one step does. SimpleRNNCell, LSTMCell, GRUCell.

A cell takes a step's inputs and the states, and gives an output and the next states:

    output, states = cell(inputs, states)

A cell of one's own is any layer with such a `call` and a `state_size`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft import ops, random
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.backend.seeds import SeedGenerator
from weft.keras.layers import calling
from weft.keras.layers.dense import known_extent
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, settings_of, take
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object

States = list[Any]
Step = Callable[[Any, States], tuple[Tensor, States]]


class RecurrentCell(Layer):
    """The base of weft's own cells.

    A subclass has `gates`, the number of products of a step, and `unfold`: what concerns
    all steps, done once, and a function that does the rest of one step.
    """

    gates = 1

    # The settings that all cells have, and some of them.
    activation: Any
    recurrent_activation: Any
    use_bias: bool
    bias_initializer: Any
    dropout: float
    recurrent_dropout: float
    unit_forget_bias: bool
    reset_after: bool
    seed: Any

    _dropout_mask: Any
    _recurrent_dropout_mask: Any

    def __init__(self, given: dict[str, Any]) -> None:
        implementation = given["kwargs"].pop("implementation", 2)
        super().__init__(**given["kwargs"])
        units = given["units"]
        if not hasattr(units, "__index__") or isinstance(units, bool) or units <= 0:
            raise ArgumentError(
                f"{type(self).__name__}: received an invalid value for argument `units`, "
                f"expected a positive integer, got {units!r}."
            )
        take(self, given)
        self.units = int(units)
        for name in ("dropout", "recurrent_dropout"):
            setattr(self, name, min(1.0, max(0.0, given[name])))
        # One mask for all gates, or, as in the papers on recurrent dropout, one for each.
        separate = self.gates > 1 and (implementation == 1 or self.recurrent_dropout != 0)
        self.implementation = 1 if separate else implementation
        self.seed_generator = SeedGenerator(self.seed)
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()
        self.state_size: Any = self.units
        self.output_size = self.units
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        columns = self.units * self.gates
        features = known_extent(self, input_shape, -1)
        self.kernel = add_weight(self, "kernel", (features, columns))
        self.recurrent_kernel = add_weight(
            self, "recurrent", (self.units, columns), "recurrent_kernel"
        )
        if self.use_bias:
            shape = (*self.bias_rows(), columns)
            self.bias = add_weight(self, "bias", shape, initializer=self.first_bias)

    def bias_rows(self) -> tuple[int, ...]:
        """The bias's shape without its last axis."""
        return ()

    def first_bias(self, shape: Any, dtype: Any = None) -> Any:
        """The bias's first value."""
        return self.bias_initializer(shape, dtype=dtype)

    # -- a step ------------------------------------------------------------------------

    def unfold(self, inputs: Tensor, training: Any = False) -> tuple[Any, Step]:
        """What concerns all steps, and what is left of each.

        Args:
            inputs: of one step, (batch, features), or of all, (steps, batch, features).

        Returns:
            `(x, step)`, where `x` has the leading axes of `inputs`, and
            `step(x of one step, states) -> (output, new states)`.
        """
        raise NotImplementedError

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Tensor, Any]:
        x, step = self.unfold(inputs, training)
        is_single = not isinstance(states, list | tuple)
        output, new = step(x, [states] if is_single else list(states))
        return output, new[0] if is_single else new

    def project(self, inputs: Tensor, training: Any, bias: Any) -> Tensor:
        """inputs @ kernel + bias, the part of the gates that does not wait for a state."""
        x = _product(inputs, self.kernel, self._masks(inputs, training))
        return x if bias is None else ops.add(x, bias)

    def _masks(self, inputs: Tensor, training: Any) -> list | None:
        if not training or not 0.0 < self.dropout < 1.0:
            return None
        one_step = inputs if len(inputs.shape) == 2 else inputs[0]
        return _listed(self.get_dropout_mask(one_step))

    def recurrent_masks(self, inputs: Tensor, training: Any) -> list | None:
        """What the state is multiplied by in training: None, or a list of masks."""
        if not training or not 0.0 < self.recurrent_dropout < 1.0:
            return None
        state = ops.zeros((inputs.shape[-2], self.units), dtype=inputs.dtype)
        return _listed(self.get_recurrent_dropout_mask(state))

    def get_initial_state(self, batch_size: Any = None) -> States:
        """States of zeros."""
        sizes = _listed(self.state_size)
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    # -- dropout -----------------------------------------------------------------------

    # A mask is drawn once and used for all steps, until it is reset.

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the inputs: None without dropout, else a tensor, or one per gate."""
        if self._dropout_mask is None and self.dropout > 0:
            self._keep("_dropout_mask", self._drawn(step_input, self.dropout))
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the state, likewise."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            drawn = self._drawn(step_input, self.recurrent_dropout)
            self._keep("_recurrent_dropout_mask", drawn)
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the inputs."""
        self._keep("_dropout_mask", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the state."""
        self._keep("_recurrent_dropout_mask", None)

    def _keep(self, name: str, masks: Any) -> None:
        # Masks are no state of the layer: its tracker need not look at them.
        object.__setattr__(self, name, masks)

    def _drawn(self, like: Any, rate: float) -> Any:
        ones = ops.ones_like(like)
        number = self.gates if self.implementation == 1 and self.gates > 1 else 1
        masks = [
            random.dropout(ones, rate, seed=self.seed_generator) for _ in range(number)
        ]
        return masks if number > 1 else masks[0]


def _listed(x: Any) -> list:
    return list(x) if isinstance(x, list | tuple) else [x]


def _product(x: Tensor, kernel: Any, masks: Sequence | None) -> Tensor:
    """x @ kernel; with several masks each gate's columns see x through a mask of its own."""
    if masks is None:
        return ops.matmul(x, kernel)
    columns = ops.split(ops.convert_to_tensor(kernel), len(masks), axis=1)
    products = [ops.matmul(x * mask, part) for mask, part in zip(masks, columns)]
    return products[0] if len(products) == 1 else ops.concatenate(products, axis=-1)


class SimpleRNNCell(RecurrentCell):
    """One step of SimpleRNN: h' = activation(x @ kernel + h @ recurrent_kernel + bias).

    Args:
        units: the size of state and output.
        activation: a name, a function or None.
        dropout, recurrent_dropout: shares of inputs and state that training drops.

    Example:
        >>> import weft.keras as keras
        >>> cell = keras.layers.SimpleRNNCell(4)
        >>> output, states = cell(keras.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape
        (2, 4)
    """

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())

    settings = settings_of(__init__)

    def unfold(self, inputs: Tensor, training: Any = False) -> tuple[Any, Step]:
        x = self.project(inputs, training, self.bias)
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        masks = self.recurrent_masks(inputs, training)

        def step(x: Tensor, states: States) -> tuple[Tensor, States]:
            h = self.activation(x + _product(states[0], kernel, masks))
            return h, [h]

        return x, step


class LSTMCell(RecurrentCell):
    """One step of LSTM (Hochreiter and Schmidhuber, 1997). The states are [h, c].

        i, f, o = recurrent_activation(x @ kernel + h @ recurrent_kernel + bias)
        c' = f * c + i * activation(…)        h' = o * activation(c')

    The columns of the weights are in the order i, f, c, o.

    Args:
        units: the size of h, of c and of the output.
        activation: of what is added to c, and of c itself.
        recurrent_activation: of the gates.
        unit_forget_bias: whether the forget gate's bias begins at 1.
        dropout, recurrent_dropout: shares of inputs and state that training drops.
    """

    gates = 4

    def __init__(
        self, units: int, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        self.state_size = [self.units, self.units]

    settings = settings_of(__init__)

    def first_bias(self, shape: Any, dtype: Any = None) -> Any:
        if not self.unit_forget_bias:
            return super().first_bias(shape, dtype)
        n = self.units
        first, rest = (self.bias_initializer((k,), dtype=dtype) for k in (n, 2 * n))
        return ops.concatenate([first, ops.ones((n,), dtype=dtype), rest])

    def unfold(self, inputs: Tensor, training: Any = False) -> tuple[Any, Step]:
        x = self.project(inputs, training, self.bias)
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        masks = self.recurrent_masks(inputs, training)

        def step(x: Tensor, states: States) -> tuple[Tensor, States]:
            h, c = states
            i, f, new, o = ops.split(x + _product(h, kernel, masks), 4, axis=-1)
            i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
            c = f * c + i * self.activation(new)
            h = o * self.activation(c)
            return h, [h, c]

        return x, step


class GRUCell(RecurrentCell):
    """One step of GRU (Cho and others, 2014): h' = z * h + (1 - z) * candidate.

        z, r = recurrent_activation(x @ kernel + h @ recurrent_kernel + bias)
        candidate = activation(x @ kernel + r * (h @ recurrent_kernel + bias) + bias)

    The columns of the weights are in the order z, r, candidate.

    Args:
        units: the size of state and output.
        activation: of the candidate.
        recurrent_activation: of the gates.
        reset_after: whether r multiplies the product, as above, and there are two biases,
            one for the inputs and one for the state; else it multiplies h.
        dropout, recurrent_dropout: shares of inputs and state that training drops.
    """

    gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, reset_after: bool = True,
        seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(locals())

    settings = settings_of(__init__)

    def bias_rows(self) -> tuple[int, ...]:
        return (2,) if self.reset_after else ()

    def unfold(self, inputs: Tensor, training: Any = False) -> tuple[Any, Step]:
        bias, inner_bias = self.bias, None
        if bias is not None and self.reset_after:
            bias, inner_bias = ops.unstack(ops.convert_to_tensor(bias), axis=0)
        x = self.project(inputs, training, bias)
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        masks = self.recurrent_masks(inputs, training)
        finish = self._reset_after if self.reset_after else self._reset_before

        def step(x: Tensor, states: States) -> tuple[Tensor, States]:
            h = states[0]
            z, candidate = finish(x, h, kernel, inner_bias, masks)
            h = z * h + (1 - z) * candidate
            return h, [h]

        return x, step

    def _reset_after(
        self, x: Tensor, h: Tensor, kernel: Tensor, bias: Any, masks: list | None
    ) -> tuple[Tensor, Tensor]:
        inner = _product(h, kernel, masks)
        if bias is not None:
            inner = inner + bias
        x_z, x_r, x_new = ops.split(x, 3, axis=-1)
        h_z, h_r, h_new = ops.split(inner, 3, axis=-1)
        z = self.recurrent_activation(x_z + h_z)
        r = self.recurrent_activation(x_r + h_r)
        return z, self.activation(x_new + r * h_new)

    def _reset_before(
        self, x: Tensor, h: Tensor, kernel: Tensor, bias: Any, masks: list | None
    ) -> tuple[Tensor, Tensor]:
        both = 2 * self.units
        inner = _product(h, kernel[:, :both], masks and masks[:2])
        gates = self.recurrent_activation(x[..., :both] + inner)
        z, r = ops.split(gates, 2, axis=-1)
        product = _product(r * h, kernel[:, both:], masks and masks[2:])
        return z, self.activation(x[..., both:] + product)


class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: a list of cells.

    Example:
        >>> import weft.keras as keras
        >>> cells = [keras.layers.LSTMCell(4), keras.layers.GRUCell(2)]
        >>> layer = keras.layers.RNN(keras.layers.StackedRNNCells(cells))
        >>> layer(keras.ops.ones((3, 5, 1))).shape
        (3, 2)
    """

    def __init__(self, cells: Sequence, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            require_cell("StackedRNNCells", cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list:
        """The sizes of each cell's states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list:
        """States of zeros, for each cell."""
        return [
            initial_state_of(cell, batch_size, self.compute_dtype) for cell in self.cells
        ]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            size = output_size_of(cell)
            sizes = size if isinstance(size, list | tuple) else (size,)
            input_shape = (input_shape[0], *sizes)

    def call(
        self, inputs: Any, states: Any, training: Any = False, **kwargs: Any
    ) -> tuple[Any, list]:
        new_states = []
        for cell, own in zip(self.cells, states):
            is_single = not isinstance(own, list | tuple)
            inputs, new = call_cell(cell, inputs, _listed(own), training, **kwargs)
            new_states.append(new[0] if is_single else new)
        return inputs, new_states

    def get_config(self) -> dict:
        cells = [serialize_keras_object(cell) for cell in self.cells]
        return {**self._base_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        config = dict(config)
        config["cells"] = [
            deserialize_keras_object(cell, custom_objects=custom_objects)
            for cell in config["cells"]
        ]
        return super().from_config(config)


# -- any cell ----------------------------------------------------------------------------


def require_cell(who: str, cell: Any) -> None:
    """Complain if it is no cell.

    Raises:
        ArgumentError: if `call` or `state_size` is missing.
    """
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise ArgumentError(
                f"{who}: a cell needs `call(inputs, states)` and `state_size`; received "
                f"{cell!r}, which has no `{name}`"
            )


def output_size_of(cell: Any) -> Any:
    """The size of a cell's output: of its first state, if it does not say."""
    size = getattr(cell, "output_size", None)
    return _listed(cell.state_size)[0] if size is None else size


def initial_state_of(cell: Any, batch_size: Any, dtype: Any) -> list:
    """A cell's first states, in a list."""
    first = getattr(cell, "get_initial_state", None)
    if first is not None:
        return _listed(first(batch_size=batch_size))
    shapes = [
        size if isinstance(size, tuple) else (size,) for size in _listed(cell.state_size)
    ]
    return [ops.zeros((batch_size, *shape), dtype=dtype) for shape in shapes]


def call_cell(
    cell: Any, inputs: Any, states: list, training: Any, **kwargs: Any
) -> tuple[Tensor, list]:
    """One step of any cell: (output, list of new states)."""
    if isinstance(cell, Layer) and calling.signature_of(type(cell).call).training:
        kwargs["training"] = training
    function = cell if callable(cell) else cell.call
    output, new = function(inputs, states, **kwargs)
    return output, _listed(new)


def unfold_cell(
    cell: Any, inputs: Tensor, training: Any, compute_dtype: str
) -> tuple[Any, Step]:
    """`RecurrentCell.unfold` of any cell, for `inputs` with the steps in front."""
    is_own = isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call
    if is_own and cell.compute_dtype == compute_dtype:
        return cell.unfold(inputs, training)
    return inputs, lambda x, states: call_cell(cell, x, states, training)
