"""SCBench (Li et al., ICLR 2025, arXiv 2412.10319; microsoft/MInference): several questions to one shared long context.

Each row is a context and each of its turns a separate question: SCBench's multi-request mode. Its other mode, a
conversation that continues with the gold answers, tests servers and is left out. In composite sets the task names the
set and the part, e.g. `scbench_repoqa_and_kv/scbench_kv`. For scores by turn use `workbench compare LOG --by turn`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import FILLED, GOLD, GOLDS, TEXT, Fields, ListOf, Spec, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, found_in, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("scbench", "microsoft/SCBench", ("data/*.jsonl", "*.jsonl", "*/test*.parquet"))
_LETTER = "Only one of the options is correct; answer with one single letter (A, B, C or D) and nothing else."
_KV = "Extract the value corresponding to the specified key in the JSON object.\n{input}"
_REPO = (
    "Based on the description of a function, find it in the code and repeat it exactly, in a code block wrapped by "
    "```.\n{input}"
)
# set → longest answer (tokens), question template; {input} is the turn's own input
_SETS: dict[str, tuple[int, str]] = {
    "kv": (150, _KV), "kv_hard": (150, _KV), "kv_compressible": (150, "{input}"), "hashhop": (150, "{input}"),
    "prefix_suffix": (150, "{input}"), "vt": (30, "{input}"), "repoqa": (1_024, _REPO), "mf": (5, "{input}"),
    "qa_eng": (40, "Question: {input}\nBe very concise."), "qa_chn": (40, "问题：{input}\n请尽量简短地回答。"),
    "choice_eng": (40, "Question: {input}\n" + _LETTER), "many_shot": (10, "{input}"), "passkey": (15, "{input}"),
    "summary": (200, "{input}"), "summary_with_needles": (800, "{input}"), "repoqa_and_kv": (1_024, "{input}"),
}  # fmt: skip
SETS = tuple(_SETS)
_COMPOSITE = frozenset({"summary_with_needles", "repoqa_and_kv"})
_PART_GEN = {"summary": 800, "passkey": 15, "repoqa": 1_024, "kv": 80}  # longest answers in composite sets
_HIDDEN = frozenset({"kv", "kv_hard", "kv_compressible", "passkey", "repoqa"})  # the context contains the gold answer

_TURN: dict[str, Spec] = {
    "input": FILLED, "answer": either(GOLD, GOLDS), "options?": ListOf(GOLD), "name?": TEXT, "task?": TEXT,
}  # fmt: skip
_FIELDS: Fields = {
    "context?": TEXT, "input?": TEXT, "multi_turns": ListOf(_TURN, least=1), "lang?": TEXT, "repo?": TEXT,
    "id?": GOLD,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """SCBench: each row is a context with several questions, its turns, scored by each set's official rule.

    `tasks`: kv, prefix_suffix, vt, repoqa, qa_eng, qa_chn, choice_eng, many_shot, summary, mf, summary_with_needles,
    repoqa_and_kv, kv_hard, kv_compressible, hashhop, passkey; by default all that the folder contains. `path`: a folder
    with `scbench_TASK.jsonl`, or with one subfolder per task with `test*.parquet`. Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    wanted = chosen_of(tasks, SETS, "tasks")
    if tasks is None:
        wanted = [name for name in SETS if _held(folder, f"scbench_{name}")] or wanted
    contexts: list[Context] = []
    questions: list[Question] = []
    for name in wanted:
        data = _held(folder, f"scbench_{name}") or file_of(folder, f"scbench_{name}")
        rows = read_table(data, _FIELDS)
        functions = _functions(rows)
        for number, row in enumerate(rows):
            text = row.get("context") or row.get("input")
            if not text:
                raise InputError("has no field 'context'", file=data, field=f"row {number + 1}")
            context = Context((Document(f"{name}-{number}", text),))
            contexts.append(context)
            questions += [
                _question(name, f"{name}-{number}-{turn}", turn, asked, row, context, functions)
                for turn, asked in enumerate(row["multi_turns"])
            ]
    return assembled(
        "scbench", contexts, questions, limit=limit, version="fb56c91",
        provenance=f"{SOURCE.page}; {', '.join(wanted)}", licence="MIT (the sources' own licences apply)",
    )  # fmt: skip


def _held(folder: Path, name: str) -> Path | None:
    """The file of a set, or None when the folder does not contain it."""
    found = [*sorted(folder.rglob(f"{name}.jsonl")), *sorted(folder.rglob(f"{name}/test*.parquet"))]
    return found[0] if found else None


def _functions(rows: Sequence[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Name and code of the functions that are asked about, by repository; a reply is compared with all of them."""
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        for asked in row["multi_turns"]:
            if asked.get("name"):
                found.setdefault(str(row.get("repo")), []).append([asked["name"], _golds(asked)[0]])
    return found


def _golds(asked: dict[str, Any]) -> list[str]:
    return [str(gold) for gold in asked["answer"]] if isinstance(asked["answer"], list) else [str(asked["answer"])]


def _question(
    name: str,
    question_id: str,
    turn: int,
    asked: dict[str, Any],
    row: dict[str, Any],
    context: Context,
    functions: dict[str, list[list[str]]],
) -> Question:
    longest, form = _SETS[name]
    part = str(asked.get("task") or "").removeprefix("scbench_") if name in _COMPOSITE else name
    task = f"scbench_{name}/scbench_{part}" if name in _COMPOSITE else f"scbench_{name}"
    golds, options = _golds(asked), tuple(map(str, asked.get("options") or ()))
    if name == "choice_eng" and golds[0] in options:
        golds = [golds[0], "ABCD"[options.index(golds[0])]]
    text = asked["input"]
    if name == "mf" and (target := re.search(r"The (.+) is", text)):
        text = f"What is the {target.group(1).lower()}?\n{text}"
    labels: dict[str, Any] = {"turn": turn, "max_gen": _PART_GEN.get(part, longest) if name in _COMPOSITE else longest}
    metrics: tuple[str, ...] = ("scbench",)
    if part == "repoqa":
        metrics = ("scbench_repoqa", "scbench_repoqa_similarity")
        labels |= {"lang": row.get("lang") or "", "repo": row.get("repo") or "", "function": asked.get("name") or ""}
        labels["functions"] = functions.get(str(row.get("repo")), [])
    chunk = found_in(context.documents[0], golds[0]) if part in _HIDDEN else None
    return Question(
        question_id, form.replace("{input}", text), context.context_id, tuple(golds), options,
        (chunk,) if chunk else (), task, metrics, labels,
    )  # fmt: skip
