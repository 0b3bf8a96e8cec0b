"""Oolong: a reader that labels each line by keywords of its own and counts answers every question."""

from __future__ import annotations

import ast
import re
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.oolong import GROUPS, SETS, load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Question

RULES = [  # what tells a label
    ("human being", r"^(Who\b|Which inventor|Whose)"), ("location", r"^(Where|In which)"),
    ("numeric value", r"^(How many|When|How far)"),
    ("description", r"^(Why|How do(?:es)?)"), ("abbreviation", r"^What "),
    ("billing", r"\b(?:charged|invoice)"),
    ("defect", r"\b(?:broke|cracked)"),
    ("delivery", r"\b(?:not arrived|The parcel)"),
    ("praise", r"\b(?:love|Best)"), ("sports", r"\b(?:team|record was set)"), ("weather", r"\b(?:rain|frost)"),
    ("business", r"\b(?:Shares|profit)"),
]  # fmt: skip


def solved(question: Question, text: str) -> str:
    rows = []
    for line in text.split("\n"):
        ((day, user, said),) = re.findall(r"Date: (.+) \|\| User: (\d+) \|\| Instance: (.+)", line)
        label = next(label for label, rule in RULES if re.search(rf"(?:{rule})\b", said))
        rows.append((datetime.strptime(day, "%b %d, %Y").date(), user, label))
    asked = re.search(r"Question: (.+?) Give your final", question.text).group(1)  # type: ignore[union-attr]
    quoted = re.findall(r"'([^']+)'", asked)
    if found := re.search(r"records of user (\d+)", asked):
        rows = [row for row in rows if row[1] == found[1]]
    day_ = re.search(r"before (\w+ \d\d, \d{4})", asked)
    cut = datetime.strptime(day_[1], "%B %d, %Y").date() if day_ else None
    counts = Counter(label for _, _, label in rows)
    if "same frequency" in asked:
        if cut:
            one = sum(row[2] == quoted[0] and row[0] < cut for row in rows)
            other = sum(row[2] == quoted[0] and row[0] >= cut for row in rows)
        else:
            one, other = counts[quoted[0]], counts[quoted[1]]
        return "more common than" if one > other else "less common than" if one < other else "same frequency as"
    if cut:
        counts = Counter(label for day, _, label in rows if day < cut)
    if "most records" in asked:
        return Counter(user for _, user, _ in rows).most_common(1)[0][0]
    if "the most common" in asked:
        return counts.most_common(1)[0][0]
    if "the least common" in asked:
        return counts.most_common()[-1][0]
    if "date of a record" in asked:
        days = [day for day, _, label in rows if label == quoted[0]]
        return str(min(days) if "earliest" in asked else max(days))
    if found := re.search(r"dated in (\w+ \d{4})", asked):
        rows = [row for row in rows if f"{row[0]:%B %Y}" == found[1]]
    return str(sum(label == quoted[0] for _, _, label in rows))


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from(list(SETS)), st.sampled_from(GROUPS), st.integers(1_000, 3_000))
def test_an_independent_reader_finds_every_gold_answer(seed: int, labels: str, group: str, tokens: int) -> None:
    corpus = load(tokens=tokens, sets=labels, groups=group, questions=4, seed=seed)
    assert len(corpus.questions) == 4
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        (gold,) = question.answers
        if gold.startswith("[datetime"):
            year, month, day = ast.literal_eval(gold.removeprefix("[datetime.date").removesuffix("]"))
            gold = f"{year}-{month:02}-{day:02}"
        assert solved(question, document.text) == gold
        assert stands_in_text(question, corpus)
        assert full_marks(question, f"Answer: {gold}")
        assert nothing_for_nothing(question)
        assert tokens - 60 <= question.metadata["context_tokens"] <= tokens


def test_counts_that_are_nearly_right_score_in_part() -> None:
    questions = load(tokens=4_000, questions=30).questions
    (counted, *_) = [q for q in questions if q.task == "count" and int(q.answers[0]) > 3]
    assert headline(counted, f"Answer: {int(counted.answers[0]) + 1}") == 0.75


def test_all_groups_come_in_turn_and_the_same_seed_gives_the_same() -> None:
    groups = [q.metadata["group"] for q in load(sets="news", questions=6).questions]
    assert groups == [*GROUPS, *GROUPS]
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"groups": "x"}, {"sets": "x"}, {"questions": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
