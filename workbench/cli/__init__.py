"""The `workbench` command, one sub-command per file. Each parses arguments, makes one call and prints the result."""
