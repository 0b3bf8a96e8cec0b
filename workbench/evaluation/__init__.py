"""Metrics that score answers and retrieved passages."""
