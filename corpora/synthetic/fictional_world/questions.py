"""Questions about a world, with answers and evidence from its facts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from corpora.synthetic.fictional_world.model import Fact, World, date_key
from corpora.synthetic.fictional_world.prose import Telling
from workbench.records import Question

TASKS = (
    *("single_fact", "paraphrased_fact", "multi_hop", "comparison", "aggregation", "time_order"),
    "unanswerable",
)
UNANSWERABLE = ("unanswerable", "not mentioned", "no answer")

# relation → (worded as the text words it, worded otherwise)
_ASK: dict[str, tuple[str, str]] = {
    "birthplace": ("In which town was {s} born?", "What is the native place of {s}?"),
    "birth_year": ("In which year was {s} born?", "When did {s} come into the world?"),
    "profession": ("What did {s} work as?", "What was the trade of {s}?"),
    "employer": ("By which organisation was {s} employed?", "Whose wages did {s} draw?"),
    "teacher": ("By whom was {s} taught?", "Who was the master of the apprentice {s}?"),
    "river": ("On which river does {s} stand?", "Which waterway flows past {s}?"),
    "inhabitants": ("How many inhabitants did {s} have?", "How large was the population of {s}?"),
    "founder": ("By whom was the {s} founded?", "Who established the {s}?"),
    "founding_year": ("In which year was the {s} founded?", "When was the {s} established?"),
    "seat": ("In which town does the {s} have its offices?", "Where are the headquarters of the {s}?"),
    "event_town": ("In which town did the {s} take place?", "What was the scene of the {s}?"),
    "event_date": ("On what date did the {s} begin?", "When was the first day of the {s}?"),
}
_HOPS = (
    (("birthplace", "river"), "On which river stands the town where {s} was born?"),
    (("founder", "birthplace"), "In which town was the founder of the {s} born?"),
    (("founder", "profession"), "What did the founder of the {s} work as?"),
    (("teacher", "birthplace"), "In which town was the person who taught {s} born?"),
    (("event_town", "river"), "On which river stands the town where the {s} took place?"),
    (("seat", "inhabitants"), "How many inhabitants did the town have in which the {s} has its offices?"),
    (("founder", "birthplace", "river"), "On which river stands the town where the founder of the {s} was born?"),
    (
        ("teacher", "birthplace", "inhabitants"),
        "How many inhabitants had the town where the person who taught {s} was born?",
    ),
)
_EXACT = frozenset({"birth_year", "founding_year", "inhabitants"})


def ask(world: World, telling: Telling, seed: str, prefix: str, wanted: Mapping[str, int]) -> list[Question]:
    """`wanted` questions of each task; fewer when the world has no more of them. No question is asked twice."""
    draw = random.Random(seed)
    questions: list[Question] = []
    for task in TASKS:
        made = _MAKERS[task](world, draw)
        seen: set[str] = set()
        for _ in range(wanted.get(task, 0) * 50):
            if len(seen) >= wanted.get(task, 0):
                break
            text, answers, facts, metrics, labels = next(made)
            if text in seen:
                continue
            seen.add(text)
            questions.append(
                _question(f"{prefix}-{task}-{len(seen)}", text, answers, facts, metrics, labels, task, telling)
            )
    return questions


def _question(
    question_id: str,
    text: str,
    answers: tuple[str, ...],
    facts: list[Fact],
    metrics: tuple[str, ...],
    labels: dict[str, Any],
    task: str,
    telling: Telling,
) -> Question:
    evidence = tuple(telling.spans[fact.fact_id] for fact in facts)
    before = _starts(telling)
    depths = [(before[chunk.document_id] + chunk.start) / telling.context.characters for chunk in evidence]
    metadata = {
        "diffusion": labels.pop("diffusion"),
        "scope": len(evidence),
        "hops": labels.pop("hops", 1),
        "context_tokens": telling.tokens,
        **({"depth": round(max(depths), 4), "depths": [round(depth, 4) for depth in depths]} if depths else {}),
        **labels,
    }
    return Question(question_id, text, telling.context.context_id, answers, (), evidence, task, metrics, metadata)


def _starts(telling: Telling) -> dict[str, int]:
    starts, at = {}, 0
    for document in telling.context.documents:
        starts[document.document_id] = at
        at += len(document.text)
    return starts


Made = tuple[str, tuple[str, ...], list[Fact], tuple[str, ...], dict[str, Any]]


def _single(world: World, draw: random.Random, wording: int) -> Iterator[Made]:
    facts = [fact for fact in world.facts if fact.relation in _ASK]
    while True:
        fact = draw.choice(facts)
        text = _ASK[fact.relation][wording].format(s=fact.subject)
        yield text, (fact.object,), [fact], _metrics(fact.relation), {"diffusion": wording, "relation": fact.relation}


def _metrics(relation: str) -> tuple[str, ...]:
    return ("exact_match", "token_f1") if relation in _EXACT else ("token_f1", "exact_match", "contains")


def _multi_hop(world: World, draw: random.Random) -> Iterator[Made]:
    tables = {relation: world.of(relation) for relations, _ in _HOPS for relation in relations}
    while True:
        relations, wording = draw.choice(_HOPS)
        start = draw.choice(sorted(tables[relations[0]]))
        chain: list[Fact] = []
        subject = start
        for relation in relations:
            found = tables[relation].get(subject)
            if not found:
                break
            chain.append(found[0])
            subject = found[0].object
        if len(chain) == len(relations):
            labels = {"diffusion": 1, "hops": len(chain)}
            yield wording.format(s=start), (chain[-1].object,), chain, _metrics(relations[-1]), labels


def _comparison(world: World, draw: random.Random) -> Iterator[Made]:
    kinds = (
        ("founding_year", "Which was founded earlier, the {a} or the {b}?", int),
        ("birth_year", "Who was born earlier, {a} or {b}?", int),
        ("inhabitants", "Which town had fewer inhabitants, {a} or {b}?", lambda text: int(text.replace(",", ""))),
    )
    while True:
        relation, wording, value = draw.choice(kinds)
        a, b = draw.sample([found[0] for found in world.of(relation).values()], 2)
        if value(a.object) != value(b.object):
            right = min(a, b, key=lambda fact: value(fact.object))
            text = wording.format(a=a.subject, b=b.subject)
            yield text, (right.subject,), [a, b], ("token_f1", "exact_match", "contains"), {"diffusion": 1, "hops": 2}


def _aggregation(world: World, draw: random.Random) -> Iterator[Made]:
    visits = world.of("visited")
    while True:
        person = draw.choice(sorted(visits))
        facts = visits[person]
        if draw.random() < 0.5:
            text, answer, metrics = f"How many towns did {person} visit?", str(len(facts)), ("numeric_accuracy",)
        else:
            text = f"Which towns did {person} visit? List them all."
            answer, metrics = ", ".join(fact.object for fact in facts), ("list_f1",)
        yield text, (answer,), facts, metrics, {"diffusion": 1}


def _time_order(world: World, draw: random.Random) -> Iterator[Made]:
    dates = [found[0] for found in world.of("event_date").values()]
    while True:
        chosen = draw.sample(dates, draw.choice((2, 3)))
        if len({date_key(fact.object) for fact in chosen}) < len(chosen):
            continue
        ordered = sorted(chosen, key=lambda fact: date_key(fact.object))
        names = [f"the {fact.subject}" for fact in chosen]
        if len(chosen) == 2:
            text = f"Which began first, {names[0]} or {names[1]}?"
            yield text, (ordered[0].subject,), chosen, ("token_f1", "contains"), {"diffusion": 1, "hops": 2}
        else:
            text = f"In which order did these begin, from first to last: {', '.join(names)}?"
            answer = ", ".join(fact.subject for fact in ordered)
            yield text, (answer,), chosen, ("ordered_match",), {"diffusion": 1, "hops": 3}


def _unanswerable(world: World, draw: random.Random) -> Iterator[Made]:
    """A relation that other subjects of the kind have, and this one lacks."""
    kinds = {
        "birthplace": world.people,
        "profession": world.people,
        "teacher": world.people,
        "river": world.towns,
        "founder": world.organisations,
        "seat": world.organisations,
        "event_town": world.events,
    }
    lacking = [
        (relation, subject)
        for relation, subjects in kinds.items()
        for known in [world.of(relation)]
        for subject in subjects
        if subject not in known
    ]
    if not lacking:
        return
    while True:
        relation, subject = draw.choice(lacking)
        labels = {"diffusion": 1, "unanswerable": True, "relation": relation}
        yield _ASK[relation][0].format(s=subject), UNANSWERABLE, [], ("abstention",), labels


_MAKERS: dict[str, Any] = {
    "single_fact": lambda world, draw: _single(world, draw, 0),
    "paraphrased_fact": lambda world, draw: _single(world, draw, 1),
    "multi_hop": _multi_hop,
    "comparison": _comparison,
    "aggregation": _aggregation,
    "time_order": _time_order,
    "unanswerable": _unanswerable,
}
