"""RULER's task families, a file each; every `make` returns a text and what is asked of it."""
