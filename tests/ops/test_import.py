"""`import weft` is light, and its names come when they are first used."""

from __future__ import annotations

import subprocess
import sys

import weft

HEAVY = ("llvmlite", "h5py", "matplotlib", "rich", "PIL", "weft.keras", "weft.compiler")

LOOK = f"""
import sys, weft
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
"""


def test_import_loads_no_heavy_module():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_functions_that_share_a_name_with_a_room():
    import weft.function.control

    assert callable(weft.function) and weft.function.__name__ == "function"
    assert callable(weft.cond) and callable(weft.while_loop) and callable(weft.scan)


def test_public_names():
    assert weft.float32 == "float32" and weft.bool == "bool"
    assert {"Tensor", "Variable", "GradientTape", "function", "keras"} <= set(dir(weft))
    assert weft.__version__ == "0.1.0"
