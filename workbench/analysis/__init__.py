"""Pure functions that turn data frames of the run log into tables, figures and charts."""
