"""Loaders that turn the files of published benchmarks into records."""
