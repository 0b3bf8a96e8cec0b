"""A consistent invented world: a model of facts, prose that states them, and questions answered by them."""
