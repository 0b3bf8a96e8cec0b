"""The context is divided, each part is read separately, and the results are combined."""
