"""Corpora, i.e. documents with questions: loaders of published benchmarks and generators, one file each."""
