"""Make a notebook of each example.

    python examples/make_notebooks.py [folder]

The scripts are the source. A line `# %%` begins a cell of code, `# %% [markdown]` one of
text, whose lines are comments. The notebooks go to `examples/notebooks`, without results.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
_CODE, _TEXT = "# %%", "# %% [markdown]"
# A notebook runs in its own folder; what the examples share lies one above.
_PATH = "import sys\n\nsys.path.insert(0, '..')"


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


def notebook(script: str) -> str:
    """A notebook in format 4.5, as text."""
    entries = []
    for number, (kind, text) in enumerate([("code", _PATH), *cells(script)]):
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


def main(folder: Path) -> None:
    """Write a notebook for each example into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        text = notebook(script.read_text(encoding="utf-8"))
        (folder / f"{script.stem}.ipynb").write_text(text, encoding="utf-8")
    print(f"{len(scripts())} notebooks in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "notebooks")
