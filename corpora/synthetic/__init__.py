"""Pure functions of seed, length and tokenizer."""
