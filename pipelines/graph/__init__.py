"""Retrieval over a graph of the entities and facts that the context names."""
