"""Graphs of the entities and facts in a text, and clusters of its chunks."""
