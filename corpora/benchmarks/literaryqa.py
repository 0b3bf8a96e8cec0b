"""LiteraryQA (Bonomo et al., EMNLP 2025; SapienzaNLP/LiteraryQA): NarrativeQA's literary questions, cleaned."""

from __future__ import annotations

from corpora.benchmarks.fields import GOLD, GOLDS, MAPPING, TEXT, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_table
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("literaryqa", "sapienzanlp/LiteraryQA", ("*.jsonl", "*/*.jsonl", "*/*.parquet"))


def load(
    *, path: str | None = None, split: str = "test", limit: int | None = None, revision: str | None = None
) -> Corpus:
    """LiteraryQA: each book is a context; the best of all reference answers counts. Non-commercial (CC BY-NC).

    `path`: a folder with `SPLIT.jsonl` whose rows contain the books' texts, as written by the benchmark's script.
    Raises InputError.
    """
    data = file_of(files_of(SOURCE, path, revision), split)
    contexts, questions = [], []
    for row in read_table(data, {"document_id": GOLD, "title": TEXT, "text?": TEXT, "qas": ListOf(MAPPING)}):
        if not row.get("text"):
            raise InputError(
                "has no text", file=data, field=f"book {row['document_id']}",
                fix="run the benchmark's download script",
            )  # fmt: skip
        context = Context((Document(str(row["document_id"]), row["text"], row["title"]),))
        contexts.append(context)
        for number, raw in enumerate(row["qas"]):
            item = checked(raw, {"question": TEXT, "answers": GOLDS}, data, f"book {row['document_id']}")
            text = f"{item['question']} Answer as concisely as you can, in a single phrase if possible."
            questions.append(
                Question(
                    f"literaryqa-{row['document_id']}-{number}", text, context.context_id,
                    tuple(map(str, item["answers"])), (), (), "book",
                    ("literaryqa_f1", "exact_match", "rouge_l_google", "meteor"), {},
                )
            )  # fmt: skip
    return assembled(
        "literaryqa", contexts, questions, limit=limit, version="d80898b", provenance=f"{SOURCE.page}; {data.name}",
        licence="CC BY-NC 4.0 (non-commercial)",
    )  # fmt: skip
