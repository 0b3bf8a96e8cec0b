"""The whole context stands in the prompt, and the prompt helps the model to find what it needs."""
