"""What comes between a question and the chunks that are read: queries, fusion, reranking, selection."""
