"""The RAG-versus-long-context workbench."""
