"""Scores: what an answer is worth."""
