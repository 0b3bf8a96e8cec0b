"""NoLiMa's own needles and books (Modarressi et al., ICML 2025, arXiv 2502.05167; adobe-research/NoLiMa).

The needle set and the shuffled books are under Adobe's non-commercial research licence. The corpus `nolima` generates
texts of the same construction with free needles.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import FILLED, GOLD, MAPPING, TEXT, Fields, ListOf, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_table, read_text
from corpora.synthetic.sizing import Counter, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("nolima_published", "amodaresi/NoLiMa", ("needlesets/*.json", "haystack/**/*.txt"))

_TEST: Fields = {"input_args": ListOf(GOLD), "gold_answers?": either(GOLD, ListOf(GOLD))}
_FIELDS: Fields = {
    "id": TEXT, "needle": FILLED, "questions": MAPPING, "tests": MAPPING, "character_set": ListOf(FILLED, least=1),
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    needles: str = "needle_set",
    tokens: int | Sequence[int] = (1_000, 8_000),
    depths: int = 5,
    direct: bool = False,
    tokenizer: str = "o200k_base",
    seed: int = 42,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """NoLiMa as published: every needle, test and question type × length × depth, in a window of a book.

    `needles`: the needle set's file name; `tokens`: lengths without the needle, in `tokenizer`; `direct`: include the
    literal control questions. `path`: a folder with the needle sets and `rand_book_*.txt`. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    lengths, count = lengths_of(tokens, shortest=250), counter(tokenizer)
    books = sorted(folder.rglob("*book*.txt"))
    if not books:
        raise InputError("holds no rand_book_*.txt", file=folder, fix=f"get the haystacks from {SOURCE.page}")
    data = file_of(folder, needles)
    contexts, questions = [], []
    texts = [read_text(book) for book in books]
    rows = read_table(data, _FIELDS)
    for row in rows:
        for test_id, test in row["tests"].items():
            arguments = checked(test, _TEST, data, f"{row['id']}, test {test_id}")["input_args"]
            for kind, asked in row["questions"].items():
                if kind == "direct" and not direct:
                    continue
                for length in lengths:
                    for step in range(depths):
                        name = f"{row['id']}_{test_id}_{kind}-{length}-{step}"
                        draw = random.Random(f"{seed}:{name}")
                        depth = step / (depths - 1) if depths > 1 else 0.5
                        context, question = _placed(
                            name, row, arguments, test, asked, kind, draw, depth, length, texts, count
                        )
                        contexts.append(context)
                        questions.append(question)
    return assembled(
        "nolima-published", contexts, questions, limit=limit, version=data.stem,
        provenance=f"{SOURCE.page}; {data.name}",
        licence="Adobe Research License (non-commercial)",
    )  # fmt: skip


def _placed(
    name: str, row: dict[str, Any], arguments: Sequence[str], test: dict[str, Any], asked: str, kind: str,
    draw: random.Random, depth: float, length: int, texts: Sequence[str], count: Counter,
) -> tuple[Context, Question]:  # fmt: skip
    """A random window of a book, as in NoLiMa, with the needle on its own line at the given depth, and the question."""
    person = draw.choice(row["character_set"])
    needle = _filled(row["needle"], arguments).replace("{CHAR}", person)
    lines = texts[draw.randrange(len(texts))].split("\n")
    window: list[str] = []
    used = 0
    at = draw.randrange(len(lines))
    for offset in range(len(lines)):
        line = lines[(at + offset) % len(lines)]
        size = count(line + "\n")
        if used + size > length:
            break
        window.append(line)
        used += size
    place = round(depth * len(window))
    before = "\n".join(window[:place])
    start = len(before) + 1 if before else 0
    text = "\n".join([*([before] if before else []), needle, *window[place:]])
    document = Document(name, text)
    context = Context((document,))
    told = test.get("gold_answers") or person
    golds = tuple(map(str, told)) if isinstance(told, list) else (str(told),)
    question = Question(
        name, _filled(asked, arguments) + " Return only the final answer.", context.context_id, golds, (),
        (Chunk.of(document, start, start + len(needle)),), kind, ("nolima_contains", "contains"),
        {
            "length": length, "depth": round(depth, 4), "hops": 2 if kind == "twohop" else 1,
            "length_unit": count.unit, "tokenizer": count.tokenizer, "needle_pair": name.rsplit("-", 2)[0],
            "max_gen": 192,
        },
    )  # fmt: skip
    return context, question


def _filled(template: str, arguments: Sequence[str]) -> str:
    """A template with `{1}`, `{2}` … replaced by the test's arguments."""
    return re.sub(
        r"\{(\d+)\}",
        lambda m: str(arguments[int(m.group(1)) - 1]) if int(m.group(1)) <= len(arguments) else m.group(),
        template,
    )
