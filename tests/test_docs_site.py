"""The site of the documentation: its reference, its figures, its builder."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def _script(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = _script("make_api")
FIGURES = _script("make_figures")


def test_reference_explains_what_a_module_offers(tmp_path):
    names = API.write(tmp_path)
    assert {"weft", "weft.ops", "weft.keras.layers"} <= set(names)
    layers = (tmp_path / "weft.keras.layers.md").read_text(encoding="utf-8")
    assert "\n## Dense\n" in layers and "```pycon\n>>> " in layers
    front = (tmp_path / "weft.md").read_text(encoding="utf-8")
    assert "\n### GradientTape.gradient\n" in front
    models = (tmp_path / "weft.keras.models.md").read_text(encoding="utf-8")
    assert "\n### Model.fit\n" in models and "\n### Sequential.fit\n" not in models
    losses = (tmp_path / "weft.keras.losses.md").read_text(encoding="utf-8")
    assert (
        "\n## mse\n\nAnother name of [mean_squared_error](#mean_squared_error)." in losses
    )
    assert "\n## Any\n" not in front, "names of other packages are no part of weft"


def test_every_public_name_is_explained():
    def is_explained(value) -> bool:
        return bool(
            vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
        )

    modules = [importlib.import_module(name) for name in API.MODULES]
    silent = [
        f"{module.__name__}.{name}"
        for module in modules
        for name in API.public_names(module)
        if not is_explained(getattr(module, name))
    ]
    assert silent == []


def test_examples_in_docstrings_become_sessions():
    text = API.as_markdown("One.\n\nExample:\n    >>> 1 + 1\n    2\n\nMore.")
    assert text == "One.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."


def test_functions_without_an_example_get_a_true_one():
    ops = importlib.import_module("weft.ops")
    shown = "\n".join(API.computed_example("weft.ops", "maximum", ops.maximum))
    assert (
        ">>> print(ops.maximum([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).numpy())\n[3. 2. 3.]"
        in shown
    )
    # The logarithm of a negative number is no example.
    assert "log([0.25" in "\n".join(API.computed_example("weft.ops", "log", ops.log))
    losses = importlib.import_module("weft.keras.losses")
    shown = API.computed_example("weft.keras.losses", "CategoricalCrossentropy",
                                 losses.CategoricalCrossentropy)  # fmt: skip
    assert "losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.25, 0.75]])" in shown[2]


def test_sections_become_lists():
    text = API.as_markdown("One.\n\nRaises:\n    ValueError: bad,\n        very bad.\n")
    assert text == "One.\n\n**Raises**\n\n- `ValueError`: bad, very bad."


def test_long_signatures_take_a_line_for_each_argument():
    def call(
        first: tuple[int, int] = (1, 2), *, second: str = "a, b", third: dict | None = None
    ) -> dict[str, list[int]]: ...

    lines = API.signature("call", call).splitlines()
    assert lines[0] == "call(" and lines[-1] == ") -> dict[str, list[int]]"
    assert lines[1] == "    first: tuple[int, int] = (1, 2),"
    assert len(lines) == 6


@pytest.mark.parametrize("language", list(FIGURES.LANGUAGES))
@pytest.mark.parametrize("name", list(FIGURES.FIGURES))
def test_figure_is_up_to_date(language, name):
    kept = (DOCS / "images" / language / f"{name}.svg").read_text(encoding="utf-8")
    drawn = FIGURES.FIGURES[name](FIGURES.LANGUAGES[language]).svg()
    assert kept == drawn, "run docs/make_figures.py"


def test_glossaries_explain_the_same_words():
    def words(language: str) -> set[frozenset[str]]:
        text = (DOCS / language / "glossary.md").read_text(encoding="utf-8")
        rows = [
            line.split("|")[1:3] for line in text.splitlines() if line.startswith("| **")
        ]
        return {frozenset(cell.strip(" *") for cell in row) for row in rows}

    assert len(words("en")) > 80
    assert words("en") == words("ko")


def test_site_builds_without_warnings(tmp_path):
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ko" / "backpropagation" / "index.html").is_file()
    index = json.loads((tmp_path / "search" / "search_index.json").read_text("utf-8"))
    assert any("역전파" in entry["title"] for entry in index["docs"])
