"""Writes keras_results.json: what real Keras says to the calls in cases.py.

    KERAS_BACKEND=jax python tests/ops/make_keras_results.py

Needs Keras 3 with any backend; weft is not imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def described(result):
    """dtype, shape and values of a result, or a list of them."""
    if isinstance(result, list | tuple):
        return [described(item) for item in result]
    array = np.asarray(result)
    dtype = str(getattr(result, "dtype", array.dtype))
    values = (
        array.astype("float64").reshape(-1) if array.dtype != bool else array.reshape(-1)
    )
    shown = [v if isinstance(v, bool) else float(f"{v:.8g}") for v in values.tolist()]
    return {"dtype": dtype, "shape": list(array.shape), "values": shown}


def main() -> None:
    sys.path.insert(0, str(HERE))
    from cases import all_cases
    from keras import ops

    results = {}
    for case, name, arguments, keywords in all_cases():
        try:
            results[case] = described(getattr(ops, name)(*arguments, **keywords))
        except Exception as error:
            results[case] = {"error": type(error).__name__}
    lines = [f"{json.dumps(case)}: {json.dumps(found)}" for case, found in results.items()]
    (HERE / "keras_results.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(results), "results;", sum("error" in r for r in results.values()), "errors")


if __name__ == "__main__":
    main()
