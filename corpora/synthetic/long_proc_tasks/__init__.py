"""LongProc's tasks, one a file: each makes a text and the question asked of it."""
