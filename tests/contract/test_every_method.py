"""Laws that every catalogued method obeys, whatever its model says and however long the context is."""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipelines.conftest import Ran, make_context, make_rig, run, story
from workbench.catalogue import family, pipelines
from workbench.engine.bench import ExperimentBench
from workbench.errors import ContextOverflow, InputError
from workbench.llm.cache import ResponseCache
from workbench.llm.reading.extractive import ExtractiveReader
from workbench.method.prompts import Prompt
from workbench.method.protocol import MethodCard
from workbench.records import Answer, Context, Question

METHODS: dict[str, Any] = dict(pipelines())
NAMES = sorted(METHODS)
NEEDS = {name: method.card.requires for name, method in METHODS.items()}
# Those that this machine can run without the stand-in for a package that `conftest.py` puts in place.
RUNNABLE = [name for name in NAMES if all(need.startswith("logprobs") for need in NEEDS[name])]
# Those that need probabilities: the scripted model tells them, the embedded reader does not.
PROBABLE = [name for name in RUNNABLE if NEEDS[name]]
SILENT = {"closed_book"}  # reads no text at all
WINDOW = 2_048
TEXT = story(420)  # about 2.7 windows


def garbage(prompt: str) -> str:
    """A reply that fits nothing: no JSON, odd characters, sometimes empty of words."""
    draw = random.Random(prompt)
    return draw.choice(["…", "[[[{", "Yes.", "-7 99 [3] > [1]", "```json\n{}\n```", "ß" * 50, "null", "True False 1"])


def chatter(prompt: str) -> str:
    """A model that never stops talking, whatever it was asked."""
    return "and so on " * 400


def silence(prompt: str) -> str:
    """A model that says nothing at all."""
    return ""


MODELS: dict[str, Callable[[str], str]] = {"garbage": garbage, "chatter": chatter, "silence": silence}


def likely(prompt: str) -> dict[str, float]:
    """Made-up probabilities of three first tokens, the same for the same prompt."""
    draw = random.Random(prompt)
    return {token: -draw.random() - 1.2 for token in ("21", " Err", "The")}


def likely_prompt(prompt: str) -> list[float]:
    """Made-up log probabilities of a prompt's last two tokens."""
    draw = random.Random(f"prompt {prompt}")
    return [-draw.random(), -draw.random()]


def answered(name: str, context: Context, replies: Any, **options: Any) -> Ran:
    return run(
        METHODS[name](),
        context,
        replies,
        **{"window": WINDOW, "logprobs": likely, "prompt_logprobs": likely_prompt, **options},
    )


def read_by_extractive(name: str, context: Context, **options: Any) -> Ran:
    return answered(name, context, ExtractiveReader(WINDOW), **options)


def other_forms() -> list[Any]:
    """Every method once with each value of each choice (a Literal field or a flag) that is not its default."""
    found = []
    for name in NAMES:
        default, hints = METHODS[name](), typing.get_type_hints(METHODS[name])
        for field in dataclasses.fields(default):
            kind = hints[field.name]
            choices = (False, True) if kind is bool else typing.get_args(kind) if _is_literal(kind) else ()
            for value in choices:
                if value != getattr(default, field.name):
                    changed = dataclasses.replace(default, **{field.name: value})
                    found.append(pytest.param(changed, id=f"{name}-{field.name}-{value}"))
    return found


# Forms that are there to fail: `never` says that a prompt over the window is an error.
MAY_OVERFLOW = [METHODS["full_context"](truncate="never")]


def _is_literal(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal


@pytest.mark.parametrize("method", other_forms())
def test_no_form_of_a_method_breaks(method: Any) -> None:
    for text in ("", story(20), story(300)):
        for voice in (garbage, chatter):
            if method in MAY_OVERFLOW and len(text) > 4 * WINDOW:
                with pytest.raises(ContextOverflow):
                    run(method, make_context(text), voice, window=WINDOW)
                continue
            ran = run(method, make_context(text), voice, window=WINDOW, logprobs=likely, prompt_logprobs=likely_prompt)
            assert all(made.call.error is None and made.call.prompt_tokens < WINDOW for made in ran.made)


@pytest.mark.parametrize("method", other_forms())
def test_a_form_fits_a_small_window_or_says_that_the_question_does_not(method: Any) -> None:
    context = make_context(story(90), story(30, 500), titles=("One", "Two"))
    for voice in (silence, garbage):
        try:
            ran = run(method, context, voice, window=600, logprobs=likely, prompt_logprobs=likely_prompt)
        except ContextOverflow:
            continue
        assert all(made.call.error is None and made.call.prompt_tokens < 600 for made in ran.made)


@pytest.mark.parametrize("name", PROBABLE)
def test_a_model_without_probabilities_is_a_clear_error_before_any_call(name: str) -> None:
    with pytest.raises(InputError, match="cannot tell token probabilities"):
        read_by_extractive(name, make_context(story(10)))


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_the_method_is(name: str) -> None:
    method = METHODS[name]
    card = method.card
    assert isinstance(card, MethodCard)
    assert card.title and card.cost and card.stages
    assert family(method) in ("bounds", "retrieval", "graph", "divide", "agents", "compression", "prompting")
    assert not card.family, "the folder is the family"
    assert family(method) == "bounds" or card.url.startswith("https://")
    assert len({other.card.title for other in METHODS.values()}) == len(METHODS)
    assert (method.__doc__ or "").strip() and not (method.__doc__ or "").startswith(f"{method.__name__}(")


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_its_frozen_configuration(name: str) -> None:
    method = METHODS[name]
    made = method()
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    stored = json.loads(json.dumps(fields))  # as an experiment file and the run log hold it
    again = method(**{key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()})
    assert again == made and hash(again) == hash(made)
    for field in fields:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field, None)


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_named_after_the_module_that_words_it(name: str) -> None:
    prompts = {key: value for key, value in vars(sys.modules[METHODS[name].__module__]).items() if _is_prompt(value)}
    for key, prompt in prompts.items():
        home = prompt.name.partition(".")[0]
        home = sys.modules[HOMES.get(home) or METHODS[home].__module__]
        assert prompt in vars(home).values(), f"{key} is named {prompt.name} and stands elsewhere"
        others = [other for other in prompts.values() if other is not prompt]
        assert prompt.prompt_hash not in [other.prompt_hash for other in others]


HOMES = {"extraction": "pipelines.graph._extraction", "chunk_rag": "pipelines._reading"}


def _is_prompt(value: object) -> bool:
    return isinstance(value, Prompt)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("voice", sorted(MODELS))
def test_no_reply_breaks_a_method_and_no_prompt_passes_the_window(name: str, voice: str) -> None:
    ran = answered(name, make_context(TEXT), MODELS[voice])
    assert isinstance(ran.answer, Answer)
    assert ran.made
    for made in ran.made:
        assert made.call.error is None
        assert made.call.prompt_tokens < WINDOW


def holds_text(name: str, prompt: str) -> bool:
    """Whether a prompt holds something of a story; the stand-in for llmlingua keeps every second word."""
    if "llmlingua" in " ".join(NEEDS[name]):
        return prompt.count("village") + prompt.count("Place") > 2
    return "sheep in the village of Place" in prompt


@pytest.mark.parametrize("name", NAMES)
def test_a_method_never_sees_gold_and_its_prompts_come_from_the_text(name: str) -> None:
    sees = METHODS[name].card.sees_evidence
    ran = answered(name, make_context(story(30)), garbage, answers=("Zanzibar-7741",))
    assert all("Zanzibar-7741" not in made.prompt for made in ran.made)
    assert sees or name in SILENT or any(holds_text(name, made.prompt) for made in ran.made)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_shown_with_the_question(name: str) -> None:
    ran = answered(name, make_context(story(30)), garbage, options=("seven sheep", "twenty-one sheep"))
    assert any("A. seven sheep\nB. twenty-one sheep" in made.prompt for made in ran.made)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_noted_can_be_stored(name: str) -> None:
    for voice in MODELS.values():
        ran = answered(name, make_context(story(200)), voice)
        assert json.loads(json.dumps(ran.notes)) == [[key, value] for key, value in ran.notes]
        assert ran.answer.dropped_tokens >= 0
        assert all(hit.rank == rank for rank, hit in enumerate(ran.answer.hits, 1))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(PROBABLE)))
def test_the_same_input_gives_the_same_prompts_and_a_rerun_is_all_replay(name: str, tmp_path: Path) -> None:
    context = make_context(story(150), story(60, 500), titles=("First", "Second"))
    with ResponseCache(tmp_path / "cache.sqlite") as cache:
        once = read_by_extractive(name, context, cache=cache)
        again = read_by_extractive(name, context, cache=cache)
    assert sorted(m.prompt for m in once.made) == sorted(m.prompt for m in again.made)
    assert {m.call.call_id: m.prompt for m in once.made} == {m.call.call_id: m.prompt for m in again.made}
    unparsable = {made.call.call_id.rpartition("-")[0] for made in again.made if made.step.endswith(":reask")}
    for made in again.made:  # a reply that could not be parsed is never kept
        cut_off = made.call.finish_reason == "length" and made.reply and not made.reply.rstrip().endswith("}")
        assert made.call.from_cache or cut_off or made.call.call_id.partition("-")[0] in unparsable
    assert once.answer == again.answer


@pytest.mark.parametrize("name", NAMES)
def test_side_by_side_and_one_by_one_are_the_same(name: str) -> None:
    context = make_context(story(150))
    serial = answered(name, context, garbage, concurrency=1)
    parallel = answered(name, context, garbage, concurrency=8)
    assert serial.answer == parallel.answer
    assert sorted(m.prompt for m in serial.made) == sorted(m.prompt for m in parallel.made)
    assert serial.depth() == parallel.depth() <= len(serial.steps())


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_contexts_are_answered(name: str) -> None:
    odd = {
        "empty": make_context(""),
        "no documents": Context(()),
        "one word": make_context("Oslo"),
        "one giant sentence": make_context("sheep " * 3_000),
        "no Latin letter": make_context("山田さんは村で羊を飼っています。" * 200),
        "blank": make_context(" \n\n \t"),
        "empty and full": make_context("", story(20), ""),
    }
    for kind, context in odd.items():
        ran = answered(name, context, garbage) if name in PROBABLE else read_by_extractive(name, context)
        assert ran.answer.text.strip(), kind
        assert all(made.call.error is None and made.call.prompt_tokens < WINDOW for made in ran.made), kind
        assert all(context.holds(hit.chunk) for hit in ran.answer.hits), kind


@pytest.mark.parametrize("name", NAMES)
def test_a_question_longer_than_the_window_is_a_clear_error_before_its_first_call(name: str) -> None:
    with pytest.raises(ContextOverflow):
        answered(name, make_context(story(10)), "x", question="why " * WINDOW)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(sentences=st.integers(0, 470), documents=st.integers(1, 4), window=st.sampled_from([1_024, 2_048, 3_000]))
def test_contexts_from_nothing_to_three_windows(name: str, sentences: int, documents: int, window: int) -> None:
    share = sentences // documents
    titles = [f"T{i}" for i in range(documents)]
    context = make_context(*(story(share, 1_000 * i) for i in range(documents)), titles=titles)
    ran = answered(name, context, garbage, window=window, answers=("Zanzibar-7741",))
    assert all(made.call.error is None for made in ran.made)
    assert all(made.call.prompt_tokens < window for made in ran.made)
    assert all("Zanzibar-7741" not in made.prompt for made in ran.made)
    read = squeezed("".join(made.prompt for made in ran.made if made.call.phase == "answer"))
    for hit in ran.answer.hits:
        assert context.holds(hit.chunk)
        assert name == "llm_lingua2" or squeezed(hit.chunk.text) in read, "a hit that no call has read"


def squeezed(text: str) -> str:
    """Without white space: prompts may join lines."""
    return "".join(text.split())


@pytest.mark.parametrize("name", NAMES)
def test_questions_share_what_the_index_stage_left_and_do_not_change_it(name: str) -> None:
    context = make_context(story(150))
    asked = [Question(f"q{i}", f"How many sheep does Person {10 * i} keep?", context.context_id, ()) for i in range(3)]

    def prompts(order: list[Question]) -> dict[str, list[str]]:
        rig = make_rig(context, garbage, phase="build", window=WINDOW, logprobs=likely, prompt_logprobs=likely_prompt)
        method = METHODS[name]()
        state = method.build(context, rig.bench)
        sent: dict[str, list[str]] = {"build": sorted(made.prompt for made in rig.made)}
        for question in order:
            rig.made.clear()
            bench = ExperimentBench(rig.equipment, context, phase="answer", question_id=question.question_id)
            method.answer(question, state, bench)
            assert all(made.call.phase == "answer" for made in rig.made), "the index stage ran again"
            sent[question.question_id] = sorted(made.prompt for made in rig.made)
        rig.equipment.gateway.close()
        return sent

    assert prompts(asked) == prompts(asked[::-1])


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(METHODS[name](), "budget_tokens")])
def test_what_is_read_keeps_to_the_budget(name: str) -> None:
    ran = run(METHODS[name](budget_tokens=400), make_context(TEXT), garbage, window=8_192)
    ends = [made for made in ran.made if made.call.phase == "answer"]
    frame = 260  # of the longest prompt without its text
    assert all(made.call.prompt_tokens <= 400 + frame for made in ends)
    whole = run(METHODS[name](), make_context(TEXT), garbage, window=8_192)
    assert max(m.call.prompt_tokens for m in ends) < max(
        m.call.prompt_tokens for m in whole.made if m.call.phase == "answer"
    )
