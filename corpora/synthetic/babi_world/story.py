"""A story as its sentences are told, and what is asked at its end."""

from __future__ import annotations

from dataclasses import dataclass

PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
OBJECTS = ("apple", "football", "milk")
PEOPLE = ("Mary", "John", "Sandra", "Daniel")
GIVERS = ("Bill", "Fred", "Jeff", "Mary")
SHE = frozenset({"Mary", "Sandra", "Julie"})


@dataclass(frozen=True)
class Story:
    """`facts` in order, the question, its answer, and the numbers of the facts that it follows from."""

    facts: tuple[str, ...]
    question: str
    answer: str
    support: tuple[int, ...]
