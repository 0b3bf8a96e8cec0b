"""How long an answer may be never costs more of the window than the model can write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.errors import InputError
from workbench.experiment.config import load
from workbench.experiment.setup import prepare
from workbench.llm.scripted import ScriptedModel
from workbench.runlog.reader import RunLogReader


def asked(folder: Path, answer_tokens: int, most: int) -> tuple[int, int, int]:
    """Answered, failed, and the longest prompt in tokens, of a context of 4,000 tokens and a window of 8,192."""
    model = ScriptedModel(lambda request: "Oakford", name="m", window=8_192, max_output_tokens=most)
    given = {
        "name": "long",
        "database": str(folder / f"{answer_tokens}.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 3}}],
        "models": ["m"],
        "pipelines": ["full_context"],
        "answer_tokens": answer_tokens,
    }
    done = wb.run(given, models={"m": model}, progress=False)
    calls = RunLogReader(done.database).calls()["prompt_tokens"]
    return done.answered, done.failed, int(calls.max()) if len(calls) else 0


def test_what_the_model_cannot_write_takes_nothing_from_what_is_read(tmp_path: Path) -> None:
    assert asked(tmp_path, 6_000, most=2_048) == asked(tmp_path, 256, most=2_048)


def test_an_answer_that_leaves_no_window_fails_instead_of_reading_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, 9_000, most=9_000)[:2] == (0, 3)


SETS = {"hotpotqa": 32, "gov_report": 512, "trec": 64}


def official(folder: Path, **changes: Any) -> dict[str, Any]:
    row = {"input": "Who?", "context": "It was Ann.", "answers": ["Ann"], "length": 3, "all_classes": ["Ann"]}
    for name in SETS:
        (folder / f"{name}.jsonl").write_text(json.dumps(row))
    return {
        "name": "official", "database": str(folder / "log.duckdb"), "models": ["m"],
        "corpora": [{f"longbench@{folder}": {"tasks": list(SETS)}}, {"needle": {"tokens": 1_000, "depths": 1}}],
        "pipelines": ["full_context", "closed_book", {"chunk_rag": {"retriever": "sparse"}}],
        "answer_tokens": "official", **changes,
    }  # fmt: skip


def lengths(folder: Path, **changes: Any) -> dict[str, set[int]]:
    """The answer budgets that the model was asked for, by what stands in the question."""
    model = ScriptedModel(lambda request: "Ann", name="m", window=8_192, max_output_tokens=4_000)
    wb.run(official(folder, **changes), models={"m": model}, progress=False)
    asked: dict[str, set[int]] = {}
    for request in model.history:
        text = request.messages[-1].content
        kinds = {"one-page": "gov_report", "type of the question": "trec", "given passages": "hotpotqa"}
        kind = next((kind for mark, kind in kinds.items() if mark in text), "needle")
        asked.setdefault(kind, set()).add(request.max_tokens)
    return asked


def test_an_official_budget_is_each_question_s_own_and_every_pipeline_s(tmp_path: Path) -> None:
    assert lengths(tmp_path) == {**{name: {length} for name, length in SETS.items()}, "needle": {256}}
    assert lengths(tmp_path, name="same", answer_tokens=99) == {name: {99} for name in (*SETS, "needle")}
    questions = RunLogReader(tmp_path / "log.duckdb").questions()
    labels = {row.task: row.metadata for row in questions.itertuples()}
    assert {task: labels[task]["max_gen"] for task in SETS} == SETS
    assert [labels[task]["chat_template"] for task in SETS] == [True, True, False]


def test_budgets_are_a_part_of_what_a_run_is(tmp_path: Path) -> None:
    def run_ids(**changes: Any) -> set[str]:
        return {run.run_id for run in prepare(load(official(tmp_path, **{"models": ["extractive"], **changes}))).runs}

    given = run_ids()
    assert run_ids() == given and not run_ids(answer_tokens=256) & given
    documents, questions = tmp_path / "docs", tmp_path / "q.jsonl"
    documents.mkdir()
    (documents / "a.txt").write_text("It was Ann.")

    def own(label: object) -> set[str]:
        questions.write_text(json.dumps({"question": "Who?", "answers": ["Ann"], "max_gen": label}))
        return run_ids(corpora=[{f"files@{documents}": {"questions": str(questions)}}])

    assert own(10) == own(10) and not own(10) & own(11)
    for wrong in ("x", 0, 1.5, True):
        with pytest.raises(InputError, match="label max_gen is"):
            own(wrong)


@pytest.mark.parametrize("wrong", [0, -1, "x", 1.5, None, [1]])
def test_a_budget_is_a_number_or_official(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(InputError, match="answer_tokens: is wrong: use a whole number of tokens from 1, or official"):
        load(official(tmp_path, answer_tokens=wrong))


def test_official_without_any_length_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no question of these corpora has an answer length of its own"):
        prepare(load(official(tmp_path, models=["extractive"], corpora=["world"])))


def test_the_plan_uses_each_question_s_budget(tmp_path: Path) -> None:
    given = official(tmp_path, models=["extractive"], pipelines=["full_context"])
    given["corpora"][0] = {f"longbench@{tmp_path}": {"tasks": ["hotpotqa", "trec"]}}  # as many as a plan walks through
    planned = {row.corpus: row for row in wb.plan(given).estimates}
    same = {row.corpus: row for row in wb.plan({**given, "answer_tokens": 256}).estimates}
    assert planned["needle"].completion_tokens == same["needle"].completion_tokens
    assert planned["longbench"].completion_tokens == pytest.approx(
        same["longbench"].completion_tokens * (32 + 64) / (2 * 256), rel=0.05
    )


def test_the_truncation_filter_leaves_room_for_each_question_s_answer(tmp_path: Path) -> None:
    long = "It was Ann. " * 100  # 400 tokens
    given = official(tmp_path, hygiene={"truncation": True})
    for name in SETS:
        row = {"input": "Who?", "context": long, "answers": ["Ann"], "length": 3, "all_classes": ["Ann"]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row))
    model = ScriptedModel(lambda request: "Ann", name="m", window=1_100)  # 300 are for the frame
    corpora = prepare(load({**given, "corpora": given["corpora"][:1]}), model_objects={"m": model}).corpora
    assert {question.task for question in corpora[0].questions} == {"hotpotqa", "trec"}
