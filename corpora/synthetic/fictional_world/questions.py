"""Questions about a generated world, with answers and evidence from its facts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from corpora.synthetic.fictional_world.model import KINDS, Fact, World, date_key
from corpora.synthetic.fictional_world.prose import Telling
from workbench.records import Question
from workbench.text import DEFAULT_ENCODING

TASKS = (
    *("single_fact", "paraphrased_fact", "multi_hop", "comparison", "aggregation", "time_order"),
    "unanswerable",
)
UNANSWERABLE = ("unanswerable", "not mentioned", "no answer")

# relation → (question in the words of the text, paraphrased question)
ASK: dict[str, tuple[str, str]] = {
    "birthplace": ("In which town was {s} born?", "What is the native place of {s}?"),
    "birth_year": ("In which year was {s} born?", "When did {s} come into the world?"),
    "profession": ("What did {s} work as?", "What was the craft of {s}?"),
    "employer": ("By which organisation was {s} employed?", "Whose wages did {s} draw?"),
    "teacher": ("By whom was {s} taught?", "Under which master did {s} study?"),
    "heir": ("Whom did {s} name as heir?", "To whom did the belongings of {s} go?"),
    "river": ("On which river does {s} stand?", "Which waterway flows past {s}?"),
    "inhabitants": ("How many inhabitants did {s} have?", "How large was the population of {s}?"),
    "founder": ("By whom was the {s} founded?", "Who established the {s}?"),
    "founding_year": ("In which year was the {s} founded?", "When was the {s} established?"),
    "seat": ("In which town does the {s} have its offices?", "Where are the headquarters of the {s}?"),
    "event_town": ("In which town did the {s} take place?", "What was the scene of the {s}?"),
    "event_date": ("What is the date on which the {s} began?", "When was the first day of the {s}?"),
}
# A relation as a noun phrase, for the hops before the last; ASK already has `the` before an organisation.
_PHRASE = {
    "birthplace": "the town where {s} was born",
    "employer": "organisation that employed {s}",
    "teacher": "the person who taught {s}",
    "heir": "the heir of {s}",
    "founder": "the founder of the {s}",
    "seat": "the town in which the {s} has its offices",
    "event_town": "the town where the {s} took place",
}
_CHAINS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        *(("birthplace", "river"), ("birthplace", "inhabitants"), ("founder", "birthplace"), ("founder", "profession")),
        *(("founder", "teacher"), ("teacher", "birthplace"), ("teacher", "profession"), ("teacher", "employer")),
        *(("heir", "profession"), ("heir", "birthplace"), ("heir", "employer"), ("employer", "seat")),
        *(("employer", "founder"), ("employer", "founding_year"), ("event_town", "river"), ("seat", "river")),
        *(("event_town", "inhabitants"), ("seat", "inhabitants")),
    ),
    (
        *(("founder", "birthplace", "river"), ("teacher", "birthplace", "inhabitants"), ("heir", "employer", "seat")),
        *(("employer", "founder", "birthplace"), ("employer", "seat", "river"), ("heir", "birthplace", "river")),
        *(("founder", "teacher", "profession"), ("employer", "founder", "profession")),
    ),
)
# relation → (question for the count, question for the list) of the subjects that share an object
_GROUPS = {
    "birthplace": ("How many people were born in {o}?", "Which people were born in {o}? List them all."),
    "employer": (
        "How many people were employed by the {o}?",
        "Which people were employed by the {o}? List them all.",
    ),
    "teacher": ("How many people were taught by {o}?", "Which people were taught by {o}? List them all."),
}
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_YEARLIKE = frozenset({"birth_year", "founding_year", "inhabitants"})
_TEXT_METRICS = ("token_f1", "exact_match", "contains")
_WORD = re.compile(r"[A-Za-z]+|\d[\d,]*")
_FUNCTION_WORDS = frozenset(
    "a an and are as at by did do does from had has have how in is it its many of on or that the them to was "
    "were what when where which who whom whose all".split()
)


@dataclass
class _Made:
    """A question before it gets its id and further labels."""

    text: str
    answers: tuple[str, ...]
    facts: list[Fact]
    metrics: tuple[str, ...] = _TEXT_METRICS
    labels: dict[str, object] = field(default_factory=dict)


def ask(world: World, telling: Telling, seed: str, prefix: str, wanted: Mapping[str, int]) -> list[Question]:
    """`wanted` questions of each task, or fewer when the world does not have as many. No question is repeated."""
    starts = _starts(telling)
    order = {
        fact: starts[chunk.document_id] + chunk.start for fact, chunk in telling.spans.items()
    }  # fact → characters before it
    questions: list[Question] = []
    for task in TASKS:
        number = wanted.get(task, 0)
        made = _MAKERS[task](world, random.Random(f"{seed}:{task}"), order)
        seen: set[str] = set()
        for _ in range(number * 60):
            if len(seen) >= number:
                break
            one = next(made, None)
            if one is None:
                break
            if one.text not in seen:
                seen.add(one.text)
                questions.append(_question(f"{prefix}-{task}-{len(seen)}", one, task, telling, starts))
    return questions


def _question(question_id: str, made: _Made, task: str, telling: Telling, starts: Mapping[str, int]) -> Question:
    # facts stated in the same sentence are one span of evidence
    evidence = tuple({chunk.chunk_id: chunk for chunk in (telling.spans[f.fact_id] for f in made.facts)}.values())
    depths = [(starts[chunk.document_id] + chunk.start) / telling.context.characters for chunk in evidence]
    metadata = {
        "diffusion": diffusion(made.text, [chunk.text for chunk in evidence]),
        "scope": len(evidence),
        "hops": 1,
        "context_tokens": telling.tokens,
        "length_unit": "tokens",
        "tokenizer": DEFAULT_ENCODING,
        **({"depth": round(max(depths), 4), "depths": [round(depth, 4) for depth in depths]} if depths else {}),
        **made.labels,
    }
    context_id = telling.context.context_id
    return Question(question_id, made.text, context_id, made.answers, (), evidence, task, made.metrics, metadata)


def diffusion(question: str, evidence: list[str]) -> float:
    """How different the evidence's wording is from the question's, 0 to 1 in steps of a quarter: the share of the
    question's words (without function words) that an evidence sentence lacks, averaged over the sentences; 1 without
    evidence.

    >>> diffusion("In which town was Ana born?", ["Ana was born in the town of Rome."])
    0.0
    """
    asked = {word.lower()[:5] for word in _WORD.findall(question)} - _FUNCTION_WORDS
    if not evidence or not asked:
        return 1.0
    lacking = [len(asked - {word.lower()[:5] for word in _WORD.findall(text)}) / len(asked) for text in evidence]
    return round(4 * sum(lacking) / len(lacking)) / 4


def _starts(telling: Telling) -> dict[str, int]:
    starts, at = {}, 0
    for document in telling.context.documents:
        starts[document.document_id] = at
        at += len(document.text)
    return starts


Order = Mapping[int, int]


def _single(world: World, draw: random.Random, order: Order, wording: int) -> Iterator[_Made]:
    """Questions for single facts at evenly spread depths: steps of the golden ratio through the facts in text order."""
    facts = sorted((fact for fact in world.facts if fact.relation in ASK), key=lambda fact: order[fact.fact_id])
    at = draw.random()
    while True:
        at = (at + 0.6180339887498949) % 1
        fact = facts[int(at * len(facts))]
        text = ASK[fact.relation][wording].format(s=fact.subject)
        yield _Made(text, (fact.object,), [fact], _metrics(fact.relation), {"relation": fact.relation})


def _metrics(relation: str) -> tuple[str, ...]:
    return ("exact_match", "token_f1") if relation in _YEARLIKE else _TEXT_METRICS


def _multi_hop(world: World, draw: random.Random, order: Order) -> Iterator[_Made]:
    chains = (_followed(world, subject, way) for ways in _CHAINS for way in ways for subject in world.of(way[0]))
    for turn in count() if any(chains) else ():
        relations = draw.choice(_CHAINS[turn % 2])
        for _ in range(50):
            chain = _followed(world, draw.choice(sorted(world.of(relations[0])) or [""]), relations)
            if chain:
                subject = chain[0].subject
                for relation in relations[:-1]:
                    subject = _PHRASE[relation].format(s=subject)
                text = ASK[relations[-1]][0].format(s=subject)
                labels = {"hops": len(chain), "relation": " > ".join(relations)}
                yield _Made(text, (chain[-1].object,), chain, _metrics(relations[-1]), labels)
                break


def _followed(world: World, subject: str, relations: tuple[str, ...]) -> list[Fact]:
    """The facts from `subject` along `relations`; [] when one is missing or an entity occurs twice."""
    chain: list[Fact] = []
    seen = {subject}
    for relation in relations:
        found = world.of(relation).get(subject)
        if not found or found[0].object in seen:
            return []
        chain.append(found[0])
        subject = found[0].object
        seen.add(subject)
    return chain


def _comparison(world: World, draw: random.Random, order: Order) -> Iterator[_Made]:
    kinds: tuple[tuple[str, str, Callable[..., Fact]], ...] = (
        ("founding_year", "Which was founded earlier, the {a} or the {b}?", min),
        ("founding_year", "Which was founded later, the {a} or the {b}?", max),
        ("birth_year", "Who was born earlier, {a} or {b}?", min),
        ("birth_year", "Who was born later, {a} or {b}?", max),
        ("inhabitants", "Which town had fewer inhabitants, {a} or {b}?", min),
        ("inhabitants", "Which town had more inhabitants, {a} or {b}?", max),
    )
    # a small world may state only one value of a relation, or only equal ones: nothing to compare
    facts = {kind[0]: [found[0] for found in world.of(kind[0]).values()] for kind in kinds}
    kinds = tuple(kind for kind in kinds if len({_value(fact) for fact in facts[kind[0]]}) > 1)
    while kinds:
        relation, wording, better = draw.choice(kinds)
        a, b = draw.sample(facts[relation], 2)
        if _value(a) != _value(b):
            right = better(a, b, key=_value)
            labels = {"hops": 2, "relation": relation}
            yield _Made(wording.format(a=a.subject, b=b.subject), (right.subject,), [a, b], labels=labels)


def _value(fact: Fact) -> int:
    return int(fact.object.replace(",", ""))


def _aggregation(world: World, draw: random.Random, order: Order) -> Iterator[_Made]:
    """Counts and lists over facts in many places: a traveller's visits, people born in a town, employed by a firm or
    taught by a person."""
    visits = [(*_VISITS, person, facts, [f.object for f in facts]) for person, facts in world.of("visited").items()]
    shared = []
    for relation, (how_many, which) in _GROUPS.items():
        by_object: dict[str, list[Fact]] = {}
        for facts in world.of(relation).values():
            by_object.setdefault(facts[0].object, []).append(facts[0])
        for name, facts in by_object.items():
            if 3 <= len(facts) <= 20:
                shared.append((how_many, which, name, facts, [fact.subject for fact in facts]))
    for turn in count() if visits or shared else ():
        how_many, which, name, facts, items = draw.choice(shared if (turn % 2 and shared) or not visits else visits)
        labels = {"relation": facts[0].relation, "items": len(facts)}
        if draw.random() < 0.5:
            answers = (str(len(facts)), _NUMBER_WORDS[len(facts)])
            yield _Made(how_many.format(o=name), answers, facts, ("numeric_accuracy",), labels)
        else:
            yield _Made(which.format(o=name), (", ".join(items),), facts, ("list_f1",), labels)


_VISITS = ("How many towns did {o} visit?", "Which towns did {o} visit? List them all.")


def _time_order(world: World, draw: random.Random, order: Order) -> Iterator[_Made]:
    dates = [found[0] for found in world.of("event_date").values()]
    for turn in count() if len(dates) > 1 else ():
        chosen = draw.sample(dates, 2 + turn % 2 if len(dates) > 2 else 2)
        ordered = sorted(chosen, key=lambda fact: date_key(fact.object))
        names = [f"the {fact.subject}" for fact in chosen]
        labels: dict[str, object] = {"hops": len(chosen), "relation": "event_date"}
        if len(chosen) == 2:
            text = f"Which began first, {names[0]} or {names[1]}?"
            yield _Made(text, (ordered[0].subject,), chosen, labels=labels)
        else:
            text = f"In which order did these begin, from first to last: {', '.join(names)}?"
            yield _Made(text, (", ".join(f.subject for f in ordered),), chosen, ("ordered_match",), labels)


def _unanswerable(world: World, draw: random.Random, order: Order) -> Iterator[_Made]:
    """Questions for a relation that a subject lacks, although the text mentions the subject."""
    known = {fact.subject for fact in world.facts}
    lacking = [
        (relation, subject)
        for kind, relations in KINDS.items()
        for relation in relations
        for subject in world.members(kind)
        if subject in known and subject not in world.of(relation)
    ]
    while lacking:
        relation, subject = draw.choice(lacking)
        labels = {"unanswerable": True, "relation": relation}
        yield _Made(ASK[relation][0].format(s=subject), UNANSWERABLE, [], ("abstention",), labels)


_MAKERS: dict[str, Callable[[World, random.Random, Order], Iterator[_Made]]] = {
    "single_fact": lambda world, draw, order: _single(world, draw, order, 0),
    "paraphrased_fact": lambda world, draw, order: _single(world, draw, order, 1),
    "multi_hop": _multi_hop,
    "comparison": _comparison,
    "aggregation": _aggregation,
    "time_order": _time_order,
    "unanswerable": _unanswerable,
}
