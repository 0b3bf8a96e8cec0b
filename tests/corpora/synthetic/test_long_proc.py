"""LongProc: a page parser, a walk, a simulation and a search write every answer from the text alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.long_proc import TASKS, load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Question


class Items(HTMLParser):
    """The items of a page as dictionaries."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.items: list[dict[str, str]] = []
        self.field = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if ("class", "item") in attrs:
            self.items.append({})
        self.field = {"h3": "name", "b": "rating"}.get(tag, dict(attrs).get("class") or "")

    def handle_endtag(self, tag: str) -> None:
        self.field = ""

    def handle_data(self, data: str) -> None:
        if self.field and self.items:
            self.items[-1][self.field] = data


def table(question: str, text: str) -> str:
    kind = re.findall(r"category '(\w+)'", question)[0]
    rows = [item for item in Items(text).items if item["category"] == kind]
    lines = ["name\tprice\trating", *(f"{row['name']}\t{row['price']}\t{row['rating']}" for row in rows)]
    return "```tsv\n" + "\n".join(lines) + "\n```"


def route(question: str, text: str) -> str:
    start, end = re.findall(r"from (\w+) to (\w+)\. Write", question)[0]
    ways = {a: (b, by) for a, b, by in re.findall(r"travel from (\w+) to (\w+) by (\w+)\.", text)}
    lines = []
    while start != end:
        lines.append(f"From {start}, take a {ways[start][1]} to {ways[start][0]}.")
        start = ways[start][0]
    return "<Route>\n" + "\n".join(lines) + "\n</Route>"


def beliefs(question: str, text: str) -> str:
    person, thing = re.findall(r"where does (\w+) think the (\w+) is", question)[0]
    room: dict[str, str] = {}
    where = ""
    lines = []
    belief = ""
    for step, fact in re.findall(r"Step (\d+): ([^.]+)\.", text):
        if found := re.match(r"(.+) are in the (\w+), where the \w+ is in the (\w+)", fact):
            room = dict.fromkeys(re.split(r", | and ", found[1]), found[2])
            where, belief = found[2], found[3]
        elif found := re.match(r"(\w+) moves the \w+ to the (\w+)", fact):
            belief = found[2] if room[person] == where else belief
        elif found := re.match(r"(\w+) takes the \w+ along to the (\w+) and puts it in the (\w+)", fact):
            where = room[found[1]] = found[2]
            belief = found[3] if room[person] == where else belief
        elif found := re.match(r"(\w+) goes to the (\w+)", fact):
            room[found[1]] = found[2]
        lines.append(f"- Step {step}: {person} thinks the {thing} is in the {belief}.")
    return "\n".join(lines)


def countdown(question: str, text: str) -> str:
    number = re.findall(r"Solve puzzle (\d+)", question)[0]
    listed, target = re.findall(rf"Puzzle {number}: the numbers ([\d, ]+), the target (\d+)\.", text)[0]

    def search(left: list[int]) -> list[str] | None:
        if len(left) == 1:
            return [] if left[0] == int(target) else None
        for a, b in permutations(range(len(left)), 2):
            one, other = left[a], left[b]
            rest = [n for at, n in enumerate(left) if at not in (a, b)]
            results = {"+": one + other, "-": one - other, "*": one * other}
            if other and one % other == 0:
                results["/"] = one // other
            for sign, value in results.items():
                if value >= 0 and (found := search([*rest, value])) is not None:
                    return [f"{one} {sign} {other} = {value}", *found]
        return None

    found = search([int(n) for n in listed.split(", ")])
    assert found is not None
    return "<Solution>" + "\n".join(found) + "</Solution>"


SOLVERS = {"html_to_tsv": table, "path_traversal": route, "tom_tracking": beliefs, "countdown": countdown}


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), tokens=st.integers(1_200, 2_500), steps=st.integers(2, 15))
def test_an_independent_reader_writes_every_answer(task: str, seed: int, tokens: int, steps: int) -> None:
    corpus = load(tokens=tokens, tasks=task, samples=1, steps=steps, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    reply = SOLVERS[task](question.text, document.text)
    assert headline(question, reply) == 1.0
    assert full_marks(question, question.answers[0])
    assert nothing_for_nothing(question)
    assert stands_in_text(question, corpus)
    assert tokens - 120 <= question.metadata["context_tokens"] <= tokens
    assert evidence_suffices(question, reply)


def evidence_suffices(question: Question, reply: str) -> bool:
    story = "\n".join(chunk.text for chunk in question.evidence)
    return SOLVERS[question.task](question.text, story) == reply


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"tasks": "x"}, {"steps": 1}, {"tokens": 1_000, "steps": 100}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
