"""A coherent invented world: a model of facts, prose that states them, questions whose answers follow from them."""
