"""Embedders: unit vectors of texts."""
