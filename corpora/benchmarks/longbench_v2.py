"""LongBench v2 (Bai et al. 2024, arXiv 2412.15204): 503 hard multiple-choice questions over 8k to 2M words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields, one_of
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, read_table
from corpora.options import chosen_of
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("longbench_v2", "THUDM/LongBench-v2", ("data.json",))
_FIELDS: Fields = {
    "_id": GOLD, "domain": TEXT, "sub_domain": TEXT, "difficulty": one_of("easy", "hard"),
    "length": one_of("short", "medium", "long"), "question": FILLED, "choice_A": TEXT, "choice_B": TEXT,
    "choice_C": TEXT, "choice_D": TEXT, "answer": one_of("A", "B", "C", "D"), "context": TEXT,
}  # fmt: skip
_FORMAT = 'Format your response as follows: "The correct answer is (insert answer here)".'

_READ = "Please read the following text and answer the question below.\n\n<text>\n{context}\n</text>\n\n"


def load(
    *,
    path: str | None = None,
    lengths: Sequence[str] | str | None = None,
    prompts: Literal["shared", "official"] = "shared",
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """LongBench v2: each row is a context with one multiple-choice question; the reply has to name the gold letter.

    `lengths`: short (below 32k words), medium (up to 128k), long; all by default. `path`: a folder with `data.json`, or
    the file. With `prompts: official`, `full_context` uses the official prompt, truncated in the middle as a whole.
    Raises InputError.
    """
    chosen_of(prompts, ("shared", "official"), "prompts")
    chosen = chosen_of(lengths, ("short", "medium", "long"), "lengths")
    folder = files_of(SOURCE, path, revision)
    contexts, questions = [], []
    for row in read_table(file_of(folder, "data"), _FIELDS):
        if row["length"] not in chosen:
            continue
        context = Context((Document(str(row["_id"]), row["context"].strip()),))
        contexts.append(context)
        options = tuple(row[f"choice_{letter}"].strip() for letter in "ABCD")
        shown = "\n".join(f"({letter}) {option}" for letter, option in zip("ABCD", options, strict=True))
        # the question lists the choices in the official form; as `options` they would be shown a second time
        text = f"What is the correct answer to this question: {row['question'].strip()}\nChoices:\n{shown}\n\n{_FORMAT}"
        labels = {name: row[name] for name in ("domain", "sub_domain", "difficulty", "length")} | {"max_gen": 128}
        questions.append(
            Question(
                str(row["_id"]), text, context.context_id, (row["answer"],), (), (), row["domain"],
                ("longbench_v2", "longbench_v2_compensated"), labels,
                f"{_READ}{text}" if prompts == "official" else "",
            )
        )  # fmt: skip
    return assembled(
        "longbench-v2", contexts, questions, limit=limit, provenance=SOURCE.page, licence="Apache-2.0",
        version="1, official prompts" if prompts == "official" else "1",
    )  # fmt: skip
