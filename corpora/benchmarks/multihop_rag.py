"""MultiHop-RAG (Tang and Yang, COLM 2024, arXiv 2401.15391): 2,556 queries over 609 articles, two to four facts."""

from __future__ import annotations

from corpora.benchmarks.fields import FILLED, GOLD, NOT_NULL, TEXT, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, found_in, read_table
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("multihop_rag", "yixuantt/MultiHopRAG", ("MultiHopRAG.json", "corpus.json"))

_RETRIEVAL = ("multihop_rag_hits@4", "multihop_rag_hits@10", "multihop_rag_map@10", "multihop_rag_mrr@10")
_ARTICLE: Fields = {"title": TEXT, "source": TEXT, "published_at": NOT_NULL, "body": TEXT}
_QUERY: Fields = {
    "query": FILLED, "answer": GOLD, "question_type": TEXT, "evidence_list": ListOf({"title": TEXT, "fact": TEXT}),
}  # fmt: skip


def load(*, path: str | None = None, limit: int | None = None, revision: str | None = None) -> Corpus:
    """MultiHop-RAG: all queries are asked about all articles together; the supporting facts are the evidence.

    Null queries, which the articles cannot answer, are right when the reply abstains. `path`: a folder with
    `MultiHopRAG.json` and `corpus.json`. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    articles: dict[str, Document] = {}
    for row in read_table(file_of(folder, "corpus"), _ARTICLE):
        head = f"{row['title']}\n{row['source']}, {row['published_at']}\n\n"
        articles.setdefault(row["title"], Document(f"a{len(articles)}", head + row["body"], row["title"]))
    context = Context(tuple(articles.values()))
    questions, lost = [], 0
    rows = read_table(file_of(folder, "MultiHopRAG"), _QUERY)
    for number, row in enumerate(rows):
        spans: list[Chunk] = []
        for piece in row["evidence_list"]:
            article = articles.get(piece["title"])
            chunk = found_in(article, piece["fact"]) if article else None
            lost += chunk is None
            spans += [chunk] if chunk else []
        null = row["question_type"] == "null_query"
        metrics = (
            ("abstention", "multihop_rag_accuracy") if null else ("multihop_rag_accuracy", "contains", *_RETRIEVAL)
        )
        labels = {"hops": len(row["evidence_list"]), "scope": len(spans), "unanswerable": null}
        questions.append(
            Question(
                f"mhr-{number}", row["query"], context.context_id, (str(row["answer"]),), (), tuple(spans),
                row["question_type"], metrics, labels,
            )
        )  # fmt: skip
    return assembled(
        "multihop-rag", [context], questions, limit=limit, version="2", provenance=SOURCE.page, licence="ODC-By 1.0",
        notes=(f"{lost} facts do not stand in their articles",) if lost else (),
    )  # fmt: skip
