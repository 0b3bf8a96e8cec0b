"""What benchmarks print of a whole run, one benchmark a file: its formulas, and the figures made with them."""
