"""Make two notebooks of each example, an English and a Korean one.

    python examples/make_notebooks.py [folder]

The scripts are the source. A line `# %%` begins a cell of code, `# %% [markdown]` one of
text, whose lines are comments. The Korean texts are in `examples/ko`, one page for each
script, parted by lines `%%`. The notebooks go to `examples/notebooks`, without results.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
_CODE, _TEXT = "# %%", "# %% [markdown]"
# A notebook runs in its own folder; what the examples share lies above.
_BEGIN = "import sys\n\nsys.path.insert(0, '..')"
_BEGIN_KOREAN = (
    "import os\nimport sys\n\nsys.path.insert(0, '../..')\n"
    "os.environ['WEFT_EXAMPLES_LANGUAGE'] = 'ko'"
)


def cells(script: str) -> list[tuple[str, str]]:
    """The cells of a script in order: ("markdown" or "code", text).

    >>> cells("# %% [markdown]\\n# # Title\\n\\n# %%\\nprint(1)\\n")
    [('markdown', '# Title'), ('code', 'print(1)')]
    """
    found: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line.rstrip() in (_CODE, _TEXT):
            found.append(("code" if line.rstrip() == _CODE else "markdown", []))
        elif found:
            kind, lines = found[-1]
            lines.append(
                line.removeprefix("#").removeprefix(" ") if kind == "markdown" else line
            )
        elif line.strip():
            raise ValueError(
                f"make_notebooks: a script begins with a cell; received {line!r}"
            )
    texts = [(kind, "\n".join(lines).strip("\n")) for kind, lines in found]
    return [(kind, text) for kind, text in texts if text]


def in_korean(script: str, page: str) -> list[tuple[str, str]]:
    """The cells of a script with the texts of a Korean page in place of its own.

    >>> in_korean("# %% [markdown]\\n# # Title\\n# %%\\nprint(1)\\n", "# 제목\\n")
    [('markdown', '# 제목'), ('code', 'print(1)')]
    """
    found = cells(script)
    texts = [text.strip() for text in page.split("\n%%\n")]
    wanted = sum(kind == "markdown" for kind, _ in found)
    if len(texts) != wanted:
        raise ValueError(
            f"make_notebooks: a Korean page needs a text for each of {wanted} cells of "
            f"text; received {len(texts)}"
        )
    following = iter(texts)
    return [(kind, next(following) if kind == "markdown" else text) for kind, text in found]


def notebook(parts: list[tuple[str, str]], begin: str = _BEGIN) -> str:
    """A notebook of such cells in format 4.5, as text; the code `begin` comes first."""
    entries = []
    for number, (kind, text) in enumerate([("code", begin), *parts]):
        entry = {
            "cell_type": kind,
            "id": f"cell-{number:02}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        if kind == "code":
            entry |= {"execution_count": None, "outputs": []}
        entries.append(entry)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": entries,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def scripts() -> list[Path]:
    """The examples in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def notebooks() -> dict[str, str]:
    """Every notebook, by its path in the folder of notebooks."""
    found = {}
    for path in scripts():
        script = path.read_text(encoding="utf-8")
        page = (HERE / "ko" / f"{path.stem}.md").read_text(encoding="utf-8")
        korean = in_korean(script, page)
        found[f"{path.stem}.ipynb"] = notebook(cells(script))
        found[f"ko/{path.stem}.ipynb"] = notebook(korean, _BEGIN_KOREAN)
    return found


def main(folder: Path) -> None:
    """Write the notebooks into `folder`."""
    made = notebooks()
    (folder / "ko").mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} notebooks in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "notebooks")
