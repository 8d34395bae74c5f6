"""A report as a page: one file, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable

from weft.explain.report import Report, Row, number_text, seconds_text

# Colours of forms; bars are drawn with them.
_COLOURS = {
    "contraction": "#1f5fa8",
    "rows": "#2a8c82",
    "map": "#7a9a2e",
    "host": "#c81e2b",
    "copy": "#8a8a8a",
}

_STYLE = """
.weft { font: 14px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
.weft h1 { font-size: 1.5em; margin: 0 0 .2em; }
.weft h2 { font-size: 1.1em; margin: 1.6em 0 .4em; }
.weft .note { color: #666; margin: 0 0 1em; }
.weft .facts { display: flex; flex-wrap: wrap; gap: .8em; margin: 1em 0; }
.weft .fact { border: 1px solid #ddd; border-radius: 6px; padding: .5em .9em; }
.weft .fact b { display: block; font-size: 1.25em; font-weight: 600; }
.weft .strip { display: flex; height: 22px; border-radius: 4px; overflow: hidden; }
.weft .strip i { display: block; border-right: 1px solid #fff; }
.weft .key span { margin-right: 1.2em; white-space: nowrap; }
.weft .key i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
.weft .wide { overflow-x: auto; }
.weft table { border-collapse: collapse; width: 100%; }
.weft th { text-align: right; font-weight: 600; border-bottom: 2px solid #222; }
.weft th, .weft td { padding: .25em .6em; white-space: nowrap; text-align: right;
  font-variant-numeric: tabular-nums; }
.weft td { border-bottom: 1px solid #eee; }
.weft .left { text-align: left; }
.weft td.label { white-space: normal; min-width: 28em; max-width: 40em;
  font-family: ui-monospace, monospace; font-size: .92em; text-align: left; }
.weft td.label small { color: #777; display: block; }
.weft .bar { display: inline-block; height: .7em; vertical-align: baseline; }
.weft tr.first td { border-top: 1px solid #bbb; }
.weft pre { overflow-x: auto; background: #f6f6f6; padding: 1em; border-radius: 6px;
  font-size: 12px; line-height: 1.45; }
.weft summary { cursor: pointer; font-weight: 600; margin: 1em 0 .4em; }
"""


def page(report: Report) -> str:
    """A whole page."""
    title = html.escape(f"weft: {report.name}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head>\n"
        f'<body style="margin:2em auto;max-width:1400px;padding:0 1em">\n'
        f"{fragment(report)}\n</body></html>\n"
    )


def fragment(report: Report) -> str:
    """The part that a notebook shows."""
    parts = [
        f"<style>{_STYLE}</style>",
        '<div class="weft">',
        f"<h1>{html.escape(report.name)}</h1>",
        f'<p class="note">{_note(report)}</p>',
        _facts(report),
        _strip(report),
        "<h2>Kernels, in the order of the program</h2>",
        _table(report),
        "<h2>Totals</h2>",
        f"<pre>{html.escape(chr(10).join(report.summary()))}</pre>",
        _details("The graph after simplification", report.graph_text),
        _details("The graph as it was traced", report.traced_text),
        "</div>",
    ]
    return "\n".join(parts)


def _note(report: Report) -> str:
    how = (
        "Times are measured: the best of the runs for the whole, the mean for each kernel."
        if report.measured
        else "Times are estimated from this machine's measured speeds; "
        "<code>measure=True</code> measures them."
    )
    return f"{how} Kernels of one phase run at once; the others one after another."


def _facts(report: Report) -> str:
    total = sum(row.total_seconds for row in report.rows)
    best = sum(row.best * row.repeats for row in report.rows)
    facts = {
        "one run": seconds_text(report.seconds if report.seconds is not None else total),
        "kernels and steps": str(len(report.rows)),
        "phases": str(len({row.phase for row in report.rows})),
        "work": f"{number_text(report.flops)}FLOP",
        "memory at most": f"{number_text(report.memory.peak)}B",
        "steps on NumPy": str(len(report.host_rows)),
    }
    if report.measured and total:
        facts["of the machine's measured speed"] = f"{100 * best / total:.0f} %"
    cells = [
        f'<div class="fact"><b>{html.escape(value)}</b>{html.escape(name)}</div>'
        for name, value in facts.items()
    ]
    return f'<div class="facts">{"".join(cells)}</div>'


def _strip(report: Report) -> str:
    """One bar of the whole time, a piece for each kernel."""
    total = sum(row.total_seconds for row in report.rows)
    if not total:
        return ""
    pieces = [
        f'<i style="width:{100 * row.total_seconds / total:.3f}%;'
        f'background:{_COLOURS.get(row.form, "#888")}" '
        f'title="{html.escape(_title(row))}"></i>'
        for row in report.rows
    ]
    forms = dict.fromkeys(row.form for row in report.rows)
    key = "".join(
        f'<span><i style="background:{_COLOURS.get(form, "#888")}"></i>{form}</span>'
        for form in forms
    )
    return f'<div class="strip">{"".join(pieces)}</div><p class="key">{key}</p>'


def _title(row: Row) -> str:
    return f"{row.label}: {seconds_text(row.total_seconds)}"


_HEAD = (
    "phase", "kernel", "form", "chunks", "runs", "MFLOP", "MB", "time", "share", "limit"
)  # fmt: skip
_MEASURED_HEAD = ("GFLOP/s", "GB/s", "of peak")
_LEFT = {"kernel", "form", "share", "limit"}


def _table(report: Report) -> str:
    head = _HEAD + (_MEASURED_HEAD if report.measured else ())
    cells = "".join(
        f'<th class="left">{name}</th>' if name in _LEFT else f"<th>{name}</th>"
        for name in head
    )
    total = sum(row.total_seconds for row in report.rows) or 1.0
    lines, phase = [], -1
    for row in report.rows:
        first = ' class="first"' if row.phase != phase else ""
        phase = row.phase
        lines.append(f"<tr{first}>{''.join(_cells(row, total, report.measured))}</tr>")
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(row: Row, total: float, measured: bool) -> Iterable[str]:
    share = 100 * row.total_seconds / total
    colour = _COLOURS.get(row.form, "#888")
    buffers = f"{', '.join(row.reads)} → {', '.join(row.writes)}" if row.writes else ""
    if row.source is not None:
        buffers += f" ({row.source[0]}:{row.source[1]})"
    runs = "loop" if row.runs is None and row.in_loop else f"{row.repeats:g}"
    yield f"<td>{row.phase}</td>"
    yield (
        f'<td class="label">{html.escape(row.label)}'
        f"<small>{html.escape(buffers)}</small></td>"
    )
    yield f'<td class="left" style="color:{colour}">{row.form}</td>'
    yield f"<td>{row.chunks or ''}</td>"
    yield f"<td>{runs}</td>"
    yield f"<td>{f'{row.flops / 1e6:.3f}' if row.flops else ''}</td>"
    yield f"<td>{row.bytes / 1e6:.3f}</td>"
    yield f"<td>{seconds_text(row.total_seconds)}</td>"
    yield (
        f'<td class="left"><span class="bar" style="width:{share:.1f}px;'
        f'background:{colour}"></span> {share:.1f} %</td>'
    )
    yield f'<td class="left">{row.limit}</td>'
    if measured:
        yield f"<td>{f'{row.gflops_per_second:.1f}' if row.flops else ''}</td>"
        yield f"<td>{row.gigabytes_per_second:.1f}</td>"
        yield f"<td>{100 * row.share_of_peak:.0f} %</td>"


def _details(title: str, body: str) -> str:
    return (
        f"<details><summary>{html.escape(title)}</summary>"
        f"<pre>{html.escape(body)}</pre></details>"
    )
