"""The `workbench` command: `main` and one command a file. Words in, one call, words out; no figure is computed here."""
