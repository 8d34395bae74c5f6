"""Pictures of data, training and models. matplotlib is loaded when first needed.

Each function returns a matplotlib Figure (graphs: an SVG diagram, without matplotlib), saves
it where a path is given, and needs no display. `set_language("ko")` makes labels Korean.

>>> from weft import viz
>>> figure = viz.plot_history({"loss": [0.9, 0.4], "val_loss": [1.0, 0.6]})
"""

from weft.viz._words import set_language, use_korean_font
from weft.viz.boundaries import animate_decision_boundary, plot_decision_boundary
from weft.viz.curves import plot_history
from weft.viz.functions import descend, plot_activations, plot_descent
from weft.viz.graphs import Diagram, draw_graph
from weft.viz.images import plot_predictions
from weft.viz.models import plot_layer_activations, plot_loss_landscape
from weft.viz.scores import plot_confusion_matrix, plot_roc
from weft.viz.tensors import plot_tensor
from weft.viz.weights import plot_weights

__all__ = [
    "Diagram",
    "animate_decision_boundary",
    "descend",
    "draw_graph",
    "plot_activations",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_descent",
    "plot_history",
    "plot_layer_activations",
    "plot_loss_landscape",
    "plot_predictions",
    "plot_roc",
    "plot_tensor",
    "plot_weights",
    "set_language",
    "use_korean_font",
]
