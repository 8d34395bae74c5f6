"""Training: compiling a model, fitting, evaluating and predicting."""
