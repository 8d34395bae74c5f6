"""Differentiation: the tape, the walk backwards, derivatives of one's own, and a check."""

from __future__ import annotations

from weft.autodiff import control_rules as control_rules
from weft.autodiff import loops as loops
from weft.autodiff.check import GradientError, check_gradients
from weft.autodiff.custom_gradient import custom_gradient, stop_gradient
from weft.autodiff.residuals import vjp_graph
from weft.autodiff.tape import GradientTape

__all__ = [
    "GradientError",
    "GradientTape",
    "check_gradients",
    "custom_gradient",
    "stop_gradient",
    "vjp_graph",
]
