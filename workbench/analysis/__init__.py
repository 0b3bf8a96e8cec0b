"""Pure functions from frames of the run log to figures."""
