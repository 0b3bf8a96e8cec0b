"""L-Eval: each row a document with many instructions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.benchmarks.leval import load
from workbench.errors import InputError
from workbench.evaluation.metrics import score_answer
from workbench.records import Answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    row = {"instructions": ["Which?\nA. x\nB. y", "Who?\nA. z\nB. w"], "outputs": ["A", "B"], "input": "Text."}
    (tmp_path / "Closed-ended-tasks").mkdir()
    (tmp_path / "Open-ended-tasks").mkdir()
    (tmp_path / "Closed-ended-tasks" / "tpo.jsonl").write_text(json.dumps(row) + "\n")
    row = {"instructions": ["When?"], "outputs": ["in April 2018"], "input": "Other text."}
    (tmp_path / "Open-ended-tasks" / "natural_question.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


def test_questions_are_scored_by_their_task(folder: Path) -> None:
    corpus = load(path=str(folder))
    by_task = {question.task: question for question in corpus.questions}
    assert by_task["natural_question"].text == "When? Answer this question with 3 words."
    assert score_answer(by_task["tpo"], Answer("B"))[0].value == 1.0
    assert score_answer(by_task["natural_question"], Answer("April 2018"))[0].value == pytest.approx(0.8)


def test_an_unknown_task(folder: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'natural_question'"):
        load(path=str(folder), tasks=["natural_questions"])


def test_the_published_release(shared_data: Path) -> None:
    corpus = load(path=str(shared_data / "leval"))
    counts = {task: sum(q.task == task for q in corpus.questions) for task in {q.task for q in corpus.questions}}
    assert (counts["tpo"], counts["quality"], counts["coursera"], counts["gsm100"]) == (269, 202, 172, 100)
