"""Documents and questions: loaders and generators, one file each."""
