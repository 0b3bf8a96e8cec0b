"""Measured calls and critical paths against the closed formulas; the table `docs/call-counts.md` is made here.

Run `WRITE_DOCS=1 pytest tests/contract/test_call_counts.py` after a method was added or changed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path

import pytest

from tests.contract.test_every_method import METHODS, answered, garbage
from tests.pipelines.conftest import Ran, make_context, story
from workbench.experiment.bench import critical_path
from workbench.llm.extractive import ExtractiveReader

TABLE = Path(__file__).resolve().parents[2] / "docs" / "call-counts.md"
WINDOW, SENTENCES = 2_048, 420
Steps = Counter[str]


@dataclass(frozen=True)
class Formula:
    """Calls and calls in sequence, as functions of how often each step ran."""

    calls: Callable[[Steps], int]
    depth: Callable[[Steps], int]


def constant(calls: int, depth: int | None = None) -> Formula:
    return Formula(lambda s: calls, lambda s: calls if depth is None else depth)


def serial(first: str, last: int = 1) -> Formula:
    return Formula(lambda s: s[first] + last, lambda s: s[first] + last)


def tree(first: str, later: str, width: int) -> Formula:
    """All of `first` at once, then levels of ⌈size / width⌉ `later` until one is left."""

    def levels(s: Steps) -> list[int]:
        sizes = [s[first]]
        while sizes[-1] > 1:
            sizes.append(ceil(sizes[-1] / width))
        return sizes

    return Formula(lambda s: sum(levels(s)), lambda s: len(levels(s)))


def folding(parallel: tuple[str, ...], fold: str) -> Formula:
    """Waves of the parallel steps, at most one level of folding here, one last call."""
    return Formula(
        lambda s: sum(s[step] for step in parallel) + s[fold] + 1, lambda s: len(parallel) + (1 if s[fold] else 0) + 1
    )


NONE, ONE = constant(0), constant(1)
# index stage, query stage
FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "chain_of_agents": (NONE, serial("worker")),
    "chain_of_agents_hierarchical": (NONE, Formula(lambda s: s["worker"] + 1, lambda s: 2)),
    "chain_of_agents_merge": (NONE, Formula(lambda s: s["worker"], lambda s: 1)),
    "chain_of_agents_multi_path": (NONE, Formula(lambda s: s["worker"] + 1, lambda s: s["worker"] // 5 + 1)),
    "chunk_rag": (NONE, ONE),
    "closed_book": (NONE, ONE),
    "como_rag": (
        Formula(lambda s: s["names"] + s["triples"] + s["timeline"] + s["summarise"], lambda s: 2),
        Formula(lambda s: 4 + s["try"] + 2 * s["fuse"] + 4 * (s["filter"] - 1), lambda s: 3 + 5 * s["fuse"]),
    ),
    "contextual_retrieval": (Formula(lambda s: s["situate"], lambda s: 1), ONE),
    "double_dipper": (NONE, constant(3 + 1, 2)),
    "extractive_compression": (NONE, ONE),
    "full_context": (NONE, ONE),
    "graph_of_records": (Formula(lambda s: 2 * 30, lambda s: 1 + 30), ONE),
    "graph_rag": (NONE, ONE),
    "graph_rag_communities": (
        Formula(
            lambda s: s["extract"] + s["glean"] + s["merge"] + s["report"],
            lambda s: 1 + bool(s["glean"]) + bool(s["merge"]) + report_levels(),
        ),
        ONE,
    ),
    "graph_reader": (
        Formula(lambda s: s["facts"], lambda s: 1),
        Formula(lambda s: 2 + s["start"] + sum(steps_per_path()), lambda s: 3 + max(steps_per_path())),
    ),
    "hippo_rag": (
        Formula(lambda s: 2 * s["names"], lambda s: 2),
        Formula(lambda s: 1 + s["filter"], lambda s: 1 + s["filter"]),
    ),
    "in_context_retrieval": (NONE, ONE),
    "lara_rag": (NONE, ONE),
    "light_rag": (
        Formula(lambda s: s["extract"] + s["glean"] + s["merge"], lambda s: 1 + bool(s["glean"]) + bool(s["merge"])),
        constant(2),
    ),
    "listwise_ranking": (NONE, Formula(lambda s: windows_to_rank() + 1, lambda s: windows_to_rank() + 1)),
    "llm_map_reduce": (NONE, folding(("map",), "collapse")),
    "long_agent": (
        NONE,
        Formula(
            lambda s: s["start"] + s["member"] + s["conflict"] + s["decide"] + s["end"],
            lambda s: 1 + 2 * s["decide"] + s["end"],
        ),
    ),
    "long_rag": (NONE, constant(2)),
    "long_rag_dual": (NONE, constant(7 + 3, 3)),
    "map_reduce": (NONE, folding(("map",), "collapse")),
    "mem_agent": (NONE, serial("update")),
    "mem_walker": (
        tree("leaf_summary", "node_summary", 8),
        Formula(lambda s: walk_depth() + 1, lambda s: walk_depth() + 1),
    ),
    "op_rag": (NONE, ONE),
    "oracle": (NONE, ONE),
    "overflow_prevention": (NONE, Formula(lambda s: s["try"] + 1, lambda s: 2)),
    "parent_child": (NONE, ONE),
    "prism": (NONE, serial("revise")),
    "random_chunks": (NONE, ONE),
    "raptor": (Formula(lambda s: raptor_clusters(), lambda s: len(ran("raptor").state.layers) - 1), ONE),
    "recursive_summary": (
        Formula(lambda s: s["summarise"] + s["merge"], lambda s: 2 + (1 if s["merge"] > 1 else 0)),
        ONE,
    ),
    "refine": (NONE, Formula(lambda s: s["answer"] + s["refine"], lambda s: s["answer"] + s["refine"])),
    "retrieve_then_reason": (NONE, constant(2)),
    "segment_plus": (NONE, folding(("gather", "filter"), "merge")),
    "self_route": (NONE, Formula(lambda s: 1 + s["read"], lambda s: 1 + s["read"])),
    "semantic_compression": (Formula(lambda s: s["compress"], lambda s: 1), ONE),
    "sentence_window": (NONE, ONE),
    "structurise": (Formula(lambda s: s["outline"], lambda s: 1), ONE),
    "xl3m": (NONE, Formula(lambda s: s["judge"] + 1, lambda s: 2)),
}


def windows_to_rank() -> int:
    """Windows of 20 moved by 10 over all chunks of the context (fewer than the 100 candidates)."""
    return ceil((len(ran("listwise_ranking").state.chunks) - 20) / 10) + 1


def raptor_clusters() -> int:
    """Nodes of RAPTOR's tree above its leaves."""
    return sum(bool(node.children) for node in ran("raptor").state.nodes)


def report_levels() -> int:
    """Levels of GraphRAG's communities."""
    return len({report.community.level for report in ran("graph_rag_communities").state.reports})


def steps_per_path() -> list[int]:
    """Calls of each of GraphReader's agents, as it noted them."""
    (noted,) = ran("graph_reader").noted("calls_per_path")
    return list(noted)


def walk_depth() -> int:
    """Levels of MemWalker's tree below its root where there is something to choose."""
    node, depth = ran("mem_walker").state, 0
    while node.children:
        depth += len(node.children) > 1
        node = node.children[0]
    return depth


# Where the embedded reader takes a fallback, the reply that the formula is about.
SCRIPTS = {
    "double_dipper": {"generate": '{"question": "Who?", "answer": "Person 3"}', "read": "21"},
    "mem_walker": {
        "leaf_summary": "Persons.", "node_summary": "More persons.", "triage": '{"reasoning": "", "action": 1}',
        "leaf": '{"found": true, "reasoning": "", "answer": "21"}',
    },
}  # fmt: skip


@cache
def ran(name: str) -> Ran:
    """One question over a context of about 2.7 windows; calls to ask again for an unparsable reply left out."""
    model = SCRIPTS.get(name) or (garbage if METHODS[name].card.requires else ExtractiveReader(WINDOW))
    done = answered(name, make_context(story(SENTENCES)), model, window=WINDOW)
    done.made = [made for made in done.made if not made.step.endswith(":reask")]
    return done


def measured(name: str, phase: str) -> tuple[Steps, int, int]:
    """Calls per step, calls, and calls in the longest chain."""
    calls = [replace(made.call, total_s=1.0) for made in ran(name).made if made.call.phase == phase]
    steps = Counter(call.step for call in calls)
    return steps, len(calls), round(critical_path(calls))


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() & METHODS.keys()))
def test_calls_and_critical_path_are_those_of_the_formula(name: str) -> None:
    for phase, formula in zip(("build", "answer"), FORMULAS[name], strict=True):
        steps, calls, depth = measured(name, phase)
        assert (calls, depth) == (formula.calls(steps), formula.depth(steps)), (phase, dict(steps))


def table() -> str:
    """The table as Markdown."""
    lines = [
        "# Calls of every method",
        "",
        f"One question over a context of {SENTENCES} sentences, about 2.7 times the reader's window of {WINDOW:,} "
        "tokens, with default options.",
        "Made by `tests/contract/test_call_counts.py`, which checks every figure against the closed formula.",
        "",
        "| method | family | cost | index calls | in sequence | query calls | in sequence | steps of the query |",
        "|---|---|---|--:|--:|--:|--:|---|",
    ]
    for name in sorted(FORMULAS.keys() & METHODS.keys()):
        card = METHODS[name].card
        (_, index, index_depth), (steps, calls, depth) = measured(name, "build"), measured(name, "answer")
        shown = ", ".join(f"{number} {step}" for step, number in steps.items())
        lines.append(
            f"| `{name}` | {card.family} | {card.cost} | {index} | {index_depth} | {calls} | {depth} | {shown} |"
        )
    return "\n".join(lines) + "\n"


def test_the_table_in_the_docs_is_up_to_date() -> None:
    made = table()
    if os.environ.get("WRITE_DOCS"):
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(made, encoding="utf-8")
    # figures are checked above; here only that no method or formula is missing (an embedder may move a count by one)
    assert claims(TABLE.read_text(encoding="utf-8")) == claims(made), "run this test with WRITE_DOCS=1"


def claims(text: str) -> list[list[str]]:
    """Method, family and formula of every row."""
    return [line.split(" | ")[:3] for line in text.splitlines() if line.startswith("| `")]
