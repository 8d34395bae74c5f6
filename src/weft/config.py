"""Settings of the process: the default float type, epsilon, and the WEFT_* variables."""

from __future__ import annotations

import os

from weft.errors import ArgumentError

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_settings: dict[str, object] = {"floatx": "float32", "epsilon": 1e-7}


def floatx() -> str:
    """The default float dtype's name, as in Keras."""
    return _settings["floatx"]  # type: ignore[return-value]


def set_floatx(value: str) -> None:
    """Set the default float dtype: 'float16', 'bfloat16', 'float32' or 'float64'."""
    if value not in _FLOATS:
        raise ArgumentError(f"set_floatx: expected one of {_FLOATS}; received {value!r}")
    _settings["floatx"] = str(value)


def epsilon() -> float:
    """The fuzz factor that keeps logarithms and divisions finite."""
    return _settings["epsilon"]  # type: ignore[return-value]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor."""
    _settings["epsilon"] = float(value)


def shown_stages() -> frozenset[str]:
    """The stages that WEFT_SHOW asks to print: graph, kernels, memory, llvm, time."""
    listed = os.environ.get("WEFT_SHOW", "")
    return frozenset(word.strip() for word in listed.split(",") if word.strip())
