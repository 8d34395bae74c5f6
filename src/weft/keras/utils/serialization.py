"""Configs: objects as plain data, and back.

A config names a class; the class is looked up in a closed table: weft.keras' public names,
and what the user registered or passed in. No module named in a config is ever imported, and
no code in a config is ever run.
"""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import DType
from weft.errors import ArgumentError, ArgumentTypeError, did_you_mean
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.utils import registration
from weft.keras.utils.registration import CustomObjectScope, get_registered_name
from weft.ops import convert_to_tensor

# Public namespaces whose classes configs may name.
NAMESPACES = (
    "layers", "models", "initializers", "regularizers", "constraints", "activations",
    "losses", "metrics", "optimizers", "optimizers.schedules", "dtype_policies", "random",
    "callbacks", "quantizers", "ops",
)  # fmt: skip

_TOP_LEVEL = {
    "Sequential": "models", "Model": "models", "Functional": "models",
    "DTypePolicy": "dtype_policies", "Variable": "backend", "Layer": "layers",
}  # fmt: skip

_PACKAGE = "weft.keras"


# -- shared objects ----------------------------------------------------------------------


class _Sharing(threading.local):
    def __init__(self) -> None:
        self.scope: ObjectSharingScope | None = None


_SHARING = _Sharing()


class ObjectSharingScope:
    """Inside, an object that is met twice is written with one number, and read as one."""

    def __init__(self) -> None:
        # The objects are kept, so that no other gets the same id.
        self.written: dict[int, tuple[Any, list[dict]]] = {}
        self.numbers: dict[int, int] = {}
        self.made: dict[int, Any] = {}

    def __enter__(self) -> ObjectSharingScope:
        self._before, _SHARING.scope = _SHARING.scope, self
        return self

    def __exit__(self, *exception: object) -> None:
        _SHARING.scope = self._before

    def write(self, obj: Any, data: dict) -> None:
        """Remember what describes an object; from the second time on, numbers are written."""
        _, described = self.written.setdefault(id(obj), (obj, []))
        described.append(data)
        if len(described) > 1:
            number = self.numbers.setdefault(id(obj), len(self.numbers) + 1)
            for one in described:
                one["shared_object_id"] = number


def shared_object(config: Any) -> Any:
    """The object that an equal config gave before, or None."""
    if _SHARING.scope is None or not isinstance(config, dict):
        return None
    number: Any = config.get("shared_object_id")
    return _SHARING.scope.made.get(number)


# -- to plain data -----------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """An object as plain data: numbers, strings, lists and dicts.

    Raises:
        ArgumentTypeError: for objects without a `get_config()`.

    Example:
        >>> import weft.keras as keras
        >>> config = keras.utils.serialize_keras_object(keras.initializers.Zeros())
        >>> config["class_name"], config["config"]
        ('Zeros', {})
    """
    if obj is None or isinstance(obj, bool | int | float) or type(obj) is str:
        return obj
    for kinds, to_data in _TO_DATA:
        if isinstance(obj, kinds):
            return to_data(obj)
    if inspect.isfunction(obj) or inspect.isbuiltin(obj):
        return _function_to_data(obj)
    if inspect.isclass(obj):
        return _named(obj, "type", get_registered_name(obj))
    if not hasattr(obj, "get_config"):
        raise ArgumentTypeError(
            f"serialize_keras_object: {type(obj).__name__} has no get_config(), which "
            f"gives its settings as plain data; received {obj!r}"
        )
    return _object_to_data(obj)


def _object_to_data(obj: Any) -> dict:
    kind = type(obj)
    registered = registration._NAMES.get(kind)
    data = {
        "module": public_module(kind),
        "class_name": kind.__name__,
        "config": _config_to_data(obj.get_config()),
        "registered_name": registered or _default_registration(kind),
    }
    if hasattr(obj, "get_build_config"):
        build = obj.get_build_config()
        if build is not None:
            data["build_config"] = _config_to_data(build)
    if hasattr(obj, "get_compile_config"):
        compiled = obj.get_compile_config() if getattr(obj, "compiled", False) else {}
        if compiled is not None:
            data["compile_config"] = _config_to_data(compiled)
    if _SHARING.scope is not None:
        _SHARING.scope.write(obj, data)
    return data


def _default_registration(kind: type) -> str | None:
    public = _is_ours(kind) and public_module(kind).count(".src.") == 0
    return None if public else kind.__name__


def _config_to_data(config: dict) -> dict:
    return {str(key): serialize_keras_object(value) for key, value in config.items()}


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(_PACKAGE + ".")


def public_module(thing: Any) -> str:
    """The module that configs write: Keras' public one, or the user's own."""
    if not _is_ours(thing):
        return getattr(thing, "__module__", "builtins")
    name = thing.__name__
    if hasattr(thing, "keras_module"):
        return thing.keras_module
    if name == "Functional":
        return "keras.src.models.functional"
    if name in ("Sequential", "DTypePolicy", "Variable"):
        return "keras"
    parts = thing.__module__.split(".")[2:]
    return "keras." + parts[0] if parts else "keras"


def _named(thing: Any, class_name: str, name: str) -> dict:
    return {
        "module": "builtins",
        "class_name": class_name,
        "config": name,
        "registered_name": class_name,
    }


def _function_to_data(function: Callable) -> dict:
    if getattr(function, "__name__", "") == "<lambda>":
        raise ArgumentTypeError(
            "serialize_keras_object: a lambda has no name to be found by; define it with "
            "`def` and register it with @keras.utils.register_keras_serializable()"
        )
    return _named(function, "function", get_registered_name(function))


def _array_to_data(obj: Any) -> dict:
    array = np.asarray(obj.numpy() if hasattr(obj, "numpy") else obj)
    kind = "__numpy__" if isinstance(obj, np.ndarray) else "__tensor__"
    return {
        "class_name": kind,
        "config": {"value": array.tolist(), "dtype": str(array.dtype)},
    }


def _symbol_to_data(obj: KerasTensor) -> dict:
    history = obj._keras_history
    config = {"shape": list(obj.shape), "dtype": obj.dtype.name}
    if history is not None:
        operation = history.operation.name
        config["keras_history"] = [operation, history.node_index, history.tensor_index]
    return {"class_name": "__keras_tensor__", "config": config}


def _slice_to_data(obj: slice) -> dict:
    ends = (obj.start, obj.stop, obj.step)
    start, stop, step = map(serialize_keras_object, ends)
    return {"class_name": "__slice__",
            "config": {"start": start, "stop": stop, "step": step}}  # fmt: skip


_TO_DATA: list[tuple[Any, Callable]] = [
    (DType, lambda obj: obj.name),
    (str, str),
    (list, lambda obj: [serialize_keras_object(item) for item in obj]),
    (tuple, lambda obj: tuple([serialize_keras_object(item) for item in obj])),
    (dict, _config_to_data),
    (bytes, lambda obj: {
        "class_name": "__bytes__",
        "config": {"value": obj.decode("utf-8", "backslashreplace")}}),
    (np.generic, lambda obj: obj.item()),
    (np.dtype, lambda obj: obj.name),
    (KerasTensor, _symbol_to_data),
    ((Tensor, Variable, np.ndarray), _array_to_data),
    (slice, _slice_to_data),
    (type(Ellipsis), lambda obj: {"class_name": "__ellipsis__", "config": {}}),
]  # fmt: skip


# -- from plain data ---------------------------------------------------------------------


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    module_objects: dict | None = None,
    **kwargs: Any,
) -> Any:
    """The object that plain data describes.

    Args:
        config: what `serialize_keras_object` gave, here or in Keras.
        custom_objects: classes and functions by name, beside the registered ones.
        safe_mode: kept for compatibility; code in configs is refused in any case.

    Raises:
        ArgumentError: for names that are not known, and for configs with code in them.
    """
    if custom_objects:
        with CustomObjectScope(custom_objects):
            return _from_data(config, module_objects)
    return _from_data(config, module_objects)


def _from_data(config: Any, names: dict | None) -> Any:
    if isinstance(config, list | tuple):
        return type(config)([_from_data(item, names) for item in config])
    if isinstance(config, str) and names is not None:
        found = registration.get_registered_object(config, module_objects=names)
        if found is not None:
            return found() if inspect.isclass(found) else found
        return config
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _from_data(value, names) for key, value in config.items()}
    special = _FROM_DATA.get(config["class_name"])
    if special is not None:
        return special(config["config"], names)
    return _object_from_data(config, names)


def _object_from_data(config: dict, names: dict | None) -> Any:
    known = shared_object(config)
    if known is not None:
        return known
    class_name, settings = config["class_name"], config["config"] or {}
    found = find_class(
        class_name, config.get("module"), config.get("registered_name"), names
    )
    is_class = inspect.isclass(found)
    if not is_class:
        return found
    if not hasattr(found, "from_config"):
        raise ArgumentError(
            f"deserialize_keras_object: {class_name} has no from_config(), so it can't be "
            "made from a config"
        )
    settings = dict(settings) if isinstance(settings, dict) else settings
    instance = found.from_config(settings)
    if _SHARING.scope is not None and "shared_object_id" in config:
        _SHARING.scope.made[config["shared_object_id"]] = instance
    build = config.get("build_config")
    if build and not getattr(instance, "built", True):
        instance.build_from_config(_from_data(build, None))
        instance.built = True
    compiled = config.get("compile_config")
    if compiled and hasattr(instance, "compile_from_config"):
        instance.compile_from_config(compiled)
        instance.compiled = True
    return instance


def find_class(
    class_name: str, module: str | None, registered: str | None, names: dict | None = None
) -> Any:
    """The class (or function) that a config names, from the closed table.

    Raises:
        ArgumentError: if there is none; the message says how to register one's own.
    """
    for name in (registered, class_name):
        found = registration.get_registered_object(name) if name else None
        if found is not None:
            return found
    for found in _public_candidates(class_name, module):
        return found
    if names and class_name in names:
        return names[class_name]
    is_ours = module is None or module.startswith("keras")
    hint = did_you_mean(class_name, names or _known_names()) if is_ours else ""
    raise ArgumentError(
        f"deserialize_keras_object: no class {class_name!r} of module {module!r} is known."
        f"{hint} If it is your own, pass it in "
        "custom_objects={...}, or decorate it with "
        "@keras.utils.register_keras_serializable()"
    )


def _public_candidates(class_name: str, module: str | None) -> Any:
    if module is not None and not module.startswith("keras"):
        return
    if class_name in _TOP_LEVEL:
        yield getattr(_namespace(_TOP_LEVEL[class_name]), class_name)
    if (module or "").startswith(("keras.ops", "keras.src.ops")):
        yield from filter(None, [_namespace("ops").operation_class(class_name)])
    words = (module or "").split(".")
    words = words[2:] if words[1:2] == ["src"] else words[1:]
    first = [name for name in NAMESPACES if name in (".".join(words[:2]), *words[:1])]
    for name in dict.fromkeys([*first, *NAMESPACES]):
        namespace = _namespace(name)
        if class_name in getattr(namespace, "__all__", ()):
            yield getattr(namespace, class_name)


def _namespace(name: str) -> Any:
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    except ModuleNotFoundError as error:
        if not str(error.name).startswith(_PACKAGE):
            raise
        return None


def _known_names() -> list[str]:
    return [
        name
        for space in NAMESPACES
        for name in getattr(_namespace(space), "__all__", ())
        if name[:1].isupper()
    ] + list(registration.get_custom_objects())


def _function_from_data(name: Any, names: dict | None) -> Callable:
    found = registration.get_registered_object(name, module_objects=names)
    if found is None:
        for space in ("activations", "losses", "metrics", "ops"):
            if name in getattr(_namespace(space), "__all__", ()):
                return getattr(_namespace(space), name)
        raise ArgumentError(
            f"deserialize_keras_object: no function {name!r} is known; pass it in "
            "custom_objects={...}, or decorate it with "
            "@keras.utils.register_keras_serializable()"
        )
    return found


def _refuse_code(config: Any, names: dict | None) -> Any:
    raise ArgumentError(
        "deserialize_keras_object: the config holds the code of a lambda, which is not "
        "run; define the function with `def` in your program, register it with "
        "@keras.utils.register_keras_serializable(), and save the model again"
    )


def _symbol_from_data(config: dict, names: dict | None) -> KerasTensor:
    return KerasTensor(tuple(config["shape"]), dtype=config["dtype"])


def _tensor_from_data(config: dict, names: dict | None) -> Tensor:
    return convert_to_tensor(config["value"], dtype=config["dtype"])


def _slice_from_data(config: dict, names: dict | None) -> slice:
    return slice(*[_from_data(config[end], names) for end in ("start", "stop", "step")])


_FROM_DATA: dict[str, Callable] = {
    "function": _function_from_data,
    "type": _function_from_data,
    "__lambda__": _refuse_code,
    "__tensor__": _tensor_from_data,
    "__numpy__": lambda config, names: np.array(config["value"], dtype=config["dtype"]),
    "__keras_tensor__": _symbol_from_data,
    "__bytes__": lambda config, names: config["value"].encode("utf-8"),
    "__slice__": _slice_from_data,
    "__ellipsis__": lambda config, names: Ellipsis,
    "__tuple__": lambda config, names: tuple(_from_data(config["value"], names)),
}
