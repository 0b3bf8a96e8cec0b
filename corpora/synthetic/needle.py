"""Needle in a haystack (Kamradt 2023): a sentence hidden at a given depth in a text of a given length.

The needles are our own: a named person's password, locker number or hidden thing, which the haystack does not mention.
Several needles are asked for at once, as in the multi-needle test and NeedleBench's M-RT; the score is the share found.
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
    needles: int = 1,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Needle in a haystack: a grid of lengths × depths, with `repeats` questions per cell, each about its own text.

    `tokens`: lengths of the texts in `tokenizer`, needle included; `depths`: number of depths, evenly spaced from the
    start (0) to the end (1); `kinds`: number, word and thing, in turn. With several `needles`, the first is at the
    depth and the others evenly between it and the end. `haystack`: a text file, folder or corpus to hide them in, by
    default generated prose. Raises InputError.
    """
    lengths = lengths_of(tokens)
    if depths < 1 or repeats < 1:
        raise InputError("depths and repeats must be at least 1", field="depths", fix="use 1 or more")
    if needles < 1 or needles * 60 > min(lengths):
        raise InputError(f"{needles} needles", field="needles", fix="use 1 or more, and 60 tokens for each")
    chosen = chosen_of(kinds, tuple(KINDS), "kinds")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for step in range(depths):
            depth = step / (depths - 1) if depths > 1 else 0.5
            for number in range(repeats):
                name = f"{length}-{step}-{number}"
                first = step * repeats + number
                asked = [chosen[(first + more) % len(chosen)] for more in range(needles)]
                source = source_of(haystack, f"{seed}:{name}")
                sheets.append(_sheet(name, random.Random(f"{seed}:{name}"), length, depth, asked, source, count))
    return corpus_of(
        "needle", sheets, count,
        version=VERSION,
        provenance=f"generated: seed {seed}, {f'{needles} needles, ' if needles > 1 else ''}"
        f"{depths} depths of {', '.join(map(str, lengths))} tokens ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def _sheet(
    name: str,
    draw: random.Random,
    length: int,
    depth: float,
    kinds: Sequence[str],
    source: Iterator[str],
    count: Count,
) -> Sheet:
    """A text with its needles, and the question."""
    names = Names(draw)
    values: list[str] = []
    told: list[str] = []
    asked: list[str] = []
    for kind in kinds:
        keeper = f"{names.word(2)} {names.word(2)}"
        while True:
            drawn = {
                "number": str(draw.randint(10**6, 10**7 - 1)),
                "word": names.word(3),
                "thing": draw.choice(_THINGS),
            }
            if drawn[kind] not in values or (kind == "thing" and set(_THINGS) <= set(values)):
                break
        values.append(drawn[kind])
        for wording, texts in zip(KINDS[kind], (told, asked), strict=True):
            texts.append(wording.format(name=keeper, value=values[-1]))
    depths = [depth + at * (1 - depth) / len(kinds) for at in range(len(kinds))]
    paragraphs = fill(source, length - sum(count(" " + one + " ") for one in told), count)
    text, spans = insert(paragraphs, list(zip(depths, told, strict=True)))
    if len(kinds) == 1:
        labels = {"depth": round(depth, 4)}
        question = Asked(asked[0], tuple(values), spans, kinds[0], ("contains", "token_f1"), labels=labels)
    else:
        whole = "Answer each of these questions, one line for each:\n" + "\n".join(asked)
        labels = {"depth": round(depth, 4), "needles": len(kinds)}
        question = Asked(whole, tuple(values), spans, "needles", ("needle_keyword_share",), labels=labels)
    return Sheet(name, text, (question,), length)
