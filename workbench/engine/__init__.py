"""What happens while an experiment runs: what is asked when, of whom, what it costs, and what is written down."""
