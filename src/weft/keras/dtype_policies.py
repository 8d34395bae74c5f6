"""DTypePolicy: the dtype a layer computes in, and the dtype it keeps its variables in."""

from __future__ import annotations

from typing import Any

from weft import config
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, did_you_mean
from weft.keras.backend import settings
from weft.keras.utils.inputs import convert_input
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
_NAMES = (*_MIXED, "float32", "float16", "bfloat16", "float64", "int32", "bool")


class DTypePolicy:
    """What dtypes a layer uses.

    Args:
        name: 'float32' and the like for one dtype throughout; 'mixed_float16' or
            'mixed_bfloat16' to compute in that, with variables in float32.

    Example:
        >>> import weft.keras as keras
        >>> policy = keras.DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: Any = None) -> None:
        name = config.floatx() if name is None else name
        if not isinstance(name, str):
            raise ArgumentTypeError(
                f"DTypePolicy: the name must be a string such as 'mixed_float16'; received "
                f"{name!r} (of type {type(name).__name__})"
            )
        self._name = str(name)
        if self._name in _MIXED:
            self._compute_dtype, self._variable_dtype = _MIXED[self._name], "float32"
            return
        try:
            dtype = canonical(self._name).name
        except TypeError:
            raise ArgumentError(
                f"DTypePolicy: there is no policy named {name!r}."
                + (did_you_mean(name, _NAMES) or f" Known: {', '.join(_NAMES)}")
            ) from None
        self._compute_dtype = self._variable_dtype = dtype

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of inputs and results of the layer's computation."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the layer's variables."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """None: weights are not quantized."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """`x` as a tensor, floats in `dtype` if `autocast`."""
        return convert_input(x, canonical(dtype) if autocast else None)

    def get_config(self) -> dict:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self.name}">'


FloatDTypePolicy = DTypePolicy


class DTypePolicyMap(dict):
    """Policies for the layers inside a layer, by their paths.

    Args:
        default_policy: for paths that are not listed; None is the global policy.
        policy_map: path → policy.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict | None = None) -> None:
        super().__init__({path: get(policy) for path, policy in (policy_map or {}).items()})
        self._default = None if default_policy is None else get(default_policy)

    @property
    def default_policy(self) -> DTypePolicy:
        return self._default or dtype_policy()

    @property
    def name(self) -> str:
        return f"map_{self.default_policy.name}"

    def __missing__(self, path: str) -> DTypePolicy:
        return self.default_policy

    def __getitem__(self, path: str) -> DTypePolicy:
        if path in self:
            return super().__getitem__(path)
        parts = path.split("/")
        for end in range(len(parts) - 1, 0, -1):
            if "/".join(parts[:end]) in self:
                return super().__getitem__("/".join(parts[:end]))
        return self.default_policy

    def __setitem__(self, path: str, policy: Any) -> None:
        if path in self:
            raise ArgumentError(
                f"DTypePolicyMap: {path!r} has a policy already, {self[path]}; "
                "remove it first with `del`"
            )
        super().__setitem__(path, get(policy))

    @property
    def compute_dtype(self) -> str:
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> None:
        return None

    def get_config(self) -> dict:
        policies = {path: serialize(policy) for path, policy in self.items()}
        default = None if self._default is None else serialize(self._default)
        return {"default_policy": default, "policy_map": policies}

    @classmethod
    def from_config(cls, config: dict) -> DTypePolicyMap:
        return cls(config["default_policy"], config["policy_map"])


def dtype_policy() -> Any:
    """The policy of layers that are given none."""
    return settings._SETTINGS.get("dtype_policy") or DTypePolicy()


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are given none, such as 'mixed_bfloat16'."""
    settings.change("dtype_policy", None if policy is None else get(policy))


def get(identifier: Any) -> Any:
    """The policy meant by a name, a dtype, a config, None (the global one), or itself."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy | DTypePolicyMap):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(str(identifier))
    try:
        return DTypePolicy(canonical(identifier).name)
    except TypeError:
        raise ArgumentError(
            "dtype: must be the name of a dtype or a policy, a DTypePolicy, or its config; "
            f"received {identifier!r}"
        ) from None


def serialize(dtype_policy: Any) -> dict:
    """The config of a policy."""
    return serialize_keras_object(dtype_policy)


def deserialize(config: dict, custom_objects: dict | None = None) -> Any:
    """The policy that a config describes."""
    known = {"FloatDTypePolicy": DTypePolicy}
    return deserialize_keras_object(
        config, custom_objects=custom_objects, module_objects=known
    )


__all__ = [
    "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "get", "serialize",
]  # fmt: skip
__dir__ = __all__.copy
