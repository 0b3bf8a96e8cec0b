"""Oolong (Bertsch et al. 2025, arXiv 2511.02817; abertsch72/oolong): counting over many records that must be labelled.

Every line is a dated record of a user; its label is not stated but follows from its text. Questions ask how often
labels occur: over all records, for a user, or over time. How Oolong-synth was constructed is not published; this
follows its data: line format, task groups, answer formats and their scoring. Deviation: its records come from real
classification data sets; ours are made from templates of three sets (kinds of questions, customers' messages, news).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from corpora.options import chosen_of
from corpora.synthetic.ruler_tasks.vocabulary import ADJECTIVES, NOUNS
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "question_kinds": {
        "human being": ("Who built the first {a} {n}?", "Which inventor gave us the {n}?", "Whose {n} was {a}?"),
        "location": ("Where can one see the {a} {n}?", "In which country is the {n} made?", "Where was the {n} found?"),
        "numeric value": ("How many {n}s fit on a {a} shelf?", "When was the {a} {n} sold?", "How far flies a {n}?"),
        "description": ("Why is the {n} so {a}?", "How does a {a} {n} work?", "How do you clean a {n}?"),
        "abbreviation": ("What does {x} stand for on a {n}?", "What is the full form of {x}?"),
    },
    "customer_messages": {
        "billing": ("I was charged twice for the {a} {n}.", "The invoice for my {n} shows a wrong amount."),
        "delivery": ("My {a} {n} has still not arrived.", "The parcel with the {n} went to a wrong address."),
        "defect": ("The {n} broke on the first day.", "One side of the {a} {n} is cracked."),
        "praise": ("I love my new {a} {n}, thank you!", "Best {n} that I have ever owned."),
    },
    "news": {
        "sports": ("The {a} team won the {n} cup after extra time.", "A new record was set in the {n} race."),
        "weather": ("Heavy rain is expected over {n} bay.", "A {a} frost will reach the {n} valley tonight."),
        "business": ("Shares of the {n} company rose sharply.", "The {a} {n} works report a higher profit."),
    },
}
GROUPS = ("counting", "user", "timeline")
_FIRST = date(2023, 1, 1)
_DAYS = 730
_CHOICES = "', where [X] is 'more common than', 'less common than' or 'same frequency as"


@dataclass(frozen=True)
class _Record:
    day: date
    user: int
    label: str
    text: str

    def line(self) -> str:
        return f"Date: {self.day:%b %d, %Y} || User: {self.user} || Instance: {self.text}"


@dataclass(frozen=True)
class _Made:
    """A question before it is worded in full: the form of its answer, and which records it is about."""

    task: str
    question: str
    form: str
    gold: str
    kind: str
    about: Callable[[_Record], bool]


def load(
    *,
    tokens: int | Sequence[int] = 4_000,
    groups: Sequence[str] | str | None = None,
    sets: Sequence[str] | str | None = None,
    contexts: int = 1,
    questions: int = 6,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Oolong-synth's kind of questions: counts over many records whose labels have to be inferred.

    For each length and label set there are `contexts` texts with `questions` questions each. `groups`: counting, user,
    timeline, in turn. `sets`: question_kinds, customer_messages, news. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=1_000)
    chosen, labelled = chosen_of(groups, GROUPS, "groups"), chosen_of(sets, tuple(SETS), "sets")
    if contexts < 1 or questions < 1:
        raise InputError("contexts and questions must be at least 1", field="questions", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for name_of_set in labelled:
            for number in range(contexts):
                name = f"{name_of_set}-{length}-{number}"
                draw = random.Random(f"{seed}:{name}")
                records = _records(name_of_set, draw, length, count)
                asked = _questions(name_of_set, draw, records, chosen, questions)
                sheets.append(Sheet(name, _text(records), asked, length))
    return corpus_of(
        "oolong", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


def _text(records: Sequence[_Record]) -> str:
    return "\n".join(record.line() for record in records)


def _records(name_of_set: str, draw: random.Random, length: int, count: Count) -> list[_Record]:
    """As many records as fit. Labels and users are unevenly distributed: a fifth of the users write most records."""
    labels = SETS[name_of_set]
    weights = [draw.uniform(0.5, 3) for _ in labels]
    users = [draw.randint(10_000, 99_999) for _ in range(max(5, length // 600))]
    activity = [4.0 if at < len(users) / 5 else 0.5 for at in range(len(users))]
    made: list[_Record] = []

    def upto(number: int) -> str:
        while len(made) < number:
            (label,) = draw.choices(list(labels), weights)
            (user,) = draw.choices(users, activity)
            text = draw.choice(labels[label]).format(
                a=draw.choice(ADJECTIVES), n=draw.choice(NOUNS), x="".join(draw.choices("ABCDEFGHKLMNPRST", k=3))
            )
            made.append(_Record(_FIRST + timedelta(days=draw.randrange(_DAYS)), user, label, text))
        return _text(made[:number])

    fitted = largest(upto, count, length, guess=max(1, length // 32))
    return made[: fitted.count("\n") + 1]


def _questions(
    name_of_set: str, draw: random.Random, records: Sequence[_Record], groups: Sequence[str], number: int
) -> list[Asked]:
    makers = {"counting": _counting, "user": _of_user, "timeline": _timeline}
    spans: list[Span] = []
    at = 0
    for record in records:
        spans.append((at, at + len(record.line())))
        at += len(record.line()) + 1
    head = (
        "Every line of the text is one record: a date, a user and an instance. Every instance belongs to one of the "
        f"labels {', '.join(SETS[name_of_set])}; labels are not written and follow from what the instance says.\n"
    )
    asked: list[Asked] = []
    seen: set[str] = set()
    for _ in range(200 * number):
        if len(asked) == number:
            break
        group = groups[len(asked) % len(groups)]
        made = makers[group](draw, records, list(SETS[name_of_set]))
        if made is None or made.question in seen:
            continue
        seen.add(made.question)
        about = [span for span, record in zip(spans, records, strict=True) if made.about(record)]
        evidence = [(0, spans[-1][1])] if len(about) == len(records) else about
        labels = {
            "answer_type": f"ANSWER_TYPE.{made.kind}",
            "group": group,
            "records": len(records),
            "scope": len(about),
        }
        text = f"{head}Question: {made.question} Give your final answer in the form '{made.form}'."
        asked.append(Asked(text, (made.gold,), evidence, made.task, ("oolong_synth", "contains"), labels=labels))
    return asked


def _single(counts: Counter[str], *, most: bool) -> str | None:
    """The most (or least) common key; None when several tie, or there is only one."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1] if most else item[1], item[0]))
    return None if len(ranked) < 2 or ranked[0][1] == ranked[1][1] else ranked[0][0]


def _everything(record: _Record) -> bool:
    return True


def _compared(one: int, other: int) -> str:
    return "more common than" if one > other else "less common than" if one < other else "same frequency as"


def _counting(draw: random.Random, records: Sequence[_Record], labels: list[str]) -> _Made | None:
    counts = Counter(record.label for record in records)
    kind = draw.choice(("most", "least", "compare", "count"))
    if kind in ("most", "least"):
        gold = _single(counts, most=kind == "most")
        question = f"Which of the labels is the {kind} common?"
        return _Made(f"{kind}_frequent", question, "Label: answer", gold, "LABEL", _everything) if gold else None
    one, other = draw.sample(labels, 2)
    if kind == "compare":
        gold = _compared(counts[one], counts[other])
        question = f"Is label '{one}' more common than, less common than, or of the same frequency as label '{other}'?"
        form = (
            f"Answer: {one} is [X] {other}', where [X] is 'more common than', 'less common than' or 'same frequency as"
        )
        return _Made("relative_frequency", question, form, gold, "COMPARISON", _everything)
    question = f"How many records have the label '{one}'?"
    return _Made("count", question, "Answer: number", str(counts[one]), "NUMERIC", _everything)


def _of_user(draw: random.Random, records: Sequence[_Record], labels: list[str]) -> _Made | None:
    users = Counter(str(record.user) for record in records)
    kind = draw.choice(("active", "count", "most"))
    if kind == "active":
        gold = _single(users, most=True)
        question = "Which user has the most records?"
        return None if gold is None else _Made("most_active_user", question, "User: number", gold, "USER", _everything)
    user = draw.choice([user for user, number in users.most_common(max(1, len(users) // 2))])
    label = draw.choice(labels)
    of_user = Counter(record.label for record in records if str(record.user) == user)
    if kind == "count":
        question = f"How many records of user {user} have the label '{label}'?"
        gold, form, answer_type = str(of_user[label]), "Answer: number", "NUMERIC"
    else:
        found = _single(of_user, most=True)
        if found is None:
            return None
        question = f"Which label is the most common among the records of user {user}?"
        gold, form, answer_type = found, "Label: answer", "LABEL"
    return _Made(f"user_{kind}", question, form, gold, answer_type, lambda record: str(record.user) == user)


def _timeline(draw: random.Random, records: Sequence[_Record], labels: list[str]) -> _Made | None:
    kind = draw.choice(("first", "month", "before_after", "most_before"))
    label = draw.choice(labels)
    if kind == "first":
        days = [record.day for record in records if record.label == label]
        if not days:
            return None
        day, ordinal = (min(days), "earliest") if draw.random() < 0.5 else (max(days), "latest")
        question = f"What is the {ordinal} date of a record with the label '{label}'?"
        gold = f"[datetime.date({day.year}, {day.month}, {day.day})]"
        return _Made(f"{ordinal}_date", question, "Date: month day, year", gold, "DATE", lambda r: r.label == label)
    month = draw.choice([record.day for record in records]).replace(day=1)
    if kind == "month":
        question = f"How many records with the label '{label}' are dated in {month:%B %Y}?"
        gold = str(sum(r.label == label and r.day.replace(day=1) == month for r in records))
        return _Made(
            "month_count", question, "Answer: number", gold, "NUMERIC", lambda r: r.day.replace(day=1) == month
        )
    before = Counter(record.label for record in records if record.day < month)
    if kind == "most_before":
        found = _single(before, most=True)
        question = f"Which label is the most common among records dated before {month:%B %d, %Y}?"
        if found is None:
            return None
        return _Made("most_before", question, "Label: answer", found, "LABEL", lambda r: r.day < month)
    after = sum(record.label == label and record.day >= month for record in records)
    question = (
        f"Is label '{label}' before {month:%B %d, %Y} more common than, less common than, or of the same frequency as "
        "it is on or after that date, by number of records?"
    )
    form = f"Answer: before is [X] after{_CHOICES}"
    gold = _compared(before[label], after)
    return _Made("before_after", question, form, gold, "COMPARISON", _everything)
