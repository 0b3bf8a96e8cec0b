"""Measured calls and critical paths against the closed formulas; the table `docs/call-counts.md` is made here.

Run `WRITE_DOCS=1 pytest tests/contract/test_call_counts.py` after a method was added or changed.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.contract.formulas import ANSWER_TOKENS, CASES, QUESTION, SIZES, WINDOW, Calls, Text, method_of
from tests.contract.test_every_method import METHODS, likely, likely_prompt
from tests.pipelines.conftest import Ran, run
from workbench.catalogue import family

TABLE = Path(__file__).resolve().parents[2] / "docs" / "call-counts.md"
CLUSTERED = {"como_rag", "graph_rag_communities", "raptor", "semantic_compression"}


@cache
def text(sentences: int) -> Text:
    return Text.of(sentences)


@cache
def ran(name: str, sentences: int) -> Ran:
    """One question; every reply is parsable, so there are no calls but the formula's."""
    case = CASES[name]
    return run(
        METHODS[method_of(name)](**case.options),
        text(sentences).context,
        case.replies,
        question=QUESTION,
        window=WINDOW,
        answer_tokens=ANSWER_TOKENS,
        logprobs=likely,
        prompt_logprobs=likely_prompt,
    )


def measured(name: str, sentences: int, phase: str) -> Calls:
    done = ran(name, sentences)
    return len(done.steps(phase)), done.depth(phase)


def test_every_method_has_a_formula() -> None:
    assert {method_of(name) for name in CASES} == set(METHODS)
    assert set(METHODS) <= set(CASES), "with its default options too"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sentences", SIZES)
def test_calls_and_critical_path_are_those_of_the_formula(name: str, sentences: int) -> None:
    read = text(sentences)
    read.state = ran(name, sentences).state
    case = CASES[name]
    steps = Counter(ran(name, sentences).steps("build") + ran(name, sentences).steps())
    assert not [step for step in steps if step.endswith(":reask")], "a scripted reply could not be parsed"
    assert (measured(name, sentences, "build"), measured(name, sentences, "answer")) == (
        case.index(read),
        case.query(read),
    ), dict(steps)


def in_order(done: Ran) -> dict[str, int]:
    """How often each step of the query ran, steps in the order in which the chain first reaches them."""
    reached: dict[str, int] = {}
    first: dict[str, int] = {}
    for made in done.made:  # as they ended: parents before their children
        reached[made.call.call_id] = 1 + max((reached[p] for p in made.parents if p in reached), default=0)
        first.setdefault(made.step, reached[made.call.call_id])
    steps = Counter(done.steps())
    return {step: steps[step] for step in sorted(steps, key=lambda step: (first[step], step))}


def table() -> str:
    """The table as Markdown."""
    small, large = SIZES
    lines = [
        "# Calls of every method",
        "",
        f"One question over {small:,} sentences (half of the model's window of {WINDOW:,} tokens) → over {large:,} "
        "sentences (2.7 windows). `calls / in sequence`, measured;",
        "`tests/contract/test_call_counts.py` makes the table and checks every figure against the closed formula, with "
        "the number of parts counted",
        "independently of the method. Replies are scripted; a reply that cannot be parsed costs one more call, to ask "
        "again.",
        "",
        "| method | family | cost | index stage | query stage | steps of the query (longer text) |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(CASES):
        method = METHODS[method_of(name)]
        index, query = (
            " → ".join(dict.fromkeys("{} / {}".format(*measured(name, size, phase)) for size in SIZES))
            for phase in ("build", "answer")
        )
        shown = ", ".join(f"{number} {step}" for step, number in in_order(ran(name, large)).items())
        own, _, variant = name.partition(method_of(name))[2].partition(":")
        label = f"`{method_of(name)}`" + (f", `{variant}`" if variant else own)
        index = "none" if index == "0 / 0" else index
        lines.append(f"| {label} | {family(method)} | {method.card.cost} | {index} | {query} | {shown} |")
    return "\n".join(lines) + "\n"


def test_the_table_in_the_docs_is_up_to_date() -> None:
    made = table()
    if os.environ.get("WRITE_DOCS"):
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(made, encoding="utf-8")
    assert claims(TABLE.read_text(encoding="utf-8")) == claims(made), "run this test with WRITE_DOCS=1"


def claims(text: str) -> list[list[str]]:
    """Every row; without its figures where they count clusters, which a machine's own arithmetic may move by one."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [row[:3] if row[0].partition("`,")[0].strip("| `").split("`")[0] in CLUSTERED else row for row in rows]
