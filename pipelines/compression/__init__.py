"""The context is made shorter, then read whole."""
