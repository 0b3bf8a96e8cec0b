from __future__ import annotations

import re

import numpy as np
import pytest

from pipelines.graph.graph_of_records import GraphOfRecords, nearest, propagated, question_line
from tests.pipelines.conftest import Ran, run, story
from workbench.errors import InputError

TEXT = story(200)
SMALL = {"chunk_tokens": 60, "overlap": 10}


def ask(prompt: str) -> str:
    number = re.findall(r"Person (\d+)", prompt)[0]
    return f"How many sheep does Person {number} keep?"


def answer(prompt: str) -> str:
    return "RECORD: " + re.findall(r"Question: (.*)", prompt)[-1]


def gor(text: str = TEXT, **config: object) -> Ran:
    replies = {"simulate": ask, "record": answer, "read": "21"}
    return run(GraphOfRecords(**{**SMALL, **config}), text, replies)  # type: ignore[arg-type]


def test_thirty_questions_at_once_then_their_answers_one_by_one() -> None:
    ran = gor()
    assert ran.steps("build") == ["simulate"] * 30 + ["record"] * 30
    assert ran.depth("build") == 31
    assert (ran.steps(), ran.depth()) == (["read"], 1)
    assert len(set(ran.prompts("simulate"))) == 30


def test_a_record_has_an_edge_from_each_text_its_prompt_held() -> None:
    ran = gor()
    state = ran.state
    for number, prompt in enumerate(ran.prompts("record")):
        node = len(state.chunks) + number
        sources = [a for a, b in state.edges if b == node]
        assert len(sources) == 6
        assert all(state.texts[i] in prompt for i in sources)
        assert all(i < node for i in sources)


def test_later_answers_see_earlier_ones() -> None:
    assert any("RECORD: " in prompt for prompt in gor(top_k=10).prompts("record")[1:])


def test_the_question_is_answered_from_chunks_and_records() -> None:
    ran = gor(story(28), questions=5)  # one chunk of the embedder's: its vectors tell single persons apart
    assert "Person 3 keeps 21 sheep" in ran.prompts("read")[0]
    (records,) = ran.noted("records_read")
    assert len(ran.answer.hits) + records == 6


def test_a_short_text_gives_a_question_a_chunk() -> None:
    ran = gor(story(20))
    n = len(ran.state.chunks)
    assert 1 < n < 30
    assert ran.steps("build") == ["simulate"] * n + ["record"] * n


def test_repeated_questions_and_empty_answers_leave_no_record() -> None:
    ran = run(GraphOfRecords(**SMALL), TEXT, {"simulate": "2) Who lives here?", "record": " ", "read": "x"})
    assert ran.noted("questions_dropped") == [29]
    assert ran.noted("empty_record") == ["Who lives here?"]
    assert len(ran.state.texts) == len(ran.state.chunks)


def test_the_draw_follows_the_seed() -> None:
    def simulated(seed: int) -> list[str]:
        replies = {"simulate": ask, "record": answer, "read": "21"}
        return run(GraphOfRecords(questions=5, **SMALL), TEXT, replies, seed=seed).prompts("simulate")  # type: ignore[arg-type]

    assert simulated(1) == simulated(1) != simulated(2)


def test_propagation_averages_neighbours() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    expected = np.array([[1, 1], [1, 1], [2**0.5, 0]]) / 2**0.5
    assert np.allclose(propagated(vectors, [(0, 1)]), expected)
    assert nearest(vectors, np.array([1, 0], dtype=np.float32), 2) == [0, 2]


@pytest.mark.parametrize(("reply", "line"), [("\n\n- Why?\nmore", "Why?"), ("12", ""), ("", "")])
def test_the_question_is_the_first_line_with_letters(reply: str, line: str) -> None:
    assert question_line(reply) == line


def test_a_simulated_question_has_the_tokens_of_its_field() -> None:
    assert gor().limits("simulate") == {64}
    ran = gor(question_tokens=200)
    assert ran.limits("simulate") == {200}
    with pytest.raises(InputError, match="question_tokens: 0"):
        GraphOfRecords(question_tokens=0)


def test_a_simulated_question_is_cut_at_its_tokens() -> None:
    replies = {"simulate": "Why " * 100 + "?", "record": answer, "read": "21"}
    cut, whole = (run(GraphOfRecords(questions=1, question_tokens=n), TEXT, replies) for n in (64, 200))
    assert (cut.prompts("record")[0].count("Why"), whole.prompts("record")[0].count("Why")) == (64, 100)
