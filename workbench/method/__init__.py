"""What a method is written against: the protocol, prompts, and what methods share."""
