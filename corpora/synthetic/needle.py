"""Needle in a haystack (Kamradt 2023): one sentence at a depth of a text of some length, asked for by its words.

The needles are our own and say something that the haystack cannot: what a named keeper's word, number or errand is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from corpora.synthetic.fictional_world.names import Names
from corpora.synthetic.haystack import cycled, fill, insert, prose
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question
from workbench.text import count_tokens

VERSION = "1"
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
    kinds: Sequence[str] = tuple(KINDS),
    haystack: str | None = None,
    seed: int = 0,
) -> Corpus:
    """Needle in a haystack: every length × depth of a grid, `repeats` questions a cell, each in a text of its own.

    `tokens` are the lengths (o200k) of the texts, needle included; `depths` depths are spread evenly from the start (0)
    to the end (1); `haystack` is a text file to hide in, by default generated prose. Raises InputError.
    """
    lengths = [tokens] if isinstance(tokens, int) else list(tokens)
    if not lengths or not all(200 <= length <= 1_000_000 for length in lengths):
        raise InputError(f"lengths {lengths}", field="tokens", fix="use 200 to 1000000 tokens")
    if depths < 1 or repeats < 1:
        raise InputError("depths and repeats must be at least 1", field="depths", fix="use 1 or more")
    if not kinds or set(kinds) - set(KINDS):
        raise InputError(f"kinds {list(kinds)}", field="kinds", fix=f"known: {', '.join(KINDS)}")
    text = _text_of(haystack)
    contexts, questions = [], []
    for length in lengths:
        for step in range(depths):
            depth = step / (depths - 1) if depths > 1 else 0.5
            for number in range(repeats):
                name = f"{length}-{step}-{number}"
                kind = kinds[(step * repeats + number) % len(kinds)]
                context, question = _cell(name, f"{seed}:{name}", length, depth, kind, text)
                contexts.append(context)
                questions.append(question)
    return Corpus.of(
        "needle",
        contexts,
        questions,
        version=VERSION,
        provenance=f"generated: seed {seed}, {depths} depths of {', '.join(map(str, lengths))} tokens",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )


def _cell(name: str, seed: str, tokens: int, depth: float, kind: str, text: str | None) -> tuple[Context, Question]:
    """One text with its needle, and the question."""
    draw = random.Random(seed)
    names = Names(draw)
    keeper = f"{names.word(2)} {names.word(2)}"
    value = {"number": str(draw.randint(10**6, 10**7 - 1)), "word": names.word(3), "thing": draw.choice(_THINGS)}[kind]
    told, asked = (wording.format(name=keeper, value=value) for wording in KINDS[kind])
    source = prose(seed) if text is None else cycled(text)
    paragraphs = fill(source, tokens - count_tokens(" " + told + " "), count_tokens)
    made, ((start, end),) = insert(paragraphs, [(depth, told)])
    document = Document(f"needle-{name}", made)
    context = Context((document,))
    labels = {
        "context_tokens": count_tokens(made), "length": tokens, "depth": round(depth, 4), "hops": 1, "scope": 1,
        "diffusion": 0,
    }  # fmt: skip
    evidence = (Chunk.of(document, start, end),)
    question = Question(
        f"needle-{name}", asked, context.context_id, (value,), (), evidence, kind, ("contains", "token_f1"), labels
    )
    return context, question


def _text_of(path: str | None) -> str | None:
    if path is None:
        return None
    file = Path(path).expanduser()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read", file=file, field="haystack", fix="give a UTF-8 text file") from error
    if not text.strip():
        raise InputError("is empty", file=file, field="haystack", fix="give a text to hide in")
    return text
