"""Chunking, embedding, indexing and ranking, shared by every method."""
