"""LongLLMLingua and LLMLingua-2 with a stand-in for the package, which brings torch and needs weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar

import pytest

from pipelines.compression.llm_lingua2 import LlmLingua2
from pipelines.compression.long_llm_lingua import RESTRICTION, LongLlmLingua
from tests.pipelines.conftest import make_context, run, story
from workbench.engine.runner import run as run_experiment
from workbench.errors import InputError, ModelError
from workbench.method.compressors import open_compressor
from workbench.text import count_tokens

TEXT = story(40)
METHODS = [LongLlmLingua(), LlmLingua2()]


class Halves:
    """Keeps every second word, and what it was called with. Takes the options that the real package (0.2.2) takes, and
    tells what it tells; opened for real, the package fetches an encoding from the network."""

    called: ClassVar[list[tuple[tuple[str, ...], dict[str, Any]]]] = []
    opened: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def __init__(self, model_name: str, device_map: str = "cuda", use_llmlingua2: bool = False) -> None:
        if "nowhere" in model_name:
            raise OSError("We couldn't connect to the hub")
        self.opened.append((model_name, {"device_map": device_map, "use_llmlingua2": use_llmlingua2}))

    def compress_prompt(self, context: list[str], **options: Any) -> dict[str, Any]:
        assert set(options) <= TAKEN
        self.called.append((tuple(context), options))
        text = " ".join(" ".join(context).split()[::2])
        return {
            "compressed_prompt": text,
            "origin_tokens": count_tokens(" ".join(context)),
            "compressed_tokens": count_tokens(text),
            "ratio": "2.0x",
        }


# of the package's `compress_prompt`, those that the two methods may need
TAKEN = {
    "instruction", "question", "rate", "target_token", "iterative_size", "context_budget", "token_budget_ratio",
    "condition_in_question", "reorder_context", "dynamic_context_compression_ratio", "condition_compare",
    "rank_method", "concate_question", "force_tokens", "force_reserve_digit", "drop_consecutive", "chunk_end_tokens",
}  # fmt: skip


@contextmanager
def packaged() -> Iterator[type[Halves]]:
    """The stand-in as the installed package."""
    module = ModuleType("llmlingua")
    module.PromptCompressor = Halves  # type: ignore[attr-defined]
    module.__spec__ = ModuleSpec("llmlingua", None)
    Halves.called, Halves.opened = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "llmlingua", module)
        open_compressor.cache_clear()
        yield Halves
        open_compressor.cache_clear()


@pytest.fixture
def package() -> Iterator[type[Halves]]:
    with packaged() as stand_in:
        yield stand_in


@pytest.mark.parametrize("method", METHODS)
def test_without_the_package_it_says_what_to_install_before_any_call(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llmlingua", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    open_compressor.cache_clear()
    with pytest.raises(InputError, match=r"not installed — pip install .*\[llmlingua\]"):
        method.check()
    with pytest.raises(InputError, match="not installed"):
        run(method, TEXT, {})


@pytest.mark.parametrize("method", [LongLlmLingua(compressor="nowhere/x"), LlmLingua2(compressor="nowhere/x")])
def test_missing_weights_are_named_before_any_call(method: Any, package: type[Halves]) -> None:
    with pytest.raises(InputError, match=r"'nowhere/x' cannot be loaded .*local folder"):
        run(method, TEXT, {})


def test_longllmlingua_compresses_for_the_question_with_the_papers_recipe(package: type[Halves]) -> None:
    ran = run(LongLlmLingua(passage_tokens=100), TEXT, {"read": "21"})
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    ((texts, options),) = package.called
    assert len(texts) > 4 and "".join(texts) == TEXT
    assert options["question"] == "How many sheep does Person 3 keep?"
    assert options["rank_method"] == "longllmlingua" and options["condition_compare"] is True
    assert options["reorder_context"] == "sort" and options["concate_question"] is False
    assert options["target_token"] == pytest.approx(0.55 * count_tokens(TEXT), rel=0.05)
    (read,) = ran.prompts("read")
    assert " ".join(TEXT.split()[::2]) in read and TEXT not in read
    assert ran.noted("compressed")[0].startswith(f"{count_tokens(' '.join(texts))} to ")


def test_the_target_is_lowered_to_what_the_window_holds(package: type[Halves]) -> None:
    run(LongLlmLingua(), story(300), {"read": "x"}, window=1_024)
    ((_, options),) = package.called
    assert options["target_token"] < 1_024


def test_llmlingua2_compresses_every_document_once_whatever_the_question(package: type[Halves]) -> None:
    context = make_context(TEXT, story(40, 100), titles=("One", "Two"))
    ran = run(LlmLingua2(), context, {"read": "21"})
    assert [texts for texts, _ in package.called] == [(TEXT,), (story(40, 100),)]
    assert package.called[0][1] == {"rate": 0.33, "force_tokens": ["\n", "?"]}
    ((weights, opened),) = package.opened
    assert weights == "microsoft/llmlingua-2-xlm-roberta-large-meetingbank"
    assert opened == {"device_map": "cpu", "use_llmlingua2": True}
    assert "[Two]\n" + " ".join(story(40, 100).split()[::2]) in ran.prompts("read")[0]


@pytest.mark.parametrize("method", METHODS)
def test_over_the_window_the_end_is_cut_and_counted(method: Any, package: type[Halves]) -> None:
    ran = run(method, story(300), {"read": "x"}, window=1_024)
    assert ran.answer.dropped_tokens > 800
    assert ran.noted("cut_characters")


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_context_is_read_as_nothing(method: Any, package: type[Halves]) -> None:
    assert run(method, "", {"read": "unanswerable"}).steps() == ["read"]


@pytest.mark.parametrize("kind", [LongLlmLingua, LlmLingua2])
def test_a_rate_outside_its_range_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="rate"):
        kind(rate=0)


@pytest.mark.parametrize("name", ["long_llm_lingua", "llm_lingua2"])
def test_an_experiment_is_refused_before_its_first_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    experiment = {"name": "x", "corpora": ["world"], "models": ["extractive"], "pipelines": ["full_context", name]}
    with pytest.raises(InputError, match=f"pipeline {name}: the package llmlingua is not installed"):
        run_experiment(experiment, progress=False)


def test_a_server_ranks_passages_by_how_likely_they_make_the_question() -> None:
    def told(prompt: str) -> list[float]:
        return [-0.5] * 10 if "Person 33 keeps" in prompt else [-4.0] * 10

    method = LongLlmLingua(scorer="server", rate=0.2, passage_tokens=60)
    ran = run(method, TEXT, {"score": "x", "read": "231"}, prompt_logprobs=told)
    passages = ran.steps().count("score")
    assert ran.steps() == ["score"] * passages + ["read"]
    assert ran.depth() == 2
    assert all(prompt.rstrip().endswith(RESTRICTION) for prompt in ran.prompts("score"))
    (read,) = ran.prompts("read")
    assert read.index("Person 33 keeps") < read.index("Person 0 keeps")  # the likeliest stands first
    assert "Person 20 keeps" not in read
    assert ran.noted("passages_kept")[0].endswith(f"of {passages}")


def test_the_server_form_needs_no_package_but_a_server_that_tells() -> None:
    method = LongLlmLingua(scorer="server")
    method.check()
    with pytest.raises(InputError, match="cannot tell the probabilities of a prompt's tokens"):
        run(method, TEXT, {})
    with pytest.raises(ModelError, match="sent none"):
        run(method, TEXT, {"score": "x"}, prompt_logprobs=lambda prompt: None)
