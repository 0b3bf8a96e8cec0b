"""HELMET (Yen et al., ICLR 2025, arXiv 2410.02694; princeton-nlp/HELMET): recall, retrieval and re-ranking categories.

Loaded are the categories whose files carry everything: `json_kv` and RULER's needles (recall), KILT's questions with
their passages (rag), MS MARCO's ids (rerank), ALCE's passages (cite). In-context learning, long QA and summaries come
from other sets in HELMET, too: use `infinitebench` and `narrativeqa` for those. HELMET's shots are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import FLAG, GOLD, GOLDS, TEXT, Fields, ListOf, either
from corpora.benchmarks.raw import assembled, folder_of, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://huggingface.co/datasets/princeton-nlp/HELMET (data.tar.gz, 34 GB)"
CATEGORIES = ("json_kv", "ruler", "kilt", "msmarco", "alce")
_MAX_GEN = {"json_kv": 100, "ruler": 50, "kilt": 20, "msmarco": 200, "alce": 300}
_RAG = (
    "Use the given documents to write a concise and short answer to the question. Write your answer in the following "
    "format:\nAnswer: [answer]\nQuestion: "
)
_RANK = (
    "Rank the documents by how well they answer the query, in descending order of relevance, by their IDs, as in "
    "Ranking: ID3 > ID1 > ID2\nQuery: "
)

_ANSWERS = either(GOLD, GOLDS, ListOf(GOLDS, least=1))  # QAMPARI has a list of aliases for each answer
_PASSAGES = ListOf({"text": TEXT, "id?": GOLD, "title?": TEXT})
_ASKED: Fields = {
    "question": TEXT, "ctxs?": _PASSAGES, "docs?": _PASSAGES, "positive_ctxs?": _PASSAGES,
    "answers?": _ANSWERS, "answer?": _ANSWERS,
}  # fmt: skip
_RANKED = ListOf({"text": TEXT, "id": GOLD, "label?": either(GOLD, FLAG)}, least=1)
_FIELDS: dict[str, Fields] = {
    "json_kv": {"context": TEXT, "question": TEXT, "answer": either(GOLD, GOLDS)},
    "ruler": {"input": TEXT, "outputs": either(GOLD, GOLDS)},
    "kilt": _ASKED,
    "msmarco": {"question": TEXT, "ctxs": _RANKED},
    "alce": _ASKED,
}


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    limit: int | None = None,
) -> Corpus:
    """HELMET's files, each row a context and a question. `tasks`: json_kv, ruler, kilt, msmarco, alce; the folders of
    `data/` of these names, all that are there by default. Gold passages are the evidence. Unpack the archive
    first. Raises InputError.
    """
    folder = folder_of(path, "helmet", _SOURCE)
    wanted = chosen_of(tasks, CATEGORIES, "tasks")
    files = {name: sorted(f for d in folder.rglob(name) if d.is_dir() for f in d.glob("*.json*")) for name in wanted}
    if not any(files.values()):
        raise InputError("holds none of its folders", file=folder, fix=f"expected: {', '.join(wanted)}")
    contexts, questions = [], []
    for name, found in files.items():
        for file in found:
            rows = read_table(file, _FIELDS[name])
            for number, row in enumerate(rows):
                context, question = _question(name, f"{name}-{file.stem}-{number}", row)
                contexts.append(context)
                questions.append(question)
    return assembled(
        "helmet", contexts, questions, limit=limit, version="4526dfb", provenance=_SOURCE,
        licence="MIT (the data sets' own licences apply)",
    )  # fmt: skip


def _question(name: str, question_id: str, row: dict[str, Any]) -> tuple[Context, Question]:
    labels: dict[str, Any] = {"max_gen": _MAX_GEN[name]}
    evidence: list[Chunk] = []
    if name in ("json_kv", "ruler"):
        document = Document(question_id, str(row["context" if name == "json_kv" else "input"]))
        context = Context((document,))
        golds = row["answer"] if name == "json_kv" else row["outputs"]
        golds = [str(gold) for gold in golds] if isinstance(golds, list) else [str(golds)]
        ask = "Extract the value corresponding to the specified key in the JSON object.\nKey: "
        text = ask + str(row["question"]) if name == "json_kv" else "Answer the question that the text ends with."
        metrics: tuple[str, ...] = ("helmet_sub_em" if name == "json_kv" else "ruler_match_all", "contains")
    else:
        passages = row.get("ctxs") or row.get("docs") or []
        documents = tuple(
            Document(f"{p.get('id', n)}#{n}", str(p["text"]), str(p.get("title", ""))) for n, p in enumerate(passages)
        )
        context = Context(documents)
        answers = row.get("answers") or row.get("answer") or []
        several = answers if isinstance(answers, list) else [answers]
        golds = [str(alias) for gold in several for alias in (gold if isinstance(gold, list) else [gold])]
        positive = {str(p.get("text")) for p in row.get("positive_ctxs") or ()}
        evidence = [Chunk.of(d, 0, len(d.text)) for d in documents if d.text in positive]
        text = (_RANK if name == "msmarco" else _RAG) + str(row["question"])
        metrics = ("helmet_sub_em", "token_f1")
        if name == "msmarco":
            relevant = sorted((p for p in passages if p.get("label")), key=lambda p: -float(p["label"]))
            golds, metrics = [" > ".join(f"ID{p['id']}" for p in relevant)], ("ordered_match",)
    question = Question(
        question_id, text, context.context_id, tuple(golds), (), tuple(evidence), name, metrics, labels
    )  # fmt: skip
    return context, question
