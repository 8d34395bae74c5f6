"""tf.data: weft.data under TensorFlow's name."""

from __future__ import annotations

from typing import Any

import weft.data as _data
from weft.compat.advice import explain_missing as _explain_missing
from weft.compat.advice import missing

_explain_missing("tf.data.experimental", _data.experimental)


def __getattr__(name: str) -> Any:
    try:
        return getattr(_data, name)
    except AttributeError:
        raise missing("tf.data", name, dir(_data)) from None


def __dir__() -> list[str]:
    return dir(_data)
