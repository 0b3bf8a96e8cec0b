"""Prose that states the facts of a world among filler sentences ("scenery") that state none."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from corpora.synthetic.fictional_world.model import KINDS, Fact, World
from corpora.synthetic.fictional_world.wordings import LEADS, OPENINGS, PAIRS, SCENERY, SLOTS, STATEMENTS, TITLES
from workbench.records import Chunk, Context, Document

# genre → (kind of entity, relations that it states); each entity gets one paragraph in each genre of its kind
GENRES: dict[str, tuple[str, tuple[str, ...]]] = {
    "obituary": ("person", ("birthplace", "birth_year", "heir")),
    "register": ("person", ("profession", "employer", "teacher")),
    "gazetteer": ("town", KINDS["town"]),
    "history": ("organisation", KINDS["organisation"]),
    "chronicle": ("event", KINDS["event"]),
}
_PAIRED = 0.3  # probability that two facts are told in one sentence, where that is possible
_LED = 0.45  # probability that a statement begins with a lead ("By all accounts …")


@dataclass(frozen=True)
class Telling:
    """A context, and the span that states each fact by its id. `tokens` is the sum over the documents' texts."""

    context: Context
    spans: Mapping[int, Chunk]
    tokens: int


Told = tuple[tuple[int, ...], str]  # the ids of the facts that a sentence states, and the sentence


@dataclass
class _Paragraph:
    sentences: list[Told]


@dataclass
class _Draft:
    """A document while it is written: paragraphs can still be added; `tokens` is their current size."""

    genre: str
    title: str
    paragraphs: list[_Paragraph] = field(default_factory=list)
    tokens: int = 0

    def text(self) -> str:
        return "\n\n".join(" ".join(sentence for _, sentence in p.sentences) for p in self.paragraphs)


def tell(world: World, seed: str, tokens: int, count: Callable[[str], int]) -> Telling:
    """The world as documents of `tokens` tokens in total (within 1 %), every fact stated once.

    Documents are in random order, and scenery is added at random places of random documents, so that evidence is
    spread evenly over the context.
    """
    draw = random.Random(seed)
    scene = Scenery(draw)
    drafts = _drafts(world, draw, scene, room=max(450, min(2_600, tokens // 9)))
    draw.shuffle(drafts)
    for draft in drafts:
        draft.tokens = count(draft.text())
    held = sum(draft.tokens for draft in drafts)
    per_paragraph = 110.0
    if held > tokens:
        held = _thinned(drafts, held, tokens, draw, count)
    for _ in range(8):
        missing = tokens - held
        if missing <= tokens // 250:
            break
        changed: dict[int, _Draft] = {}
        added = max(1, int(missing * 0.97 / per_paragraph))
        for _ in range(added):
            draft = draw.choice(drafts)
            draft.paragraphs.insert(draw.randint(1, len(draft.paragraphs)), _Paragraph(scene.paragraph(draft.genre)))
            changed[id(draft)] = draft
        before = held
        for draft in changed.values():
            held -= draft.tokens
            draft.tokens = count(draft.text())
            held += draft.tokens
        per_paragraph = (held - before) / added
    if held > tokens + tokens // 100:  # in a short text, one paragraph is more than 1 %
        held = _thinned(drafts, held, tokens, draw, count)
    return _placed(drafts, held)


def _thinned(drafts: list[_Draft], held: int, tokens: int, draw: random.Random, count: Callable[[str], int]) -> int:
    """Remove sentences of scenery (never a paragraph's first) until the drafts fit; returns their tokens then."""
    spare = [
        (draft, paragraph, item)
        for draft in drafts
        for paragraph in draft.paragraphs
        for item in paragraph.sentences[1:]
        if not item[0]
    ]
    draw.shuffle(spare)
    while held > tokens and spare:
        draft, paragraph, item = spare.pop()
        paragraph.sentences.remove(item)
        held -= draft.tokens
        draft.tokens = count(draft.text())
        held += draft.tokens
    return held


def _drafts(world: World, draw: random.Random, scene: Scenery, room: int) -> list[_Draft]:
    drafts: list[_Draft] = []
    for genre, (kind, relations) in GENRES.items():
        members = list(world.members(kind))
        draw.shuffle(members)
        stated = [
            (one, facts)
            for one in members
            if (facts := [fact for relation in relations for fact in world.of(relation).get(one, ())])
        ]
        # about 60 tokens per entry now, and twice that when scenery has been added
        size = max(3, room // 130)
        for number, start in enumerate(range(0, len(stated), size), 1):
            entries = [_entry(genre, one, facts, world, draw, scene) for one, facts in stated[start : start + size]]
            drafts.append(_Draft(genre, TITLES[genre].format(n=number), entries))
    return drafts + _letters(world, draw, scene, room)


def _entry(genre: str, one: str, facts: list[Fact], world: World, draw: random.Random, scene: Scenery) -> _Paragraph:
    """A paragraph on one entity: an opening, its facts in random order, sentences of scenery between them."""
    facts = list(facts)
    draw.shuffle(facts)
    statements = [statement for group in _grouped(facts, draw) for statement in [_state(group, genre, draw)]]
    sentences: list[Told] = [((), draw.choice(OPENINGS[genre]).format(s=one))]
    pronoun = world.pronouns.get(one, "it")
    for statement in statements:
        if draw.random() < 0.5:
            sentences.append(((), scene.sentence(genre, pronoun)))
        sentences.append(statement)
    if draw.random() < 0.7:
        sentences.append(((), scene.sentence(genre, pronoun)))
    return _Paragraph(sentences)


def _letters(world: World, draw: random.Random, scene: Scenery, room: int) -> list[_Draft]:
    """Letters about journeys, one visit per paragraph. A traveller's visits are spread over as many letters as
    possible."""
    travellers = list(world.of("visited").values())
    draw.shuffle(travellers)
    visits = [visit for visits in travellers for visit in visits]
    number = max(min(len(visits), max(map(len, travellers))), len(visits) * 90 // room)
    drafts = []
    for n in range(number):
        writer, reader = draw.sample(world.people, 2)
        title = TITLES["letter"].format(n=n + 1, writer=writer, reader=reader)
        opening = _Paragraph([((), draw.choice(OPENINGS["letter"])), ((), scene.sentence("letter"))])
        drafts.append(_Draft("letter", title, [opening]))
    for position, visit in enumerate(visits):
        sentences: list[Told] = [((), scene.sentence("letter")) for _ in range(draw.randint(1, 2))]
        sentences.insert(draw.randint(0, len(sentences)), _state((visit,), "letter", draw))
        drafts[position % number].paragraphs.append(_Paragraph(sentences))
    return drafts


def _grouped(facts: list[Fact], draw: random.Random) -> Iterator[tuple[Fact, ...]]:
    """The facts one by one, sometimes two that one sentence can state."""
    by_relation = {fact.relation: fact for fact in facts}
    told: set[str] = set()
    for fact in facts:
        if fact.relation in told:
            continue
        for first, second in PAIRS:
            if fact.relation in (first, second) and {first, second} <= by_relation.keys() - told:
                if draw.random() < _PAIRED:
                    told |= {first, second}
                    yield by_relation[first], by_relation[second]
                break
        if fact.relation not in told:
            told.add(fact.relation)
            yield (fact,)


def _state(facts: tuple[Fact, ...], genre: str, draw: random.Random) -> Told:
    first = facts[0]
    article = "an" if first.object[0] in "aeiou" else "a"
    if len(facts) == 1:
        core = draw.choice(STATEMENTS[first.relation]).format(s=first.subject, o=first.object, a=article)
    else:
        wording = draw.choice(PAIRS[first.relation, facts[1].relation])
        core = wording.format(s=first.subject, o=first.object, p=facts[1].object, a=article)
    sentence = f"{draw.choice(LEADS[genre])} {core}." if draw.random() < _LED else f"{core[0].upper()}{core[1:]}."
    return tuple(fact.fact_id for fact in facts), sentence


class Scenery:
    """Makes filler sentences that state no fact."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._nobody = {  # sentences for paragraphs that are not about an entity
            genre: tuple(line for line in lines if "{he}" not in line and "{He}" not in line)
            for genre, lines in SCENERY.items()
        }

    def sentence(self, genre: str, pronoun: str | None = None) -> str:
        """One sentence that fits the genre; with a `pronoun` it may refer to the paragraph's entity."""
        own = self._nobody[genre] if pronoun is None else SCENERY[genre]
        return self._filled(self._draw.choice(own if self._draw.random() < 0.6 else SCENERY["any"]), pronoun)

    def paragraph(self, genre: str) -> list[Told]:
        """A paragraph of filler about no entity; all its sentences come from different templates."""
        number = self._draw.randint(4, 8)
        templates = [*self._draw.sample(self._nobody[genre], 3), *self._draw.sample(SCENERY["any"], number - 3)]
        self._draw.shuffle(templates)
        return [((), self._filled(template)) for template in templates]

    def _filled(self, template: str, pronoun: str | None = None) -> str:
        draw = self._draw
        words = {name: draw.choice(choices) for name, choices in SLOTS.items()}
        for name in ("quality", "good", "folk"):
            words[f"{name}2"] = draw.choice([word for word in SLOTS[name] if word != words[name]])
        for name, given in (("Folk", words["folk"]), ("kin_c", words["kin"]), ("thing_c", words["thing"])):
            words[name] = _upper(given)
        words["he"] = pronoun or "it"
        words["He"] = _upper(words["he"])
        return template.format_map(words)


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _placed(drafts: list[_Draft], tokens: int) -> Telling:
    documents: list[Document] = []
    spans: dict[int, Chunk] = {}
    for number, draft in enumerate(drafts, 1):
        text = draft.text()
        document = Document(f"{draft.genre}-{number:04d}", text, draft.title, {"genre": draft.genre})
        documents.append(document)
        at = 0
        for paragraph in draft.paragraphs:
            for facts, sentence in paragraph.sentences:
                for fact in facts:
                    spans[fact] = Chunk.of(document, at, at + len(sentence))
                at += len(sentence) + 1
            at += 1  # paragraphs are separated by two characters, sentences by one
    return Telling(Context(tuple(documents)), spans, tokens)
