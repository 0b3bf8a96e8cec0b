"""Chunks, embeddings, indexes: the same for every method."""
