"""Summary of a Haystack (Laban et al., EMNLP 2024, arXiv 2407.01370): summaries of about 100 documents with citations.

Coverage, citation and joint score need a judge that checks each insight (`workbench judge --prompt summhay`); the
metrics here compare the summary with the reference insights without a judge.
"""

from __future__ import annotations

from corpora.benchmarks.fields import FILLED, MAPPING, TEXT, TEXTS, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, read_json
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("summhay", "Salesforce/summary-of-a-haystack", ("topic_*.json", "*/topic_*.json"))
_ASK = (
    "{query}\nThe text holds {kind}s, numbered in the order in which they stand. Summarize what they say about this in "
    "exactly {number} bullet points, one for each distinct insight, and cite after each the numbers of all {kind}s "
    "that it comes from, as in [1][4]. Write at most 300 words."
)

_DOCUMENT: Fields = {"document_id": TEXT, "document_text": TEXT, "insights_included": TEXTS}
_SUBTOPIC: Fields = {
    "subtopic_id": TEXT,
    "query": FILLED,
    "insights": ListOf({"insight_id": TEXT, "insight": TEXT}, least=1),
}


def load(*, path: str | None = None, limit: int | None = None, revision: str | None = None) -> Corpus:
    """SummHay: each haystack is a context of documents, each of its subtopics a question to summarise with citations.

    The documents that contain one of a subtopic's insights are its evidence. `path`: a folder with `topic_*.json`.
    Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    files = sorted(folder.rglob("topic_*.json"))
    if not files:
        raise InputError("holds no topic_*.json", file=folder, fix=f"get them from {SOURCE.page}")
    contexts, questions = [], []
    for file in files:
        topic = checked(
            read_json(file), {"documents": ListOf(MAPPING, least=1), "subtopics": ListOf(MAPPING)}, file, "the topic"
        )
        kind = "article" if "news" in file.stem else "conversation"
        documents, holds = [], {}
        for number, raw in enumerate(topic["documents"], 1):
            row = checked(raw, _DOCUMENT, file, f"document {number}")
            documents.append(Document(row["document_id"], f"{kind.title()} {number}:\n{row['document_text']}"))
            holds[row["document_id"]] = set(row["insights_included"])
        context = Context(tuple(documents))
        contexts.append(context)
        for raw in topic["subtopics"]:
            row = checked(raw, _SUBTOPIC, file, "a subtopic")
            told = [item for item in row["insights"] if any(item["insight_id"] in held for held in holds.values())]
            wanted = {item["insight_id"] for item in told}
            evidence = [Chunk.of(d, 0, len(d.text)) for d in documents if holds[d.document_id] & wanted]
            sources = {
                item["insight_id"]: [
                    n for n, d in enumerate(documents, 1) if item["insight_id"] in holds[d.document_id]
                ]
                for item in told
            }
            gold = "\n".join(f"- {item['insight']}" for item in told)
            questions.append(
                Question(
                    f"{file.stem}-{row['subtopic_id']}",
                    _ASK.format(query=row["query"], kind=kind, number=len(told)),
                    context.context_id, (gold,), (), tuple(evidence), kind, ("rouge_mean", "citation_f1"),
                    {
                        "scope": len(evidence), "insights": len(told), "sources": sources, "max_gen": 1_000,
                        "insight_texts": {item["insight_id"]: item["insight"] for item in told},
                    },
                )
            )  # fmt: skip
    return assembled(
        "summhay", contexts, questions, limit=limit, version="4353172", provenance=SOURCE.page, licence="Apache-2.0"
    )
