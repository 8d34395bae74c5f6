"""Write the API reference as Markdown, from signatures and docstrings.

    python docs/make_api.py [folder]

A page for each module, below `docs/api`. They are plain Markdown: any builder of sites can
take them. mkdocs runs this file as a hook, before it reads the pages.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
import sys
import textwrap
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
WIDTH = 88

MODULES = """
weft weft.ops weft.random weft.data weft.viz weft.debug weft.autodiff weft.errors weft.compat
weft.keras.models weft.keras.layers weft.keras.activations weft.keras.initializers
weft.keras.regularizers weft.keras.constraints weft.keras.optimizers
weft.keras.optimizers.schedules weft.keras.losses weft.keras.metrics weft.keras.callbacks
weft.keras.datasets.mnist weft.keras.datasets.drawn_digits weft.keras.datasets.fashion_mnist
weft.keras.datasets.cifar10 weft.keras.datasets.cifar100 weft.keras.datasets.boston_housing
weft.keras.datasets.california_housing weft.keras.datasets.imdb weft.keras.datasets.reuters
weft.keras.preprocessing.image weft.keras.preprocessing.sequence
weft.keras.preprocessing.text weft.keras.random
weft.keras.utils weft.keras.wrappers weft.keras.saving weft.keras.config
weft.keras.dtype_policies weft.keras.mixed_precision weft.keras.tree weft.keras.backend
""".split()

# Where a module without `__all__` gathers names from, if not from below itself.
_GATHERS = {"weft": "weft", "weft.keras.metrics": "weft.keras"}
_SECTIONS = ("Raises:", "Returns:", "Arguments:", "Args:", "Yields:")
_QUOTED = re.compile(r"(: |-> )'([^']*)'")
_EXAMPLE = re.compile(r"^Examples?:\n((    .*\n?|\s*\n)+)", re.MULTILINE)
# A paragraph of lines such as `width: in inches`, and what continues them.
_ARGUMENT = re.compile(r"\*{0,2}\w+: \S|    \S")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def public_names(module: types.ModuleType) -> list[str]:
    """What a module offers: its `__all__`, or what `dir` shows, less modules and dtypes."""
    listed = getattr(module, "__all__", None)
    home = _GATHERS.get(module.__name__, module.__name__)
    found = []
    for name in dict.fromkeys(dir(module) if listed is None else listed):
        value = None if name.startswith("_") else getattr(module, name, None)
        # A list of names is complete; without one, what was only imported is left out.
        ours = listed is not None or str(getattr(value, "__module__", "")).startswith(home)
        if ours and callable(value):
            found.append(name)
    return found


def signature(name: str, value: Any) -> str:
    """A call as it may be written, or "" where Python can't tell.

    >>> def area(width: float, height: float = 1.0) -> float: ...
    >>> signature("area", area)
    'area(width: float, height: float = 1.0) -> float'
    """
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    if inspect.isclass(value):
        found = found.replace(return_annotation=inspect.Signature.empty)
    text = name + _tidy(str(found))
    if len(text) <= WIDTH:
        return text
    # One argument a line; the marks * and / stand with what follows or precedes them.
    inner, _, result = text.removeprefix(f"{name}(").rpartition(")")
    lines = "".join(f"    {argument},\n" for argument in _arguments(inner))
    return f"{name}(\n{lines}){result}"


def _tidy(text: str) -> str:
    return _ADDRESS.sub("", _QUOTED.sub(r"\1\2", text).replace("'", '"'))


def _arguments(text: str) -> list[str]:
    """The arguments of a signature, parted at commas outside of brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == '"'
        if not quoted:
            depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def as_markdown(docstring: str) -> str:
    """A docstring as Markdown: sessions become blocks, sections become lists.

    >>> print(as_markdown("One.\\n\\nRaises:\\n    ValueError: bad."))
    One.
    <BLANKLINE>
    **Raises**
    <BLANKLINE>
    - `ValueError`: bad.
    """
    lines: list[str] = []
    text = _EXAMPLE.sub(_outdented, inspect.cleandoc(docstring))
    for block in _blocks(text):
        first = block[0].strip()
        if first.startswith(">>> "):
            lines += ["```pycon", *block, "```"]
        elif first in _SECTIONS:
            heading = first.rstrip(":").replace("Args", "Arguments")
            lines += [f"**{heading}**", "", *_entries(block[1:])]
        elif not block[0].startswith(" ") and all(map(_ARGUMENT.match, block)):
            lines += _entries([f"    {line}" for line in block])
        elif block[0].startswith("    "):
            lines += ["```text", *(line.removeprefix("    ") for line in block), "```"]
        else:
            # `branches[i](x)` is a call, which Markdown would take for a link.
            lines += [line.replace("](", "] (") for line in block]
        lines.append("")
    return "\n".join(lines).rstrip()


def _outdented(match: re.Match) -> str:
    return "\n" + textwrap.dedent(match.group(1)).strip() + "\n\n"


def _blocks(text: str) -> list[list[str]]:
    """Lines between empty lines; a session and an indented text keep theirs together."""
    blocks: list[list[str]] = []
    for part in re.split(r"\n\s*\n", text):
        lines = part.rstrip().split("\n")
        kind = _kind(lines)
        if blocks and kind and kind == _kind(blocks[-1]):
            blocks[-1] += ["", *lines]
        else:
            start = next((i for i, x in enumerate(lines) if x.startswith(">>> ")), 0)
            blocks += [lines[:start], lines[start:]] if start else [lines]
    return blocks


def _kind(lines: list[str]) -> str:
    """What a block begins with, where such blocks belong together."""
    return next((start for start in (">>> ", "    ") if lines[0].startswith(start)), "")


def _entries(lines: list[str]) -> list[str]:
    entries: list[str] = []
    for line in lines:
        deep = len(line) - len(line.lstrip())
        name, colon, rest = line.strip().partition(": ")
        if deep <= 4 and colon and " " not in name:
            entries.append(f"- `{name}`: {rest}")
        elif deep <= 4 or not entries:
            entries.append(f"- {line.strip()}")
        else:
            entries[-1] += f" {line.strip()}"
    return entries


# Arguments to show a function with that has no example of its own, the likeliest first:
# what it needs decides which of them it takes.
_NUMBERS = (
    "[-0.5, 0.0, 0.5]",
    "[0.25, 0.5, 1.0]",
    "[1.0, 2.0, 4.0]",
    "[1, 2, 5]",
    "[[2.0, 1.0], [1.0, 3.0]]",
)
_PAIRS = (
    "[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]",
    "[1, 2, 6], [3, 2, 1]",
    "[[2.0, 1.0], [1.0, 3.0]], [[1.0], [2.0]]",
)
_LABELS = ("[[0.0, 1.0]], [[0.25, 0.75]]", "[1], [[0.25, 0.75]]")
# What objects of a module's classes are made and called with.
_CALLED = {
    "weft.keras.losses": tuple(f"{{}}()({labels}).numpy()" for labels in _LABELS),
    "weft.keras.metrics": tuple(f"{{}}()({labels}).numpy()" for labels in _LABELS),
    "weft.keras.regularizers": ("{}()([[3.0, -4.0]]).numpy()",),
    "weft.keras.constraints": ("{}()([[3.0], [-4.0]]).numpy()",),
    "weft.keras.initializers": ("{}(seed=0)((2, 2)).numpy()", "{}()((2, 2)).numpy()"),
    "weft.keras.layers": ("{}()([[-1.0, 0.0, 2.0]]).numpy()",),
}
_SHOWN_WITH = {
    "x": _NUMBERS,
    "x1 x2": _PAIRS,
    "x y": _PAIRS,
    "y_true y_pred": _LABELS,
}


def computed_example(module: str, name: str, value: Any) -> list[str]:
    """A session with a function or class, and what it really gives; empty where none is known.

    >>> from weft import ops
    >>> computed_example("weft.ops", "exp", ops.exp)[2:-2]
    ['>>> print(ops.exp([-0.5, 0.0, 0.5]).numpy())', '[0.60653067 1.         1.6487212 ]']
    """
    home, _, short = module.rpartition(".")
    if name.startswith("empty"):  # what it gives is not settled
        return []
    title = f"{short}.{name}"
    if inspect.isclass(value):
        calls = [call.format(title) for call in _CALLED.get(module, ())]
    elif module in ("weft.ops", "weft.keras.activations", "weft.keras.losses"):
        required = [
            each.name
            for each in inspect.signature(value).parameters.values()
            if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
        ]
        given = _SHOWN_WITH.get(" ".join(required), ())
        calls = [f"{title}({arguments}).numpy()" for arguments in given]
    else:
        calls = []
    known = {short: importlib.import_module(module)}
    for call in calls:
        if (result := _finite(call, known)) is not None:
            needs_ops = "ops." in call and short != "ops"
            names = [f">>> from {home} import {short}"]
            names += [">>> from weft import ops"] if needs_ops else []
            return [
                "```pycon",
                *names,
                f">>> print({call})",
                *result.split("\n"),
                "```",
                "",
            ]
    return []


def _finite(call: str, known: dict[str, Any]) -> str | None:
    """What a call gives, as Python prints it; None where it fails or gives no numbers."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = eval(call, known)
            return str(result) if np.isfinite(result).all() else None
    except Exception:
        return None


def _entry(title: str, value: Any, level: str) -> list[str]:
    text = inspect.getdoc(value) or ""
    if inspect.isclass(value) and value.__doc__ is None:
        text = ""  # only what was inherited
    lines = [f"{level} {title}", ""]
    if call := signature(title, value):
        lines += ["```text", call, "```", ""]
    return [*lines, as_markdown(text), ""]


@functools.cache
def _public_classes() -> frozenset[type]:
    """All classes that some page explains."""
    found = set()
    for name in MODULES:
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(name)
            found |= {getattr(module, public) for public in public_names(module)}
    return frozenset(value for value in found if inspect.isclass(value))


def _methods(kind: type) -> list[tuple[str, Any]]:
    """Public methods with a text: the class's own, and those of bases without a page."""
    known: set[type] = {object}
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if base is not kind and base in _public_classes():
            known |= set(base.__mro__)
        if base in known or not base.__module__.startswith("weft"):
            continue
        for name, value in vars(base).items():
            function = getattr(value, "__func__", value)
            explained = isinstance(function, types.FunctionType) and function.__doc__
            if explained and not name.startswith("_"):
                found.setdefault(name, function)
    return sorted(found.items())


def page(name: str) -> str:
    """The reference of one module."""
    module = importlib.import_module(name)
    lines = [f"# {name}", "", as_markdown(module.__doc__ or ""), ""]
    names = public_names(module)
    for public in names:
        value = getattr(module, public)
        own = getattr(value, "__name__", public)
        if own != public and own in names and getattr(module, own) is value:
            lines += [f"## {public}", "", f"Another name of [{own}](#{own.lower()}).", ""]
            continue
        lines += _entry(public, value, "##")
        if ">>> " not in (inspect.getdoc(value) or ""):
            lines += computed_example(name, public, value)
        if inspect.isclass(value):
            for method, function in _methods(value):
                lines += _entry(f"{public}.{method}", function, "###")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def write(folder: Path) -> list[str]:
    """Write a page for each module that is there; returns the names of the modules."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in MODULES:
        try:
            text = page(name)
        except ModuleNotFoundError:
            continue
        path = folder / f"{name}.md"
        # Unchanged files are left alone, so that a server of the site doesn't rebuild.
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(name)
    return written


def on_config(config: Any) -> Any:
    """For mkdocs: write the pages and add them to the navigation."""
    names = write(Path(config["docs_dir"]) / "api")
    config["nav"].append({"API": [{name: f"api/{name}.md"} for name in names]})
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """For mkdocs: a link to the same page in the other language."""
    language, _, name = page.file.src_uri.partition("/")
    other = {"en": ("ko", "한국어"), "ko": ("en", "English")}.get(language)
    if other is None or files.get_file_from_path(f"{other[0]}/{name}") is None:
        return markdown
    return f"[{other[1]}](../{other[0]}/{name})\n\n{markdown}"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "api"
    print(f"{len(write(target))} pages in {target}")
