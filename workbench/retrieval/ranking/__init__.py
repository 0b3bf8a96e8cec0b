"""The steps from a question to the chunks that are read: query transforms, fusion, reranking, selection."""
