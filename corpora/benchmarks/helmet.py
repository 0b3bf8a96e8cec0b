"""HELMET (Yen et al., ICLR 2025, arXiv 2410.02694; princeton-nlp/HELMET): recall, RAG, re-ranking, citation and ICL.

Loads the categories whose files contain everything needed: `json_kv` and RULER's needles (recall), KILT's questions
with their passages (RAG), MS MARCO's passages (re-ranking), ALCE's passages (citation; recall and precision of
citations need a judge: `workbench judge --prompt alce_citations`); and in-context learning from files of its sets (icl:
see `helmet_icl`). HELMET takes long QA and summaries from other benchmarks: use `infinitebench` and `narrativeqa` for
those (judged with `--prompt helmet_long_qa` and `helmet_summary`). HELMET's two demonstrations per task are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpora.benchmarks import helmet_icl
from corpora.benchmarks.fields import FLAG, GOLD, GOLDS, TEXT, Fields, ListOf, either
from corpora.benchmarks.raw import assembled, folder_of, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://huggingface.co/datasets/princeton-nlp/HELMET (data.tar.gz, 34 GB)"
CATEGORIES = ("json_kv", "ruler", "kilt", "msmarco", "alce", "icl")
_MAX_GEN = {"json_kv": 100, "ruler": 50, "kilt": 20, "msmarco": 200, "alce": 300}
_RAG = (
    "Use the given documents to write a concise and short answer to the question. Write your answer in the following "
    "format:\nAnswer: [answer]\nQuestion: "
)
_CITE = (
    "Answer the question in a concise text, using only the given documents, and cite after each sentence the numbers "
    "of one to three of them that support it, as in [1][3].\nQuestion: "
)
_CITE_LIST = (
    "Give a list of answers to the question, using only the given documents: separate the answers by commas and cite "
    "after each the number of a document that supports it, as in [1].\nQuestion: "
)
_RANK = (
    "Rank the documents by how well they answer the query, in descending order of relevance, by their IDs, as in "
    "Ranking: ID3 > ID1 > ID2\nQuery: "
)

_PASSAGES = ListOf({"text": TEXT, "id?": GOLD, "title?": TEXT})
_ASKED: Fields = {
    "question": TEXT, "ctxs?": _PASSAGES, "docs?": _PASSAGES, "positive_ctxs?": _PASSAGES,
    "answers?": either(GOLD, GOLDS), "answer?": either(GOLD, GOLDS),
}  # fmt: skip
# ASQA has sub-questions with short answers; QAMPARI has a list of aliases for each answer
_ALCE: Fields = {
    "question": TEXT, "ctxs?": _PASSAGES, "docs?": _PASSAGES, "positive_ctxs?": _PASSAGES,
    "qa_pairs?": ListOf({"short_answers": GOLDS}), "answers?": ListOf(either(GOLD, GOLDS), least=1),
    "answer?": either(GOLD, GOLDS),
}  # fmt: skip
_RANKED = ListOf({"text": TEXT, "id": GOLD, "label?": either(GOLD, FLAG)}, least=1)
_FIELDS: dict[str, Fields] = {
    "json_kv": {"context": TEXT, "question": TEXT, "answer": either(GOLD, GOLDS)},
    "ruler": {"input": TEXT, "outputs": either(GOLD, GOLDS)},
    "kilt": _ASKED,
    "msmarco": {"query": TEXT, "ctxs": _RANKED},
    "alce": _ALCE,
}


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    files: Sequence[str] | None = None,
    shots: int = 400,
    limit: int | None = None,
) -> Corpus:
    """HELMET: each row is a context with one question, scored by the category's rule; gold passages are the evidence.

    `path`: the unpacked archive. `tasks`: json_kv, ruler, kilt, msmarco, alce, icl, the names of folders in `data/`; by
    default all that exist. `files` keeps the files whose names contain one of these texts, e.g. `k1000` for one length;
    files of demonstrations (`-train-`) are ignored. `shots`: number of examples in an icl question; at HELMET's lengths
    from 8k to 128k tokens these are 400 to 6,600 for TREC, 360 to 5,900 for BANKING77, 440 to 7,050 for CLINC150 and
    510 to 8,296 for NLU. Raises InputError.
    """
    folder = folder_of(path, "helmet", _SOURCE)
    wanted = chosen_of(tasks, CATEGORIES, "tasks")
    learnt = helmet_icl.asked(folder, shots) if "icl" in wanted else []
    wanted = [name for name in wanted if name != "icl"]
    there = {name: sorted(f for d in folder.rglob(name) if d.is_dir() for f in d.glob("*.json*")) for name in wanted}
    there = {
        name: [f for f in found if "-train-" not in f.name and (not files or any(part in f.name for part in files))]
        for name, found in there.items()
    }
    if not any(there.values()) and not learnt:
        fix = f"expected: {', '.join(wanted) or 'icl, with NAME-test and NAME-train'}"
        raise InputError("holds none of its folders", file=folder, fix=fix)
    contexts, questions = [context for context, _ in learnt], [question for _, question in learnt]
    for name, found in there.items():
        for file in found:
            rows = read_table(file, _FIELDS[name])
            for number, row in enumerate(rows):
                context, question = _question(name, f"{name}-{file.stem}-{number}", row)
                contexts.append(context)
                questions.append(question)
    return assembled(
        "helmet", contexts, questions, limit=limit, version="4526dfb, 2", provenance=_SOURCE,
        licence="MIT (the data sets' own licences apply)",
    )  # fmt: skip


def _question(name: str, question_id: str, row: dict[str, Any]) -> tuple[Context, Question]:
    """A row as context and question; what the category's scoring rule needs is among the labels."""
    labels: dict[str, Any] = {"max_gen": _MAX_GEN[name]}
    evidence: list[Chunk] = []
    task = name
    if name in ("json_kv", "ruler"):
        context = Context((Document(question_id, str(row["context" if name == "json_kv" else "input"])),))
        golds = _texts(row["answer"] if name == "json_kv" else row["outputs"])
        ask = "Extract the value corresponding to the specified key in the JSON object.\nKey: "
        text = ask + row["question"] if name == "json_kv" else "Answer the question that the text ends with."
        metrics: tuple[str, ...] = ("helmet_sub_em" if name == "json_kv" else "ruler_match_all", "contains")
    else:
        passages = row.get("ctxs") or row.get("docs") or []
        documents = tuple(
            Document(f"{p.get('id') or n}#{n}", _mark(name, n, p) + p["text"], str(p.get("title") or ""))
            for n, p in enumerate(passages)
        )
        context = Context(documents)
        positive = {p["text"] for p in row.get("positive_ctxs") or () if p["text"]}
        pairs = zip(passages, documents, strict=True)
        evidence = [Chunk.of(d, len(d.text) - len(p["text"]), len(d.text)) for p, d in pairs if p["text"] in positive]
        if name == "msmarco":
            labels["relevance"] = {str(p["id"]): int(p.get("label") or 0) for p in passages}
            ranked = sorted(labels["relevance"].items(), key=lambda graded: -graded[1])
            golds = [" > ".join(f"ID{passage}" for passage, grade in ranked if grade > 0)]
            text, metrics = _RANK + row["query"], ("helmet_ndcg10", "ordered_match")
        elif name == "alce":
            asqa = bool(row.get("qa_pairs"))
            parts = [pair["short_answers"] for pair in row["qa_pairs"]] if asqa else row["answers"]
            labels["short_answers"] = [_texts(part) for part in parts]
            task = "alce_asqa" if asqa else "alce_qampari"
            whole = asqa and row.get("answer")
            golds = _texts(row["answer"]) if whole else [", ".join(part[0] for part in labels["short_answers"])]
            text = (_CITE if asqa else _CITE_LIST) + row["question"]
            metrics = ("alce_str_em", "rouge_lsum_google") if asqa else ("alce_rec_top5", "alce_recall")
        else:
            golds = _texts(row["answers"] if row.get("answers") else row["answer"])
            text, metrics = _RAG + row["question"], ("helmet_sub_em", "token_f1")
    return context, Question(
        question_id, text, context.context_id, tuple(golds), (), tuple(evidence), task, metrics, labels
    )  # fmt: skip


def _mark(name: str, number: int, passage: dict[str, Any]) -> str:
    """The heading by which a reply can name a passage: its id for re-ranking, its number for citations."""
    if name == "msmarco":
        return f"[ID: {passage['id']}] Document: "
    return f"Document [{number + 1}]: " if name == "alce" else ""


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
