"""The chapters of this folder run through both doors: unchanged, and under weft's own names.

Each chapter is a script as textbooks have them, with synthetic data of the right shapes; what
it states also holds under TensorFlow (`python reviews.py`, where TensorFlow is installed);
`older_books` holds under that of its time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SOURCE = FOLDER.parent.parent / "src"
CHAPTERS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if path.stem not in ("__init__", "facts", "test_chapters", "test_mistakes")
)
OWN_NAMES = (
    (r"import tensorflow as tf", "import weft.compat.tensorflow as tf"),
    (r"from tensorflow import keras", "from weft import keras"),
    (r"from tensorflow\.keras", "from weft.keras"),
    (r"(?m)^(from|import) keras\b", r"\1 weft.keras"),
)
QUIET = re.compile(r"UserWarning|^\s+model\.add\(.*input_shape")


def run(arguments, folder):
    environment = {
        **os.environ,
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{FOLDER}",
        "MPLBACKEND": "Agg",
        "PYTHONWARNINGS": "default",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"^FACTS [1-9]\d*$", done.stdout, re.MULTILINE)
    noise = [line for line in done.stderr.splitlines() if not QUIET.search(line)]
    assert noise == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_unchanged(chapter, tmp_path):
    run(["-m", "weft", "run", str(FOLDER / f"{chapter}.py")], tmp_path)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_under_own_names(chapter, tmp_path):
    text = (FOLDER / f"{chapter}.py").read_text()
    for theirs, own in OWN_NAMES:
        text = re.sub(theirs, own, text)
    assert "tensorflow import" not in text.replace("weft.compat.tensorflow", "")
    script = tmp_path / "chapter.py"
    script.write_text(text)
    run([str(script)], tmp_path)
