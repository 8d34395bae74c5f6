"""The way of a graph through the passes, and the one place that shows stages.

`WEFT_SHOW=graph,kernels,memory,llvm,time` prints what passes by.
"""

from __future__ import annotations

import sys

from weft import config
from weft.compiler.simplify import simplify
from weft.core.graph import Graph, text, verify

# The passes walk deep expressions by recursion; Python's own limit is meant for runaways.
RECURSION = 20_000


def prepare(graph: Graph) -> Graph:
    """Simplify a traced graph."""
    if sys.getrecursionlimit() < RECURSION:
        sys.setrecursionlimit(RECURSION)
    show("graph", lambda: text(graph))
    return verify(simplify(graph), "simplify")


def show(stage: str, what: object) -> None:
    """Print `what` (or what it returns) if WEFT_SHOW asks for the stage."""
    if stage in config.shown_stages():
        print(f"[{stage}] {what() if callable(what) else what}", file=sys.stderr)
