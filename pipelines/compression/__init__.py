"""The context is shortened, and the shorter text is read as a whole."""
