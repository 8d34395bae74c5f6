"""The reference target: graphs evaluated on NumPy, the oracle of the tests.

arrays = evaluate(graph, [x, y])
"""

from __future__ import annotations

from weft.core.evaluate import evaluate_graph as evaluate

__all__ = ["evaluate"]
