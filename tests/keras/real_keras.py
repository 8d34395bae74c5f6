"""Run a few lines in real Keras, where an interpreter that has it is known."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PYTHON = Path(
    os.environ.get("WEFT_KERAS_PYTHON", "~/.cache/weft-peers/jx/bin/python")
).expanduser()

needs_keras = pytest.mark.skipif(
    not PYTHON.is_file(), reason="real Keras is not at $WEFT_KERAS_PYTHON"
)


def run_keras(program: str, *arguments: object) -> str:
    """What the program prints; `arguments` are its `sys.argv[1:]`."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment.pop("PYTHONPATH", None)
    command = [str(PYTHON), "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
