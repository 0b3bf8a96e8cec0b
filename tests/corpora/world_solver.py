"""Answers questions about a generated world from its neutral dump: written apart from the generator.

It parses the question's words with its own grammar and joins the (relation, subject, object) table; it knows neither
the generator's classes nor the evidence that the generator names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

Row = tuple[str, str, str]

PLAIN = [
    (r"In which town was (.+) born\?", "birthplace"),
    (r"What is the native place of (.+)\?", "birthplace"),
    (r"In which year was (.+) born\?", "birth_year"),
    (r"When did (.+) come into the world\?", "birth_year"),
    (r"What did (.+) work as\?", "profession"),
    (r"What was the craft of (.+)\?", "profession"),
    (r"By which organisation was (.+) employed\?", "employer"),
    (r"Whose wages did (.+) draw\?", "employer"),
    (r"By whom was (.+) taught\?", "teacher"),
    (r"Under which master did (.+) study\?", "teacher"),
    (r"Whom did (.+) name as heir\?", "heir"),
    (r"To whom did the belongings of (.+) go\?", "heir"),
    (r"On which river does (.+) stand\?", "river"),
    (r"Which waterway flows past (.+)\?", "river"),
    (r"How many inhabitants did (.+) have\?", "inhabitants"),
    (r"How large was the population of (.+)\?", "inhabitants"),
    (r"By whom was the (.+) founded\?", "founder"),
    (r"Who established the (.+)\?", "founder"),
    (r"In which year was the (.+) founded\?", "founding_year"),
    (r"When was the (.+) established\?", "founding_year"),
    (r"In which town does the (.+) have its offices\?", "seat"),
    (r"Where are the headquarters of the (.+)\?", "seat"),
    (r"In which town did the (.+) take place\?", "event_town"),
    (r"What was the scene of the (.+)\?", "event_town"),
    (r"What is the date on which the (.+) began\?", "event_date"),
    (r"When was the first day of the (.+)\?", "event_date"),
]
NOUNS = [
    (r"the town where the (.+) took place", "event_town"),
    (r"the town where (.+) was born", "birthplace"),
    (r"the town in which the (.+) has its offices", "seat"),
    (r"organisation that employed (.+)", "employer"),
    (r"the person who taught (.+)", "teacher"),
    (r"the heir of (.+)", "heir"),
    (r"the founder of the (.+)", "founder"),
]
GROUPS = [
    (r"(?:How many|Which) people were born in (.+?)\?", "birthplace"),
    (r"(?:How many|Which) people were employed by the (.+?)\?", "employer"),
    (r"(?:How many|Which) people were taught by (.+?)\?", "teacher"),
]


class Solver:
    """Looks answers up in a dump. Answers are lower-case strings, sets for lists, and None where there is none."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    def objects(self, relation: str, subject: str) -> list[str]:
        return [o for r, s, o in self.rows if r == relation and s == subject]

    def subjects(self, relation: str, value: str) -> list[str]:
        return [s for r, s, o in self.rows if r == relation and o == value]

    def _entity(self, phrase: str) -> str | None:
        for pattern, relation in NOUNS:
            match = re.fullmatch(pattern, phrase)
            if match:
                inner = self._entity(match.group(1))
                found = self.objects(relation, inner) if inner else []
                return found[0] if len(found) == 1 else None
        return phrase

    def solve(self, question: str) -> str | set[str] | list[str] | None:
        """The answer: a string, a set (a list in any order), a list (an order), or None."""
        for pattern, relation in GROUPS:
            match = re.match(pattern, question)
            if match:
                found = self.subjects(relation, match.group(1))
                return str(len(found)) if question.startswith("How many") else set(found)
        if match := re.match(r"(?:How many|Which) towns did (.+?) visit\?", question):
            found = self.objects("visited", match.group(1))
            return str(len(found)) if question.startswith("How many") else set(found)
        if match := re.fullmatch(r"Which was founded (earlier|later), the (.+) or the (.+)\?", question):
            return self._extreme("founding_year", *match.groups())
        if match := re.fullmatch(r"Who was born (earlier|later), (.+) or (.+)\?", question):
            return self._extreme("birth_year", *match.groups())
        if match := re.fullmatch(r"Which town had (fewer|more) inhabitants, (.+) or (.+)\?", question):
            return self._extreme("inhabitants", *match.groups())
        if match := re.fullmatch(r"Which began first, the (.+) or the (.+)\?", question):
            return self._in_time(match.groups())[0]
        if match := re.fullmatch(r"In which order did these begin, from first to last: (.+)\?", question):
            return self._in_time([name.removeprefix("the ") for name in match.group(1).split(", ")])
        for pattern, relation in PLAIN:
            match = re.fullmatch(pattern, question)
            if match:
                subject = self._entity(match.group(1))
                found = self.objects(relation, subject) if subject else []
                return found[0] if len(found) == 1 else None
        raise AssertionError(f"no rule for {question!r}")

    def _extreme(self, relation: str, which: str, a: str, b: str) -> str:
        (x,), (y,) = self.objects(relation, a), self.objects(relation, b)
        a_is_less = float(x.replace(",", "")) < float(y.replace(",", ""))
        return a if a_is_less == (which in ("earlier", "fewer")) else b

    def _in_time(self, events: Iterable[str]) -> list[str]:
        def when(event: str) -> datetime:
            (date,) = self.objects("event_date", event)
            return datetime.strptime(date, "%d %B %Y")

        return sorted(events, key=when)
