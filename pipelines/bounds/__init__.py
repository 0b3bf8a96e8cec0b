"""What bounds every other method: everything, nothing, the evidence alone, chunks drawn at random."""
