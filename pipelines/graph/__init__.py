"""Retrieval over a graph of what the context names."""
