"""RULER's task families, one per file; their functions return a text and the question about it."""
