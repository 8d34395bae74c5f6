"""keras.wrappers: Keras models as estimators of scikit-learn.

They work in pipelines, `cross_val_score` and `GridSearchCV`. scikit-learn is needed, and
is imported when a wrapper is first named.
"""

from __future__ import annotations

import importlib
from typing import Any

from weft.errors import MissingExtraError, did_you_mean

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in (*__all__, "scikit_learn"):
        raise AttributeError(
            f"module 'weft.keras.wrappers' has no attribute {name!r}."
            f"{did_you_mean(name, __all__)}"
        )
    home = name if name == "scikit_learn" else "estimators"
    try:
        module = importlib.import_module(f"weft.keras.wrappers.{home}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise MissingExtraError(
            f"keras.wrappers: {name} needs the package scikit-learn, which is not "
            'installed; install it with `pip install "weft[sklearn]"`'
        ) from error
    return module if name == home else getattr(module, name)


def __dir__() -> list[str]:
    return list(__all__)
