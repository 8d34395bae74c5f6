"""Every example runs, quickly; the notebooks are what the scripts make."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
_FILE = EXAMPLES / "make_notebooks.py"


def _maker():
    spec = importlib.util.spec_from_file_location("make_notebooks", _FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = _maker()
SCRIPTS = MAKER.scripts()
# What an example must have said when it is done: the fact that it is there to show.
SAYS = {
    "01_tensors": "rank 5",
    "02_operations": "matmul True",
    "03_shapes_and_geometry": "two affine maps are one: True",
    "04_gates": "parameters: 129",
    "05_activations": "three linear layers are one: True",
    "06_gradient_descent": "equal to keras.optimizers.SGD: True",
    "07_backpropagation": "w2: hand and tape agree: True",
    "08_first_network_by_hand": "test accuracy",
    "09_first_network_keras": "the same: True",
    "10_over_and_underfitting": "too large, L2",
    "11_classification": "three classes: test accuracy",
    "12_regression": "R² of the network",
    "13_metrics": "area under the curve",
    "14_working_with_data": "folds:",
    "15_functions": "steps from 27 down to 1: 111",
}


def test_each_example_has_a_fact_to_show():
    assert [script.stem for script in SCRIPTS] == list(SAYS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_runs(script, tmp_path):
    pytest.importorskip("matplotlib")
    environment = os.environ | {
        "WEFT_EXAMPLES_QUICK": "1",
        "WEFT_EXAMPLES_PICTURES": str(tmp_path),
        "MPLBACKEND": "Agg",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert SAYS[script.stem] in done.stdout
    for line in done.stdout.splitlines():
        if line.startswith("picture: "):
            assert Path(line.removeprefix("picture: ")).stat().st_size > 2000


def test_an_example_speaks_korean(tmp_path):
    pytest.importorskip("matplotlib")
    environment = os.environ | {
        "WEFT_EXAMPLES_LANGUAGE": "ko",
        "WEFT_EXAMPLES_PICTURES": str(tmp_path),
        "MPLBACKEND": "Agg",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "06_gradient_descent.py")],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "너무 큼    학습률 1.05" in done.stdout
    assert "오른쪽에서 출발, 모멘텀 0.9: x = " in done.stdout
    assert (tmp_path / "06_surface.png").is_file()


NOTEBOOKS = MAKER.notebooks()


@pytest.mark.parametrize("name", list(NOTEBOOKS))
def test_notebook_is_up_to_date(name):
    kept = (EXAMPLES / "notebooks" / name).read_text(encoding="utf-8")
    assert kept == NOTEBOOKS[name], "run examples/make_notebooks.py"


def test_cells_of_a_script():
    script = "# %% [markdown]\n# # Title\n#\n# Text.\n\n# %%\nprint(1)\n\n\n# %%\n"
    assert MAKER.cells(script) == [("markdown", "# Title\n\nText."), ("code", "print(1)")]
    with pytest.raises(ValueError, match="begins with a cell"):
        MAKER.cells("print(1)\n# %%\n")
    with pytest.raises(ValueError, match="each of 1 cells"):
        MAKER.in_korean(script, "# 제목\n%%\n본문")


@pytest.mark.parametrize("folder", [".", "ko"])
def test_a_notebook_runs_in_its_folder(folder, tmp_path):
    pytest.importorskip("matplotlib")
    path = EXAMPLES / "notebooks" / folder / "05_activations.ipynb"
    kept = json.loads(path.read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in kept["cells"] if c["cell_type"] == "code"]
    environment = os.environ | {
        "WEFT_EXAMPLES_PICTURES": str(tmp_path),
        "MPLBACKEND": "Agg",
    }
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(cells)],
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        cwd=path.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert ("계단 함수의 기울기" in done.stdout) == (folder == "ko")
    assert (tmp_path / "05_activations.png").is_file()
