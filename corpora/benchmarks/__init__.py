"""Published benchmarks: raw files to records."""
