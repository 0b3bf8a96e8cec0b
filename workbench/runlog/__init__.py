"""The log of everything: DuckDB, one file."""
