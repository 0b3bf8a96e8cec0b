"""Generates bAbI's (Weston et al. 2015, arXiv 1502.05698) twenty kinds of stories, each with a question."""
