"""keras.layers: the parts that models are made of."""

from __future__ import annotations

from typing import Any

from weft.keras.layers.activation_layers import (
    ELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from weft.keras.layers.dense import Dense, EinsumDense
from weft.keras.layers.dropping import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from weft.keras.layers.embedding import Embedding, Masking, ReversibleEmbedding
from weft.keras.layers.input_layer import Input, InputLayer
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from weft.keras.layers.normalizing import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from weft.keras.layers.preparing import (
    CategoryEncoding,
    Discretization,
    Normalization,
    Rescaling,
)
from weft.keras.layers.shaping import Flatten, Identity, Permute, RepeatVector, Reshape
from weft.keras.layers.wrapping import (
    Lambda,
    SpectralNormalization,
    TimeDistributed,
    Wrapper,
)


def serialize(layer: Any) -> dict:
    """The config of a layer."""
    from weft.keras.utils.serialization import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: dict, custom_objects: dict | None = None) -> Any:
    """The layer that a config describes."""
    from weft.keras.utils.serialization import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)


__all__ = [
    "ELU", "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average",
    "BatchNormalization", "CategoryEncoding", "Concatenate", "Dense", "Discretization",
    "Dot", "Dropout", "EinsumDense", "Embedding", "Flatten", "GaussianDropout",
    "GaussianNoise", "GroupNormalization", "Identity", "Input", "InputLayer", "InputSpec",
    "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Masking", "Maximum", "Minimum",
    "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization", "ReLU",
    "RepeatVector", "Rescaling", "Reshape", "ReversibleEmbedding", "Softmax",
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "SpectralNormalization",
    "Subtract", "TimeDistributed", "UnitNormalization", "Wrapper", "add", "average",
    "concatenate", "deserialize", "dot", "maximum", "minimum", "multiply", "serialize",
    "subtract",
]  # fmt: skip
