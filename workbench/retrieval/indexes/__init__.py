"""Indexes of chunks, dense and sparse, and the shelf on which they are kept."""
