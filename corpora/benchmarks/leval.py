"""L-Eval (An et al., ACL 2024, arXiv 2307.11088; OpenLMLab/LEval): twenty tasks over documents of 3k to 200k tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields, ListOf
from corpora.benchmarks.raw import folder_of, read_rows, spread
from workbench.errors import InputError, UnknownName
from workbench.records import Context, Corpus, Document, Question

_SOURCE = "https://github.com/OpenLMLab/LEval (LEval-data/)"
_FOLDERS = ("Closed-ended-tasks", "Open-ended-tasks", ".")
_FIELDS: Fields = {"instructions": ListOf(FILLED), "outputs": ListOf(GOLD), "input": TEXT}
_DIRECT = " Please directly give the answer without any additional output or explanation."
_NAMES = {"topic_retrieval_longchat": "topic_retrieval"}
_CHOICES = frozenset({"coursera", "quality", "tpo"})
_NO_DOCUMENT = frozenset({"gsm100", "codeU", "topic_retrieval"})  # their instructions do not refer to a document


def load(*, path: str | None = None, tasks: Sequence[str] | None = None, limit: int | None = None) -> Corpus:
    """L-Eval: each row's document is a context, each of its instructions a question, scored by the task's own rule.

    `tasks` are file names without `.jsonl` (by default all in the folder). As in the official prompts, closed tasks ask
    for the bare answer, open ones for as many words as the reference has. The wording around the document is that of
    the pipelines, the same for all corpora.
    """
    folder = folder_of(path, "leval", _SOURCE)
    found = {file.stem: file for name in _FOLDERS for file in sorted((folder / name).glob("*.jsonl"))}
    contexts: dict[str, Context] = {}
    questions: list[Question] = []
    for name in tasks or sorted(found):
        if name not in found:
            raise UnknownName("task of L-Eval", name, sorted(found), file=folder, field="tasks")
        for number, row in enumerate(read_rows(found[name], _FIELDS)):
            context = Context((Document(f"{name}-{number}", row["input"]),))
            contexts[context.context_id] = context
            asked, golds = row["instructions"], row["outputs"]
            if len(asked) != len(golds):
                raise InputError(
                    f"has {len(asked)} instructions and {len(golds)} outputs", file=found[name],
                    field=f"row {number + 1}", fix="the file is cut or changed; get it again",
                )  # fmt: skip
            pairs = list(zip(asked, golds, strict=True))
            questions += [
                _question(f"{name}-{number}-{i}", name, instruction, gold, context)
                for i, (instruction, gold) in enumerate(pairs)
            ]
    questions = spread(questions, limit)
    used = {question.context_id for question in questions}
    read = list(tasks or sorted(found))
    return Corpus.of(
        f"leval-{read[0]}" if len(read) == 1 else "leval",
        [context for key, context in contexts.items() if key in used],
        questions,
        version="cd34b05, 2",
        provenance=f"{_SOURCE}; {', '.join(read)}",
        licence="GPL-3.0",
    )


def _question(question_id: str, name: str, instruction: str, gold: Any, context: Context) -> Question:
    task = _NAMES.get(name, name)
    closed = task in _CHOICES or task in _NO_DOCUMENT
    words = len(str(gold).split())
    text = instruction + (_DIRECT if closed else f" Answer this question with {words} words.")
    position = {"turn": int(question_id.rpartition("-")[2]) % 3 + 1} if task == "topic_retrieval" else {}
    extra = () if closed else ("token_f1", "rouge_l")
    labels = {"closed": closed, "reference_words": words, "asked": instruction, "max_gen": 512, **position}
    return Question(
        question_id,
        text.strip(),
        context.context_id,
        (str(gold),),
        (),
        (),
        task,
        ("leval", *extra),
        labels,
    )
