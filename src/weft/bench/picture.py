"""The picture of a benchmark: a row of bars per workload, a line where the floor is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weft.bench import OWN
from weft.viz._figure import BLUE, FAINT, INK, RED, finished, new_figure


def draw(results: dict[str, Any], path: str | Path) -> Any:
    """Draw the training workloads of a run: the shorter the bar, the faster.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    shown = {
        name: found
        for name, found in results["workloads"].items()
        if any("step" in record for record in found["contenders"].values())
    }
    bars = sum(len(found["contenders"]) for found in shown.values())
    figure = new_figure(8.0, 1.0 + 0.3 * bars + 0.6 * len(shown))
    if not shown:
        return finished(figure, path)
    heights = [len(found["contenders"]) + 0.5 for found in shown.values()]
    panels = figure.subplots(
        len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for panel, (name, found) in zip(panels, shown.items()):
        _panel(panel, name, found)
    machine = results["machine"]
    figure.suptitle(
        f"Milliseconds per training step\n{machine['processor']}, "
        f"{machine['threads']} threads, {machine['date']}",
        fontsize=10,
    )
    return finished(figure, path)


def _panel(panel: Any, name: str, found: dict[str, Any]) -> None:
    contenders = {n: r for n, r in found["contenders"].items() if "step" in r}
    # The fastest on top.
    order = sorted(contenders, key=lambda n: -contenders[n]["step"])
    values = [1e3 * contenders[n]["step"] for n in order]
    colours = [BLUE if n == OWN else FAINT for n in order]
    panel.barh(order, values, color=colours, height=0.7)
    for place, value in enumerate(values):
        panel.text(value, place, f" {value:.3g}", va="center", fontsize=8, color=INK)
    title, limit = name, 1e3 * (found["floor"] or 0.0)
    # Beside the tiniest networks the limit is a hair at zero.
    if limit > 0.01 * max(values):
        panel.axvline(limit, color=RED, linewidth=1)
        title += f"   (red: what the machine's measured speeds allow, {limit:.3g})"
    panel.set_xlim(0, 1.15 * max(values))
    panel.set_title(title, fontsize=9, loc="left")
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
