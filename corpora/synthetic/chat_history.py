"""Chat histories in the manner of LongMemEval (Wu et al., ICLR 2025, arXiv 2410.10813) and LoCoMo (ACL 2024).

A user and an assistant talk in dated sessions; what the questions need is said in passing in some of them, the rest is
about other things. The question types are LongMemEval's: single-session-user, single-session-assistant,
single-session-preference, multi-session, temporal-reasoning, knowledge-update, and `abstention`, which asks for
something that was never said. Deviations: histories and facts are generated; preferences are asked for in a form with
one right answer, where LongMemEval has a model judge a rubric.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import Names
from corpora.synthetic.haystack import prose
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = (
    "single-session-user", "single-session-assistant", "single-session-preference", "multi-session",
    "temporal-reasoning", "knowledge-update", "abstention",
)  # fmt: skip
_PETS = ("parrot", "greyhound", "tortoise", "hamster", "pony", "ferret")
_ABSENT_PETS = ("iguana", "goldfish", "canary")
_PREFERENCES = (
    ("seat on a train", ("a window seat", "an aisle seat"), "I booked a train again, and as always I asked for {v}."),
    ("room in a hotel", ("a room with a balcony", "a room on the ground floor"), "On every trip I insist on {v}."),
    ("tea", ("green tea", "peppermint tea", "black tea"), "For me it has to be {v}; I send anything else back."),
    ("film", ("a silent film", "a documentary", "a musical"), "When I may choose the film, it will be {v}."),
)  # fmt: skip
_PURCHASES = ("a lamp", "a rucksack", "a teapot", "a drill", "a carpet", "a microscope", "a kettle", "a tent")
_EVENTS = (
    "finished my pottery course", "ran my first half marathon", "repaired the old bicycle", "visited the lighthouse",
    "planted the pear tree", "sold the piano", "sat my sailing exam", "repainted the kitchen",
)  # fmt: skip
_HABITS = (
    ("how many kilometres I run a week", "I now run {v} kilometres a week.", "How many kilometres do I run a week?"),
    ("the rent", "From this month on my rent is {v} euros.", "How high is my rent in euros?"),
    ("the choir", "Our choir has {v} members by now.", "How many members does my choir have?"),
    ("the stamps", "My collection has grown to {v} stamps.", "How many stamps are in my collection?"),
)
_FILLER_ASKS = (
    "What do you make of this?", "Can you tell me something about markets in winter?", "Any idea for a slow evening?",
    "Could you write me a few lines about a village?", "Tell me something pleasant.", "What should I read today?",
)  # fmt: skip
_ANSWER = "Answer from the chat history between me, the user, and you, the assistant."
_UNSAID = " If the history does not say so, answer that it was not mentioned."


@dataclass
class _Session:
    """A dated conversation; `turns` are (speaker, text)."""

    day: date
    turns: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Wanted:
    """A planned question: its answer, and what has to be said for it, by whom and when."""

    task: str
    question: str
    answer: str
    said: tuple[tuple[int, str, str], ...]  # (days before the question, speaker, text)
    metrics: tuple[str, ...] = ("contains", "token_f1")
    labels: tuple[tuple[str, object], ...] = ()


def load(
    *,
    tokens: int | Sequence[int] = 16_000,
    tasks: Sequence[str] | str | None = None,
    contexts: int = 1,
    questions: int = 14,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """Chat histories of one user with an assistant, with LongMemEval's question types.

    For each length there are `contexts` histories with `questions` questions, tasks in turn. Each session is a document
    whose first line is its date. `tokens`: length of a whole history in `tokenizer`; a question needs about 400. Raises
    InputError.
    """
    lengths = lengths_of(tokens, shortest=2_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if contexts < 1 or questions < 1:
        raise InputError("contexts and questions must be at least 1", field="questions", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for number in range(contexts):
            name = f"{length}-{number}"
            sheets.append(_history(name, random.Random(f"{seed}:{name}"), length, chosen, questions, count))
    return corpus_of(
        "chat_history", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


def _history(name: str, draw: random.Random, length: int, tasks: Sequence[str], questions: int, count: Count) -> Sheet:
    """The sessions of one history, and the questions about them."""
    today = date(2025, 1, 1) + timedelta(days=draw.randrange(365))
    made = _Plans(draw)
    wanted = [made.plan(tasks[number % len(tasks)]) for number in range(questions)]
    talk = prose(f"{name}:{draw.random()}")
    sessions: list[_Session] = []
    for plan in wanted:
        for ago, speaker, text in plan.said:
            session = _Session(today - timedelta(days=ago))
            session.turns = [*_small_talk(draw, talk), *_around(draw, speaker, text, talk), *_small_talk(draw, talk)]
            sessions.append(session)
    used = sum(count(_text(session)) for session in sessions)
    if used > length:
        raise InputError(
            f"{questions} questions need {used} tokens", field="questions", fix=f"use more tokens than {length}"
        )  # fmt: skip
    while True:
        filler = _Session(today - timedelta(days=draw.randint(1, 700)))
        filler.turns = [turn for _ in range(draw.randint(1, 4)) for turn in _small_talk(draw, talk)]
        size = count(_text(filler))
        if used + size > length:
            break
        used += size
        sessions.append(filler)
    draw.shuffle(sessions)  # so that sessions of the same day come in random order
    sessions.sort(key=lambda session: session.day)
    texts = {f"session-{number}": _text(session) for number, session in enumerate(sessions, 1)}
    return Sheet(name, texts, [_asked(plan, today, texts) for plan in wanted], length)


def _text(session: _Session) -> str:
    return f"Date: {session.day:%Y/%m/%d}\n" + "\n".join(f"{speaker}: {text}" for speaker, text in session.turns)


def _small_talk(draw: random.Random, talk: Iterator[str]) -> list[tuple[str, str]]:
    sentences = [next(talk) for _ in range(draw.randint(2, 5))]
    return [("user", draw.choice(_FILLER_ASKS)), ("assistant", " ".join(sentences))]


def _around(draw: random.Random, speaker: str, text: str, talk: Iterator[str]) -> list[tuple[str, str]]:
    """The turn that says `text`, with the other speaker's turn."""
    aside = next(talk)
    if speaker == "user":
        return [("user", f"{aside} {text} {draw.choice(_FILLER_ASKS)}"), ("assistant", next(talk))]
    return [("user", "Can you recommend something?"), ("assistant", f"{aside} {text}")]


def _asked(plan: _Wanted, today: date, texts: dict[str, str]) -> Asked:
    spans = []
    for _, _, said in plan.said:
        for session, text in texts.items():
            if said in text:
                start = text.index(said)
                spans.append((session, start, start + len(said)))
                break
    if plan.task == "abstention":
        spans = []
    question = f"{_ANSWER}{_UNSAID}\nCurrent date: {today:%Y/%m/%d}\nQuestion: {plan.question}"
    answers = () if plan.task == "abstention" else (plan.answer,)
    labels = {"hops": max(1, len(spans)), "unanswerable": plan.task == "abstention", **dict(plan.labels)}
    return Asked(question, answers, spans, plan.task, plan.metrics, labels=labels)


class _Plans:
    """Makes up what is said and asked. Nothing is said twice in a history, so that questions do not interfere."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._names = Names(draw)
        self._used: set[str] = set()

    def plan(self, task: str) -> _Wanted:
        """A question for the task, with what has to be said for it."""
        makers = {
            "single-session-user": self._user, "single-session-assistant": self._assistant,
            "single-session-preference": self._preference, "multi-session": self._several,
            "temporal-reasoning": self._time, "knowledge-update": self._update, "abstention": self._unsaid,
        }  # fmt: skip
        return makers[task]()

    def _ago(self, low: int = 2, high: int = 690) -> int:
        return self._draw.randint(low, high)

    def _friend(self) -> str:
        return self._names.word(2)

    def _user(self) -> _Wanted:
        friend, pet, name = self._friend(), self._draw.choice(_PETS), self._names.word(1)
        said = f"My neighbour {friend} has a {pet} that is called {name}."
        question = f"What is the name of the {pet} of my neighbour {friend}?"
        return _Wanted("single-session-user", question, name, ((self._ago(), "user", said),))

    def _assistant(self) -> _Wanted:
        town, inn = self._names.word(2), f"the {self._names.word(1)} Inn"
        said = f"For a stay in {town} I recommend {inn}."
        question = f"Where did you recommend that I stay in {town}?"
        return _Wanted("single-session-assistant", question, inn, ((self._ago(), "assistant", said),))

    def _preference(self) -> _Wanted:
        # the friend's name distinguishes preferences of the same kind in one history
        what, values, wording = self._draw.choice(_PREFERENCES)
        value, friend = self._draw.choice(values), self._friend()
        said = f"You know how I am when I travel with {friend}. {wording.format(v=value)}"
        question = f"{friend} and I are off again, and you choose for me. Which {what} suits me best then?"
        return _Wanted("single-session-preference", question, value, ((self._ago(), "user", said),))

    def _several(self) -> _Wanted:
        """How many things were bought for somebody, or for how much, over two to four sessions."""
        friend = self._friend()
        things = self._draw.sample(_PURCHASES, self._draw.randint(2, 4))
        prices = [self._draw.randint(5, 200) for _ in things]
        said = tuple(
            (self._ago(), "user", f"I bought {thing} for {friend} today, which cost me {price} euros.")
            for thing, price in zip(things, prices, strict=True)
        )
        if self._draw.random() < 0.5:
            question, answer = f"How many things did I buy for {friend}?", str(len(things))
        else:
            question, answer = f"How many euros did I spend on things for {friend} in all?", str(sum(prices))
        return _Wanted("multi-session", question, answer, said, ("numeric_accuracy", "contains"))

    def _time(self) -> _Wanted:
        one, other = self._draw.sample(_EVENTS, 2)
        friend = self._friend()
        ago = sorted(self._draw.sample(range(2, 600), 2), reverse=True)
        order = self._draw.sample((0, 1), 2)
        said = tuple(
            (ago[at], "user", f"Together with {friend} I {event} today.")
            for at, event in zip(order, (one, other), strict=True)
        )
        if self._draw.random() < 0.5:
            days = ago[0] - ago[1]
            question = f"How many days passed between the day when I {one} and the day when I {other}, with {friend}?"
            return _Wanted("temporal-reasoning", question, str(days), said, ("numeric_accuracy", "contains"))
        question = f"What did I do first with {friend}: was it that I {one} or that I {other}?"
        return _Wanted("temporal-reasoning", question, one if order[0] == 0 else other, said)

    def _update(self) -> _Wanted:
        """A number that changes once or twice; the latest value is the answer."""
        free = [habit for habit in _HABITS if habit[0] not in self._used]
        if not free:  # this history has used all of them
            return self._moved()
        what, wording, question = self._draw.choice(free)
        self._used.add(what)
        times = sorted(self._draw.sample(range(2, 690), self._draw.randint(2, 3)), reverse=True)
        values = self._draw.sample(range(10, 900), len(times))
        said = tuple((ago, "user", wording.format(v=v)) for ago, v in zip(times, values, strict=True))
        metrics = ("numeric_accuracy", "contains")
        return _Wanted("knowledge-update", question, str(values[-1]), said, metrics, (("updates", len(times) - 1),))

    def _moved(self) -> _Wanted:
        friend = self._friend()
        times = sorted(self._draw.sample(range(2, 690), 2), reverse=True)
        towns = [self._names.word(2) for _ in times]
        said = tuple(
            (ago, "user", f"My cousin {friend} has moved to {town}.") for ago, town in zip(times, towns, strict=True)
        )
        question = f"Where does my cousin {friend} live now?"
        return _Wanted("knowledge-update", question, towns[-1], said, labels=(("updates", 1),))

    def _unsaid(self) -> _Wanted:
        """Something related to the question is said, but not what it asks for."""
        friend, pet, name = self._friend(), self._draw.choice(_PETS), self._names.word(1)
        said = f"My neighbour {friend} has a {pet} that is called {name}."
        question = f"What is the name of the {self._draw.choice(_ABSENT_PETS)} of my neighbour {friend}?"
        return _Wanted("abstention", question, "", ((self._ago(), "user", said),), ("abstention",))
