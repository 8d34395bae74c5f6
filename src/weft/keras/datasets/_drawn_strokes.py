"""How digits are written: strokes of the pen, and the points the pen passes on its way.

    skeleton ──► strokes of anchors ──► one weight matrix: points = weights · anchors

A skeleton is one way of writing a digit. It is a text: strokes between `|`, anchors `x,y`
with x to the right and y down in a box of 100 by 100, a `!` behind an anchor where the pen
turns sharply. Between anchors the pen follows a Catmull-Rom curve; a stroke whose last
anchor is its first is closed without a corner. Points depend linearly on anchors, so a
shaken skeleton costs a few multiplications. All arithmetic is exact or correctly rounded,
thus the same everywhere.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

# Points along each skeleton: on the longest way of writing they lie about one pixel apart.
POINT_COUNT = 64

# digit -> (how often it is written this way, skeleton)
SKELETONS: dict[int, tuple[tuple[int, str], ...]] = {
    0: (
        (6, "50,0 20,24 20,74 50,100 80,76 80,26 50,0"),
        (3, "68,10 34,6 16,50 34,95 70,88 84,44 50,2"),
        (2, "46,12 20,34 20,76 48,99 78,76 80,30 58,3 40,14 48,28"),
    ),
    1: (
        (7, "50,0 50,50 50,100"),
        (3, "54,0 50,50 48,100"),
        (3, "26,26 40,16 52,0! 51,50 50,100"),
        (2, "28,24 52,0! 51,50 50,99 | 24,99 50,99 76,98"),
    ),
    2: (
        (5, "18,26 30,6 52,0 76,12 76,36 54,64 18,97! 50,97 86,97"),
        (5, "20,24 36,4 60,1 78,18 70,46 46,76 26,94 14,86 28,76 52,90 88,93"),
        (3, "16,8 46,5 80,7! 50,50 16,94! 50,92 86,95"),
        (2, "26,30 20,16 36,3 58,4 70,22 60,52 40,82 24,96! 44,90 62,96 86,92"),
    ),
    3: (
        (5, "20,12 46,0 74,13 68,36 42,46! 74,56 80,80 54,98 18,88"),
        (3, "18,4 46,3 78,3! 60,22 42,40! 72,50 80,76 54,98 16,90"),
        (4, "22,14 50,0 74,14 66,38 44,47 38,42 46,45 74,58 78,82 50,99 16,90"),
    ),
    4: (
        (4, "30,4 24,30 16,58! 50,58 86,56 | 68,6 66,54 62,100"),
        (4, "66,0 40,34 12,66! 50,66 90,66 | 66,0 65,50 64,100"),
        (3, "24,2 20,34 34,52 74,46 | 78,0 72,48 66,100"),
        (3, "60,100 68,50 74,0! 44,30 14,60! 50,60 86,56"),
    ),
    5: (
        (4, "80,3 54,2 30,3! 27,22 24,44! 52,36 80,56 74,86 44,99 14,90"),
        (5, "34,8 30,26 26,45! 54,38 78,60 68,90 40,99 14,92 | 34,7 58,5 86,1"),
        (3, "82,4 50,3 28,20 40,40 68,56 74,80 46,98 14,90"),
    ),
    6: (
        (5, "68,1 38,22 20,60 32,92 60,97 78,76 62,55 36,62 24,80"),
        (4, "54,0 30,38 20,74 42,98 70,88 72,64 48,56 26,74"),
        (3, "76,8 48,8 22,40 18,78 48,99 80,82 76,54 48,46 22,66"),
    ),
    7: (
        (6, "16,6 48,4 84,4! 64,46 46,98"),
        (3, "16,6 48,4 84,4! 64,46 46,98 | 34,52 54,50 76,50"),
        (3, "16,20 20,5! 50,5 82,3! 60,44 46,100"),
        (3, "14,12 44,3 80,6 72,36 48,98"),
    ),
    8: (
        (5, "74,12 48,0 26,18 40,42 66,60 76,82 52,99 24,82 36,58 62,38 74,12"),
        (
            3,
            "50,0 28,9 26,34 50,47 74,34 72,9 50,0 "
            "| 50,47 24,62 24,87 50,100 76,87 76,62 50,47",
        ),
        (3, "80,8 50,1 28,20 46,42 70,64 70,90 42,98 24,80 44,54 70,32 78,6"),
    ),
    9: (
        (5, "74,18 50,2 24,18 28,43 54,46 75,22! 72,60 66,100"),
        (4, "74,20 50,2 24,20 34,46 60,42 76,16 78,56 62,92 28,95"),
        (4, "72,22 48,2 24,24 44,47 72,22 | 75,4 72,50 68,100"),
    ),
}


@dataclass(frozen=True)
class Skeleton:
    """One way of writing a digit, ready to be drawn many times.

    anchors: (k, 2) int64, in the box of 100 by 100.
    weights: (POINT_COUNT, k) float64, few of them not zero: points = weights · anchors.
    """

    digit: int
    often: int
    anchors: np.ndarray
    weights: np.ndarray


@functools.cache
def skeletons() -> tuple[Skeleton, ...]:
    """All ways of writing all digits, those of one digit side by side."""
    return tuple(
        _skeleton(digit, often, text)
        for digit, ways in SKELETONS.items()
        for often, text in ways
    )


def _skeleton(digit: int, often: int, text: str) -> Skeleton:
    strokes = [stroke.split() for stroke in text.split("|")]
    # Anchors at the same place are one anchor: strokes stay joined when it is shaken.
    numbers: dict[tuple[int, int], int] = {}
    pieces: list[list[int]] = []
    for stroke in strokes:
        piece: list[int] = []
        for mark in stroke:
            x, y = mark.rstrip("!").split(",")
            piece.append(numbers.setdefault((int(x), int(y)), len(numbers)))
            if mark.endswith("!"):
                pieces.append(piece)
                piece = [piece[-1]]
        pieces.append(piece)
    anchors = np.array(list(numbers), np.int64)
    return Skeleton(digit, often, anchors, _point_weights(anchors, pieces))


def _point_weights(anchors: np.ndarray, pieces: list[list[int]]) -> np.ndarray:
    """Spread the points evenly over all spans between neighbouring anchors."""
    spans = [(piece, at) for piece in pieces for at in range(len(piece) - 1)]
    lengths = [_distance(anchors, piece[at], piece[at + 1]) for piece, at in spans]
    total = 0.0
    for length in lengths:
        total += length
    weights = np.zeros((POINT_COUNT, len(anchors)))
    span, before = 0, 0.0
    for point in range(POINT_COUNT):
        along = total * point / (POINT_COUNT - 1)
        while span < len(spans) - 1 and along > before + lengths[span]:
            before += lengths[span]
            span += 1
        part = min((along - before) / lengths[span], 1.0)
        for anchor, weight in _span_weights(*spans[span], part):
            weights[point, anchor] += weight
    return weights


def _distance(anchors: np.ndarray, one: int, other: int) -> float:
    across, down = (int(number) for number in anchors[one] - anchors[other])
    return math.sqrt(across * across + down * down)


def _span_weights(piece: list[int], at: int, part: float) -> list[tuple[int, float]]:
    """Weights of the four anchors around a span, `part` of the way along it."""
    is_closed = piece[0] == piece[-1]
    first, last = piece[at], piece[at + 1]
    before = piece[at - 1] if at else piece[-2] if is_closed else first
    is_end = at + 2 == len(piece)
    after = piece[1] if is_end and is_closed else last if is_end else piece[at + 2]
    square = part * part
    cube = square * part
    return [
        (before, (2 * square - cube - part) / 2),
        (first, (3 * cube - 5 * square + 2) / 2),
        (last, (part + 4 * square - 3 * cube) / 2),
        (after, (cube - square) / 2),
    ]
