"""Generators of corpora, which depend only on their arguments: seed, length, tokenizer and so on."""
