"""Needle in a haystack (Kamradt 2023): one sentence at a depth of a text of some length, asked for by its words.

The needles are our own and say something that the haystack cannot: what a named keeper's word, number or errand is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import Names
from corpora.synthetic.haystack import fill, insert, source_of
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "2"
KINDS = {
    "number": ("The number of the locker of {name} is {value}.", "What is the number of the locker of {name}?"),
    "word": ("The password of {name} is {value}.", "What is the password of {name}?"),
    "thing": ("{name} hid {value} in the bell tower.", "What did {name} hide in the bell tower?"),
}
_THINGS = "a silver whistle|a blue umbrella|three brass keys|a stuffed owl|a jar of plums|a wooden leg".split("|")


def load(
    *,
    tokens: int | Sequence[int] = (4_000, 16_000),
    depths: int = 5,
    repeats: int = 1,
    kinds: Sequence[str] | None = None,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Needle in a haystack: every length × depth of a grid, `repeats` questions a cell, each in a text of its own.

    `tokens` are the lengths of the texts in `tokenizer`, needle included; `depths` depths are spread evenly from the
    start (0) to the end (1); `kinds` are number, word and thing, in turn; `haystack` is a text file, folder or corpus
    to hide in, by default generated prose. Raises InputError.
    """
    lengths = lengths_of(tokens)
    if depths < 1 or repeats < 1:
        raise InputError("depths and repeats must be at least 1", field="depths", fix="use 1 or more")
    chosen = chosen_of(kinds, tuple(KINDS), "kinds")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for step in range(depths):
            depth = step / (depths - 1) if depths > 1 else 0.5
            for number in range(repeats):
                name = f"{length}-{step}-{number}"
                kind = chosen[(step * repeats + number) % len(chosen)]
                source = source_of(haystack, f"{seed}:{name}")
                sheets.append(_sheet(name, random.Random(f"{seed}:{name}"), length, depth, kind, source, count))
    return corpus_of(
        "needle", sheets, count,
        version=VERSION,
        provenance=f"generated: seed {seed}, {depths} depths of {', '.join(map(str, lengths))} tokens ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def _sheet(
    name: str, draw: random.Random, length: int, depth: float, kind: str, source: Iterator[str], count: Count
) -> Sheet:
    """One text with its needle, and the question."""
    names = Names(draw)
    keeper = f"{names.word(2)} {names.word(2)}"
    value = {"number": str(draw.randint(10**6, 10**7 - 1)), "word": names.word(3), "thing": draw.choice(_THINGS)}[kind]
    told, asked = (wording.format(name=keeper, value=value) for wording in KINDS[kind])
    paragraphs = fill(source, length - count(" " + told + " "), count)
    text, spans = insert(paragraphs, [(depth, told)])
    question = Asked(asked, (value,), spans, kind, ("contains", "token_f1"), labels={"depth": round(depth, 4)})
    return Sheet(name, text, (question,), length)
