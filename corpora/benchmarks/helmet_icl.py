"""HELMET's in-context learning: many labelled examples whose labels are arbitrary numbers.

HELMET reads TREC (coarse and fine), BANKING77, CLINC150 and NLU from the hub; here they are files `NAME-train` and
`NAME-test` with the fields `text` and `label`. Examples come in rounds that show every label once. Every question
numbers the labels anew, so that knowledge of the labels does not help.
"""

from __future__ import annotations

import random
from pathlib import Path

from corpora.benchmarks.fields import FILLED, GOLD, Fields
from corpora.benchmarks.raw import read_table
from workbench.errors import InputError
from workbench.records import Context, Document, Question

MOST_QUESTIONS = 500  # per set, as in HELMET
_MAX_GEN = 20
_FIELDS: Fields = {"text": FILLED, "label": GOLD}
_ASK = (
    "Use the mapping from texts to numerical labels that the examples show, and assign a numerical label to the text. "
    'Only output "label: {{label}}" and nothing else.\nText: {text}'
)


def asked(folder: Path, shots: int) -> list[tuple[Context, Question]]:
    """The questions of all sets in `icl` folders below `folder`, at most 500 per set, each with its `shots` examples.

    Raises InputError for a test file without a file of examples, and for labels without examples.
    """
    found = []
    for test in sorted(f for d in folder.rglob("icl") if d.is_dir() for f in d.glob("*-test.*")):
        name = test.name.partition("-test.")[0]
        train = test.with_name(test.name.replace("-test.", "-train."))
        if not train.is_file():
            raise InputError("no such file", file=train, fix="put the set's examples there, with text and label")
        by_label: dict[str, list[str]] = {}
        for row in read_table(train, _FIELDS):
            by_label.setdefault(str(row["label"]), []).append(row["text"])
        rows = list(read_table(test, _FIELDS))
        strangers = sorted({str(row["label"]) for row in rows} - set(by_label))
        if strangers:
            raise InputError(f"has labels without examples: {', '.join(strangers[:5])}", file=test, field="label")
        if shots < len(by_label):
            problem = f"{shots} shots cannot show the {len(by_label)} labels of {name}"
            raise InputError(problem, field="shots", fix=f"use {len(by_label)} or more")
        for number, row in enumerate(random.Random(f"42:{name}").sample(rows, min(len(rows), MOST_QUESTIONS))):
            found.append(_question(f"icl-{name}-{number}", name, row["text"], str(row["label"]), by_label, shots))
    return found


def _question(
    question_id: str, name: str, text: str, label: str, by_label: dict[str, list[str]], shots: int
) -> tuple[Context, Question]:
    draw = random.Random(f"42:{question_id}:{shots}")
    labels = sorted(by_label)
    numbers = dict(zip(labels, draw.sample(range(len(labels)), len(labels)), strict=True))
    pools = {one: draw.sample(texts, len(texts)) for one, texts in by_label.items()}
    told: list[str] = []
    turn = 0
    while len(told) < shots:
        for one in draw.sample(labels, len(labels)):
            told.append(f"{pools[one][turn % len(pools[one])]}\nlabel: {numbers[one]}")
        turn += 1
    context = Context((Document(question_id, "\n\n".join(told[:shots])),))
    return context, Question(
        question_id, _ASK.format(text=text), context.context_id, (str(numbers[label]),), (), (), f"icl_{name}",
        ("helmet_label",), {"max_gen": _MAX_GEN, "shots": shots, "classes": len(labels), "label": label},
    )  # fmt: skip
