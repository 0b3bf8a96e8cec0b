"""Full context by a benchmark's own prompt: the whole prompt is sent, or its first and its last half."""

from __future__ import annotations

import pytest

from pipelines.bounds.full_context import FullContext
from tests.pipelines.conftest import Ran, make_context, make_rig, story
from workbench.records import Context, Question

OWN = "Answer by the passages, with {braces}.\n{context}\n\nAnswer by the passages.\nQuestion: How many?\nAnswer:"


def asked(method: FullContext, context: Context, prompt: str = OWN, **rig_options: int) -> tuple[Ran, str]:
    """A question with its own prompt, and what was sent."""
    question = Question("q", "How many sheep?", context.context_id, ("21",), prompt=prompt).blind()
    rig = make_rig(context, {"read": "21"}, **rig_options)  # type: ignore[arg-type]
    answer = method.answer(question, None, rig.bench)
    rig.equipment.gateway.close()
    (made,) = rig.made
    return Ran(answer, rig.made, list(rig.bench.notes), rig.model, None), made.prompt


def test_the_prompt_is_sent_word_for_word_with_the_text_in_its_place() -> None:
    context = make_context(story(20))
    ran, sent = asked(FullContext(), context)
    assert sent.endswith(OWN.replace("{context}", story(20)))
    assert [hit.chunk.text for hit in ran.answer.hits] == [story(20)]
    assert ran.answer.dropped_tokens == 0


@pytest.mark.parametrize("truncate", ["middle", "right", "left"])
def test_over_the_window_the_whole_prompt_is_cut(truncate: str) -> None:
    context = make_context(story(200), story(200, start=200), titles=("One", "Two"))
    ran, sent = asked(FullContext(truncate=truncate), context, window=2_000, answer_tokens=64)  # type: ignore[arg-type]
    whole = OWN.replace("{context}", f"[One]\n{story(200)}\n\n[Two]\n{story(200, start=200)}")
    said = sent.removeprefix("<user>\n")
    head = next(i for i in range(len(said), -1, -1) if whole.startswith(said[:i]))
    assert whole.endswith(said[head:]) and ran.answer.dropped_tokens > 0
    if truncate == "middle":
        assert 0.4 < head / len(said) < 0.6  # the first half and the last half
    assert (head == len(said)) == (truncate == "right") and (head < 20) == (truncate == "left")
    (call,) = [made.call for made in ran.made]
    assert 1_800 < call.prompt_tokens <= 2_000 - 64
    for hit in ran.answer.hits:
        assert context.holds(hit.chunk) and hit.chunk.text in sent
    shown = sum(len(hit.chunk.text) for hit in ran.answer.hits)
    assert len(said) - len(OWN) - 20 <= shown <= len(said)


def test_a_question_without_one_is_asked_as_ever() -> None:
    _, sent = asked(FullContext(), make_context(story(20)), prompt="")
    assert "Question: How many sheep?" in sent and "unanswerable" in sent
