"""SORT (Pink et al. 2024, arXiv 2410.08133; bridge-ai-neuro/SORT): which of two segments of a text came first.

Excerpts of a text with pairs of segments whose distance falls into one of four bins. Segments begin where sentences
begin; every pair is asked in both orders, so that half of the answers are A. Lengths are in words by default, as in
SORT. Deviations: the text is generated prose unless `haystack` names a book or a folder of books (SORT uses nine from
Project Gutenberg); the excerpt is the context, and the question contains the two segments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from corpora.options import chosen_of
from corpora.synthetic.haystack import fill, source_of
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
_SENTENCE_START = re.compile(r"(?<=[.!?]) +(?=\S)|\n\n(?=\S)")
_TRIES = 400
_QUESTION = (
    "The text is an excerpt of a book. Two segments of it follow; answer from the text. Segment A: {a} Segment B: {b}\n"
    "Which segment appeared first in the book, A or B? Answer with the letter alone. Answer: Segment"
)


def load(
    *,
    tokens: int | Sequence[int] = (1_000, 2_500),
    segments: int | Sequence[int] = 20,
    bins: Sequence[int] | None = None,
    samples: int = 2,
    haystack: str | None = None,
    tokenizer: str = "words",
    seed: int = 0,
) -> Corpus:
    """SORT: which of two segments of an excerpt came first; a pair per distance bin, asked in both orders.

    For each length and segment length there are `samples` excerpts. `tokens`: lengths of the excerpts in `tokenizer`
    (words). `segments`: lengths of the segments in words (SORT: 20, 50). `bins`: from 1 to 4; the distance of the
    segments' starts is between the segment's length and a quarter of the excerpt's (1), a quarter and a third (2), a
    third and a half (3), a half and four fifths (4). Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=250)
    sizes = [segments] if isinstance(segments, int) else list(segments)
    if not all(5 <= size <= min(lengths) // 8 for size in sizes) or not sizes:
        raise InputError(f"segments {sizes}", field="segments", fix="use 5 words to an eighth of the excerpt")
    numbers = [int(name) for name in chosen_of([str(n) for n in bins or (1, 2, 3, 4)], ("1", "2", "3", "4"), "bins")]
    if samples < 1:
        raise InputError(f"samples {samples}", field="samples", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for size in sizes:
            for number in range(samples):
                name = f"{length}-{size}-{number}"
                draw = random.Random(f"{seed}:{name}")
                text = _excerpt(source_of(haystack, f"{seed}:{name}"), length, count)
                asked = [one for number in numbers for one in _pair(draw, text, size, number)]
                sheets.append(Sheet(name, text, asked, length))
    return corpus_of(
        "sort", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, excerpts of {', '.join(map(str, lengths))} ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def _excerpt(source: Iterator[str], length: int, count: Count) -> str:
    return "\n\n".join(fill(source, length, count))


def _pair(draw: random.Random, text: str, size: int, number: int) -> list[Asked]:
    """Two segments whose distance is in bin `number`, asked in both orders."""
    words = [match.start() for match in re.finditer(r"\S+", text)]
    place = {start: at for at, start in enumerate(words)}
    starts = [place[s] for s in [words[0], *(m.end() for m in _SENTENCE_START.finditer(text))] if s in place]
    total = len(words)
    flat = " ".join(text.split())
    low, high = {
        1: (size, total / 4), 2: (total / 4, total / 3), 3: (total / 3, total / 2), 4: (total / 2, int(total / 1.25)),
    }[number]  # fmt: skip
    starts = [start for start in starts if start + size <= total]
    for _ in range(_TRIES):
        first = draw.choice(starts)
        later = [start for start in starts if low < start - first <= high]
        if not later:
            continue
        second = draw.choice(later)
        spans = [(words[at], _end(text, words, at + size)) for at in (first, second)]
        texts = [text[start:end] for start, end in spans]
        if all(flat.count(" ".join(segment.split())) == 1 for segment in texts):
            break
    else:
        raise InputError(
            f"has no two segments in distance bin {number}", field="haystack", fix="use a longer excerpt"
        )  # fmt: skip
    labels = {"bin": number, "segment_words": size, "distance": second - first}
    shown = [" ".join(segment.split()) for segment in texts]
    return [
        Asked(_QUESTION.format(a=a, b=b), (gold,), spans, f"bin_{number}", ("sort_accuracy",), labels=labels)
        for a, b, gold in ((shown[0], shown[1], "A"), (shown[1], shown[0], "B"))
    ]


def _end(text: str, words: Sequence[int], stop: int) -> int:
    """The offset at which the word before word `stop` ends."""
    return len(text[: words[stop]].rstrip()) if stop < len(words) else len(text.rstrip())
