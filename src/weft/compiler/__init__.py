"""From a traced graph to kernels, phases and a memory plan, for any target."""
