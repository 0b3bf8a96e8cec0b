"""Ada-LEval (Wang et al., NAACL 2024, arXiv 2404.06480; open-compass/Ada-LEval): TSort and BestAnswer at any length.

`tsort`: four consecutive segments of a text, shuffled, with the text before and after them; the task is to order them.
`best_answer`: many answers to one question, one of which matches all its details. Deviations: TSort's text is a
generated dated chronicle unless `haystack` names a text (Ada-LEval uses BookSum chapters), so that the order is
certain; BestAnswer's questions and answers are generated (Ada-LEval's are from Stack Overflow), and each wrong answer
differs from the question in at least one detail.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.haystack import prose, source_of
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = ("tsort", "best_answer")
_SEGMENTS = 4
_TSORT = (
    "The text shows a part before, four segments of a book in a wrong order, numbered [1] to [4], and a part after. "
    "Sort the segments into the order in which they stand in the book between the two parts. Answer with the numbers "
    "in that order, as in: Answer: [3, 1, 4, 2]"
)
_BEST = (
    "The text lists possible answers A1 to A{number} to one question. Pick the one that is most helpful, that is, fits "
    "the question in every point. You must give only the designation of that answer, as in: Answer: A7\n"
    "Question: {question}"
)
_ACTIONS = ("opens a file", "saves a page", "sorts a list", "draws a chart", "sends a form", "prints a label")
_CURES = (
    "remove the lock file in the cache folder and start again",
    "set the page size by hand before that step",
    "grant the service account the right to write there",
    "turn off the preview pane and repeat the step",
    "install the missing font and clear the index",
    "shorten the path to less than two hundred characters",
)
_WRAPS = (
    "{lead} This cost me an afternoon as well. {body} I hope that helps.",
    "{lead} Short version: {body} The manual does not say so anywhere.",
    "{lead} {body} After that it has never come back for us.",
)


def load(
    *,
    tokens: int | Sequence[int] = (2_000, 8_000),
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Ada-LEval: ordering text segments (tsort) and picking the best of many answers (best_answer), at any length.

    `samples` texts for each task and length, one question each. `haystack`: a text file, folder or corpus whose
    segments tsort shuffles. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=1_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1:
        raise InputError(f"samples {samples}", field="samples", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                draw = random.Random(f"{seed}:{name}")
                if task == "tsort":
                    source = chronicle(f"{seed}:{name}") if haystack is None else source_of(haystack, f"{seed}:{name}")
                    text, asked = _tsort(draw, length, count, source)
                else:
                    text, asked = _best_answer(draw, length, count)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "ada_leval", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def chronicle(seed: str) -> Iterator[str]:
    """Endless sentences in chronological order: dated entries, each followed by one to three undated sentences."""
    draw = random.Random(seed)
    names, scenery = Names(draw), prose(seed)
    towns = [names.word(1, draw.choice(TOWN_ENDS)) for _ in range(20)]
    day = date(1400, 1, 1)
    while True:
        day = day + timedelta(days=draw.randint(1, 2))
        if day.year > 9_900:
            return
        yield f"On {day.day} {day:%B %Y} the market of {draw.choice(towns)} was held."
        for _ in range(draw.randint(1, 3)):
            yield next(scenery)


def _tsort(draw: random.Random, length: int, count: Count, source: Iterator[str]) -> tuple[str, Asked]:
    """A text of six consecutive parts of the source, the four in the middle shuffled, and the question."""
    order = draw.sample(range(_SEGMENTS), _SEGMENTS)  # order[i]: which segment is shown at place i
    taken: list[str] = []

    def made(sentences: int) -> tuple[str, list[str]]:
        while len(taken) < sentences:
            taken.append(next(source))
        bounds = [round(part * sentences / (_SEGMENTS + 1)) for part in range(_SEGMENTS + 1)]
        outer = max(1, bounds[1] // 2)
        before, after = taken[:outer], taken[sentences - outer : sentences]
        inner = taken[outer : sentences - outer]
        cuts = [round(part * len(inner) / _SEGMENTS) for part in range(_SEGMENTS + 1)]
        segments = [" ".join(inner[cuts[n] : cuts[n + 1]]) for n in range(_SEGMENTS)]
        shown = [f"[{place}] {segments[number]}" for place, number in enumerate(order, 1)]
        parts = [f"Before: {' '.join(before)}", *shown, f"After: {' '.join(after)}"]
        return "\n\n".join(parts), shown

    text, shown = largest(made, lambda made: count(made[0]), length, guess=max(10, length // 18), floor=10)
    spans: list[Span] = []
    for part in shown:
        start = text.index(part, spans[-1][1] if spans else 0)
        spans.append((start, start + len(part)))
    gold = [order.index(number) + 1 for number in range(_SEGMENTS)]
    return text, Asked(_TSORT, (str(gold),), spans, "tsort", ("ada_leval_tsort",), labels={"hops": _SEGMENTS})


def _best_answer(draw: random.Random, length: int, count: Count) -> tuple[str, Asked]:
    """A question with four details, and answers of which all but the right one differ from it in some details."""
    names = Names(draw)
    tools = [names.word(1) for _ in range(3)]
    versions = [f"{draw.randint(1, 9)}.{minor}" for minor in draw.sample(range(20), 3)]
    codes = [str(code) for code in draw.sample(range(100, 999), 3)]
    actions = draw.sample(_ACTIONS, 3)
    points = (tools[0], versions[0], codes[0], actions[0])
    tool, version, code, action = points
    question = (
        f"{tool} {version} stops with error {code} whenever it {action}. How can I get rid of it? "
        "I cannot change to another version."
    )
    right = _answer(draw, points, draw.choice(_CURES))
    place = draw.random()
    others: list[str] = []

    def made(number: int) -> tuple[str, int, str]:
        while len(others) < number:
            other = tuple(draw.choice(values) for values in (tools, versions, codes, actions))
            if other != points:
                others.append(_answer(draw, other, draw.choice(_CURES)))
        at = round(place * number)
        answers = [*others[:at], right, *others[at:number]]
        return "\n\n".join(f"A{n}:\n\n{answer}" for n, answer in enumerate(answers, 1)), at + 1, right

    guess = max(1, length // 75)
    text, designation, answer = largest(made, lambda made: count(made[0]), length, guess=guess)
    start = text.index(answer)
    number = text.count("\n\nA") + 1
    asked = _BEST.format(number=number, question=question)
    labels = {"candidates": number}
    return text, Asked(
        asked, (f"A{designation}",), [(start, start + len(answer))], "best_answer", ("ada_leval_best_answer",),
        labels=labels,
    )  # fmt: skip


def _answer(draw: random.Random, points: Sequence[str], cure: str) -> str:
    tool, version, code, action = points
    lead = draw.choice(
        (
            f"I know error {code} of {tool} {version}: it comes up when it {action}.",
            f"That is error {code}. In {tool} {version} it comes up when it {action}.",
            f"When {tool} {version} {action} and then shows error {code}, the cause is always the same.",
        )
    )
    body = f"What you have to do is to {cure}."
    return draw.choice(_WRAPS).format(lead=lead, body=body)
