"""No method reads nothing without saying so: neither for an unknown question nor in a window below its chunks."""

from __future__ import annotations

import pytest

from tests.contract.test_every_method import METHODS, NAMES, SILENT, answered, garbage, holds_text
from tests.pipelines.conftest import Ran, make_context, story
from workbench.errors import ContextOverflow

TEXT = make_context(story(400))
# What answers from summaries reads what the model wrote at index time; the controls read what they are given.
SUMMARIES = {"mem_walker", "raptor", "recursive_summary", "semantic_compression"}
READERS = [n for n in NAMES if n not in SILENT | SUMMARIES and not METHODS[n].card.sees_evidence]
SHARES = {"structurise"}  # cuts every part to an equal share, which in a tiny window is no sentence


def reads_text(name: str, ran: Ran) -> bool:
    return any(holds_text(name, made.prompt) for made in ran.made if made.call.phase == "answer")


@pytest.mark.parametrize("name", READERS)
def test_a_question_of_unknown_words_is_asked_of_some_text(name: str) -> None:
    ran = answered(name, TEXT, garbage, question="Qwxzv bnmjk?")
    assert reads_text(name, ran)


SEARCHING = """chunk_rag como_rag contextual_retrieval extractive_compression graph_rag graph_rag_communities hippo_rag
    lara_rag light_rag listwise_ranking long_rag long_rag_dual op_rag parent_child raptor self_route sentence_window"""


@pytest.mark.parametrize("name", SEARCHING.split())
def test_a_search_that_found_nothing_is_noted(name: str) -> None:
    if name == "chunk_rag":  # its default also finds by words
        assert answered(name, TEXT, garbage, question="How many sheep?").noted("nothing_found") == []
    assert answered(name, TEXT, garbage, question="Qwxzv bnmjk?").noted("nothing_found")
    assert not answered(name, make_context(""), garbage, question="Qwxzv bnmjk?").noted("nothing_found")


@pytest.mark.parametrize("name", sorted(set(READERS) - SHARES))
@pytest.mark.parametrize("window", [500, 700])
def test_a_window_below_one_chunk_reads_the_beginning_of_the_best(name: str, window: int) -> None:
    try:
        ran = answered(name, TEXT, garbage, window=window)
    except ContextOverflow:
        return  # found before the first call: another test's law
    assert reads_text(name, ran)


PARTS = ("chunk_tokens", "segment_tokens", "part_tokens", "unit_tokens", "pack_tokens")


@pytest.mark.parametrize("name", NAMES)
def test_a_part_smaller_than_asked_for_is_noted(name: str) -> None:
    """Methods that make calls of single parts; those that only retrieve read whole chunks, or cut and note them."""
    configured = METHODS[name]()
    sizes = {field: getattr(configured, field) for field in PARTS if hasattr(configured, field)}
    if not sizes or len(answered(name, TEXT, garbage).steps("build") + answered(name, TEXT, garbage).steps()) < 4:
        return
    ran = answered(name, TEXT, garbage, window=760)
    for field, size in sizes.items():
        if size > 760:
            assert ran.noted(f"{field}_reduced_to"), f"{field} is {size}, and the window 760 tokens"
