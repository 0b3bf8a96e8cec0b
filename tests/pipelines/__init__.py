"""Methods against scripted models: the stages, the number of calls, and what each prompt holds."""
