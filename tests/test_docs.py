"""The code in the README and in docs/ runs, and their links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")

# Modules whose docstrings hold examples that are run here.
EXAMPLES = ["weft.explain", "weft.debug"]


@pytest.mark.parametrize("name", NAMES)
def test_code_blocks_run(name, tmp_path):
    """The blocks of a page run one after another, as one script, in a fresh process."""
    blocks = BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))
    if not blocks:
        pytest.skip("a page without code")
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("folder", ["en", "ko"])
def test_each_page_is_there_in_both_languages(folder):
    other = {"en": "ko", "ko": "en"}[folder]
    names = {path.name for path in (ROOT / "docs" / folder).glob("*.md")}
    assert names == {path.name for path in (ROOT / "docs" / other).glob("*.md")}


@pytest.mark.parametrize(
    "name", ["README", "docs/{}/getting-started", "docs/{}/how-it-works"]
)
def test_code_is_the_same_in_both_languages(name):
    def code(page: Path) -> list[str]:
        # What is printed to people may be in their language.
        return [re.sub(r'f"[^"]*"', "", b) for b in BLOCK.findall(page.read_text("utf-8"))]

    pages = [ROOT / f"{name.format(language)}.md" for language in ("en", "ko")]
    if name == "README":
        pages = [ROOT / "README.md", ROOT / "README.ko.md"]
    assert code(pages[0]) == code(pages[1])


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", ["pictures", "textbook"])
def test_pages_on_pictures_name_what_is_there(page, language):
    text = (ROOT / "docs" / language / f"{page}.md").read_text(encoding="utf-8")
    drawing = re.compile(r"(?:plot|draw|animate)_\w+")
    named = set(drawing.findall(text))
    offered = set(filter(drawing.fullmatch, importlib.import_module("weft.viz").__all__))
    assert named <= offered
    assert page == "textbook" or named == offered


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings(name):
    importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    result = doctest.testmod(sys.modules[name], optionflags=flags)
    assert result.attempted and not result.failed
