"""ETHIC (Lee et al., NAACL 2025, arXiv 2410.16848; dmis-lab/ETHIC): tasks that need nearly all of a long text.

Recalling, Organizing and Attributing are scored by ETHIC's own rules. Summarizing is judged section by section with
`workbench judge --prompt ethic_summary`; without a judge it only gets ROUGE-L, where a gold summary exists. The context
is the text after `### Context:` in a row's message; the rest of the message is the question. Deviation: the judge's
ratings are used as they are, where ETHIC weights them by the probabilities of their tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields, ListOf, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

TASKS = ("Recalling", "Summarizing", "Organizing", "Attributing")
SOURCE = Source("ethic", "dmis-lab/ETHIC", ("*.zip", "*.json", "*.jsonl", "**/*.parquet"))
_METRICS = {"Recalling": "ethic_recall_f1", "Organizing": "ethic_order", "Attributing": "ethic_attribution_f1"}
_CONTEXT = re.compile(r"### Context:\n(.+?)(?=\n\nNow, respond to the instruction)", re.DOTALL)
_FIELDS: Fields = {
    "ID": GOLD, "System_msg": TEXT, "User_msg": FILLED, "Domain": TEXT, "Answer?": either(GOLD, ListOf(GOLD)),
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """ETHIC: each row is a context with one question: recalling items, ordering, attributing to segments, summarizing.

    `tasks`: Recalling, Summarizing, Organizing, Attributing; by default all that the folder contains. `path`: a folder
    with one file per task, or one subfolder with its files, named after the task in any case. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    suffixes = (".json", ".jsonl", ".parquet")
    data = sorted(file for file in folder.rglob("*") if file.suffix in suffixes)
    chosen = chosen_of(tasks, TASKS, "tasks")
    contexts, questions = [], []
    for task in chosen:
        named = re.compile(rf"(?<![a-z]){task.lower()}")
        found = [file for file in data if named.search(str(file.relative_to(folder)).lower())]
        if not found and tasks is not None:
            raise InputError(f"holds no {task}", file=folder, field="tasks", fix=f"get it from {SOURCE.page}")
        for file in found:
            for number, row in enumerate(read_table(file, _FIELDS)):
                context, question = _row(task, f"{task}-{file.stem}-{number}", row)
                contexts.append(context)
                questions.append(question)
    if not questions:
        raise InputError("holds none of ETHIC's files", file=folder, fix=f"expected: {', '.join(chosen)}")
    return assembled(
        "ethic", contexts, questions, limit=limit, version="f1a30fe", provenance=f"{SOURCE.page}; {', '.join(chosen)}",
        licence="not stated (the sources' own licences apply)",
    )  # fmt: skip


def _row(task: str, question_id: str, row: dict[str, Any]) -> tuple[Context, Question]:
    asked = row["User_msg"]
    text = _CONTEXT.search(asked)
    body = text.group(1) if text else asked
    around = asked[: text.start(1)] + "(the text)" + asked[text.end(1) :] if text else ""
    answer = row.get("Answer")
    golds = tuple(map(str, answer if isinstance(answer, list) else [] if answer is None else [answer]))
    if task == "Attributing" and not golds:
        golds = ("None",)  # so that a reply that names segments where there are none is wrong
    context = Context((Document(question_id, body),))
    metrics = (_METRICS[task],) if task in _METRICS else ()
    return context, Question(
        question_id, f"{row['System_msg']}\n\n{around}".strip() or "Do what the text asks for.", context.context_id,
        golds, (), (), task, metrics or ("rouge_l",), {"domain": row["Domain"], "max_gen": 4_096},
    )  # fmt: skip
