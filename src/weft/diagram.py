"""Diagrams of boxes and arrows as SVG, laid out here: no other program is needed.

    boxes = {"a": Box("Input", ["(28, 28)"]), "b": Box("Dense", ["(10,)"])}
    svg = draw(boxes, [Arrow("a", "b")])

A layered layout in four steps: every box gets a layer below all boxes that point to it; an
arrow over several layers gets a point in each of them; the boxes of a layer are put in an
order with few crossings (each at the mean place of its neighbours, back and forth); then
they are moved towards their neighbours as far as there is room.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

# Sizes in pixels.
_FONT = 13
_LINE = 17
_PADDING = 10
_BETWEEN = 26
_LAYER_GAP = 38
_MARGIN = 16
_SWEEPS = 12

_INK, _GREY = "#222222", "#8a8a8a"


@dataclass
class Box:
    """A box: a title, lines below it, and a colour (of the title's field)."""

    title: str
    lines: Sequence[str] = ()
    colour: str = "#e8eef6"
    is_round: bool = False
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        widest = max(map(text_width, [self.title, *self.lines]))
        self.width = max(widest + 2 * _PADDING, 44.0)
        self.height = _LINE * (1 + len(self.lines)) + _PADDING


@dataclass
class Arrow:
    """An arrow from one box to another."""

    start: Hashable
    end: Hashable
    label: str = ""
    colour: str = _GREY
    is_dashed: bool = False


@dataclass
class _Place:
    """A box, or a point of a long arrow, in its layer."""

    key: Any
    layer: int
    width: float
    height: float
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def text_width(text: str) -> float:
    """About how wide a line is; Korean letters are as wide as high."""
    return sum(_FONT * (1.0 if ord(letter) > 0x1100 else 0.585) for letter in text)


# -- layout --------------------------------------------------------------------------------


def _layers_of(boxes: Mapping, arrows: Sequence[Arrow]) -> dict[Hashable, int]:
    """Each box below all that point to it; boxes without such, close to their users."""
    parents: dict[Hashable, list] = {key: [] for key in boxes}
    children: dict[Hashable, list] = {key: [] for key in boxes}
    for arrow in arrows:
        parents[arrow.end].append(arrow.start)
        children[arrow.start].append(arrow.end)
    layers: dict[Hashable, int] = {}
    order = _sorted_by_arrows(boxes, parents, children)
    for key in order:
        layers[key] = max([layers[p] + 1 for p in parents[key] if p in layers], default=0)
    for key in reversed(order):
        if not parents[key] and children[key]:
            layers[key] = min(layers[child] for child in children[key]) - 1
    return layers


def _sorted_by_arrows(boxes: Mapping, parents: Mapping, children: Mapping) -> list:
    missing = {key: len(parents[key]) for key in boxes}
    ready = [key for key in boxes if not missing[key]]
    order = []
    while ready:
        key = ready.pop(0)
        order.append(key)
        for child in children[key]:
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    return order + [key for key in boxes if missing[key]]  # A circle, if there is one.


def _places(
    boxes: Mapping, arrows: Sequence[Arrow], is_across: bool
) -> tuple[list[list[_Place]], dict[int, list[_Place]]]:
    """Layers of places; and for each arrow (by number) the places it passes."""
    layers = _layers_of(boxes, arrows)
    count = max(layers.values(), default=-1) + 1
    rows: list[list[_Place]] = [[] for _ in range(count)]
    at = {}
    for key, box in boxes.items():
        size = (box.height, box.width) if is_across else (box.width, box.height)
        at[key] = _Place(key, layers[key], *size)
        rows[layers[key]].append(at[key])
    paths = {}
    for number, arrow in enumerate(arrows):
        start, end = at[arrow.start], at[arrow.end]
        path = [start]
        for layer in range(start.layer + 1, end.layer):
            point = _Place(None, layer, 8.0, 0.0)
            rows[layer].append(point)
            path.append(point)
        path.append(end)
        paths[number] = path
        for upper, lower in itertools.pairwise(path):
            upper.below.append(lower)
            lower.above.append(upper)
    return rows, paths


def _reduce_crossings(rows: list[list[_Place]]) -> None:
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for number in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            beside = rows[number - 1 if down else number + 1]
            order = {place: i for i, place in enumerate(beside)}
            rows[number] = _by_mean(rows[number], order, down)
        now = _crossings(rows)
        if now < fewest:
            best, fewest = [list(row) for row in rows], now
    rows[:] = best


def _by_mean(row: list[_Place], order: Mapping[_Place, int], down: bool) -> list[_Place]:
    def mean(numbered: tuple[int, _Place]) -> float:
        number, place = numbered
        found = [order[p] for p in (place.above if down else place.below) if p in order]
        return sum(found) / len(found) if found else number

    return [place for _, place in sorted(enumerate(row), key=mean)]


def _crossings(rows: list[list[_Place]]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(rows):
        order = {place: i for i, place in enumerate(lower)}
        ends = [sorted(order[p] for p in place.below if p in order) for place in upper]
        flat = [end for group in ends for end in group]
        total += sum(a > b for i, a in enumerate(flat) for b in flat[i + 1 :])
    return total


def _set_positions(rows: list[list[_Place]]) -> None:
    y = 0.0
    for row in rows:
        tallest = max(place.height for place in row)
        for place in row:
            place.y = y + tallest / 2
        y += tallest + _LAYER_GAP
        x = 0.0
        for place in row:
            place.x = x + place.width / 2
            x += place.width + _BETWEEN
    for sweep in range(_SWEEPS * 2):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            _pull(row)
    left = min(place.x - place.width / 2 for row in rows for place in row)
    for row in rows:
        for place in row:
            place.x -= left


def _pull(row: list[_Place]) -> None:
    """Move a layer's places to the means of their neighbours, none over another.

    Places that would overlap are put together as one block, at the mean of what they want.
    """
    blocks: list[list[float]] = []  # wanted start, width, number of places
    for place in row:
        near = place.above + place.below
        wanted = sum(p.x for p in near) / len(near) if near else place.x
        block = [wanted - place.width / 2, place.width, 1.0]
        blocks.append(block)
        while len(blocks) > 1:
            before, last = blocks[-2], blocks[-1]
            if before[0] + before[1] + _BETWEEN <= last[0]:
                break
            count = before[2] + last[2]
            shifted = last[0] - before[1] - _BETWEEN
            start = (before[0] * before[2] + shifted * last[2]) / count
            blocks[-2:] = [[start, before[1] + _BETWEEN + last[1], count]]
    places = iter(row)
    for start, _, count in blocks:
        x = start
        for _ in range(int(count)):
            place = next(places)
            place.x = x + place.width / 2
            x += place.width + _BETWEEN


# -- drawing -------------------------------------------------------------------------------


def draw(
    boxes: Mapping[Any, Box],
    arrows: Sequence[Arrow],
    title: str = "",
    is_across: bool = False,
) -> str:
    """A diagram as the text of an SVG file.

    boxes: by keys that the arrows name.
    is_across: from left to right in place of top to bottom.
    """
    arrows = [a for a in arrows if a.start in boxes and a.end in boxes]
    if not boxes:
        return _page([], 2 * _MARGIN, 2 * _MARGIN, title)
    rows, paths = _places(boxes, arrows, is_across)
    _reduce_crossings(rows)
    _set_positions(rows)
    if is_across:
        _turn(rows)
    parts = [
        _arrow_path(arrow, paths[number], is_across) for number, arrow in enumerate(arrows)
    ]
    width = height = 0.0
    for place in (place for row in rows for place in row):
        if place.key is None:
            continue
        box = boxes[place.key]
        parts.append(_box(box, place.x, place.y))
        width = max(width, place.x + box.width / 2)
        height = max(height, place.y + box.height / 2)
    return _page(parts, width + 2 * _MARGIN, height + 2 * _MARGIN, title)


def _turn(rows: list[list[_Place]]) -> None:
    for row in rows:
        for place in row:
            place.x, place.y = place.y, place.x
            place.width, place.height = place.height, place.width


def _box(box: Box, x: float, y: float) -> str:
    left, top = x - box.width / 2, y - box.height / 2
    corner = box.height / 2 if box.is_round else 5
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{min(corner, 14):.1f}" fill="{box.colour}" '
        f'stroke="{_INK}" stroke-width="1"/>'
    ]
    baseline = top + _PADDING / 2 + _FONT
    for number, line in enumerate([box.title, *box.lines]):
        weight = ' font-weight="600"' if number == 0 and box.lines else ""
        colour = _INK if number == 0 else "#4a4a4a"
        parts.append(
            f'<text x="{x:.1f}" y="{baseline + number * _LINE:.1f}" fill="{colour}"'
            f"{weight}>{escape(line)}</text>"
        )
    return "".join(parts)


def _arrow_path(arrow: Arrow, path: Sequence[_Place], is_across: bool) -> str:
    """A smooth line through the points of an arrow, from box to box."""
    points = [_edge(path[0], is_across, leaving=True)]
    for point in path[1:-1]:
        points.append((point.x, point.y))
    points.append(_edge(path[-1], is_across, leaving=False))
    steps = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if is_across:
            middle = (x0 + x1) / 2
            bend = f"{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f}"
        else:
            middle = (y0 + y1) / 2
            bend = f"{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f}"
        steps.append(f"C{bend} {x1:.1f},{y1:.1f}")
    dashes = ' stroke-dasharray="5 3"' if arrow.is_dashed else ""
    line = (
        f'<path d="{" ".join(steps)}" fill="none" stroke="{arrow.colour}" '
        f'stroke-width="1.3"{dashes}/>{_head(points[-1], arrow.colour, is_across)}'
    )
    if not arrow.label:
        return line
    x, y = (points[-2][0] + points[-1][0]) / 2, (points[-2][1] + points[-1][1]) / 2
    return (
        f'{line}<text x="{x + 5:.1f}" y="{y + 4:.1f}" font-size="10.5" '
        f'text-anchor="start" fill="#666666">{escape(arrow.label)}</text>'
    )


def _edge(place: _Place, is_across: bool, leaving: bool) -> tuple[float, float]:
    """Where an arrow leaves or meets a box."""
    side = 1 if leaving else -1
    # The head stands between the line and the box.
    gap = 0.0 if leaving else 7.0
    if is_across:
        return place.x + side * (place.width / 2 + gap), place.y
    return place.x, place.y + side * (place.height / 2 + gap)


def _head(tip: tuple[float, float], colour: str, is_across: bool) -> str:
    x, y = tip
    corners = (
        [(x + 7, y), (x - 1, y - 4), (x - 1, y + 4)]
        if is_across
        else [(x, y + 7), (x - 4, y - 1), (x + 4, y - 1)]
    )
    text = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    return f'<polygon points="{text}" fill="{colour}"/>'


def _page(parts: Sequence[str], width: float, height: float, title: str) -> str:
    top = _MARGIN
    heading = ""
    if title:
        width = max(width, text_width(title) * 1.15 + 2 * _MARGIN)
        heading = (
            f'<text x="{width / 2:.1f}" y="{_MARGIN + 12}" font-size="15" '
            f'font-weight="600" fill="{_INK}">{escape(title)}</text>'
        )
        top += 30
        height += 30
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f"font-family=\"Helvetica, Arial, 'Noto Sans KR', 'Nanum Gothic', sans-serif\" "
        f'font-size="{_FONT}" text-anchor="middle">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{heading}\n'
        f'<g transform="translate({_MARGIN},{top})">\n{body}\n</g>\n</svg>\n'
    )


__all__ = ["Arrow", "Box", "draw", "text_width"]
