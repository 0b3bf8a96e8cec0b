"""L-CiteEval (Tang et al. 2024, arXiv 2410.02115; ZetangForward/L-CITEEVAL): long-context answers that cite passages.

Every passage begins with its number, and every sentence of a reply has to cite one to three passages. Metrics score
correctness, and the citations of niah and counting_stars; recall and precision of other citations need a judge:
`workbench judge --prompt alce_citations` (the official code uses an entailment model). L-CiteEval's one example is left
out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import GOLD, GOLDS, TEXT, Fields, ListOf, either
from corpora.benchmarks.raw import assembled, file_of, folder_of, read_table
from corpora.options import chosen_of
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://huggingface.co/datasets/Jonaszky123/L-CiteEval"
_QA = ("narrativeqa", "natural_questions", "hotpotqa", "2wikimultihopqa", "locomo", "dialsim")
_SUMMARIES = {
    "gov_report": "Write a summary of the report.",
    "multi_news": "Write a summary of all the news.",
    "qmsum": "",
}
TASKS = (*_QA, *_SUMMARIES, "niah", "counting_stars")
_CITE = (
    " Every sentence must cite at its end at least one and at most three passages that it comes from, by their "
    "numbers, as in [1][3]."
)
_SHORT = "Answer with a short sentence, from the passages alone."
_STARS = (
    'In some passages, "the little penguin counted" a number of ★. Answer with JSON alone, all numbers in the order of '
    'the passages and the passages that they stand in, as in {"little_penguin": [3, 21], "passage_id": [4, 17]}.'
)
_COUNTED = "The little penguin counted"
_FIELDS: Fields = {
    "id?": GOLD, "question?": TEXT, "answer": either(GOLD, GOLDS), "length?": GOLD, "hardness?": GOLD, "level?": GOLD,
    "role?": TEXT, "docs": ListOf(either(TEXT, {"text": TEXT, "title?": TEXT}), least=1),
}  # fmt: skip


def load(*, path: str | None = None, tasks: Sequence[str] | str | None = None, limit: int | None = None) -> Corpus:
    """L-CiteEval: each row is a context of numbered passages with a question whose answer has to cite them.

    `path`: a folder with `TASK.json`, from L-CiteEval itself or from its Length or Hardness variant. `tasks`:
    narrativeqa, natural_questions, hotpotqa, 2wikimultihopqa, locomo, dialsim, gov_report, multi_news, qmsum, niah,
    counting_stars; by default all that the folder contains. Raises InputError.
    """
    folder = folder_of(path, "l_citeeval", _SOURCE)
    wanted = chosen_of(tasks, TASKS, "tasks")
    if tasks is None and folder.is_dir():
        wanted = [name for name in TASKS if list(folder.rglob(f"{name}.json"))] or wanted
    contexts, questions = [], []
    for name in wanted:
        for number, row in enumerate(read_table(file_of(folder, name), _FIELDS)):
            context, question = _row(name, number, row)
            contexts.append(context)
            questions.append(question)
    return assembled(
        "l-citeeval", contexts, questions, limit=limit, version="6e49326", provenance=f"{_SOURCE}; {', '.join(wanted)}",
        licence="not stated (the data sets' own licences apply)",
    )  # fmt: skip


def _row(name: str, number: int, row: dict[str, Any]) -> tuple[Context, Question]:
    passages = [passage if isinstance(passage, dict) else {"text": passage} for passage in row["docs"]]
    marks = [f"Passage [{at}]: " for at in range(1, len(passages) + 1)]
    documents = tuple(
        Document(f"{name}-{number}-{at}", mark + passage["text"], str(passage.get("title") or ""))
        for at, (mark, passage) in enumerate(zip(marks, passages, strict=True), 1)
    )
    golds = [str(gold) for gold in row["answer"]] if isinstance(row["answer"], list) else [str(row["answer"])]
    labels = {key: row[key] for key in ("length", "hardness", "level") if row.get(key) is not None}
    labels["max_gen"] = 200 if name in _QA else 800 if name in _SUMMARIES else 128
    asked = str(row.get("question") or _SUMMARIES.get(name, ""))
    told: list[int] = []
    if name == "counting_stars":
        asked, golds = f"{asked}\n{_STARS}".strip(), [json.dumps(row["answer"])]
        told = [at for at, passage in enumerate(passages, 1) if _COUNTED in passage["text"]]
        metrics: tuple[str, ...] = ("l_citeeval_stars", "l_citeeval_stars_citation")
    elif name == "niah":
        told = [at for at, passage in enumerate(passages, 1) if golds[0] in passage["text"]][:1]
        asked, metrics = f"{asked}\n{_SHORT}{_CITE}", ("l_citeeval_needle", "l_citeeval_needle_citation")
    elif name in _SUMMARIES:
        asked, metrics = f"{asked}{_CITE}", ("l_citeeval_summary",)
    else:
        role = f"You are {row['role']} in the conversations. " if row.get("role") else ""
        asked, metrics = f"{role}{asked}\n{_SHORT}{_CITE}", ("l_citeeval_qa",)
    if name in ("niah", "counting_stars"):
        labels["gold_passages"] = told
    evidence = tuple(Chunk.of(documents[at - 1], len(marks[at - 1]), len(documents[at - 1].text)) for at in told)
    context = Context(documents)
    return context, Question(
        f"{name}-{row.get('id', number)}-{number}", asked, context.context_id, tuple(golds), (), evidence, name,
        metrics, labels,
    )  # fmt: skip
