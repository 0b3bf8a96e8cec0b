"""LongProc: a page parser, a walk, a simulation and a search write every answer from the text alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.long_proc import TASKS, load
from corpora.synthetic.long_proc_tasks.countdown_search import countdown_search
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.evaluation.metrics import score_answer
from workbench.records import Answer, Question


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


def wanted(problem: str) -> list[tuple[str, int, int | None]]:
    """The towns of a trip in the order in which they are named: days, and the day of arrival where it is fixed."""
    told = re.findall(r"You stay (\d+) days in (\w+)(?:, from day (\d+) to day (\d+) exactly)?\.", problem)
    assert all(not start or int(end) - int(start) + 1 == int(days) for days, _, start, end in told)
    return [(city, int(days), int(start) if start else None) for days, city, start, _ in told]


def all_trips(question: str, text: str) -> list[list[tuple[str, int, int]]]:
    """Every order of the towns that the flights and the dates allow, with first and last days."""
    flights = set(re.findall(r"direct flight from (\w+) to (\w+)\.", text))
    found = []
    for order in permutations(wanted(question.partition("Before it")[0])):
        day, trip = 1, list[tuple[str, int, int]]()
        for city, days, start in order:
            if start not in (None, day) or (trip and (trip[-1][0], city) not in flights):
                break
            trip.append((city, day, day := day + days - 1))
        else:
            found.append(trip)
    return found


def trip(question: str, text: str) -> str:
    (only,) = all_trips(question, text)
    total = re.findall(r"towns in (\d+) days", question)[0]
    assert only[-1][2] == int(total)
    visits = [f"**Day {start}-{end}:** Visit {city}." for city, start, end in only]
    flights = [f"**Day {a[2]}:** Fly from {a[0]} to {b[0]}." for a, b in pairwise(only)]
    return "<Plan>\n" + "\n".join([*visits, *flights]) + "\n</Plan>"


SOLVERS = {
    "html_to_tsv": table, "path_traversal": route, "tom_tracking": beliefs, "countdown": countdown,
    "travel_planning": trip,
}  # fmt: skip


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


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), steps=st.integers(2, 12), task=st.sampled_from(["countdown", "travel_planning"]))
def test_the_gold_search_is_the_canonical_one(seed: int, steps: int, task: str) -> None:
    corpus = load(tokens=1_500, tasks=task, samples=1, steps=steps, procedure=True, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    (gold,) = question.answers
    tried = TRIES[task](question, document.text)
    lines = [line for line in gold.splitlines() if "|- Try" in line]
    assert [re.sub(r"^ *\|- Try (arranging to visit )?", "", line).split(". ")[0] for line in lines] == tried
    scores = {score.metric: score.value for score in score_answer(question, Answer(gold))}
    assert set(scores.values()) == {1.0}
    partial, strict = question.metrics[1], question.metrics[0]
    unfinished = gold.replace("<Solution>", "<S>").replace("<Plan>", "<P>")
    scores = {score.metric: score.value for score in score_answer(question, Answer(unfinished))}
    assert scores[strict] == 0.0 and scores[partial + "_lenient"] == 1.0  # the search is whole, the answer is missing
    assert scores[partial] is not None and 0 < scores[partial] < 1  # officially its last line does not count
    assert SOLVERS[task](question.text, document.text)


def countdown_tries(question: Question, _: str) -> list[str]:
    """The operations of the search in order, by a generator over states."""

    def tries(left: list[int]) -> Iterator[tuple[str, bool]]:
        for i, j in combinations(range(len(left)), 2):
            a, b = sorted((left[i], left[j]), reverse=True)
            rest = [left[k] for k in range(len(left)) if k not in (i, j)]
            for sign in "+-*/":
                if sign == "/" and (b == 0 or a % b):
                    yield (f"{a} / {b} (invalid operation)" if b == 0 else f"{a} / {b} = {a / b:.1f}"), False
                    continue
                value = a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a // b
                yield f"{a} {sign} {b} = {value}", not rest and value == question.metadata["target"]
                if rest and value < 2_000:
                    yield from tries([value, *rest])

    found = []
    for told, hit in tries(list(question.metadata["numbers"])):
        found.append(told)
        if hit:
            return found
    raise AssertionError("no solution")


def trip_tries(question: Question, text: str) -> list[str]:
    """The stays that are tried, in order."""
    stays = wanted(question.text.partition("Before it")[0])
    flights = set(re.findall(r"direct flight from (\w+) to (\w+)\.", text))
    dates = sorted(start for _, _, start in stays if start)
    found: list[str] = []

    def go(day: int, done: list[str]) -> bool:
        if len(done) == len(stays):
            return True
        here = [stay for stay in stays if stay[2] == day] or [s for s in stays if s[2] is None and s[0] not in done]
        limit = min((date for date in dates if date > day), default=10**9)
        for city, days, _ in here:
            found.append(f"{city} from Day {day}")
            if (
                (not done or (done[-1], city) in flights)
                and day + days - 1 <= limit
                and go(day + days - 1, [*done, city])
            ):
                return True
        return False

    assert go(1, [])
    return found


TRIES = {"countdown": countdown_tries, "travel_planning": trip_tries}


def test_a_search_is_told_as_longproc_tells_it() -> None:
    found = countdown_search([40, 19, 23, 7], 29)
    assert found is not None
    lines, solution = found
    assert lines[:2] == [
        "Initial number set: [40, 19, 23, 7], target: 29. Options for choosing two numbers: [(40, 19), (40, 23), "
        "(40, 7), (19, 23), (19, 7), (23, 7)].",
        " |- Pick two numbers (40, 19) (numbers left: [23, 7]). Try possible operations.",
    ]
    assert lines[2].startswith("  |- Try 40 + 19 = 59. Add 59 to the number set. Current number set: [59, 23, 7]")
    assert lines[5:9] == [
        "     |- Try 82 + 7 = 89. Evaluate 89 != 29, drop this branch.",
        "     |- Try 82 - 7 = 75. Evaluate 75 != 29, drop this branch.",
        "     |- Try 82 * 7 = 574. Evaluate 574 != 29, drop this branch.",
        "     |- Try 82 / 7 = 11.7. 11.7 is a decimal, drop this branch.",
    ]
    assert lines[-1] == "     |- Try 36 - 7 = 29. Evaluate 29 == 29, target found!"
    assert solution == ["40 + 19 = 59", "59 - 23 = 36", "36 - 7 = 29"]
    large = countdown_search([50, 49, 2, 1], 150)  # 50 * 2 + 49 + 1: nothing with 50 and 49 first gets there
    assert large is not None
    too_large = "  |- Try 50 * 49 = 2450. 2450 exceeds the maximum intermediate result, drop this branch."
    assert too_large in large[0]
    assert countdown_search([1, 1, 1, 1], 1_999) is None


def evidence_suffices(question: Question, reply: str) -> bool:
    story = "\n".join(chunk.text for chunk in question.evidence)
    return SOLVERS[question.task](question.text, story) == reply


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"tasks": "x"}, {"steps": 1}, {"tokens": 1_000, "steps": 100}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
