"""Indexes of chunks, dense and sparse, and the folder ("shelf") in which they are kept on disk."""
