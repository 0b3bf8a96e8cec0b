"""BABILong's published files (Kuratov et al., NeurIPS 2024, arXiv 2406.10149): bAbI stories hidden in old books.

The corpus `babilong` generates new texts of this kind; here they are as published, one context per row. Deviations: the
instructions are those of `babilong`, in our words; BABILong's solved examples and its order of instruction, context and
question are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, read_table
from corpora.options import chosen_of
from corpora.synthetic.babilong import TASKS, asked_of
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

_REPOSITORY = "RMT-team/babilong"
LENGTHS = ("0k", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1M", "10M")
_FIELDS: Fields = {"input": TEXT, "question": FILLED, "target": GOLD}


def load(
    *,
    path: str | None = None,
    tasks: Sequence[str] | str | None = ("qa1", "qa2", "qa3", "qa4", "qa5"),
    lengths: Sequence[str] | str = ("0k", "4k", "16k"),
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """BABILong as published: each row is a context with one question, scored by the leaderboard's rule.

    `tasks`: qa1 to qa20, by default the leaderboard's five; `lengths`: 0k, 1k, ... 512k, 1M, 10M. `path`: a folder with
    `qa1/4k.json` and so on, else the hub. Raises InputError.
    """
    chosen, long = chosen_of(tasks, TASKS, "tasks"), chosen_of(lengths, LENGTHS, "lengths")
    source = Source(
        "babilong_published", _REPOSITORY, tuple(f"data/{task}/{length}.json" for task in chosen for length in long)
    )
    folder = files_of(source, path, revision)
    contexts, questions = [], []
    for task in chosen:
        for length in long:
            for number, row in enumerate(read_table(_file(folder, task, length), _FIELDS)):
                name = f"{task}-{length}-{number}"
                context = Context((Document(name, row["input"]),))
                contexts.append(context)
                labels = {"length": _tokens(length), "question": row["question"], "max_gen": 20}
                questions.append(
                    Question(
                        name, asked_of(task, row["question"]), context.context_id, (str(row["target"]),), (), (), task,
                        ("babilong", "contains"), labels,
                    )
                )  # fmt: skip
    return assembled(
        "babilong-published", contexts, questions, limit=limit, version="7a6efee",
        provenance=f"{source.page}; {', '.join(chosen)} at {', '.join(long)}",
        licence="Apache-2.0 (bAbI: BSD, PG19: Apache-2.0)",
    )  # fmt: skip


def _file(folder: Path, task: str, length: str) -> Path:
    found = sorted(file for file in folder.rglob(f"{length}.json*") if file.parent.name == task)
    if not found:
        raise InputError(f"holds no {task}/{length}.json", file=folder, fix=f"get it from {_REPOSITORY} on the hub")
    return found[0]


def _tokens(length: str) -> int:
    return int(length[:-1]) * (1_000_000 if length.endswith("M") else 1_000)
