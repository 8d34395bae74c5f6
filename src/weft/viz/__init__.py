"""Pictures: learning curves, predictions, weights. matplotlib is loaded when first needed.

Each function returns a matplotlib Figure, saves it where a path is given, and needs no
display.

>>> from weft import viz
>>> figure = viz.plot_history({"loss": [0.9, 0.4], "val_loss": [1.0, 0.6]})
"""

from weft.viz.curves import plot_history
from weft.viz.images import plot_predictions
from weft.viz.weights import plot_weights

__all__ = ["plot_history", "plot_predictions", "plot_weights"]
