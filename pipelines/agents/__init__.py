"""Agents read the context, each a part of it or one of them step by step, and pass on what they find."""
