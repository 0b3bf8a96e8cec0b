"""Chunks that match the question are retrieved, and only these are read."""
