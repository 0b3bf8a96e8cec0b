"""score_answer: a question's metrics on an answer, and why one does not apply."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.errors import UnknownName
from workbench.evaluation import metrics as package
from workbench.evaluation.metrics import VERSIONS, metric, metrics, score_answer
from workbench.records import Answer, Question

QUESTION = Question("q", "Where is the apple?", "c", ("garden",), task="qa1", metrics=("token_f1",))


def values(question: Question, said: str, names: list[str] | None = None) -> dict[str, float | None]:
    return {score.metric: score.value for score in score_answer(question, Answer(said), names)}


def test_the_questions_metrics_in_order_then_the_lenient_twins() -> None:
    question = replace(QUESTION, metrics=("babilong", "token_f1"))
    assert list(values(question, "In the garden.")) == ["babilong", "token_f1", "babilong_lenient"]
    assert values(question, "In the garden.") == {
        "babilong": 1.0,
        "token_f1": pytest.approx(2 / 3),
        "babilong_lenient": 1.0,
    }


def test_given_metrics_replace_the_questions_own() -> None:
    assert values(QUESTION, "garden", ["exact_match"]) == {"exact_match": 1.0}
    with pytest.raises(UnknownName, match=r"unknown metric 'exact_macth'.*did you mean 'exact_match'"):
        score_answer(QUESTION, Answer("x"), ["exact_macth"])


@pytest.mark.parametrize(
    ("question", "name", "reason"),
    [
        (replace(QUESTION, answers=()), "token_f1", "the question has no gold answer"),
        (QUESTION, "choice_accuracy", "the question has no options"),
        (QUESTION, "longbench_classification", "the question has no all_classes"),
        (replace(QUESTION, task=""), "longbench", "the question has no task"),
        (QUESTION, "longbench", "LongBench has no task 'qa1'"),
        (QUESTION, "infinitebench_math_find", "the metric failed: ValueError"),
    ],
)
def test_a_metric_that_does_not_apply_gives_no_score_but_a_reason(question: Question, name: str, reason: str) -> None:
    score = score_answer(question, Answer("garden 5"), [name])[0]
    assert score.value is None
    assert score.reason.startswith(reason)


def test_an_unanswerable_question_is_right_when_the_answer_abstains_unless_the_benchmark_says_otherwise() -> None:
    question = replace(QUESTION, answers=(), metadata={"unanswerable": True, "category": 5})
    assert values(question, "The text does not say.") == {"token_f1": 1.0}
    assert values(question, "In the garden.") == {"token_f1": 0.0}
    # LoCoMo's own words for an abstention are narrower
    assert values(question, "The text does not say.", ["locomo"]) == {"locomo": 0.0, "locomo_lenient": 1.0}
    assert values(question, "It is not mentioned.", ["locomo"])["locomo"] == 1.0


def test_facts_of_the_question_reach_the_metric() -> None:
    question = replace(
        QUESTION, answers=("Paris",), metadata={"answer_keywords": "Paris France"}, task="hotpotwikiqa_mixup"
    )
    assert values(question, "Rome is big", ["lv_eval"])["lv_eval"] == 0.0
    assert values(question, "Paris", ["lv_eval"])["lv_eval"] == 1.0
    chosen = replace(QUESTION, options=("red", "blue"), answers=("blue",))
    assert values(chosen, "(B)", ["choice_accuracy"]) == {"choice_accuracy": 1.0}


def test_every_metric_has_a_version_and_is_a_name_of_the_package() -> None:
    for name, function in metrics().items():
        assert VERSIONS[name] >= 1
        assert getattr(package, name) is function is metric(name)
        assert (function.__doc__ or "").strip(), name
    with pytest.raises(AttributeError):
        package.no_such_metric  # noqa: B018


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("Unanswerable", True),
        ("I don't know.", True),
        ("The question cannot be answered from the passages.", True),
        ("The financial statement does not address any plans for expansion.", True),
        ("There is no mention of a tavern in the provided chunks. The text speaks of an inn.", True),
        ("", False),
        ("Nobody knew that the mill did not stand there any more.", False),
        ("He did not say a word, and the letter was not found until 1907.", False),
        ("Paris, though the text does not " + "really " * 40 + "say so.", False),
    ],
)
def test_a_refusal_is_told_by_its_words(text: str, refuses: bool) -> None:
    assert metric("abstention")(text, []) == float(refuses)


def test_lara_gold_refusals_are_found_and_other_golds_are_not(shared_data: Path) -> None:
    folder = shared_data / "lara" / "query"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    counts = {True: [0, 0], False: [0, 0]}
    for file in folder.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            found = metric("abstention")(str(json.loads(line)["answer"]), [])
            counts["hallu" in file.name][int(found)] += 1
    assert counts[True][0] == 0 and counts[True][1] == 122
    assert counts[False][1] == 0 and counts[False][0] == 321
