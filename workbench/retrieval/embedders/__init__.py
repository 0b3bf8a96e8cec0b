"""Embedders, which turn texts into unit vectors."""
