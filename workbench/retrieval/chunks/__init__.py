"""Texts cut into chunks."""
