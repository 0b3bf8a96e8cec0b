"""Chat histories: a reader with a few patterns and a calendar answers every question."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.chat_history import TASKS, load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Context


def solved(question: str, context: Context) -> str | None:
    dated: list[tuple[date, str]] = []
    for document in context.documents:
        head, _, talk = document.text.partition("\n")
        dated.append((datetime.strptime(head, "Date: %Y/%m/%d").date(), talk))

    def find(pattern: str) -> list[tuple[date, re.Match[str]]]:
        return [(day, found) for day, talk in dated for found in re.finditer(pattern, talk)]

    asked = question.partition("Question: ")[2]
    if found := re.match(r"What is the name of the (\w+) of my neighbour (\w+)\?", asked):
        hits = find(rf"neighbour {found[2]} has a {found[1]} that is called (\w+)\.")
        return hits[0][1][1] if hits else None
    if found := re.match(r"Where did you recommend that I stay in (\w+)\?", asked):
        return find(rf"For a stay in {found[1]} I recommend (.+?)\.")[0][1][1]
    if found := re.match(r"(\w+) and I are off again", asked):
        ((_, hit),) = find(rf"when I travel with {found[1]}\. (.+)")
        return re.findall(r"(?:asked for|insist on|has to be|it will be) (.+?)[.;]", hit[1])[0]
    if found := re.match(r"How many (things|euros) did I .*? for (\w+)", asked):
        prices = [int(hit[1]) for _, hit in find(rf"for {found[2]} today, which cost me (\d+) euros")]
        return str(len(prices) if found[1] == "things" else sum(prices))
    if found := re.match(r"How many days .* the day when I (.+) and the day when I (.+), with (\w+)\?", asked):
        days = [find(rf"with {found[3]} I {found[n]} today")[0][0] for n in (1, 2)]
        return str(abs((days[0] - days[1]).days))
    if found := re.match(r"What did I do first with (\w+): was it that I (.+) or that I (.+)\?", asked):
        days = [find(rf"with {found[1]} I {found[n]} today")[0][0] for n in (2, 3)]
        return found[2] if days[0] < days[1] else found[3]
    forms = {
        "kilometres": r"I now run (\d+) kilometres", "rent": r"my rent is (\d+) euros",
        "choir": r"choir has (\d+) members", "stamps": r"grown to (\d+) stamps",
    }  # fmt: skip
    if found := re.match(r"Where does my cousin (\w+) live now", asked):
        forms = {"cousin": rf"cousin {found[1]} has moved to (\w+)\."}
    pattern = next(form for word, form in forms.items() if word in asked)
    return max(find(pattern), key=lambda hit: hit[0])[1][1]


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from(TASKS), st.integers(2_500, 4_000))
def test_an_independent_reader_finds_every_gold_answer(seed: int, task: str, tokens: int) -> None:
    corpus = load(tokens=tokens, tasks=task, questions=2, seed=seed)
    for question in corpus.questions:
        context = corpus.contexts[question.context_id]
        found = solved(question.text, context)
        if task == "abstention":
            assert found is None
            assert question.metadata["unanswerable"] and not question.evidence
            assert headline(question, "That was not mentioned.") == 1.0
            continue
        assert found is not None and question.answers[0] in found
        assert stands_in_text(question, corpus)
        assert full_marks(question)
        assert nothing_for_nothing(question)
        assert question.evidence
    assert tokens - 400 <= question.metadata["context_tokens"] <= tokens


def test_sessions_are_dated_documents_in_order() -> None:
    corpus = load(tokens=8_000)
    (context,) = corpus.contexts.values()
    days = [document.text.split("\n")[0] for document in context.documents]
    assert days == sorted(days) and len(days) > 20
    assert [q.task for q in corpus.questions] == [*TASKS, *TASKS]
    assert all(re.search(r"Current date: \d{4}/\d\d/\d\d", q.text) for q in corpus.questions)


def test_evidence_of_several_sessions() -> None:
    for question in load(tokens=16_000, tasks=["multi-session", "temporal-reasoning", "knowledge-update"]).questions:
        assert len({chunk.document_id for chunk in question.evidence}) >= 2


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


WRONG = [{"tokens": 10}, {"tasks": "x"}, {"questions": 0}, {"tokens": 2_000, "questions": 90}]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
