"""What the examples share: sizes for a quick run, a folder for pictures, digits to learn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)

QUICK = os.environ.get("WEFT_EXAMPLES_QUICK", "") not in ("", "0")
PICTURES = Path(
    os.environ.get("WEFT_EXAMPLES_PICTURES", Path(__file__).parent / "pictures")
)


def quick(full: Number, small: Number) -> Number:
    """`full`, or `small` where WEFT_EXAMPLES_QUICK is set, as the tests do."""
    return small if QUICK else full


def save(figure: Any, name: str) -> Path:
    """Keep a matplotlib figure as `name`.png in the folder of pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    figure.savefig(path, dpi=110)
    print(f"picture: {path}")
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
