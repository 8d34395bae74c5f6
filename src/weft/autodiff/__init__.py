"""Differentiation: the tape, the walk backwards, derivatives of one's own, and a check."""

from __future__ import annotations

from weft.autodiff.tape import GradientTape

__all__ = ["GradientTape"]
