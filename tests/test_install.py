"""What importing weft costs: only what is needed is loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# What is loaded when it is first used, never by an import.
LATER = {"llvmlite", "h5py", "matplotlib", "rich", "jax", "tensorflow", "torch", "pandas",
         "PIL", "scipy", "urllib.request", "http.client", "multiprocessing", "asyncio",
         "unittest", "pydoc"}  # fmt: skip
# Modules of weft itself that only programs need.
LATER_OF_WEFT = {
    f"weft.{name}"
    for name in "targets.llvm.jit demo doctor bench viz compat explain debug".split()
}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after `code`, less those of NumPy alone."""
    program = (
        "import sys, json\nbefore = set(sys.modules)\n"
        f"{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("code", ["import weft", "from weft import keras"])
def test_imports_load_little(code):
    loaded = loaded_by(code)
    roots = {name.split(".")[0] for name in loaded}
    assert not (loaded | roots) & LATER
    assert not loaded & LATER_OF_WEFT


def test_import_weft_leaves_keras_alone():
    loaded = loaded_by("import weft")
    assert not any(name.startswith("weft.keras") for name in loaded)


def test_import_budget():
    # Time is not a measure that a test can trust; what is read from the disk is.
    for code in ("import weft", "from weft import keras"):
        loaded = loaded_by(code)
        assert len(loaded) < 60, sorted(loaded)
        assert "numpy" not in loaded
    assert len({n for n in loaded_by("import weft.ops") if n.startswith("weft")}) < 100


def test_eager_operations_need_no_compiler():
    loaded = loaded_by(
        "import weft\nfloat(weft.ops.sum(weft.ops.ones((3, 3)) @ [1., 2, 3]))"
    )
    assert not any(name.startswith("llvmlite") for name in loaded)


def test_training_our_own_layers_loads_little():
    loaded = loaded_by(
        "from weft import keras\nimport numpy as np\n"
        "model = keras.Sequential([keras.layers.Dense(3, activation='relu')])\n"
        "model.compile('rmsprop', 'mse')\n"
        "model.fit(np.ones((8, 2)), np.ones((8, 3)), verbose=0)"
    )
    unwanted = {"ssl", "http.client", "urllib.request", "tarfile", "csv",
                "weft.function.autograph"}  # fmt: skip
    assert not loaded & unwanted


def test_public_names_can_be_had():
    code = "import weft\nprint([n for n in dir(weft) if getattr(weft, n, None) is None])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_command_is_declared():
    import tomllib
    from pathlib import Path

    path = Path(__file__).parent.parent / "pyproject.toml"
    declared = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    assert declared["scripts"] == {"weft": "weft.cli:main"}
    assert {d.split(">")[0] for d in declared["dependencies"]} == {
        "numpy", "llvmlite", "ml_dtypes",
    }  # fmt: skip
