"""Draw digits with a shaking hand: chance → points of the pen → ink on the paper.

    (seed, number of the digit) ──► label, skeleton, hand ──► 64 points ──► 28 × 28 grey

Each digit is a function of the seed and its number alone, however many are drawn at once.
The same bits come out on every machine: only integers and single float64 or float32
additions, multiplications and divisions are used, which IEEE 754 rounds in one way; sums
have a fixed order, and nothing is left to a library of mathematics or linear algebra.
"""

from __future__ import annotations

import functools

import numpy as np

from weft.keras.datasets._drawn_strokes import POINT_COUNT, skeletons

SIDE = 28
# Positions are whole numbers of sixteenths of a pixel.
SUBPIXELS = 16
# Farther than this a point's ink cannot be seen; the square still fits twice in int16.
_FARTHEST = 127
# Digits drawn at a time: their 28 × 28 distances (int16) fit the second-level cache.
_BATCH = 256
_GRAIN_LENGTH = 1 << 14

# The habits of hands: the range of each, or how far it spreads to both sides. They are
# chosen so that a linear classifier and a small network do about as well here as on MNIST.
SHAKINESS = (2.0, 6.5)  # of the anchors, in hundredths of the skeleton's box
BEND = 0.17
SLANT = 0.24
TURN = 0.07  # tangent of half the angle
NARROW = (0.72, 1.12)
HEIGHT = (16.5, 21.0)  # pixels
SHIFT = 0.75  # pixels
RADIUS = (0.65, 1.75)  # pixels
PRESSURE = 0.2  # change of the squared radius along a stroke
SOFTNESS = (0.55, 1.25)  # pixels over which the edge of a stroke fades
GREY = (200.0, 330.0)  # of full ink; above 255 the middle of a stroke is black
GRAIN = 26.0  # of 256 parts of the ink


class Chance:
    """A source of random numbers that depend only on (seed, number of the digit, purpose).

    It is SplitMix64 (Steele, Lea, Flood 2014) used as a hash: uint64, exact everywhere.
    """

    def __init__(self, seed: int, numbers: np.ndarray):
        (base,) = _scramble(np.array([seed], np.uint64))
        self._state = _scramble(numbers.astype(np.uint64) + base)
        self._purpose = 0

    def bits(self) -> np.ndarray:
        """64 random bits for each digit; each call is a purpose of its own."""
        self._purpose += 1
        return _scramble(self._state + np.uint64(self._purpose))

    def below(self, limit: int) -> np.ndarray:
        """Whole numbers from 0 to limit - 1, limit below 2**16."""
        lots = (self.bits() >> np.uint64(48)) * np.uint64(limit)
        return (lots >> np.uint64(16)).astype(int)

    def uniform(self, low: float, high: float) -> np.ndarray:
        """Numbers evenly spread from low to high, float64."""
        unit = (self.bits() >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return unit * (high - low) + low

    def bell(self, spread: float) -> np.ndarray:
        """Numbers around 0 with standard deviation `spread`, never beyond 3.5 of it."""
        bits = self.bits()
        # Four even numbers of 16 bits: their sum is nearly normal, and exact.
        total = np.zeros_like(bits)
        for quarter in range(4):
            total += (bits >> np.uint64(16 * quarter)) & np.uint64(0xFFFF)
        return (total.astype(np.float64) - 131070.0) * (spread / 37837.5)


def _scramble(bits: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        bits = bits + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def draw(count: int, seed: int, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` digits of a seed from number `first` on.

    Returns images (count, 28, 28) and labels (count,), both uint8.

    >>> images, labels = draw(3, seed=1)
    >>> images.shape, labels.shape
    ((3, 28, 28), (3,))
    """
    images = np.empty((count, SIDE, SIDE), np.uint8)
    labels = np.empty(count, np.uint8)
    # Chance and points take about 3 kB a digit: a few thousand at a time are plenty.
    for start in range(0, count, 16 * _BATCH):
        stop = min(start + 16 * _BATCH, count)
        chance = Chance(seed, np.arange(first + start, first + stop))
        ways, labels[start:stop] = _choose(chance)
        x, y = _placed(*_written(ways, chance), chance)
        pen = _pen(chance)
        for low in range(start, stop, _BATCH):
            part = slice(low - start, min(low + _BATCH, stop) - start)
            inked = _ink(x[:, part], y[:, part], *(one[..., part] for one in pen))
            images[low : low + inked.shape[-1]] = inked.transpose(2, 0, 1)
    return images, labels


def _choose(chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Which digit, and which way of writing it: indices of skeletons, and labels."""
    labels = chance.below(10)
    lots = chance.bits() >> np.uint64(48)
    ways = np.zeros(len(labels), int)
    for digit in range(10):
        own = [way for way, skeleton in enumerate(skeletons()) if skeleton.digit == digit]
        tickets = np.repeat(own, [skeletons()[way].often for way in own])
        mine = labels == digit
        drawn = lots[mine] * np.uint64(len(tickets)) >> np.uint64(16)
        ways[mine] = tickets[drawn.astype(int)]
    return ways, labels.astype(np.uint8)


def _written(ways: np.ndarray, chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """The points of each digit as its hand shakes them: x and y, (POINT_COUNT, count)."""
    most_anchors = max(len(skeleton.anchors) for skeleton in skeletons())
    shakiness = chance.uniform(*SHAKINESS)
    shakes = [
        (chance.bell(1.0) * shakiness, chance.bell(1.0) * shakiness)
        for _ in range(most_anchors)
    ]
    x, y = np.empty((2, POINT_COUNT, len(ways)))
    for way, skeleton in enumerate(skeletons()):
        mine = np.flatnonzero(ways == way)
        anchors = [
            (across + dx[mine], down + dy[mine])
            for (across, down), (dx, dy) in zip(skeleton.anchors.tolist(), shakes)
        ]
        for point, weights in enumerate(skeleton.weights.tolist()):
            # A matrix product would leave the order of the sum to the BLAS.
            used = [pair for pair in zip(weights, anchors) if pair[0]]
            x[point, mine] = _weighted([(weight, ax) for weight, (ax, _) in used])
            y[point, mine] = _weighted([(weight, ay) for weight, (_, ay) in used])
    return x, y


def _weighted(terms: list[tuple[float, np.ndarray]]) -> np.ndarray:
    (weight, values), *others = terms
    total = weight * values
    for weight, values in others:
        total += weight * values
    return total


def _placed(x: np.ndarray, y: np.ndarray, chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Bend, slant, turn, stretch and shift the points onto the paper, in subpixels."""
    x, y = x / 50.0 - 1.0, y / 50.0 - 1.0
    # A smooth bending of the paper: squares and products of the place.
    square_x, square_y, product = x * x, y * y, x * y
    bent_x = x + chance.bell(BEND) * square_y + chance.bell(BEND) * product
    bent_y = y + chance.bell(BEND) * square_x + chance.bell(BEND) * product
    bent_x += chance.bell(BEND) * (square_y * y - y)
    bent_x *= chance.uniform(*NARROW)
    # Most hands lean to the right; y points down.
    bent_x -= (chance.bell(SLANT) + 0.1) * bent_y
    half_tangent = chance.bell(TURN)
    scale = 1.0 + half_tangent * half_tangent
    cosine = (1.0 - half_tangent * half_tangent) / scale
    sine = 2.0 * half_tangent / scale
    turned_x = cosine * bent_x - sine * bent_y
    turned_y = sine * bent_x + cosine * bent_y

    tall, wide = _extent(turned_y), _extent(turned_x)
    size = chance.uniform(*HEIGHT) * SUBPIXELS / np.maximum(tall, wide)
    placed_x = _centred(turned_x * size, chance.bell(SHIFT) * SUBPIXELS)
    placed_y = _centred(turned_y * size, chance.bell(SHIFT) * SUBPIXELS)
    return placed_x, placed_y


def _extent(line: np.ndarray) -> np.ndarray:
    return line.max(axis=0) - line.min(axis=0)


def _centred(line: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Whole subpixels, the mean of the points near the middle of the paper."""
    whole = np.rint(line).astype(np.int64)
    mean = whole.sum(axis=0) // POINT_COUNT
    middle = SIDE * SUBPIXELS // 2
    return (whole - mean + middle + np.rint(shift).astype(np.int64)).astype(np.int16)


def _pen(chance: Chance) -> tuple[np.ndarray, ...]:
    """Of each digit: the squared radius at its points, how ink fades, grey, grain."""
    radius = chance.uniform(*RADIUS) * SUBPIXELS
    softness = chance.uniform(*SOFTNESS) * SUBPIXELS
    along = (np.arange(POINT_COUNT) / (POINT_COUNT - 1) * 2.0 - 1.0)[:, None]
    rise, swell = chance.bell(PRESSURE), chance.bell(PRESSURE)
    pressure = 1.0 + rise * along + swell * (along * along - 0.5)
    squares = np.rint(radius * radius * np.maximum(pressure, 0.3)).astype(np.int16)
    # Near the edge d² - r² is 2r(d - r): dividing by 2r gives the distance from the edge.
    grey = chance.uniform(*GREY)
    steepness = (grey / (2.0 * radius * softness)).astype(np.float32)
    grain_start = chance.below(_GRAIN_LENGTH - SIDE * SIDE)
    return squares, steepness, grey.astype(np.float32), grain_start


@functools.cache
def _grain() -> np.ndarray:
    """Unevenness of paper and pen: a strip where each digit begins at its own place."""
    return (Chance(7, np.arange(_GRAIN_LENGTH)).bell(GRAIN)).astype(np.int16)


def _ink(
    x: np.ndarray,
    y: np.ndarray,
    squares: np.ndarray,
    steepness: np.ndarray,
    grey: np.ndarray,
    grain_start: np.ndarray,
) -> np.ndarray:
    """Images (28, 28, count): ink near the union of discs around the points.

    The digits lie side by side in the last axis, so that one instruction serves many.
    """
    count = x.shape[-1]
    centres = np.arange(SIDE, dtype=np.int16)[:, None] * SUBPIXELS + SUBPIXELS // 2
    nearest = np.full((SIDE, SIDE, count), np.iinfo(np.int16).max, np.int16)
    here = np.empty_like(nearest)
    for point in range(POINT_COUNT):
        across = _square(centres - x[point])
        # The discs' own sizes enter here, at 28 numbers a point in place of 784.
        down = _square(centres - y[point]) - squares[point]
        np.add(down[:, None], across[None], out=here)
        np.minimum(nearest, here, out=nearest)
    ink = grey * np.float32(0.5) - nearest.astype(np.float32) * steepness
    whole = np.clip(ink, 0.0, 255.0).astype(np.int16)
    pixels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE, 1)
    grain = _grain()[pixels + grain_start]
    # Grain shows in the ink and not on bare paper.
    return np.clip(whole + (grain * whole >> 8), 0, 255).astype(np.uint8)


def _square(distance: np.ndarray) -> np.ndarray:
    near = np.clip(distance, -_FARTHEST, _FARTHEST)
    return near * near
