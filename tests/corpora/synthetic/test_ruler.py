"""RULER's tasks: an independent reader solves each from its text and question alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.synthetic.fictional_world.book import make_book
from corpora.synthetic.ruler import TASKS, load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from tests.corpora.world_solver import Solver
from workbench.errors import InputError
from workbench.records import Question
from workbench.text import count_tokens


def solved(question: Question, text: str) -> set[str]:
    """The answer, read from the rendered text by rules of its own."""
    if question.task.startswith("niah"):
        (asked,) = re.findall(
            r"(?:is|are all) the special magic \w+ for (.+?) mentioned in the provided", question.text
        )
        keys = re.split(r", and |, ", asked)
        told = re.findall(r"One of the special magic \w+ for (\S+) is: (\S+)\.", text)
        return {value for key, value in told if key in keys}
    if question.task == "vt":
        value = re.findall(r"assigned the value (\d+) in the text", question.text)[-1]
        held = {value}
        for name, source in re.findall(r"VAR (\w+) = (?:VAR )?(\w+)", text):
            if source in held:
                held.add(name)
        return held - {value}
    if question.task == "cwe":
        return {word for word, _ in Counter(re.findall(r"\d+\. (\S+)", text)).most_common(10)}
    if question.task == "fwe":
        return {word for word, _ in Counter(w for w in text.split() if w.isalpha()).most_common(3)}
    raise AssertionError(question.task)


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from([t for t in TASKS if not t.startswith("qa")]), st.integers(1_500, 2_500))
def test_an_independent_reader_finds_every_gold_answer(seed: int, task: str, tokens: int) -> None:
    corpus = load(tokens=tokens, tasks=task, samples=1, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    assert solved(question, document.text) == set(question.answers)
    answer_tokens = {"vt": 30, "cwe": 120, "fwe": 50}.get(task, 128)
    assert count_tokens(document.text) + count_tokens(question.text) + answer_tokens <= tokens
    assert stands_in_text(question, corpus)
    assert full_marks(question)
    assert nothing_for_nothing(question)


@settings(max_examples=200)
@given(st.integers(0, 10**4), st.sampled_from(["qa_1", "qa_2"]), st.integers(1_500, 2_500))
@example(2782, "qa_1", 2336)  # its world tells one paragraph twice
def test_the_world_s_solver_answers_the_qa_tasks(seed: int, task: str, tokens: int) -> None:
    """The articles come from a generated world, whose table answers every question by a grammar of its own."""
    corpus = load(tokens=tokens, tasks=task, samples=2, seed=seed)
    world, telling, _ = make_book(seed, int(task[-1]), 8_000, {})
    solver = Solver(world.dump())
    paragraphs = {part for document in telling.context.documents for part in document.text.split("\n\n")}
    for question in corpus.questions:
        (asked,) = re.findall(r"Question: (.+) Answer:$", question.text)
        found = solver.solve(asked)
        assert found in question.answers
        (document,) = corpus.contexts[question.context_id].documents
        articles = re.split(r"(?:^|\n\n)Document \d+:\n", document.text)[1:]
        assert len(articles) == len(set(articles)) == question.metadata["articles"] and set(articles) <= paragraphs
        assert all(any(chunk.text in article for article in articles) for chunk in question.evidence)
        assert count_tokens(document.text) + count_tokens(question.text) + 32 <= tokens
        assert full_marks(question) and nothing_for_nothing(question)


@settings(max_examples=40)
@given(st.integers(0, 10**4), st.sampled_from(["qa_1", "qa_2"]), st.sampled_from(["words", "characters"]))
def test_the_qa_tasks_fill_their_length_in_any_unit(seed: int, task: str, tokenizer: str) -> None:
    length = 6_000 if tokenizer == "words" else 30_000
    (question,) = load(tokens=length, tasks=task, samples=1, seed=seed, tokenizer=tokenizer).questions
    assert 0.95 * length <= question.metadata["context_tokens"] <= length


def test_answers_of_the_qa_tasks_stand_in_the_articles_that_the_evidence_names() -> None:
    corpus = load(tokens=4_096, tasks=["qa_1", "qa_2"], samples=20)
    assert Counter(q.task for q in corpus.questions) == {"qa_1": 20, "qa_2": 20}
    assert len({q.text for q in corpus.questions}) == 40
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        assert len(question.evidence) == (1 if question.task == "qa_1" else 2)
        assert stands_in_text(question, corpus)
        assert any(answer in question.evidence[-1].text or question.task == "qa_2" for answer in question.answers)
        assert full_marks(question)
        for chunk in question.evidence:  # inside of one article
            assert "\n\n" not in chunk.text
            assert document.text[: chunk.start].rpartition("Document ")[2].partition(":")[0].isdigit()


def test_lengths_are_reached_in_any_tokenizer() -> None:
    for tokenizer in ("o200k_base", "cl100k_base", "words"):
        for question in load(
            tokens=[4_096, 16_384], tasks=["niah_single_2", "vt", "cwe"], tokenizer=tokenizer
        ).questions:
            assert 0.7 * question.metadata["length"] < question.metadata["context_tokens"] < question.metadata["length"]


def test_parameters_are_rulers() -> None:
    corpus = {q.task: q for q in load(tokens=4_096, samples=1).questions}
    assert list(corpus) == list(TASKS)
    assert len(corpus["niah_multivalue"].answers) == len(corpus["niah_multiquery"].answers) == 4
    assert len(corpus["vt"].answers) == 5
    assert len(corpus["cwe"].answers) == 10
    assert re.fullmatch(r"\d{7}", corpus["niah_single_1"].answers[0])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", corpus["niah_multikey_3"].answers[0])
    assert "A special magic number is hidden within the text." in corpus["niah_single_1"].text


def test_squad_and_hotpotqa_files_are_read(tmp_path: Path) -> None:
    paragraphs = [
        {
            "context": f"Town {n} lies on river {n}. It has {n} mills.",
            "qas": [
                {"question": f"On which river lies town {n}?", "answers": [{"text": f"river {n}", "answer_start": 17}]},
                {"question": "Who rules it?", "is_impossible": True, "answers": []},
            ],
        }
        for n in range(100, 140)
    ]
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps({"data": [{"title": "Towns", "paragraphs": paragraphs}]}))
    corpus = load(tokens=1_500, tasks="qa_1", samples=3, squad=str(squad))
    assert [q.answers for q in corpus.questions] == [("river 100",), ("river 101",), ("river 102",)]
    assert [q.evidence[0].text for q in corpus.questions] == ["river 100", "river 101", "river 102"]
    rows = [
        {
            "question": "Which river?", "answer": "Ald", "supporting_facts": [["Ford", 1]],
            "context": [["Ford", ["A ford.", " It is on the Ald."]], ["Mill", ["A mill."]]],
        }
    ]  # fmt: skip
    hotpotqa = tmp_path / "hotpot.json"
    hotpotqa.write_text(json.dumps(rows))
    (question,) = load(tokens=1_500, tasks="qa_2", samples=1, hotpotqa=str(hotpotqa)).questions
    assert question.evidence[0].text == " It is on the Ald."
    squad.write_text("[1, 2")
    with pytest.raises(InputError, match="neither SQuAD nor HotpotQA"):
        load(tokens=1_500, tasks="qa_2", hotpotqa=str(squad), samples=1)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(tokens=2_000, samples=1).fingerprint == load(tokens=2_000, samples=1).fingerprint
    assert load(tokens=2_000, tasks="vt", seed=1).fingerprint != load(tokens=2_000, tasks="vt", seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 500}, {"tasks": ["niah"]}, {"samples": 0}, {"tokenizer": "gpt"}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
