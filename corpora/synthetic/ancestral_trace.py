"""NeedleBench's reasoning tasks (Li et al. 2024, arXiv 2407.11963; OpenCompass): kinship told link by link.

`atc`, the Ancestral Trace Challenge, consists of shuffled links only and asks for the eldest ancestor, for the ancestor
or descendant a number of generations away, or for the number of generations between two people. `multi_needle` scatters
the links of a shorter chain in a long text, in random order, the first at a depth and each next one a tenth of the text
later. Deviations: sentence templates and names are ours (the generations that a term counts are NeedleBench's: parents
1, grandparents 2), and the haystack is generated prose unless `haystack` names a text. Answers have to be in
`\\boxed{}`, as NeedleBench scores them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import Names
from corpora.synthetic.haystack import fill, insert, source_of
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = ("atc", "multi_needle")
KINDS = ("eldest_ancestor", "nth_ancestor", "nth_descendant", "distance")
TERMS = {
    "father": 1, "mother": 1, "dad": 1, "mom": 1, "grandfather": 2, "grandmother": 2, "maternal grandfather": 2,
    "maternal grandmother": 2, "paternal grandfather": 2, "paternal grandmother": 2,
}  # fmt: skip
_LINKS = (
    "{elder} is {younger}'s {term}.",
    "{younger}'s {term} is {elder}.",
    "{elder}, as {younger}'s {term}, has shaped the childhood of {younger}.",
    "{elder} is not only {younger}'s {term} but also the person whom {younger} looks up to.",
    "{elder} is {younger}'s {term} and has kept watch over {younger} at every step.",
    "For {younger}, {elder} is both the {term} and the oldest friend.",
    "{elder}, who is {younger}'s {term}, taught {younger} all that matters.",
)
_BOX = "Give the answer in a box, as in \\boxed{answer}."


def load(
    *,
    tasks: Sequence[str] | str | None = None,
    needles: int | Sequence[int] = (2, 4, 8, 16, 32),
    kinds: Sequence[str] | str | None = None,
    tokens: int | Sequence[int] = 8_000,
    depths: int = 5,
    repeats: int = 1,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """NeedleBench's kinship reasoning: chains of family relations, alone (atc) or scattered in a text (multi_needle).

    One question for each combination: for `atc` of number of `needles` (2 to 40,000), kind of question and repeat; for
    `multi_needle` of length in `tokens`, depth, number of needles up to 8 (NeedleBench: 2 to 5) and repeat. Raises
    InputError.
    """
    numbers = [needles] if isinstance(needles, int) else list(needles)
    if not numbers or not all(2 <= number <= 40_000 for number in numbers):
        raise InputError(f"needles {numbers}", field="needles", fix="use 2 to 40000")
    if depths < 1 or repeats < 1:
        raise InputError("depths and repeats must be at least 1", field="depths", fix="use 1 or more")
    chosen, asked_kinds = chosen_of(tasks, TASKS, "tasks"), chosen_of(kinds, KINDS, "kinds")
    lengths = lengths_of(tokens, shortest=1_000)
    count = counter(tokenizer)
    sheets = []
    for number in numbers if "atc" in chosen else ():
        for kind in asked_kinds:
            for repeat in range(repeats):
                name = f"atc-{number}-{kind}-{repeat}"
                text, question = _trace(random.Random(f"{seed}:{name}"), number, kind)
                sheets.append(Sheet(name, text, (question,), count(text)))
    for length in lengths if "multi_needle" in chosen else ():
        for step in range(depths):
            for number in [number for number in numbers if number <= 8]:
                for repeat in range(repeats):
                    name = f"multi-{length}-{step}-{number}-{repeat}"
                    depth = step / (depths - 1) if depths > 1 else 0.5
                    source = source_of(haystack, f"{seed}:{name}")
                    text, question = _scattered(random.Random(f"{seed}:{name}"), number, depth, length, count, source)
                    sheets.append(Sheet(name, text, (question,), length))
    return corpus_of(
        "ancestral_trace", sheets, count, version=VERSION, provenance=f"generated: seed {seed}, chains of {numbers}",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def _chain(draw: random.Random, number: int) -> tuple[list[str], list[str], int]:
    """People from the eldest to the youngest, sentences on each neighbouring pair, and the generations they span."""
    names = Names(draw)
    people = [f"{names.word(2)} {names.word(2)}" for _ in range(number + 1)]
    links, generations = [], 0
    for elder, younger in pairwise(people):
        term = draw.choice(list(TERMS))
        generations += TERMS[term]
        links.append(draw.choice(_LINKS).format(elder=elder, younger=younger, term=term))
    return people, links, generations


def _trace(draw: random.Random, number: int, kind: str) -> tuple[str, Asked]:
    people, links, generations = _chain(draw, number)
    draw.shuffle(links)
    eldest, youngest = people[0], people[-1]
    question, answer = {
        "eldest_ancestor": (f"who is the eldest relative that '{youngest}' can trace back to in the context?", eldest),
        "nth_ancestor": (f"who is the ancestor of '{youngest}' {generations} generations back?", eldest),
        "nth_descendant": (f"who is the descendant of '{eldest}' {generations} generations on?", youngest),
        "distance": (f"how many generations lie between '{eldest}' and '{youngest}'?", str(generations)),
    }[kind]
    spans: list[Span] = []
    at = 0
    for link in links:
        spans.append((at, at + len(link)))
        at += len(link) + 1
    return " ".join(links), _asked(question, answer, spans, "atc", number, {"kind": kind, "generations": generations})


def _scattered(
    draw: random.Random, number: int, depth: float, length: int, count: Count, source: Iterator[str]
) -> tuple[str, Asked]:
    people, links, generations = _chain(draw, number)
    draw.shuffle(links)
    paragraphs = fill(source, length - sum(count(f" {link} ") for link in links), count)
    needles = [(min(1.0, depth + 0.1 * at), link) for at, link in enumerate(links)]
    text, spans = insert(paragraphs, needles)
    question = f"who is the eldest relative that '{people[-1]}' can trace back to in the context?"
    labels = {"generations": generations, "needle_depth": round(depth, 4)}
    return text, _asked(question, people[0], spans, "multi_needle", number, labels)


def _asked(
    question: str, answer: str, spans: Sequence[Span], task: str, number: int, labels: Mapping[str, object]
) -> Asked:
    text = (
        "A parent is one generation away, a grandparent two. From the relations that the text states, "
        f"{question} {_BOX}"
    )
    found = {"hops": number, "needles": number, **labels}
    return Asked(text, (answer,), spans, task, ("ancestral_trace", "contains"), labels=found)
