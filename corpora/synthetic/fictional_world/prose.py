"""Prose that states the facts of a world, among sentences that state none of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corpora.synthetic.fictional_world.model import Fact, World
from workbench.records import Chunk, Context, Document

# relation → wordings; {s} subject, {o} object. Question wordings stand in questions.py: the paraphrased ones there
# share no content word with these.
STATEMENTS: dict[str, tuple[str, ...]] = {
    "birthplace": ("{s} was born in {o}.", "{s} was born in the town of {o}, as the parish book shows."),
    "birth_year": ("{s} was born in the year {o}.", "The parish book gives {o} as the year in which {s} was born."),
    "profession": ("{s} worked as a {o}.", "For most of those years {s} worked as a {o}."),
    "employer": ("{s} was employed by the {o}.", "By all accounts {s} was employed by the {o}."),
    "teacher": ("{s} was taught by {o}.", "As everyone in the trade knew, {s} was taught by {o}."),
    "river": ("The town of {s} stands on the river {o}.", "{s} stands on the river {o}, which is slow and brown."),
    "inhabitants": ("At the last census {s} had {o} inhabitants.", "{s} had {o} inhabitants when they were counted."),
    "founder": ("The {s} was founded by {o}.", "It is agreed that the {s} was founded by {o}."),
    "founding_year": ("The {s} was founded in {o}.", "According to its charter the {s} was founded in {o}."),
    "seat": ("The {s} has its offices in {o}.", "From the start the {s} has had its offices in {o}."),
    "event_town": ("The {s} took place in {o}.", "The {s}, of which songs are still sung, took place in {o}."),
    "event_date": ("The {s} began on {o}.", "The chronicles agree that the {s} began on {o}."),
    "visited": ("That season {s} visited {o}.", "{s} visited {o} and stayed for a week.", "Then {s} visited {o}."),
}
_SEASON = ("spring", "summer", "autumn", "winter", "harvest time", "Lent", "the long frost", "the dry months")
_THING = (
    *("barley", "wool", "timber", "tallow", "salt fish", "slate", "honey", "linen", "iron nails", "dried apples"),
    *("candles", "oats", "leather", "rope", "charcoal", "cheese"),
)
_PLACE = (
    "the market square",
    "the lower bridge",
    "the quay",
    "the mill",
    "the old gate",
    "the inn by the ferry",
    "the green",
)
_PEOPLE = ("the carters", "the millers", "the fishwives", "the clerks", "the shepherds", "the bargemen", "the masons")
_DOING = (
    *("argued about tolls", "waited for the ferry", "mended their tools", "told old stories", "counted their sacks"),
    *("sang until late", "complained of the mud", "shared bread and cheese", "watched the clouds"),
)
_FILLER = (
    "In {season} the price of {thing} rose and then fell again.",
    "On market days {people} {doing} near {place}.",
    "The road from {town} to {other} was deep in mud, and carts of {thing} came late.",
    "Nobody in {town} could remember a wetter {season}.",
    "{people_c} {doing}, as they did every {season}.",
    "At {place} one could buy {thing} and hear the news.",
    "The bells of {town} were recast, which cost more than anyone had expected.",
    "Letters went slowly between {town} and {other}, and some were never answered.",
    "It rained, and {people} {doing} under the arches.",
    "A wall near {place} fell down and was put up again with better stone.",
    "There was {thing} enough for everyone, and little else to speak of.",
    "Strangers who came through {town} praised its {thing} and cursed its inns.",
)
_TITLES = ("Chronicle", "Gazetteer", "Letters", "Register", "Memoirs", "Almanac")
PARAGRAPH_SENTENCES = 7
DOCUMENT_TOKENS = 2_500


@dataclass(frozen=True)
class Telling:
    """A context and where each fact is stated in it."""

    context: Context
    spans: dict[int, Chunk]
    tokens: int


def tell(world: World, seed: str, tokens: int, count: Callable[[str], int]) -> Telling:
    """The world as documents of together `tokens` tokens (within 1 %), every fact stated once, in random order."""
    draw = random.Random(seed)
    facts = list(world.facts)
    draw.shuffle(facts)
    statements = [(fact.fact_id, _state(fact, draw)) for fact in facts]
    filler = _filler(world, draw)
    held = sum(count(" " + sentence) for _, sentence in statements)
    sentences: list[tuple[int | None, str]] = list(statements)
    average = sum(count(" " + next(filler)) for _ in range(50)) / 50
    missing = int((tokens - held) / (average + 0.2))
    for _ in range(6):
        sentences += [(None, next(filler)) for _ in range(max(0, missing))]
        ordered = _mixed(sentences, draw)
        telling = _assemble(ordered, seed, count)
        if abs(telling.tokens - tokens) <= tokens // 200:
            break
        missing = round((tokens - telling.tokens) / average)
        if missing < 0:
            fillers = [i for i, (fact_id, _) in enumerate(sentences) if fact_id is None]
            dropped = set(fillers[missing:])
            sentences = [item for i, item in enumerate(sentences) if i not in dropped]
    return telling


def _state(fact: Fact, draw: random.Random) -> str:
    return draw.choice(STATEMENTS[fact.relation]).format(s=fact.subject, o=fact.object)


def _filler(world: World, draw: random.Random) -> Iterator[str]:
    while True:
        people = draw.choice(_PEOPLE)
        town, other = draw.sample(world.towns, 2)
        yield draw.choice(_FILLER).format(
            season=draw.choice(_SEASON),
            thing=draw.choice(_THING),
            place=draw.choice(_PLACE),
            people=people,
            people_c=people[0].upper() + people[1:],
            doing=draw.choice(_DOING),
            town=town,
            other=other,
        )


def _mixed(sentences: list[tuple[int | None, str]], draw: random.Random) -> list[tuple[int | None, str]]:
    """Facts spread evenly among the filler, so that depth is uniform."""
    facts = [item for item in sentences if item[0] is not None]
    rest = [item for item in sentences if item[0] is None]
    keyed = [((i + draw.random()) / len(facts), item) for i, item in enumerate(facts)]
    keyed += [(draw.random(), item) for item in rest]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _assemble(sentences: list[tuple[int | None, str]], seed: str, count: Callable[[str], int]) -> Telling:
    draw = random.Random(f"{seed}:titles")
    documents: list[Document] = []
    spans: dict[int, Chunk] = {}
    total = 0
    per_document = max(PARAGRAPH_SENTENCES, DOCUMENT_TOKENS // 16)
    for number, start in enumerate(range(0, len(sentences), per_document), 1):
        document_id = f"part-{number:03d}"
        title = f"{draw.choice(_TITLES)}, part {number}"
        text = ""
        places: list[tuple[int, int, int]] = []
        for i, (fact_id, sentence) in enumerate(sentences[start : start + per_document]):
            if i:
                text += "\n\n" if i % PARAGRAPH_SENTENCES == 0 else " "
            if fact_id is not None:
                places.append((fact_id, len(text), len(text) + len(sentence)))
            text += sentence
        document = Document(document_id, text, title)
        documents.append(document)
        spans |= {fact_id: Chunk.of(document, begin, end) for fact_id, begin, end in places}
        total += count(text)
    return Telling(Context(tuple(documents)), spans, total)
