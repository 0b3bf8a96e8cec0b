"""Chunks that fit the question are found, and they alone are read."""
