"""Graphs of what a text names, and clusters of its chunks."""
