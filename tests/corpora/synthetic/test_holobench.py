"""HoloBench: sentences parsed back into rows, and plain Python over them, give every gold answer."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.holobench import MERGES, TASKS, load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from workbench.errors import InputError

NAME, DEP, CITY = r"(?P<name>\w+ \w+)", r"(?P<dep>\w+) department", r"(?P<city>\w+)"
STAFF = [
    rf"{NAME} works in the {DEP} in {CITY}, earns (?P<pay>\d+) a year and is (?P<age>\d+)",
    rf"In {CITY}, the {DEP} employs {NAME}, aged (?P<age>\d+), at a salary of (?P<pay>\d+)",
    rf"At (?P<age>\d+) years of age, {NAME} of the {DEP} in {CITY} has a salary of (?P<pay>\d+)",
]
OFFICES = [
    r"The (?P<dep>\w+) department sits on floor (?P<floor>\d+) and has a budget of (?P<budget>\d+)",
    r"With a budget of (?P<budget>\d+), the (?P<dep>\w+) department has its rooms on floor (?P<floor>\d+)",
]


def parsed(text: str, forms: list[str]) -> list[dict[str, Any]]:
    rows = []
    for line in text.split("\n"):
        for form in forms:
            if found := re.match(form, line):
                rows.append({k: int(v) if v.isdigit() else v for k, v in found.groupdict().items()})
    return rows


def solved(question: str, text: str) -> set[str]:
    staff = parsed(text, STAFF)
    offices = {row["dep"]: row for row in parsed(text, OFFICES)}
    asked = question.partition("Question: ")[2]
    if found := re.search(r"the (\w+) department", asked):
        staff = [row for row in staff if row["dep"] == found[1]]
    if found := re.search(r"in ([A-Z]\w+)", asked):
        staff = [row for row in staff if row["city"] == found[1]]
    if "highest salary" in asked:
        return {max(staff, key=lambda row: row["pay"])["name"]}
    if "youngest" in asked:
        return {row["name"] for row in staff if row["age"] == min(row["age"] for row in staff)}
    if "sum of the salaries" in asked:
        return {str(sum(row["pay"] for row in staff))}
    if "average age" in asked:
        return {str((2 * sum(row["age"] for row in staff) + len(staff)) // (2 * len(staff)))}
    if found := re.search(r"older than (\d+)", asked):
        return {str(sum(row["age"] > int(found[1]) for row in staff))}
    if "best paid" in asked:
        return {row["name"] for row in sorted(staff, key=lambda row: -row["pay"])[:3]}
    if "different cities" in asked:
        return {row["city"] for row in staff}
    if "most staff" in asked:
        counts = Counter(row["dep"] for row in staff)
        return {dep for dep, number in counts.items() if number == max(counts.values())}
    if found := re.search(r"floor (\d)", asked):
        return {str(sum(offices[row["dep"]]["floor"] == int(found[1]) for row in staff))}
    if "largest budget" in asked:
        richest = max(offices, key=lambda dep: offices[dep]["budget"])
        return {row["name"] for row in staff if row["dep"] == richest} or {"none"}
    return {row["name"] for row in staff} or {"none"}


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(1_500, 3_000), st.sampled_from([0.3, 0.6, 1.0]), st.sampled_from(MERGES))
def test_an_independent_reader_finds_every_gold_answer(seed: int, tokens: int, density: float, merge: str) -> None:
    corpus = load(tokens=tokens, seed=seed, density=density, merge=merge)
    assert [q.task for q in corpus.questions] == list(TASKS)
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        assert solved(question.text, document.text) == set(question.answers[0].split(", ")), question.task
        assert stands_in_text(question, corpus)
        assert full_marks(question)
        assert nothing_for_nothing(question)
        assert tokens - 60 <= question.metadata["context_tokens"] <= tokens


@pytest.mark.parametrize(("merge", "low", "high"), [("begin", 0.0, 0.5), ("end", 0.5, 1.0), ("middle", 0.25, 0.75)])
def test_where_the_rows_stand(merge: str, low: float, high: float) -> None:
    corpus = load(tokens=6_000, merge=merge, tasks="max")
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    shares = [chunk.start / len(document.text) for chunk in question.evidence]
    assert low - 0.05 <= min(shares) and max(shares) <= high + 0.05


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"tasks": "x"}, {"merge": "x"}, {"density": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
