"""The stored numbers of real Keras for the cases of `tests/fixtures/training_cases.py`."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np

_FOLDER = Path(__file__).resolve().parents[2] / "fixtures"


@functools.cache
def cases() -> ModuleType:
    """The module of cases, which the maker of the numbers uses too."""
    spec = importlib.util.spec_from_file_location("training_cases", _FOLDER / "training_cases.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def _stored() -> dict[str, np.ndarray]:
    with np.load(_FOLDER / "training.npz") as file:
        return dict(file)


def numbers(kind: str, case: tuple) -> list[np.ndarray]:
    """What Keras computed for a case."""
    prefix = f"{kind}/{cases().case_id(case)}/"
    found = [name for name in _stored() if name.startswith(prefix)]
    return [_stored()[f"{prefix}{position}"] for position in range(len(found))]


def ids(rows: list[tuple]) -> list[str]:
    """Names of cases for pytest."""
    return [cases().case_id(case) for case in rows]


def stored(prefix: str) -> dict[str, np.ndarray]:
    """All numbers whose names begin so, by the rest of their names."""
    found = {name: value for name, value in _stored().items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in found.items()}
