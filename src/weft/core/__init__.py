"""The engine's few central types: Spec, Primitive, Graph, Trace, Tensor, Variable."""
