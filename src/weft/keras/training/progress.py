"""The progress bar: one line that is drawn over and over, or one line per epoch."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from weft.errors import ArgumentError

_BOLD, _GREEN, _WHITE, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
_FINISHED = "━"


def print_message(message: str, line_break: bool = True) -> None:
    """Write to standard output; characters it can't show are replaced."""
    text = message + "\n" if line_break else message
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        text = text.replace(_FINISHED, "=").encode(encoding, "replace").decode(encoding)
        sys.stdout.write(text)
    sys.stdout.flush()


class Progbar:
    """Draws progress towards a number of steps, with values beside it.

    Args:
        target: the number of steps; None if it is not known.
        width: of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 one line at the end.
        interval: the least seconds between two drawings.
        stateful_metrics: names of values shown as they are; all others are averaged.
        stateless_metrics: names of values that are averaged; all others are not.
        unit_name: what a step is called.

    Example:
        >>> from weft.keras.training.progress import Progbar
        >>> bar = Progbar(target=10, verbose=0)
        >>> bar.update(10, [("loss", 0.5)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Progbar: only one of stateful_metrics and stateless_metrics can be given"
            )
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._stateful = set(stateful_metrics or ())
        self._dynamic = _can_redraw()
        self._values: dict[str, list] = {}
        self._seen = 0
        self._start = time.time()
        self._last_drawn = 0.0
        self._after_first_step: float | None = None
        self._drawn_width = 0

    def is_due(self) -> bool:
        """Whether enough time went by for another drawing."""
        return self.verbose == 1 and time.time() - self._last_drawn >= self.interval

    def add(self, n: int, values: Any = None) -> None:
        """`n` more steps are done."""
        self.update(self._seen + n, values)

    def update(
        self, current: int, values: Any = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done.

        Args:
            current: the number of steps.
            values: pairs of names and values.
            finalize: whether this is the end; by default when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, current, finalize)
        self._seen = current
        now = time.time()
        per_step = self._time_per_step(current, now)
        if self.verbose == 1:
            if not finalize and now - self._last_drawn < self.interval:
                return
            self._draw(current, now, per_step, finalize)
        elif self.verbose == 2 and finalize and self.target:
            self._print_line(current, now, per_step)
        self._last_drawn = now

    def _take(self, name: str, value: Any, current: int, finalize: bool) -> None:
        is_averaged = (
            name not in self._stateful if self._averaged is None else name in self._averaged
        )
        if finalize or not is_averaged:
            self._values[name] = [value, 1]
            return
        steps = max(current - self._seen, 1)
        total = self._values.setdefault(name, [0.0, 0])
        total[0] += value * steps
        total[1] += steps

    def _draw(self, current: int, now: float, per_step: float, finalize: bool) -> None:
        # Backspaces reach consoles that do not know \r.
        message = "\b" * self._drawn_width + "\r" if self._dynamic else "\n"
        if self.target:
            digits = int(math.log10(self.target)) + 1
            count = f"{current:{digits}d}/{self.target}"
            done = int(self.width * current / self.target)
            rest = self.width - done
            full = f"{_GREEN}{_FINISHED * done}{_PLAIN}" if done else ""
            empty = f"{_WHITE}{_FINISHED * rest}{_PLAIN}"
            head = f"{_BOLD}{count}{_PLAIN} {full}{empty}"
            width = len(count) + 1 + max(self.width, done)
        else:
            head = f"{current:7d}/Unknown"
            width = len(head)
        if self.target and not finalize:
            clock = _clock(per_step * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        tail = self._format_time(per_step) + self._shown_values()
        width += 1 + len(clock) + len(tail)
        message += f"{head} {_BOLD}{clock}{_PLAIN}{tail}"
        message += " " * max(self._drawn_width - width, 0)
        print_message(message + "\n" if finalize else message, line_break=False)
        self._drawn_width = width

    def _print_line(self, current: int, now: float, per_step: float) -> None:
        digits = int(math.log10(self.target or 1)) + 1
        head = f"{current:{digits}d}/{self.target} - {now - self._start:.0f}s"
        print_message(f"{head} -{self._format_time(per_step)}{self._shown_values()}")

    def _shown_values(self) -> str:
        shown = ""
        for name, (total, count) in self._values.items():
            average = np.mean(total) / max(1, count)
            digits = f"{average:.4f}" if abs(average) > 1e-3 else f"{average:.4e}"
            shown += f" - {name}: {digits}"
        return shown

    def _format_time(self, seconds: float) -> str:
        if seconds >= 1 or seconds == 0:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _time_per_step(self, current: int, now: float) -> float:
        """Seconds per step, without the first one, which includes compiling."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            per_step = (now - self._after_first_step) / (current - 1)
        else:
            per_step = (now - self._start) / current
        if current == 1 and self._after_first_step is None:
            self._after_first_step = now
        return per_step


def _clock(seconds: float) -> str:
    if seconds > 3600:
        return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{int(seconds % 60):02d}"
    if seconds > 60:
        return f"{seconds // 60:.0f}:{int(seconds % 60):02d}"
    return f"{int(seconds)}s"


def _can_redraw() -> bool:
    """Whether lines can be drawn over: terminals, notebooks, and pipes on POSIX."""
    is_terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
    return (
        is_terminal
        or "ipykernel" in sys.modules
        or os.name == "posix"
        or "PYCHARM_HOSTED" in os.environ
    )
