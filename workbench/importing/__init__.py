"""Predictions that were made elsewhere, as runs of a log."""
