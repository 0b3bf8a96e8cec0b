"""The providers of models, one wire format a file, and opening a model by its name."""
