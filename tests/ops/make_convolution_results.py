"""Writes `convolution_results.json`: what Keras on JAX gives for convolutions and pooling.

    KERAS_BACKEND=jax python tests/ops/make_convolution_results.py

The inputs are made from numbers of the case's position, so that the file holds results only:
their shapes, and for each a few weighted sums.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from convolution_cases import CASES, arrays_of, digest


def main() -> None:
    import keras

    results = []
    for number, (name, shapes, settings) in enumerate(CASES):
        arrays = arrays_of(number, shapes)
        if "pool_size" in settings and settings.get("strides") is None:
            # Keras on JAX fails here, but says that None stands for this.
            settings = {**settings, "strides": settings["pool_size"]}
        found = np.asarray(getattr(keras.ops, name)(*arrays, **settings))
        results.append({"shape": list(found.shape), "digest": digest(found)})
    path = Path(__file__).with_name("convolution_results.json")
    lines = ",\n".join(json.dumps(result) for result in results)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
