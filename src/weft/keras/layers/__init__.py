"""keras.layers."""

from __future__ import annotations

from weft.keras.layers.dense import Dense, EinsumDense
from weft.keras.layers.input_layer import Input, InputLayer
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer

__all__ = ["Dense", "EinsumDense", "Input", "InputLayer", "InputSpec", "Layer"]
