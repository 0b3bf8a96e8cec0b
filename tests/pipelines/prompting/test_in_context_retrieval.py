from __future__ import annotations

from typing import Any

import pytest

from pipelines.prompting.in_context_retrieval import InContextRetrieval
from tests.pipelines.conftest import run, story
from workbench.errors import InputError

TEXT = story(60)


def test_one_call_whose_answer_follows_the_lead_in() -> None:
    said = "[RETRIEVAL] Person 3 keeps 21 sheep. [/RETRIEVAL]\nFinal answer: 21"
    ran = run(InContextRetrieval(), TEXT, {"read": said})
    assert ran.steps() == ["read"]
    assert ran.answer.text == "21"
    assert "Passage 1:" in ran.prompts("read")[0] and "word for word" in ran.prompts("read")[0]


def test_cited_passages_are_the_hits_and_unknown_numbers_are_ignored() -> None:
    ran = run(InContextRetrieval(form="cite"), TEXT, {"read": "[RETRIEVAL] [1] [99] [/RETRIEVAL] Final answer: 21"})
    assert [hit.chunk.text.split(" keeps")[0] for hit in ran.answer.hits] == ["Person 0"]
    assert ran.noted("passages_named") == [1]
    assert "numbers of all passages" in ran.prompts("read")[0]


def test_a_restated_passage_is_a_hit() -> None:
    first = run(InContextRetrieval(form="cite"), TEXT, {"read": "[1]"}).prompts("read")[0]
    passage = first.split("Passage 1:\n")[1].split("\n\n")[0]
    ran = run(InContextRetrieval(), TEXT, {"read": f"[RETRIEVAL]{passage.upper()}[/RETRIEVAL] Final answer: 21"})
    assert [hit.rank for hit in ran.answer.hits] == [1]


def test_without_the_lead_in_the_reply_is_the_answer() -> None:
    ran = run(InContextRetrieval(), TEXT, {"read": "[RETRIEVAL] x [/RETRIEVAL] 21 sheep"})
    assert ran.answer.text == "21 sheep"
    assert ran.noted("no_lead_in") == [True]


def test_the_forms_differ_in_the_instruction_alone() -> None:
    one = run(InContextRetrieval(), TEXT, {"read": "x"}).prompts("read")[0]
    other = run(InContextRetrieval(form="cite"), TEXT, {"read": "x"}).prompts("read")[0]
    assert one.split("\n\nFirst ")[0] == other.split("\n\nFirst ")[0]
    assert one.split("between [RETRIEVAL]")[1] == other.split("between [RETRIEVAL]")[1]


def test_bare_numbers_count_where_numbers_were_asked_for_and_a_restated_texts_own_do_not() -> None:
    cited = run(InContextRetrieval(form="cite"), TEXT, {"read": "[RETRIEVAL] 1, 2 [/RETRIEVAL]\nfinal answer: 21"})
    assert len(cited.answer.hits) == 2
    assert cited.answer.text == "21"
    restated = "[RETRIEVAL] It was proven in [2] and 1931. [/RETRIEVAL] Final answer: 21"
    assert run(InContextRetrieval(), TEXT, {"read": restated}).answer.hits == ()


def test_what_is_copied_and_what_is_cited_have_the_tokens_of_their_fields() -> None:
    def limits(**config: Any) -> set[int]:
        return run(InContextRetrieval(**config), TEXT, {"read": "x"}, answer_tokens=64).limits("read")

    assert limits() == limits(citation_tokens=700) == {1_024 + 64}
    assert limits(form="cite") == limits(form="cite", retrieval_tokens=1) == {128 + 64}
    assert limits(form="cite", citation_tokens=700) == {700 + 64}
    with pytest.raises(InputError, match="citation_tokens: 0"):
        InContextRetrieval(citation_tokens=0)
