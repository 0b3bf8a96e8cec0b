"""The context is divided, every part is read by itself, and what the parts gave is put together."""
