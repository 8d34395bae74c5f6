"""What the examples share: sizes, a folder for pictures, digits to learn, a language.

    WEFT_EXAMPLES_LANGUAGE=ko python examples/06_gradient_descent.py

draws and prints the same in Korean.
"""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any, TypeVar

from korean import korean

from weft import viz

Number = TypeVar("Number", int, float)

QUICK = os.environ.get("WEFT_EXAMPLES_QUICK", "") not in ("", "0")
LANGUAGE = os.environ.get("WEFT_EXAMPLES_LANGUAGE", "en")
PICTURES = Path(
    os.environ.get("WEFT_EXAMPLES_PICTURES", Path(__file__).parent / "pictures")
)
# Pictures stay English where no font has Korean letters.
PICTURE_LANGUAGE = viz.set_language(LANGUAGE)


def say(text: str) -> str:
    """The text in the language that the examples were asked for."""
    return korean(text) if LANGUAGE == "ko" else text


def print(*parts: Any, **options: Any) -> None:
    """Python's print, in the language that the examples were asked for."""
    builtins.print(*(say(x) if isinstance(x, str) else x for x in parts), **options)


def quick(full: Number, small: Number) -> Number:
    """`full`, or `small` where WEFT_EXAMPLES_QUICK is set, as the tests do."""
    return small if QUICK else full


def save(figure: Any, name: str) -> Path:
    """Keep a matplotlib figure as `name`.png in the folder of pictures."""
    if PICTURE_LANGUAGE == "ko":
        from matplotlib.text import Text

        viz.use_korean_font(figure)
        for text in figure.findobj(Text):
            text.set_text(say(text.get_text()))
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    figure.savefig(path, dpi=110)
    builtins.print(f"picture: {path}")
    return path


def load_digits() -> tuple[str, Any, Any]:
    """The name of the digits, the training pair and the test pair.

    MNIST, or, on a machine that has neither the file nor the network, digits of the same
    form that weft draws itself.
    """
    from weft.keras.datasets import drawn_digits, mnist

    try:
        train, test = mnist.load_data()
        name = "MNIST"
    except ConnectionError:
        train, test = drawn_digits.load_data()
        name = "drawn digits"
    if QUICK:
        train, test = ((x[:2000], y[:2000]) for x, y in (train, test))
    return name, train, test
