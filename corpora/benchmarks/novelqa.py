"""NovelQA (Wang et al., ICLR 2025, arXiv 2403.12766): questions on novels of 50k to a million words.

The gold answers are hidden, and the benchmark's own server scores answers. Runs are made here and exported as a
submission; a row with a gold answer (`Gold` or `Answer`, as in the demonstration set) is scored here, too.
"""

from __future__ import annotations

from typing import Literal

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, TEXTS, Fields, Kind, wrong_in
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, read_json, read_text
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("novelqa", "NovelQA/NovelQA", ("Books/**/*.txt", "Data/**/*.json", "*.zip"))

_OPTIONS = Kind(
    "texts by letter", lambda value: isinstance(value, dict) and wrong_in(list(value.values()), TEXTS) is None
)
_FIELDS: Fields = {
    "Question": FILLED, "Options": _OPTIONS, "Gold?": GOLD, "Answer?": GOLD, "Aspect?": TEXT,
    "Complexity?": TEXT,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    form: Literal["multichoice", "generative"] = "multichoice",
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """NovelQA: questions on novels, each of which is a context; most gold answers are hidden.

    `form`: multichoice or generative. `path`: a folder with `Books/**/ID.txt` and `Data/**/ID.json` (question id →
    Question, Options, Aspect, Complexity). Raises InputError.
    """
    chosen_of(form, ("multichoice", "generative"), "form")
    folder = files_of(SOURCE, path, revision)
    books = {file.stem: file for file in sorted((folder / "Books").rglob("*.txt"))}
    files = sorted((folder / "Data").rglob("*.json"))
    if not books or not files:
        raise InputError("holds no Books and Data", file=folder, fix=f"get them from {SOURCE.page}")
    contexts, questions, golds = [], [], 0
    for file in files:
        if file.stem not in books:
            raise InputError("its novel is missing", file=file, fix=f"put Books/{file.stem}.txt beside it")
        context = Context((Document(file.stem, read_text(books[file.stem])),))
        contexts.append(context)
        for question_id, raw in dict(read_json(file)).items():
            row = checked(raw, _FIELDS, file, str(question_id))
            options = tuple(str(row["Options"][letter]) for letter in sorted(row["Options"]))
            gold = row.get("Gold") or row.get("Answer")
            golds += gold is not None
            choice = form == "multichoice"
            text = row["Question"] + ("\nAnswer with the letter of the right option alone." if choice else "")
            questions.append(
                Question(
                    f"{file.stem}-{question_id}", text, context.context_id, (str(gold),) if gold else (),
                    options if choice else (), (), row.get("Aspect", ""),
                    ("novelqa_choice",) if choice else ("token_f1",), {"complexity": row.get("Complexity", "")},
                )
            )  # fmt: skip
    return assembled(
        "novelqa", contexts, questions, limit=limit, version=form, provenance=SOURCE.page,
        licence="terms of NovelQA (research; the novels under copyright are not distributed)",
        notes=(f"{len(questions) - golds} questions have hidden gold answers and get no score here",),
    )  # fmt: skip
