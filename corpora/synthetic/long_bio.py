"""LongBioBench (Yang et al. 2025, arXiv 2506.02921; Thomasyyj/LongBio-Benchmark): questions about many biographies.

Tasks: `standard`, `multi_standard`, `paraphrase`, `pronoun` (understanding); `calculation`, `rank`, `multihop`,
`twodiff` (reasoning); `cite` and `idk` (trustworthiness). Standard sentences, the share of distractors with the asked
attribute (`density`), and the place of the needle are as in LongBioBench. Deviations: names and values are invented or
from our own lists; every biography is about another person (LongBioBench draws them with replacement); reasoning tasks
are asked without solved examples. idk gives two texts per sample, one without the answer and one with it, which share
the label `pair`: officially both have to be right.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "2"
TASKS = (
    "standard", "multi_standard", "paraphrase", "pronoun", "calculation", "rank", "multihop", "twodiff", "cite", "idk"
)  # fmt: skip
_HOBBIES = (
    "beekeeping birdwatching calligraphy carpentry chess climbing cooking fencing fishing gardening juggling kayaking "
    "knitting origami painting photography pottery quilting rowing sailing sculpting singing skating stargazing "
    "surfing weaving whittling archery baking cycling"
).split()
_MAJORS = (
    "Accounting Anthropology Archaeology Architecture Astronomy Biology Botany Chemistry Economics Geography Geology "
    "History Journalism Law Linguistics Mathematics Medicine Meteorology Music Nursing Pharmacy Philosophy Physics "
    "Psychology Sociology Statistics Theology Zoology"
).split()
_MONTHS = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip
STANDARD = {
    "age": "The age of {p} is {v}.",
    "birthdate": "The birthday of {p} is {v}.",
    "birthplace": "{p} was born in {v}.",
    "hobby": "The hobby of {p} is {v}.",
    "university": "The university where {p} was graduated from is {v}.",
    "major": "The major of {p} was {v}.",
    "work_city": "The city where {p} worked is {v}.",
}
_PARAPHRASED = {
    "age": ("{p} has lived for {v} years by now.", "So far {p} has seen {v} years go by."),
    "birthdate": ("Every year on {v}, {p} lights one candle more.", "{p} came into the world on {v}."),
    "birthplace": ("The first home of {p} stood in {v}.", "It was in {v} that {p} first saw the light of day."),
    "hobby": ("When work is done, {p} turns to {v}.", "Nothing fills the spare hours of {p} as {v} does."),
    "university": ("{p} holds a degree from {v}.", "It was {v} that handed {p} a diploma."),
    "major": ("At college, {p} chose {v} as the main subject.", "{p} spent the student years on {v}."),
    "work_city": ("{p} earned a living in {v}.", "The career of {p} unfolded in {v}."),
}
_PRONOUN = {
    "age": "My age is {v}.", "birthdate": "My birthday is {v}.", "birthplace": "I was born in {v}.",
    "hobby": "My hobby is {v}.", "university": "The university where I was graduated from is {v}.",
    "major": "My major was {v}.", "work_city": "The city where I worked is {v}.",
}  # fmt: skip
_ASK = {
    "age": "What is the age of {p}?",
    "birthdate": "What is the birthday of {p}?",
    "birthplace": "Where was {p} born?",
    "hobby": "What is the hobby of {p}?",
    "university": "Which university was {p} graduated from?",
    "major": "What was the major of {p}?",
    "work_city": "In which city did {p} work?",
}
_SAME = "The {name} of {p} is the same as {q}."
_SAME_NAMES = {
    "birthplace": "birthplace", "hobby": "hobby", "university": "university", "major": "major", "work_city": "work city"
}  # fmt: skip
_REFUSAL = "The answer is not stated"
_WITH_AGE = ("calculation", "rank", "twodiff")
_ONLY = "The text holds many biographies. Answer with the answer alone, without explanation."


@dataclass
class _Bio:
    """One person: values and sentences of the biography by attribute."""

    person: str
    values: dict[str, str]
    sentences: dict[str, str] = field(default_factory=dict)


def load(
    *,
    tokens: int | Sequence[int] = 8_000,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    facts: int = 2,
    density: float = 1.0,
    start: float = 0.0,
    end: float = 1.0,
    tokenizer: str = "o200k_base",
    seed: int = 2024,
) -> Corpus:
    """LongBioBench: questions about many invented biographies: facts, ranks, hops, citations, refusals.

    `samples` texts for each task and length (twice as many for idk), one question each. `facts` (2 to 10): people asked
    for in multi_standard and rank, one more than those in cite, biographies in multihop's chain. `density`: probability
    that another biography has the asked attribute. `start`, `end`: the asked biographies are between these depths (0 to
    1). Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=2_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1 or not 2 <= facts <= 10:
        raise InputError("samples from 1, facts 2 to 10", field="facts", fix="use e.g. facts: 2")
    if not 0 <= density <= 1 or not 0 <= start < end <= 1:
        raise InputError("density, start and end are shares", field="density", fix="use 0 to 1, start below end")
    count = counter(tokenizer)
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                book = _Book(task, random.Random(f"{seed}:{name}"), facts, density)
                if task != "idk":
                    text, asked = book.made(length, count, start, end)
                    sheets.append(Sheet(name, text, (asked,), length))
                    continue
                for form in ("deleted", "present"):
                    book = _Book(task, random.Random(f"{seed}:{name}"), facts, density)
                    text, asked = book.made(length, count, start, end, deleted=form == "deleted")
                    labels = {**asked.labels, "pair": name, "form": form}
                    sheets.append(Sheet(f"{name}-{form}", text, (replace(asked, labels=labels),), length))
    return corpus_of(
        "long_bio", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


class _Book:
    """Makes up the biographies of one context."""

    def __init__(self, task: str, draw: random.Random, facts: int, density: float) -> None:
        self.task, self.draw, self.facts, self.density = task, draw, facts, density
        self._names = Names(draw)
        places = [self._names.word(1, draw.choice(TOWN_ENDS)) for _ in range(40)]
        self._values = {
            "hobby": _HOBBIES, "major": _MAJORS, "birthplace": places[:20], "work_city": places[20:],
            "university": [f"University of {place}" for place in places[:20]],
        }  # fmt: skip
        self.asked = "age" if task in _WITH_AGE else draw.choice([*self._values, "birthdate"])
        if task == "multihop":
            self.asked = draw.choice(list(_SAME_NAMES))

    def bio(self, *, needle: bool) -> _Bio:
        """A new person; a distractor (not `needle`) lacks the asked attribute with probability 1 − density."""
        draw = self.draw
        values = {name: draw.choice(values) for name, values in self._values.items()}
        if self.task in _WITH_AGE:
            values["age"] = str(draw.randint(18, 80))
        else:
            values["birthdate"] = f"{draw.choice(_MONTHS)} {draw.randint(1, 28)}, {draw.randint(1930, 2005)}"
        if not needle and draw.random() >= self.density:
            values.pop(self.asked)
        bio = _Bio(f"{self._names.word(2)} {self._names.word(2)}", values)
        order = list(values)
        draw.shuffle(order)
        for name in order:
            bio.sentences[name] = self._wording(name).format(p=bio.person, v=values[name])
        return bio

    def _wording(self, name: str) -> str:
        if self.task == "pronoun":
            return _PRONOUN[name]
        if self.task == "paraphrase":
            return self.draw.choice(_PARAPHRASED[name])
        return STANDARD[name]

    def render(self, bio: _Bio, number: int) -> str:
        """A biography's text."""
        head, tail = f"Below is the bio of {bio.person}.", "This is the end of this bio."
        if self.task == "pronoun":
            head, tail = f"Below is the self-introduction of {bio.person}.", "This is the end of the introduction."
        mark = f"Bio [{number}]: " if self.task == "cite" else ""
        return f"{mark}{head} {' '.join(bio.sentences.values())} {tail}"

    def made(self, length: int, count: Count, start: float, end: float, *, deleted: bool = False) -> tuple[str, Asked]:
        """Biographies of at most `length` tokens, with those asked about between the depths `start` and `end`, and the
        question. `deleted`: leave out the sentence with the answer."""
        needles = [self.bio(needle=True) for _ in range(self._people())]
        self._link(needles)
        used = sum(count("\n" + self.render(bio, 1_000)) + 1 for bio in needles)
        if deleted:
            needles[0].sentences.pop(self.asked)
        others: list[_Bio] = []
        for bio in self._others():
            size = count("\n" + self.render(bio, 1_000)) + 1
            if used + size > length:
                break
            used += size
            others.append(bio)
        low, high = round(start * len(others)), round(end * len(others))
        places = sorted(self.draw.randint(low, high) for _ in needles)
        shuffled = self.draw.sample(needles, len(needles))
        bios = list(others)
        for shift, (place, needle) in enumerate(zip(places, shuffled, strict=True)):
            bios.insert(place + shift, needle)
        starts: dict[str, int] = {}
        numbers: dict[str, int] = {}
        parts: list[str] = []
        at = 0
        for number, bio in enumerate(bios, 1):
            starts[bio.person], numbers[bio.person] = at, number
            parts.append(self.render(bio, number))
            at += len(parts[-1]) + 1
        text = "\n".join(parts)
        return text, self._question(needles, bios, text, starts, numbers)

    def _others(self) -> Iterator[_Bio]:
        while True:
            yield self.bio(needle=False)

    def _people(self) -> int:
        one = {"calculation": 2, "twodiff": 2, "multihop": self.facts, "rank": self.facts, "cite": self.facts - 1}
        return {**one, "multi_standard": self.facts}.get(self.task, 1)

    def _link(self, needles: Sequence[_Bio]) -> None:
        """Chain the needles for multihop, or give them different ages for tasks on ages."""
        draw = self.draw
        if self.task == "multihop":
            for bio, following in pairwise(needles):
                bio.sentences[self.asked] = _SAME.format(
                    name=_SAME_NAMES[self.asked], p=bio.person, q=following.person
                )  # fmt: skip
        if self.task in _WITH_AGE:
            for bio, age in zip(needles, draw.sample(range(18, 81), len(needles)), strict=True):
                bio.values["age"] = str(age)
                bio.sentences["age"] = STANDARD["age"].format(p=bio.person, v=age)

    def _question(
        self, needles: Sequence[_Bio], bios: Sequence[_Bio], text: str, starts: dict[str, int], numbers: dict[str, int]
    ) -> Asked:
        def span(bio: _Bio) -> Span:
            sentence = bio.sentences[self.asked]
            start = text.index(sentence, starts[bio.person])
            return start, start + len(sentence)

        first = needles[0]
        one = _ASK[self.asked].format(p=first.person)
        several = ", ".join(bio.person for bio in needles)
        answers: list[str] = [bio.values[self.asked] for bio in needles]
        labels: dict[str, object] = {"attribute": self.asked, "density": self.density, "biographies": len(bios)}
        metrics: tuple[str, ...] = ("longbio", "contains")
        question = one
        if self.task == "multi_standard":
            question = f"{one.replace(first.person, 'each of ' + several)} Answer in that order, separated by commas."
        elif self.task == "calculation":
            ages = sorted((int(answer) for answer in answers), reverse=True)
            question, answers = (
                f"What is the age difference between {needles[0].person} and {needles[1].person}?",
                [str(ages[0] - ages[1])],
            )
        elif self.task == "rank":
            ranked = sorted(needles, key=lambda bio: int(bio.values["age"]))
            question = f"Rank these people from the youngest to the oldest, separated by commas: {several}."
            answers = [bio.person for bio in ranked]
        elif self.task == "multihop":
            answers, labels = [needles[-1].values[self.asked]], {**labels, "hops": len(needles)}
        elif self.task == "twodiff":
            wanted = abs(int(answers[0]) - int(answers[1]))
            question, answers = (
                f"Name two people whose ages differ by {wanted}. Answer with their full names.",
                [str(wanted)],
            )
            labels["ages"] = {bio.person: int(bio.values["age"]) for bio in bios if "age" in bio.values}
            metrics = ("longbio_two_difference",)
        elif self.task == "cite":
            question = f"{one} Cite the number of its biography, as in [7]."
            if len(needles) > 1:
                question = f"{one.replace(first.person, 'each of ' + several)} After each answer cite the number of its"
                question += " biography, as in [7]."
            answers = [part for bio in needles for part in (bio.values[self.asked], f"[{numbers[bio.person]}]")]
            metrics = ("longbio_cited_answer", "longbio_citation", "longbio")
        stated = [bio for bio in needles if self.asked in bio.sentences]
        if self.task == "idk":
            question = f"{one} If the text does not say so, answer: {_REFUSAL}."
            answers = answers if stated else [_REFUSAL]
        spans = [span(bio) for bio in stated]
        return Asked(f"{_ONLY}\nQuestion: {question}", answers, spans, self.task, metrics, labels=labels)
