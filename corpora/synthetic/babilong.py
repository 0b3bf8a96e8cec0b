"""BABILong (Kuratov et al., NeurIPS 2024, arXiv 2406.10149; booydar/babilong): bAbI's stories scattered in a long text.

The twenty tasks of bAbI with the same people, places, things and labels. As in BABILong, facts are put in order at
random gaps, drawn with replacement, between the sentences of the haystack. Deviations: stories are generated, not
taken from bAbI's files (with one question per story, as in BABILong); the haystack is generated prose unless `haystack`
names a text (BABILong uses PG19); instructions are in our words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from corpora.options import chosen_of
from corpora.synthetic.babi_world import moving, reasoning
from corpora.synthetic.babi_world.story import Story
from corpora.synthetic.haystack import fill, insert, source_of
from corpora.synthetic.sheet import Asked, Sheet, corpus_of
from corpora.synthetic.sizing import Count, counter, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
_ONE_WORD = "Answer with one word."
_PLACE = "The answer is the name of a place. Answer with one word."
STORIES: dict[str, tuple[Callable[[random.Random], Story], str]] = {
    "qa1": (moving.one_fact, "Always answer: The most recent location of 'person' is 'location'."),
    "qa2": (moving.two_facts, "Always answer: The 'item' is in 'location'."),
    "qa3": (moving.three_facts, "Always answer: Before the 'location_1' the 'item' was in the 'location_2'."),
    "qa4": (reasoning.two_arguments, _PLACE),
    "qa5": (moving.giving, "Answer with the name of the person or of the thing alone."),
    "qa6": (moving.yes_no, "Answer yes or no."),
    "qa7": (moving.counting, "Answer none, one, two or three."),
    "qa8": (moving.listing, "Answer with one or two things, separated by a comma, or nothing."),
    "qa9": (moving.negation, "Answer yes or no."),
    "qa10": (reasoning.indefinite, "Answer yes, no or maybe."),
    "qa11": (moving.coreference, _PLACE),
    "qa12": (moving.conjunction, _PLACE),
    "qa13": (moving.compound_coreference, _PLACE),
    "qa14": (reasoning.time, _PLACE),
    "qa15": (reasoning.deduction, "Answer with the name of a kind of animal, in the singular."),
    "qa16": (reasoning.induction, "Answer with a color."),
    "qa17": (reasoning.positions, "Answer yes or no."),
    "qa18": (reasoning.sizes, "Answer yes or no."),
    "qa19": (reasoning.paths, "Answer with two directions of n, s, e and w, separated by a comma, as in n,s."),
    "qa20": (reasoning.motivations, _ONE_WORD),
}
TASKS = tuple(STORIES)
_FACTS_IN = "The text hides short facts about people, places and things among sentences that do not matter."


def load(
    *,
    tokens: int | Sequence[int] = (0, 4_000),
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    haystack: str | None = None,
    tokenizer: str = "o200k_base",
    seed: int = 42,
) -> Corpus:
    """BABILong: generated bAbI stories (qa1 to qa20) scattered in a long text, one question each.

    `samples` stories for each task and length. `tokens`: lengths in `tokenizer`, facts included; 0 is the story alone
    (BABILong's 0k). `haystack`: a text file, folder or corpus to hide the facts in. Raises InputError.
    """
    wanted = [tokens] if isinstance(tokens, int) else list(tokens)
    lengths_of([length for length in wanted if length != 0] or [1_000], shortest=500)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1:
        raise InputError(f"samples {samples}", field="samples", fix="use 1 or more")
    count = counter(tokenizer)
    sheets = []
    for length in wanted:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                # the length is not part of the seed: stories are the same at every length, only the haystack differs
                draw = random.Random(f"{seed}:{task}:{number}")
                source = source_of(haystack, f"{seed}:{name}")
                text, asked = _make(task, draw, length, count, source)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "babilong", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {samples} stories a task at {wanted} tokens ({tokenizer})",
        licence="CC0-1.0" if haystack is None else "that of the haystack",
    )  # fmt: skip


def asked_of(task: str, question: str) -> str:
    """A story's question with the task's instruction."""
    return f"{_FACTS_IN} {STORIES[task][1]}\nQuestion: {question}"


def _make(task: str, draw: random.Random, length: int, count: Count, source: Iterator[str]) -> tuple[str, Asked]:
    """A text with one story scattered in it, and the question."""
    story = STORIES[task][0](draw)
    room = length - sum(count(f" {fact} ") for fact in story.facts)
    if length and room < 0:
        raise InputError(f"a story of {task} has more than {length} tokens", field="tokens", fix="use 1000 or more")
    paragraphs = fill(source, room, count) if length else []
    if not paragraphs:
        text = " ".join(story.facts)
        starts = [sum(len(fact) + 1 for fact in story.facts[:number]) for number in range(len(story.facts))]
        spans = [(start, start + len(fact)) for start, fact in zip(starts, story.facts, strict=True)]
    else:
        depths = sorted(draw.random() for _ in story.facts)
        text, spans = insert(paragraphs, list(zip(depths, story.facts, strict=True)))
    evidence = [spans[number] for number in story.support]
    asked = asked_of(task, story.question)
    # the metric ignores labels that the question names, so it gets the question without the instruction
    labels = {"hops": max(1, len(story.support)), "facts": len(story.facts), "question": story.question}
    return text, Asked(asked, (story.answer,), evidence, task, ("babilong", "contains"), labels=labels)
