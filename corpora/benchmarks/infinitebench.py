"""InfiniteBench (Zhang et al., ACL 2024, arXiv 2402.13718; OpenBMB/InfiniteBench): twelve tasks beyond 100k tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import GOLD, GOLDS, TEXT, Fields, ListOf, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, found_in, read_table
from corpora.options import chosen_of
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("infinitebench", "xinrongzhang2022/InfiniteBench", ("*.jsonl",))
_LETTER = "Only one of the options is correct; answer with one single letter (A, B, C or D) and nothing else."
# task → longest answer (tokens), question template; {input} is the row's own input
_TASKS: dict[str, tuple[int, str]] = {
    "passkey": (6, "{input}"),
    "number_string": (12, "{input}"),
    "kv_retrieval": (50, "Extract the value corresponding to the specified key in the JSON object.\n{input}"),
    "longbook_sum_eng": (1_200, "Summarize the book."),
    "longbook_choice_eng": (40, "Question: {input}\n" + _LETTER),
    "longbook_qa_eng": (40, "Question: {input}\nBe very concise."),
    "longbook_qa_chn": (40, "问题：{input}\n请尽量简短地回答。"),
    "longdialogue_qa_eng": (
        40,
        "In the script, one character's name is replaced by $$MASK$$. Which name is it? Just say the name used by the "
        "scriptwriter (before the colon marks) and nothing else.",
    ),
    "math_find": (3, "{input}"),
    "math_calc": (30_000, "Compute the intermediate values of the long expression.\n{input}"),
    "code_run": (5, "{input}\nEnd your reply with the exact value that the call returns."),
    "code_debug": (5, "Exactly one of these functions of the code has a deliberate, obvious error. " + _LETTER),
}
TASKS = tuple(_TASKS)
_LENIENT = {"longbook_qa_eng": ("token_f1",), "longbook_qa_chn": ("token_f1_zh",), "longbook_sum_eng": ("rouge_l",)}

_FIELDS: Fields = {
    "id": GOLD, "context": TEXT, "input": GOLD, "answer": either(GOLD, GOLDS), "options?": ListOf(GOLD),
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """InfiniteBench: twelve tasks over more than 100k tokens, scored by each task's official rule.

    `tasks` by their official names, by default all that the folder contains. `path`: a folder with `TASK.jsonl`. Rows
    with the same context share it. In passkey, number_string and kv_retrieval the hidden answer is the evidence. Raises
    InputError.
    """
    folder = files_of(SOURCE, path, revision)
    wanted = chosen_of(tasks, TASKS, "tasks")
    if tasks is None and folder.is_dir():
        wanted = [name for name in TASKS if list(folder.rglob(f"{name}.jsonl"))] or wanted
    contexts: dict[str, Context] = {}
    questions = []
    for name in wanted:
        for row in read_table(file_of(folder, name), _FIELDS):
            context = contexts.setdefault(row["context"], Context((Document(f"{name}-{row['id']}", row["context"]),)))
            questions.append(_question(name, row, context))
    return assembled(
        "infinitebench", list(contexts.values()), questions, limit=limit, version="88b3daa",
        provenance=f"{SOURCE.page}; {', '.join(wanted)}", licence="MIT",
    )  # fmt: skip


def _question(name: str, row: dict[str, Any], context: Context) -> Question:
    longest, form = _TASKS[name]
    options = tuple(map(str, row.get("options") or ()))
    answer = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    golds = [str(gold) for gold in answer]
    if name in ("longbook_choice_eng", "code_debug") and golds[0] in options:
        golds = [golds[0], "ABCD"[options.index(golds[0])]]
    hidden = name in ("passkey", "number_string", "kv_retrieval")
    chunk = found_in(context.documents[0], golds[0]) if hidden else None
    # some inputs contain braces, so str.format cannot be used
    return Question(
        f"{name}-{row['id']}", form.replace("{input}", str(row["input"])), context.context_id, tuple(golds), options,
        (chunk,) if chunk else (), name, ("infinitebench", *_LENIENT.get(name, ())), {"max_gen": longest},
    )  # fmt: skip
