"""Servers of models that the workbench starts itself."""
