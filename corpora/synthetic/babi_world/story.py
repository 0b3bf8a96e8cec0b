"""The record of a bAbI story, and the people, places and things that stories share."""

from __future__ import annotations

from dataclasses import dataclass

PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
OBJECTS = ("apple", "football", "milk")
PEOPLE = ("Mary", "John", "Sandra", "Daniel")
GIVERS = ("Bill", "Fred", "Jeff", "Mary")
SHE = frozenset({"Mary", "Sandra", "Julie"})


@dataclass(frozen=True)
class Story:
    """`facts` in order, the question, its answer, and the numbers of the facts that the answer follows from."""

    facts: tuple[str, ...]
    question: str
    answer: str
    support: tuple[int, ...]
