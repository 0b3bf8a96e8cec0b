"""The micro-world of bAbI (Weston et al. 2015, arXiv 1502.05698): twenty kinds of stories with a question each."""
