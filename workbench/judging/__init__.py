"""Judges: language models that score answers. Prompts, parts, pairs, agreement, and running them over a log."""
