"""What methods are written against: the protocol, prompts, and helpers that several methods share."""
