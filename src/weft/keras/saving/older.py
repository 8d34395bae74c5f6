"""The `.h5` files of Keras 2: settings in attributes, weights by the names of layers.

    attributes model_config, training_config     JSON
    /model_weights/dense/…                       by layer, with the order in attributes
    /optimizer_weights/…

They are written for other programs that read them, and read for the textbooks that have
them; `.keras` files keep more, and are the better choice.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from weft.errors import ArgumentError
from weft.keras.backend.scopes import Allowance, allocating
from weft.keras.saving.archive import allowance_for
from weft.keras.saving.stores import Reader, require_h5py
from weft.keras.utils.registration import CustomObjectScope
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object
from weft.writing import replacing_path

_TOP = "top_level_model_weights"
_ALWAYS_ALLOWED = 256 << 20


# -- writing -----------------------------------------------------------------------------


def write_model(model: Any, target: Path, include_optimizer: bool) -> None:
    """Write settings, weights and, if wanted, the optimizer."""
    from weft.keras import __version__

    described = serialize_keras_object(model)
    config = {"class_name": described["class_name"], "config": _plain(described["config"])}
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing_path(target) as part, require_h5py().File(part, "w") as file:
        file.attrs["keras_version"] = __version__
        file.attrs["backend"] = "weft"
        file.attrs["model_config"] = json.dumps(config)
        _write_weights(file.create_group("model_weights"), model)
        optimizer = getattr(model, "optimizer", None)
        if not include_optimizer or optimizer is None or not model.compiled:
            return
        training = model.get_compile_config()
        training["optimizer_config"] = _plain(training.pop("optimizer"))
        file.attrs["training_config"] = json.dumps(serialize_keras_object(training))
        if optimizer.variables:
            _write_group(file.create_group("optimizer_weights"), optimizer.variables)


def write_weights(model: Any, target: Path) -> None:
    """Write the weights alone."""
    with replacing_path(target) as part, require_h5py().File(part, "w") as file:
        _write_weights(file, model)


def _plain(described: Any) -> Any:
    """The description of layers without what Keras 2 does not know."""
    if isinstance(described, list | tuple):
        return [_plain(item) for item in described]
    if not isinstance(described, dict):
        return described
    if str(described.get("module", "")).startswith("keras.layers"):
        kept = ("class_name", "config", "name", "inbound_nodes")
        return {key: _plain(described[key]) for key in kept if key in described}
    return {key: _plain(value) for key, value in described.items()}


def _write_weights(group: Any, model: Any) -> None:
    from weft.keras import __version__

    group.attrs["layer_names"] = [layer.name for layer in model.layers]
    group.attrs["backend"] = "weft"
    group.attrs["keras_version"] = __version__
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_group(group.create_group(layer.name), _ordered_weights(layer))
    _write_group(group.create_group(_TOP), _own_weights(model))


def _write_group(group: Any, variables: list) -> None:
    group.attrs["weight_names"] = [variable.path for variable in variables]
    for variable in variables:
        group.create_dataset(variable.path, data=variable.numpy())


def _ordered_weights(layer: Any) -> list:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own_weights(model: Any) -> list:
    return [*model._trainable_variables, *model._non_trainable_variables]


# -- reading -----------------------------------------------------------------------------


def read_older_model(
    path: Path, custom_objects: dict | None, compile: bool, who: str
) -> Any:
    """The model in a file, compiled as it was if wanted."""
    with _opened(path, who) as file:
        config = _json_attribute(file, "model_config", who)
        if config is None:
            raise ArgumentError(
                f"{who}: {path.name} holds weights without the model's settings; make the "
                f"model as it was made, and call model.load_weights({path.name!r})"
            )
        allowance = Allowance(8 * path.stat().st_size + _ALWAYS_ALLOWED, who)
        with allocating(allowance):
            model = deserialize_keras_object(_renewed(config), custom_objects)
        reader = Reader(file, allowance_for(model, path), who)
        _read_weights(reader, "model_weights", model, False, False)
        training = _json_attribute(file, "training_config", who) if compile else None
        if training:
            _compile(model, training, custom_objects)
            _read_optimizer(reader, model)
    return model


def read_older_weights(
    model: Any, path: Path, who: str, skip_mismatch: bool, by_name: bool
) -> None:
    """Give a model the weights of a file, in the order of layers or by their names."""
    with _opened(path, who) as file:
        reader = Reader(file, allowance_for(model, path), who)
        is_inside = "layer_names" not in file.attrs and "model_weights" in file
        _read_weights(
            reader, "model_weights" if is_inside else "", model, skip_mismatch, by_name
        )


def _opened(path: Path, who: str) -> Any:
    try:
        return require_h5py().File(path, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ArgumentError(f"{who}: {path.name} is no HDF5 file ({error})") from error


def _json_attribute(file: Any, name: str, who: str) -> Any:
    text = file.attrs.get(name)
    if text is None:
        return None
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ArgumentError(f"{who}: the attribute {name} is no JSON ({error})") from error


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names; long ones lie in several numbered attributes."""
    found = group.attrs.get(attribute)
    parts = [] if found is None else [found]
    number = 0
    while found is None and f"{attribute}{number}" in group.attrs:
        parts.append(group.attrs[f"{attribute}{number}"])
        number += 1
    names = [name for part in parts for name in part]
    return [
        name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names
    ]


def _read_weights(
    reader: Reader, place: str, model: Any, skip_mismatch: bool, by_name: bool
) -> None:
    group = reader.group(place)
    if group is None:
        raise ArgumentError(f"{reader.who}: the file must hold {place}, and does not")
    saved = {}
    for name in _names(group, "layer_names"):
        arrays = _arrays(reader, f"{place}/{name}")
        if arrays:
            saved[name] = arrays
    layers = [layer for layer in model.layers if layer.weights]
    if by_name:
        pairs = [(layer, saved[layer.name]) for layer in layers if layer.name in saved]
    elif len(layers) != len(saved):
        raise ArgumentError(
            f"{reader.who}: Layer count mismatch: the model has {len(layers)} layers with "
            f"weights, {[layer.name for layer in layers]}, the file {len(saved)}, "
            f"{list(saved)}"
        )
    else:
        pairs = list(zip(layers, saved.values()))
    for layer, arrays in pairs:
        _set(_ordered_weights(layer), arrays, layer.name, reader.who, skip_mismatch)
    own = _own_weights(model)
    if own and reader.group(f"{place}/{_TOP}") is not None:
        _set(own, _arrays(reader, f"{place}/{_TOP}"), model.name, reader.who, skip_mismatch)


def _arrays(reader: Reader, place: str) -> list[np.ndarray]:
    group = reader.group(place)
    if group is None:
        raise ArgumentError(f"{reader.who}: the file must hold {place}, and does not")
    found = []
    for name in _names(group, "weight_names"):
        inner, _, last = f"{place}/{name}".rpartition("/")
        parent = reader.group(inner)
        if parent is None or last not in parent:
            raise ArgumentError(f"{reader.who}: the file must hold {place}/{name}")
        found.append(reader.array(parent, last))
    return found


def _set(
    variables: list, arrays: list[np.ndarray], name: str, who: str, skip_mismatch: bool
) -> None:
    expected = [variable.shape for variable in variables]
    received = [array.shape for array in arrays]
    if expected == received:
        for variable, array in zip(variables, arrays):
            variable.assign(array)
        return
    message = f"{who}: layer {name!r} has weights of {expected}, the file of {received}"
    if not skip_mismatch:
        raise ArgumentError(message)
    warnings.warn(f"{message}; its weights were left as they are", stacklevel=5)


# -- the compiled state --------------------------------------------------------------------

# What optimizers of Keras 2 wrote and later ones do not have.
_FORGOTTEN = ("jit_compile", "is_legacy_optimizer", "decay")


def _compile(model: Any, training: dict, custom_objects: dict | None) -> None:
    optimizer = training.get("optimizer_config")
    if isinstance(optimizer, dict):
        settings = optimizer.get("config", {})
        kept = {key: value for key, value in settings.items() if key not in _FORGOTTEN}
        optimizer = {**optimizer, "config": kept}
    config = {
        "optimizer": optimizer,
        "loss": training.get("loss"),
        "loss_weights": training.get("loss_weights"),
        "metrics": _metrics(training.get("metrics")),
        "weighted_metrics": _metrics(training.get("weighted_metrics")),
    }
    with CustomObjectScope(custom_objects):
        model.compile_from_config(config)


def _metrics(config: Any) -> Any:
    """Metrics as `compile` takes them: names where Keras 2 wrote wrapped functions."""
    if isinstance(config, Mapping) and config.get("class_name") == "MeanMetricWrapper":
        settings = config.get("config", {})
        return settings.get("fn") or settings.get("name")
    if isinstance(config, Mapping) and "class_name" not in config:
        return {key: _metrics(value) for key, value in config.items()}
    if isinstance(config, list):
        found = [_metrics(item) for item in config]
        # A model with one output wrote a list of one list.
        return found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return config


def _read_optimizer(reader: Reader, model: Any) -> None:
    if reader.group("optimizer_weights") is None or model.optimizer is None:
        return
    arrays = _arrays(reader, "optimizer_weights")
    variables = model.optimizer.variables
    if [v.shape for v in variables] == [array.shape for array in arrays]:
        for variable, array in zip(variables, arrays):
            variable.assign(array)


# -- settings of Keras 2 -------------------------------------------------------------------


def _renewed(config: Any) -> Any:
    """The description of a model as Keras 3 writes it."""
    if isinstance(config, list):
        return [_renewed(item) for item in config]
    if not isinstance(config, dict):
        return config
    config = {key: _renewed(value) for key, value in config.items()}
    settings = config.get("config")
    if "class_name" not in config or not isinstance(settings, dict):
        return config
    renew = _RENEWED.get(config["class_name"])
    if renew is not None:
        renew(settings)
    return config


def _renewed_graph(settings: dict) -> None:
    """Calls of layers, and one input or output alone where there was a list of one."""
    layers = settings.get("layers", ())
    if not any(isinstance(node, list) for one in layers for node in one["inbound_nodes"]):
        return
    for one in layers:
        one["inbound_nodes"] = [_renewed_node(node) for node in one["inbound_nodes"]]
    for ends in ("input_layers", "output_layers"):
        if len(settings.get(ends, ())) == 1:
            settings[ends] = settings[ends][0]


def _renewed_input(settings: dict) -> None:
    shape = settings.pop("batch_input_shape", None)
    if shape is not None:
        settings["batch_shape"] = shape


def _renewed_normalization(settings: dict) -> None:
    axis = settings.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        settings["axis"] = axis[0]


_RENEWED: dict[str, Callable[[dict], None]] = {
    "InputLayer": _renewed_input,
    "BatchNormalization": _renewed_normalization,
    "Functional": _renewed_graph,
    "Model": _renewed_graph,
}


def _renewed_node(node: Any) -> Any:
    """`[[layer, node, tensor, arguments], …]` as arguments and symbols."""

    def symbol(history: list) -> dict:
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [], "dtype": "float32", "keras_history": history[:3]},
        }

    symbols = [symbol(call) for call in node]
    arguments = node[0][3] if node and len(node[0]) > 3 else {}
    return {"args": symbols if len(symbols) == 1 else [symbols], "kwargs": arguments or {}}
