"""SQuALITY (Wang et al., EMNLP 2022, arXiv 2205.11465): five questions per story, four reference summaries each."""

from __future__ import annotations

from corpora.benchmarks.fields import FILLED, GOLD, INDEX, MAPPING, TEXT, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_table
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("squality", "pszemraj/SQuALITY-v1.3", ("*.jsonl", "*.parquet"))

_STORY: Fields = {"metadata": {"passage_id?": GOLD}, "document": TEXT, "questions": ListOf(MAPPING)}
_ASKED: Fields = {
    "question_text": FILLED, "question_number": INDEX, "responses": ListOf({"response_text": TEXT}, least=1),
}  # fmt: skip


def load(
    *, path: str | None = None, split: str = "dev", limit: int | None = None, revision: str | None = None
) -> Corpus:
    """SQuALITY: each story is a context; the best ROUGE over a question's reference summaries counts.

    The first question of a story asks for its plot, the others for an aspect. `path`: a folder with `dev.jsonl`.
    Raises InputError.
    """
    data = file_of(files_of(SOURCE, path, revision), split)
    contexts, questions = [], []
    for number, row in enumerate(read_table(data, _STORY)):
        story = str(row["metadata"].get("passage_id", number))
        context = Context((Document(story, row["document"]),))
        contexts.append(context)
        for asked in row["questions"]:
            item = checked(asked, _ASKED, data, f"story {story}")
            golds = tuple(response["response_text"] for response in item["responses"])
            task = "plot" if item["question_number"] == 1 else "aspect"
            words = sum(len(gold.split()) for gold in golds) // max(1, len(golds))
            text = f"{item['question_text']} Answer in a text of about {words} words."
            questions.append(
                Question(
                    f"squality-{story}-{item['question_number']}", text, context.context_id, golds, (), (), task,
                    ("rouge_mean", "rouge_l"), {"reference_words": words},
                )
            )  # fmt: skip
    return assembled(
        "squality", contexts, questions, limit=limit, version="1.3", provenance=f"{SOURCE.page}; {data.name}",
        licence="CC BY 4.0 (stories: Project Gutenberg)",
    )  # fmt: skip
