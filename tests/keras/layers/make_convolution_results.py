"""Writes `convolution_results.json`: what the layers of Keras on JAX give.

    KERAS_BACKEND=jax python tests/keras/layers/make_convolution_results.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from convolution_cases import CASES, outcome


def main() -> None:
    import keras

    lines = [json.dumps(outcome(keras, number)) for number in range(len(CASES))]
    path = Path(__file__).with_name("convolution_results.json")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
