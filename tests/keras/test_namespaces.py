"""What `dir` shows of weft.keras: Keras's names, and a few more on purpose.

`fixtures/keras_names.json` holds the public names of Keras 3.15, namespace by namespace.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
NAMES = {
    namespace: set(names.split())
    for namespace, names in json.loads((FIXTURES / "keras_names.json").read_text()).items()
}

SHORT = {"bce", "kld", "mae", "mape", "mse", "msle"}
SHORT |= set(map(str.upper, SHORT))

# Of older Keras, which programs still name, and of weft.
MORE = {
    "keras.backend": {"KerasTensor", "StatelessScope", "SymbolicScope", "Variable"},
    "keras.callbacks": {"MonitorCallback"},
    "keras.datasets": {"drawn_digits"},
    "keras.datasets.mnist": {"cached_file", "fetch"},
    "keras.layers": {"ThresholdedReLU"},
    "keras.losses": {"LossFunctionWrapper", "kullback_leibler_divergence", "logcosh"}
    | SHORT,
    "keras.metrics": {"accuracy"} | SHORT,
    "keras.mixed_precision": {"global_dtype_policy", "set_global_dtype_policy"},
    "keras.models": {"Functional"},
    "keras.preprocessing": {"text"},
    "keras.preprocessing.image": {"ImageDataGenerator", "image_dataset_from_directory"},
    "keras.preprocessing.sequence": {"TimeseriesGenerator"},
}


def is_there(namespace: str) -> bool:
    return importlib.util.find_spec(f"weft.{namespace}") is not None


@pytest.mark.parametrize("namespace", [name for name in NAMES if is_there(name)])
def test_only_public_names_are_shown(namespace: str) -> None:
    module = importlib.import_module(f"weft.{namespace}")
    shown = {name for name in dir(module) if not name.startswith("__")}
    assert shown <= NAMES[namespace] | MORE.get(namespace, set())
    assert all(hasattr(module, name) for name in shown)
