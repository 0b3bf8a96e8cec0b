"""The haystack around needles: text that contains nothing a question could ask for."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from corpora.synthetic.fictional_world.prose import Scenery
from corpora.synthetic.sizing import Count
from workbench.errors import InputError
from workbench.text import sentences

_PARAGRAPH = 6  # sentences in a paragraph


def source_of(haystack: str | None, seed: str) -> Iterator[str]:
    """The sentences of the haystack: generated prose by default, else those of a text file, of a folder's `.txt` and
    `.md` files, or of a corpus (`world`, `qmsum@FOLDER`), repeated endlessly from a random start.

    Raises InputError when there is no such text."""
    if haystack is None:
        return prose(seed)
    found = _sentences_of(haystack)
    return cycled(found, random.Random(seed).randrange(len(found)))


@lru_cache(maxsize=4)
def _sentences_of(haystack: str) -> tuple[str, ...]:
    found = tuple(sentence for text in _texts_of(haystack) for sentence in sentences(text) if sentence.strip())
    if not found:
        raise InputError("is empty", file=haystack, field="haystack", fix="give a text to hide in")
    return found


def _texts_of(haystack: str) -> list[str]:
    path = Path(haystack).expanduser()
    files = sorted(f for f in path.rglob("*") if f.suffix in (".txt", ".md")) if path.is_dir() else [path]
    if not path.exists():
        return _corpus_texts(haystack)
    try:
        return [file.read_text(encoding="utf-8") for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read", file=path, field="haystack", fix="give a UTF-8 text file") from error


def _corpus_texts(haystack: str) -> list[str]:
    from workbench import catalogue  # not at the top, since it imports every generator

    name, _, path = haystack.partition("@")
    if name not in catalogue.corpora():
        raise InputError("no such file, folder or corpus", file=haystack, field="haystack", fix="give a text file")
    corpus = catalogue.corpus(name)(**({"path": path} if path else {}))
    return [document.text for context in corpus.contexts.values() for document in context.documents]


def prose(seed: str) -> Iterator[str]:
    """Endless sentences about markets, weather and trifles, without names of people or towns and without numbers."""
    draw = random.Random(seed)
    scene = Scenery(draw)
    while True:
        yield scene.sentence("any")


def cycled(found: Sequence[str], start: int = 0) -> Iterator[str]:
    """The sentences from number `start` on, endlessly repeated."""
    at = start
    while found:
        yield found[at % len(found)]
        at += 1


def fill(source: Iterator[str], tokens: int, count: Count) -> list[str]:
    """Paragraphs of sentences from `source` with nearly, but at most, `tokens` tokens in total."""
    paragraphs: list[str] = []
    used = 0
    while True:
        taken = [next(source) for _ in range(_PARAGRAPH)]
        size = count("\n\n" + " ".join(taken))
        while taken and used + size > tokens:
            taken.pop()
            size = count("\n\n" + " ".join(taken))
        if taken:
            paragraphs.append(" ".join(taken))
            used += size
        if len(taken) < _PARAGRAPH:
            return paragraphs


def insert(paragraphs: Sequence[str], needles: Sequence[tuple[float, str]]) -> tuple[str, list[tuple[int, int]]]:
    """The joined text with each needle between two sentences at its depth (0 the start, 1 the end), and the needles'
    spans in the given order. Needles at the same place keep their order."""
    text = "\n\n".join(paragraphs)
    ends = [at + 1 for at, sign in enumerate(text[:-1]) if sign in ".!?" and text[at + 1] in " \n"]
    places = [0, *ends, len(text)]
    wanted = [min(places, key=lambda place: abs(place - depth * len(text))) for depth, _ in needles]
    order = sorted(range(len(needles)), key=lambda number: (wanted[number], number))
    spans = [(0, 0)] * len(needles)
    made, at = "", 0
    for number in order:
        made += text[at : wanted[number]]
        at = wanted[number]
        if made and not made[-1].isspace():
            made += " "
        spans[number] = (len(made), len(made) + len(needles[number][1]))
        made += needles[number][1]
        if at == 0:
            made += " "
    return made + text[at:], spans
