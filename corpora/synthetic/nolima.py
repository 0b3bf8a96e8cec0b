"""NoLiMa (Modarressi et al., ICML 2025, arXiv 2502.05167): needles that share no word with their question.

The needle says where somebody lives, for example, or what somebody does not eat; the question asks who has been to the
country, or who cannot have the dish, so that only world knowledge connects the two. The construction is NoLiMa's:
needle templates in default and inverted order, one or two hops, direct questions as control, a distractor sentence with
the question's word, a grid of lengths and depths. Deviations: needles, pairs and names are our own (NoLiMa's are not
free); the haystack is generated prose unless `haystack` names a text, and it is not a window that slides over a book;
needles are put between sentences.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corpora.options import chosen_of
from corpora.synthetic.haystack import fill, insert, source_of
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = ("onehop", "twohop", "direct")
ORDERS = ("default", "inverted")
_NAMES = tuple(
    "Adisa Bronwen Caspian Delphine Eamon Farida Goran Hanneke Ingrid Joaquin Katya Leocadia Mirek Nadine Osric "
    "Petronella Quillon Rosalind Stellan Tamsin Ulrich Veronique Wilhelmina Xiomara Yannick Zuleika".split()
)


@dataclass(frozen=True)
class Theme:
    """One kind of needle. `pairs`: the needle's word, and the question's word for one hop and for two hops."""

    needles: tuple[str, str]
    question: str
    distractor: str
    pairs: tuple[tuple[str, str, str], ...]


THEMES = {
    "works_in": Theme(
        (
            "There was a glazier called {name} who kept a workshop in {needle}.",
            "In {needle} there was a workshop kept by a glazier called {name}.",
        ),
        "Which person has been to {word}?",
        "Somebody at the next table was reading a long article about {word}.",
        (
            ("Lyon", "France", "Europe"), ("Osaka", "Japan", "Asia"), ("Nairobi", "Kenya", "Africa"),
            ("Cusco", "Peru", "South America"), ("Gothenburg", "Sweden", "Scandinavia"),
            ("Porto", "Portugal", "the Iberian Peninsula"), ("Melbourne", "Australia", "the Southern Hemisphere"),
            ("Toronto", "Canada", "North America"),
        ),
    ),
    "lives_by": Theme(
        (
            "From the kitchen window of {name} one looks straight at the {needle}.",
            "The {needle} stands right before the kitchen window of {name}.",
        ),
        "Which person has been to {word}?",
        "A faded poster in the waiting room showed a street in {word}.",
        (
            ("Brandenburg Gate", "Berlin", "Germany"), ("Eiffel Tower", "Paris", "France"),
            ("Colosseum", "Rome", "Italy"), ("Sagrada Familia", "Barcelona", "Spain"), ("Kremlin", "Moscow", "Russia"),
            ("Charles Bridge", "Prague", "the Czech Republic"), ("Parthenon", "Athens", "Greece"),
            ("Little Mermaid statue", "Copenhagen", "Denmark"),
        ),
    ),
    "abstains": Theme(
        (
            "It is years now that {name} has been a {needle}.",
            "A {needle} for years now, that is what {name} has been.",
        ),
        "Which person cannot eat {word}?",
        "On the bench somebody had left a recipe for {word}.",
        (
            ("vegan", "cheese", "lasagne"), ("vegetarian", "beef", "goulash"),
        ),
    ),
    "intolerant": Theme(
        (
            "The doctor made it clear that {name} has {needle}.",
            "That it is {needle}, so the doctor made clear, is the trouble of {name}.",
        ),
        "Which person cannot eat {word}?",
        "The innkeeper's wife talked at length about {word}.",
        (
            ("coeliac disease", "wheat bread", "a croissant"), ("lactose intolerance", "milk", "ice cream"),
            ("an allergy to nuts", "almonds", "marzipan"), ("an allergy to shellfish", "prawns", "a shrimp cocktail"),
        ),
    ),
    "too_young": Theme(
        (
            "Only last week {name} turned {needle}.",
            "The age of {needle}, no more, was reached last week by {name}.",
        ),
        "Which person may not yet {word}?",
        "The notice at the gate said something about who may {word}.",
        (("eleven", "vote", "stand for parliament"), ("nine", "drive a car", "fly an airliner")),
    ),
}  # fmt: skip


def load(
    *,
    tokens: int | Sequence[int] = (1_000, 4_000, 16_000),
    tasks: Sequence[str] | str | None = ("onehop", "twohop"),
    orders: Sequence[str] | str | None = None,
    depths: int = 5,
    pairs: int = 12,
    distractor: bool = False,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 42,
) -> Corpus:
    """NoLiMa's construction: a needle that shares no word with its question, hidden in a long text.

    For each length, task and order there are `pairs` needles of all themes, at `depths` depths in turn. `tokens`:
    lengths in `tokenizer`, needle included. `tasks`: onehop, twohop, and as a control `direct`, whose question contains
    the needle's word. `distractor` adds a sentence with the question's word between depths 0.2 and 0.8 and at least 0.2
    from the needle. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=250)
    chosen = chosen_of(tasks, TASKS, "tasks")
    ordered = chosen_of(orders, ORDERS, "orders")
    if depths < 1 or pairs < 1:
        raise InputError("depths and pairs must be at least 1", field="depths", fix="use 1 or more")
    count = counter(tokenizer)
    every = _spread([(theme, number) for theme in THEMES for number in range(len(THEMES[theme].pairs))])
    sheets = []
    for length in lengths:
        for task in chosen:
            for order in ordered:
                for number in range(pairs):
                    name = f"{task}-{order}-{length}-{number}"
                    depth = (number % depths) / (depths - 1) if depths > 1 else 0.5
                    draw = random.Random(f"{seed}:{name}")
                    source = source_of(haystack, f"{seed}:{name}")
                    theme, pair = every[number % len(every)]
                    text, asked = _make(theme, pair, task, order, depth, draw, length, count, source, distractor)
                    labels = {**asked.labels, "needle_pair": f"{task}-{order}-{number}"}
                    sheets.append(Sheet(name, text, (replace(asked, labels=labels),), length))
    return corpus_of(
        "nolima", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {pairs} needles at {', '.join(map(str, lengths))} tokens ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def _spread(pairs: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The pairs ordered so that themes alternate, and the first few already cover all themes."""
    return sorted(pairs, key=lambda pair: (pair[1], list(THEMES).index(pair[0])))


def _make(
    theme: str, pair: int, task: str, order: str, depth: float, draw: random.Random, length: int, count: Count,
    source: Iterator[str], distractor: bool,
) -> tuple[str, Asked]:  # fmt: skip
    """A text with its needle, and the question."""
    form = THEMES[theme]
    needle_word, *away = form.pairs[pair]
    word = needle_word if task == "direct" else away[TASKS.index(task)]
    name = draw.choice(_NAMES)
    needles = [(depth, form.needles[ORDERS.index(order)].format(name=name, needle=needle_word))]
    if distractor:
        far = [d / 100 for d in range(20, 81) if abs(d / 100 - depth) >= 0.2]
        needles.append((draw.choice(far), form.distractor.format(word=word)))
    room = length - sum(count(f" {needle} ") for _, needle in needles)
    text, spans = insert(fill(source, room, count), needles)
    question = _direct(theme, needle_word) if task == "direct" else form.question.format(word=word)
    asked = (
        "Answer from what the text states or from strong, logical inference from it.\n"
        f"Question: {question}\nReturn only the name, with no explanation."
    )
    labels = {
        "depth": round(depth, 4), "hops": TASKS.index(task) + 1 if task != "direct" else 1, "theme": theme,
        "order": order, "distractor": distractor,
    }  # fmt: skip
    metrics = ("nolima_contains", "contains")
    return text, Asked(asked, (name,), spans[:1], task, metrics, labels=labels)


def _direct(theme: str, word: str) -> str:
    return {
        "works_in": f"Which person kept a workshop in {word}?",
        "lives_by": f"From whose kitchen window does one look at the {word}?",
        "abstains": f"Which person has been a {word} for years?",
        "intolerant": f"Which person has {word}?",
        "too_young": f"Which person turned {word} last week?",
    }[theme]
