"""Chunk RAG: every option is reached from its fields, and does what it says to what is read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from pipelines.retrieval.chunk_rag import ChunkRag
from tests.conftest import ROOT
from tests.pipelines.conftest import Ran, make_context, run, story
from workbench.errors import InputError, UnknownName
from workbench.experiment.config import load
from workbench.retrieval.chunks.splitters import SPLITTERS
from workbench.text import count_tokens

TEXT = story(60)
SMALL = ChunkRag(chunk_tokens=30, overlap=0, splitter="packed", top_k=3)
ASKED = "How many sheep does Person 17 keep?"
REPLY_CAPS = ("context_tokens", "query_tokens", "hyde_tokens", "ranking_tokens", "grade_tokens")


def read(method: ChunkRag, replies: Any = "119", **options: Any) -> Ran:
    return run(method, options.pop("context", TEXT), replies, question=ASKED, **options)


def people(ran: Ran) -> list[int]:
    """The numbers of the persons in the reading prompt, in order."""
    body = ran.prompts("read")[0].split("Answer the question")[0]
    return [int(number) for number in re.findall(r"Person (\d+) keeps", body)]


@pytest.mark.parametrize("retriever", ["dense", "sparse", "hybrid"])
def test_each_retriever_reads_the_right_chunk_in_one_call(retriever: Any) -> None:
    ran = read(replace(SMALL, retriever=retriever))
    assert ran.steps() == ["read"]
    assert 17 in people(ran)
    assert [hit.rank for hit in ran.answer.hits] == [1, 2, 3]


def test_orders_show_the_same_hits_otherwise() -> None:
    by_rank = people(read(replace(SMALL, top_k=5, splitter="single")))
    assert people(read(replace(SMALL, top_k=5, splitter="single", order="document"))) == sorted(by_rank)
    assert people(read(replace(SMALL, top_k=5, splitter="single", order="reversed"))) == by_rank[::-1]
    ends = people(read(replace(SMALL, top_k=5, splitter="single", order="lost_in_the_middle")))
    assert ends == [by_rank[i] for i in (0, 2, 4, 3, 1)]


def test_a_token_budget_takes_what_fits() -> None:
    ran = read(replace(SMALL, splitter="single", fill="token_budget", token_budget=50))
    tokens = [len(hit.chunk.text) for hit in ran.answer.hits]
    assert 2 <= len(tokens) <= 4
    more = read(replace(SMALL, splitter="single", fill="token_budget", token_budget=50, overflow="overshoot"))
    assert len(more.answer.hits) == len(tokens) + 1


def tokens_read(ran: Ran) -> int:
    return sum(count_tokens(hit.chunk.text) for hit in ran.answer.hits)


def test_a_token_budget_is_used_up_however_few_the_candidates() -> None:
    method = replace(SMALL, fill="token_budget", token_budget=2_000, candidates=5, retriever="dense")
    ran = read(method, context=story(200))
    assert 2_000 - SMALL.chunk_tokens <= tokens_read(ran) <= 2_000
    assert ran.noted("budget_unfilled") == []
    whole = read(replace(method, token_budget=100_000), context=story(200)).answer.hits
    assert "".join(chunk.text for chunk in sorted((hit.chunk for hit in whole), key=lambda c: c.start)) == story(200)


def test_a_token_budget_says_why_it_is_not_used_up() -> None:
    method = replace(SMALL, fill="token_budget", token_budget=2_000, candidates=5, rerank="mmr")
    ran = read(method, context=story(200))
    assert len(ran.answer.hits) == 5
    assert ran.noted("budget_unfilled") == ["all 5 reranked candidates fit: raise candidates"]
    ran = read(replace(SMALL, fill="token_budget", token_budget=10))
    (hit,) = ran.answer.hits  # the beginning of the best chunk
    assert 0 < ran.model.count(hit.chunk.text) <= 10
    assert ran.noted("budget_too_small") == ["the best chunk is over the budget of 10 tokens"]


def test_a_threshold_keeps_what_scores_near_the_best() -> None:
    strict = read(replace(SMALL, retriever="sparse", splitter="single", fill="threshold", threshold=0.99))
    loose = read(replace(SMALL, retriever="sparse", splitter="single", fill="threshold", threshold=0.0))
    assert people(strict) == [17]
    assert len(loose.answer.hits) > 10
    assert people(read(replace(SMALL, retriever="sparse", splitter="single", fill="adaptive_k"))) == [17]


def test_hyde_searches_with_what_the_model_wrote() -> None:
    hyde = replace(SMALL, retriever="dense", query="hyde", queries=3, splitter="single", top_k=2)
    ran = read(hyde, {"hyde": "Person 41 keeps 287 sheep in the village of Place 41.", "read": "287"})
    assert ran.steps() == ["hyde"] * 3 + ["read"]
    assert ran.depth() == 2
    assert 41 in people(ran)
    assert {made.call.prompt_hash for made in ran.made if made.step == "hyde"} == {ran.made[0].call.prompt_hash}


@pytest.mark.parametrize(("query", "step"), [("multi_query", "reword"), ("decompose", "decompose")])
def test_other_wordings_are_searched_for_too(query: Any, step: str) -> None:
    method = replace(SMALL, query=query, splitter="single", retriever="sparse", top_k=4)
    ran = read(method, {step: "1. What is 364?\n2. And 231?", "read": "119"})
    assert ran.steps() == [step, "read"]
    assert {17, 231 // 7, 364 // 7} <= set(people(ran))


def test_a_step_back_is_one_more_question() -> None:
    method = replace(SMALL, query="step_back", splitter="single", retriever="sparse", top_k=2)
    ran = read(method, {"step_back": "What is 413?\nignored", "read": "119"})
    assert set(people(ran)) == {17, 413 // 7}


def first_is(person: int) -> Callable[[str], str]:
    """A model that ranks the passage about one person first."""

    def rank(prompt: str) -> str:
        for number, body in re.findall(r"\[(\d+)\] ([^\n]*)", prompt):
            if f"Person {person} keeps" in body:
                return f"[{number}]"
        return "no idea"

    return rank


@pytest.mark.parametrize(("rerank", "calls"), [("listwise", 4), ("listwise_full", 1)])
def test_listwise_reranking_brings_the_chosen_to_the_front(rerank: Any, calls: int) -> None:
    method = replace(SMALL, splitter="single", rerank=rerank, candidates=25, rerank_window=10, rerank_step=5, top_k=1)
    last = read(replace(method, rerank="none", top_k=25)).answer.hits[-1].chunk.text
    person = int(re.findall(r"Person (\d+)", last)[0])
    ran = read(method, {"rerank": first_is(person), "read": "x"})
    assert ran.steps() == ["rerank"] * calls + ["read"]
    assert people(ran) == [person]


def test_pointwise_reranking_grades_side_by_side() -> None:
    method = replace(SMALL, splitter="single", rerank="pointwise", candidates=12, top_k=1)
    graded = {"grade": lambda prompt: "9" if "Person 17 keeps" in prompt else "2", "read": "119"}
    ran = read(method, graded)
    assert ran.steps() == ["grade"] * 12 + ["read"] and ran.depth() == 2
    assert people(ran) == [17] and ran.answer.hits[0].score == 0.9


@pytest.mark.parametrize(
    ("config", "step", "default", "field"),
    [
        ({"contextual": True}, "situate", 100, "context_tokens"),
        ({"query": "hyde", "retriever": "dense"}, "hyde", 512, "hyde_tokens"),
        ({"query": "multi_query"}, "reword", 4 * 64, "query_tokens"),
        ({"query": "decompose"}, "decompose", 4 * 64, "query_tokens"),
        ({"query": "step_back"}, "step_back", 64, "query_tokens"),
        ({"rerank": "listwise"}, "rerank", 5 * 20 + 8, "ranking_tokens"),
        ({"rerank": "pointwise"}, "grade", 8, "grade_tokens"),
    ],
)
def test_a_reply_has_the_tokens_of_its_field(config: dict[str, Any], step: str, default: int, field: str) -> None:
    method = replace(SMALL, splitter="single", **config)
    assert read(method, "1").limits(step) == {default}
    several = 4 if default == 4 * 64 else 1
    assert read(replace(method, **{field: 700}), "1").limits(step) == {700 * several}


def test_mmr_leaves_out_what_says_the_same_twice() -> None:
    twice = " ".join(["The sheep of Person 17 are many indeed."] * 1 + ["The sheep of Person 17 are many, indeed."])
    context = make_context(twice + " " + story(20))
    plain = replace(SMALL, retriever="dense", splitter="single", top_k=2)
    same = "are many"
    assert all(same in h.chunk.text for h in read(plain, context=context).answer.hits)
    diverse = read(replace(plain, rerank="mmr", diversity=0.7), context=context)
    assert sum(same in h.chunk.text for h in diverse.answer.hits) == 1


def test_a_graph_rerank_follows_the_names() -> None:
    ran = read(replace(SMALL, splitter="single", rerank="graph", top_k=1))
    assert ran.steps() == ["read"] and people(ran) == [17]


def test_a_contextual_index_is_written_in_the_build_and_read_without() -> None:
    def situate(prompt: str) -> str:
        chunk = prompt.split("<chunk>")[1]
        return "About the zebra of the king." if "Person 33 keeps" in chunk else ""

    method = replace(SMALL, contextual=True, retriever="sparse", top_k=1)
    replies = {"situate": situate, "read": "x"}
    ran = run(method, TEXT, replies, question="Which zebra?")
    assert set(ran.steps("build")) == {"situate"} and len(ran.steps("build")) == len(ran.state.chunks)
    assert 33 in people(ran) and "zebra of the king" not in ran.prompts("read")[0]
    prefixes = {prompt.split("One chunk of")[0] for prompt in ran.prompts("situate")}
    assert len(prefixes) == 1  # a prefix cache holds the document


@pytest.mark.parametrize(
    "changed",
    [
        {"bm25": "plus"},
        {"bm25": "l", "k1": 0.9, "b": 0.4},
        {"bm25": "plus", "delta": 0.5, "epsilon": 0.1},
        {"dense_index": "hnsw"},
        {"embedder": "lsa-64"},
        {"embedder": "lsa-64#16"},
        {"dimensions": 8},
        {"fusion": "weighted", "dense_weight": 0.8, "rrf_k": 0},
        {"fusion": "interleave"},
        {"fusion": "relative_score", "dense_weight": 0.3},
        {"fusion": "dist_based_score"},
        {"language": "none"},
        *({"splitter": name} for name in ("tokens", "words", "paragraphs", "markdown", "semantic", "code")),
        {"splitter": "window:1"},
        {"splitter": "hierarchical:15"},
    ],
)
def test_every_index_option_runs_and_finds(changed: dict[str, Any]) -> None:
    ran = read(replace(SMALL, **changed))
    assert 17 in people(ran)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"splitter": "sentense"}, "did you mean .sentence."),
        ({"order": "random"}, "order: .*relevance"),
        ({"query": "hide"}, "query: .*hyde"),
        ({"language": "klingon"}, "language: .*english"),
        ({"dense_index": "tree"}, "dense_index: .*auto"),
        ({"fill": "all"}, "fill: .*top_k"),
        ({"overlap": 600}, "overlap: .*0 to 511"),
        ({"dense_weight": 2.0}, "dense_weight: "),
        ({"top_k": 0}, "top_k: 0 .*from 1 up"),
        ({"rrf_k": -1}, "rrf_k: "),
        ({"k1": -0.5}, "k1: "),
        ({"b": 1.5}, "b: "),
        ({"epsilon": -0.1}, "epsilon: "),
        ({"delta": -1.0}, "delta: "),
        ({"threshold": float("nan")}, "threshold: "),
        ({"diversity": 7.0}, "diversity: "),
        ({"rerank_step": 30}, "rerank_step: 30 .*from 1 to 20"),
        *(
            ({f"{name}_tokens": 0}, f"{name}_tokens: 0 .*from 1 up")
            for name in ("context", "query", "hyde", "ranking", "grade")
        ),
        ({"splitter": "window:x"}, "splitter: 'x' .*window:3"),
        ({"splitter": "hierarchical:9999"}, "splitter: '9999' is no number from 1 to 512"),
        ({"splitter": "semantic:200"}, "semantic:95"),
        ({"splitter": "tokens:nope"}, "encoding 'nope'"),
        ({"splitter": "packed:5"}, "packed takes nothing"),
        ({"query": "hyde", "retriever": "sparse"}, "query: hyde .*not used"),
        ({"rerank": "mmr", "cross_encoder": "m@http://h/v1"}, "leave rerank away"),
    ],
)
def test_a_wrong_field_says_what_is_right(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ChunkRag(**wrong)


def test_a_wrong_field_of_an_experiment_is_named_with_file_and_place(tmp_path: Path) -> None:
    from workbench.experiment.config import load

    file = tmp_path / "e.yaml"
    file.write_text(
        "{name: e, database: e.duckdb, corpora: [world], models: [extractive], pipelines: [chunk_rag: {rrf_k: -1}]}"
    )
    with pytest.raises(InputError, match=r"e\.yaml: pipelines\.0\.rrf_k: -1 is outside"):
        load(file)


@pytest.mark.parametrize(
    "wrong", [{"embedder": "word2vec"}, {"embedder": "lsa-0"}, {"embedder": "lsa#0"}, {"cross_encoder": "m@nowhere"}]
)
def test_what_cannot_be_opened_is_said_before_the_run(wrong: dict[str, Any]) -> None:
    from workbench.experiment.config import load
    from workbench.experiment.setup import prepare

    file = {
        "name": "e", "database": "e.duckdb", "corpora": ["world"], "models": ["extractive"],
        "pipelines": [{"chunk_rag": wrong}],
    }  # fmt: skip
    with pytest.raises(InputError):
        prepare(load(file))


def test_unknown_names_of_inner_options_are_input_errors() -> None:
    for wrong in ({"bm25": "bm26"}, {"fusion": "borda"}, {"rerank": "magic"}):
        with pytest.raises(UnknownName, match="known"):
            ChunkRag(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="late:minilm"):
        read(replace(SMALL, embedder="late:lsa"))


def test_every_choice_is_documented_in_one_table_and_swept_in_one_example() -> None:
    root = ROOT
    page = (root / "docs" / "retrieval.md").read_text(encoding="utf-8")
    table = page[page.index("| stage |") : page.index("## What embeddings")]
    swept: dict[str, set[Any]] = defaultdict(set)
    for entry in load(root / "examples" / "retrieval_sweep.yaml").pipelines:
        for name, values in entry.options.items():
            swept[name] |= set(values if isinstance(values, list) else [values])
    hints = get_type_hints(ChunkRag)
    for field in fields(ChunkRag):
        assert f"`{field.name}`" in table
        # a cross-encoder needs an extra or a server; how long a reply may be is no choice of retrieval
        assert field.name in swept or field.name in ("cross_encoder", *REPLY_CAPS)
        for value in get_args(hints[field.name]) if get_origin(hints[field.name]) is Literal else ():
            assert f"`{value}`" in table, field.name
            assert value == field.default or value in swept[field.name], field.name
    assert {str(name).partition(":")[0] for name in swept["splitter"]} == set(SPLITTERS) - {"sentence"}
