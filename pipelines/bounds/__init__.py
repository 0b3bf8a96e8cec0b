"""Controls that bound all other methods: the full context, no context, the gold evidence alone, random chunks."""
