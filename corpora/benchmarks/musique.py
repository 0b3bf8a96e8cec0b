"""MuSiQue (Trivedi et al., TACL 2022, arXiv 2108.00573): questions that need two to four hops and allow no shortcut."""

from __future__ import annotations

from typing import Literal

from corpora.benchmarks.fields import FILLED, FLAG, GOLD, MAPPING, TEXT, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_table
from corpora.options import chosen_of
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("musique", "dgslibisey/MuSiQue", ("musique_ans_v1.0_dev.jsonl",))
_FIELDS: Fields = {
    "id": FILLED, "paragraphs": ListOf(MAPPING, least=1), "question": FILLED, "answer": GOLD,
    "answer_aliases": ListOf(GOLD), "answerable": FLAG,
}  # fmt: skip
_PARAGRAPH: Fields = {"title": TEXT, "paragraph_text": TEXT, "is_supporting": FLAG}


def load(
    *,
    path: str | None = None,
    file: str = "musique_ans_v1.0_dev",
    context: Literal["own", "pooled"] = "own",
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """MuSiQue: questions of two to four hops; the supporting paragraphs are the evidence.

    `context: own` asks each question about its own twenty paragraphs, `pooled` about the paragraphs of all questions
    together. `file: musique_full_v1.0_dev` adds unanswerable variants, which are right when the reply abstains. Raises
    InputError.
    """
    chosen_of(context, ("own", "pooled"), "context")
    data = file_of(files_of(SOURCE, path, revision), file)
    rows = read_table(data, _FIELDS)
    texts: dict[tuple[str, str], Document] = {}
    for row in rows:
        for number, raw in enumerate(row["paragraphs"]):
            part = checked(raw, _PARAGRAPH, data, f"{row['id']}, paragraph {number}")
            key = (part["title"], part["paragraph_text"])
            texts.setdefault(key, Document(f"p{len(texts)}", part["paragraph_text"], part["title"]))
    pool = Context(tuple(texts.values())) if context == "pooled" else None
    contexts, questions = ([pool] if pool else []), []
    for row in rows:
        own = {(part["title"], part["paragraph_text"]): part["is_supporting"] for part in row["paragraphs"]}
        asked_of = pool or Context(tuple(texts[key] for key in own))
        if pool is None:
            contexts.append(asked_of)
        evidence = tuple(Chunk.of(texts[key], 0, len(key[1])) for key, supports in own.items() if supports)
        hops = int(row["id"][0]) if row["id"][:1].isdigit() else len(evidence)  # ids begin with 2hop, 3hop1, 4hop2
        answerable = bool(row["answerable"])
        questions.append(
            Question(
                row["id"], row["question"], asked_of.context_id,
                (str(row["answer"]), *map(str, row["answer_aliases"])) if answerable else (), (),
                evidence if answerable else (), f"{hops}hop",
                ("musique_f1", "exact_match", "contains") if answerable else ("abstention",),
                {"hops": hops, "scope": len(evidence), "unanswerable": not answerable},
            )
        )  # fmt: skip
    return assembled(
        "musique", contexts, questions, limit=limit, version=file, provenance=f"{SOURCE.page}; {data.name}, {context}",
        licence="CC BY 4.0",
    )  # fmt: skip
